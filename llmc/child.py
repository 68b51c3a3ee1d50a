"""How does a program run beside us? Signals go on to it, and its end becomes ours."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from llmc.errors import LlmcError, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["environ_for", "run"]

#: What a terminal sends to all of a group at once, and what comes to one process alone.
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
_PASSED_ON = (
    *_FROM_TERMINAL,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTSTP,
    signal.SIGCONT,
)


def environ_for(
    environ: Mapping[str, str], *, url: str, token: str, key_env: str | None
) -> dict[str, str]:
    """Return a program's environment: it finds the proxy where it looks for OpenAI, and no key.

    `key_env` is the variable with the key that the proxy shows to the provider.
    """
    told = {name: value for name, value in environ.items() if name != key_env} | {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_BASE": url,  # what older programs read
        "OPENAI_API_KEY": token,
    }
    if any(name.lower() in {"http_proxy", "all_proxy"} for name in told):
        # This machine is reached without the network's proxy.
        for name in ("NO_PROXY", "no_proxy"):
            told[name] = ",".join(filter(None, [told.get(name), "127.0.0.1"]))
    return told


def run(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program to its end; return its exit code, or -n if signal n ended it.

    Raises LlmcError, with a shell's exit code for it, where it cannot be started.
    """
    waiting: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: Any) -> None:
        if child is None:
            waiting.append(number)
        elif number not in _FROM_TERMINAL or not _is_in_foreground():
            child.send_signal(number)
        if number == signal.SIGTSTP and child is not None:
            os.kill(os.getpid(), signal.SIGSTOP)  # who stops us sees that we have stopped

    # What we were told to ignore the program ignores too.
    heeded = [n for n in _PASSED_ON if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in heeded}
    try:
        child = _started(words, environ)
        for number in waiting:
            child.send_signal(number)
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _started(words: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(list(words), env=dict(environ))
    except (OSError, ValueError) as error:
        refused = LlmcError(f"cannot run {words[0]!r}: {reason_of(error)}")
        refused.exit_code = 127 if isinstance(error, FileNotFoundError) else 126
        raise refused from None


def _is_in_foreground() -> bool:
    """Tell whether the terminal has sent its signal to the program as well."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
