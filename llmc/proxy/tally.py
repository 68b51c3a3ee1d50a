"""What has this proxy done since it was started? Counters for its last line and for Prometheus."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from llmc import text

if TYPE_CHECKING:
    from llmc.types import Hit

__all__ = ["Tally"]

_NAMES = {
    "requests": ("counter", "Requests that were answered, by where the answer came from."),
    "errors": ("counter", "Requests that ended with an error, by its status."),
    "upstream_calls": ("counter", "Requests that reached the provider."),
    "avoided_dollars": ("counter", "What the answers from the cache cost when they were bought."),
    "spent_dollars": ("counter", "What the provider's answers cost."),
    "avoided_seconds": ("counter", "Waiting that answers from the cache avoided."),
    "open_requests": ("gauge", "Requests that are waiting for their answer, or receiving it."),
    "open_answers": ("gauge", "Answers of the provider that are on their way."),
}


class Tally:
    """Counts; used from one thread."""

    def __init__(self) -> None:
        self.by_source: Counter[str] = Counter()
        self.errors: Counter[int] = Counter()
        self.upstream_calls = 0
        self.open_requests = 0
        self.open_answers = 0
        self.avoided_nusd = 0
        self.spent_nusd = 0
        self.unpriced = 0  # answers whose price is not known
        self.avoided_seconds = 0.0

    @property
    def requests(self) -> int:
        """All that were answered, and all that were not."""
        return sum(self.by_source.values()) + sum(self.errors.values())

    @property
    def hits(self) -> int:
        """Those that the cache answered."""
        return sum(n for source, n in self.by_source.items() if source not in {"model", "passed"})

    def served(self, hit: Hit, *, as_source: str | None = None) -> None:
        """Count a request that was answered by the cache, or by the model."""
        self.by_source[as_source or hit.source] += 1
        self.value(hit, as_source=as_source)

    def value(self, hit: Hit, *, as_source: str | None = None) -> None:
        """Count what an answer cost, or saved."""
        if (as_source or hit.source) == "model":
            cost = hit.price.cost if hit.price else None
            self.spent_nusd += cost or 0
        else:
            cost = hit.entry.cost
            self.avoided_nusd += cost or 0
            self.avoided_seconds += max(0.0, (hit.entry.latency or 0.0) - hit.latency)
        self.unpriced += cost is None

    def told(self) -> str:
        """Say in one line what was asked, and what the cache saved of it."""
        asked = f"{self.requests:,} request{'s' * (self.requests != 1)}"
        hits = f"{self.hits:,} hit{'s' * (self.hits != 1)}"
        unknown = " (some prices are unknown)" if self.unpriced else ""
        saved = f"{text.usd(self.avoided_nusd)}{unknown} and {text.seconds(self.avoided_seconds)}"
        failed = sum(self.errors.values())
        errors = f", {failed:,} failed" if failed else ""
        return f"{asked}, {hits}{errors}, saved {saved}, spent {text.usd(self.spent_nusd)}"

    def exposition(self) -> str:
        """Write all counters in the text form that Prometheus reads."""
        values: dict[str, dict[str, float]] = {
            "requests": {f'{{source="{name}"}}': n for name, n in sorted(self.by_source.items())},
            "errors": {f'{{status="{status}"}}': n for status, n in sorted(self.errors.items())},
            "upstream_calls": {"": self.upstream_calls},
            "avoided_dollars": {"": self.avoided_nusd / 1e9},
            "spent_dollars": {"": self.spent_nusd / 1e9},
            "avoided_seconds": {"": self.avoided_seconds},
            "open_requests": {"": self.open_requests},
            "open_answers": {"": self.open_answers},
        }
        lines = []
        for name, (kind, meaning) in _NAMES.items():
            full = f"llmc_{name}" + ("_total" if kind == "counter" else "")
            lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}"]
            lines += [f"{full}{labels} {value:.10g}" for labels, value in values[name].items()]
        return "\n".join(lines) + "\n"
