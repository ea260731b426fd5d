"""Recognise handwritten digits: data, framing, a small network, its training and its use.

This package knows nothing of the page that shows it; `Recognizer` is the one
thing that the page, the HTTP API, the scripts and the tests call.
"""

from mnist_core.recognizer import Prediction, Recognizer

__all__ = ["Prediction", "Recognizer"]
