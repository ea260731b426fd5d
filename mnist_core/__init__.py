"""Recognise handwritten digits: framing, a small network, its training and its use."""

__all__ = ["Number", "Prediction", "Recognizer"]


def __getattr__(name: str) -> object:
    """Import the recogniser on first use, as PyTorch takes seconds to load."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mnist_core import recognizer

    return getattr(recognizer, name)
