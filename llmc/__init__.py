"""llmc, the cache for language models that lives in the shell."""

__all__ = ["__version__"]
__version__ = "0.1.0"
