"""llmc, the cache for language models that lives in the shell."""

TYPE_CHECKING = False  # the porch does without `typing` and `__future__`
if TYPE_CHECKING:
    from llmc.layout import prompt
    from llmc.library import Cache
    from llmc.transport import wrap
    from llmc.types import Answer, Entry, Hit, Miss, Request

__all__ = ["Answer", "Cache", "Entry", "Hit", "Miss", "Request", "__version__", "prompt", "wrap"]
__version__ = "0.1.0"

#: What the package offers, and the room that it comes from: loaded when it is first asked for.
_ROOMS = {
    "Answer": "llmc.types",
    "Cache": "llmc.library",
    "Entry": "llmc.types",
    "Hit": "llmc.types",
    "Miss": "llmc.types",
    "Request": "llmc.types",
    "prompt": "llmc.layout",
    "wrap": "llmc.transport",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_ROOMS[name]), name)
