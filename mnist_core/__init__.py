"""Recognise handwritten digits: data, framing, a small network, its training and its use.

This package knows nothing of the page that shows it; `Recognizer` is the one
thing that the page, the HTTP API, the scripts and the tests call.
"""

__all__ = ["Number", "Prediction", "Recognizer"]


def __getattr__(name: str) -> object:
    """Import PyTorch, which takes seconds, only for those who recognise: the store needs none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mnist_core import recognizer

    return getattr(recognizer, name)
