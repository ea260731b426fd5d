"""ModelReloader: the network in use and the previous one; loads a newer one when it is installed.

A request keeps the network that it began with, and none waits while another is loaded.
"""

import logging
import threading
import time
from pathlib import Path

import torch

from mnist_core import Recognizer
from mnist_core.errors import UserError
from mnist_core.network.weights import HUB, MODEL_FILE, in_use
from serving.log import log_to_stderr

LOOK_SECONDS = 1

logger = logging.getLogger(__name__)  # of "serving": see log.py


class ModelReloader:
    """`current` is the network in use; `previous` the one before it, or None."""

    def __init__(self, directory: str | Path | None = None) -> None:
        """Load the network in `directory`, or (None) the installed one. Raises UserError."""
        self.directory = directory
        self._seen = self._stamp()  # before loading, to notice a file replaced meanwhile
        self.current = Recognizer.load(directory)
        self.current.check()
        self.previous: Recognizer | None = None

    def look(self) -> None:
        """Load the network again if its file was replaced since the last look."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp  # before loading, so that a bad file is tried once
        try:
            newer = Recognizer.load(self.directory)
            newer.check()
        except UserError as error:
            logger.warning("A new network can't be used, the one before stays in use: %s", error)
            return
        if newer.name != self.current.name:
            self.previous, self.current = self.current, newer

    def watch(self) -> None:
        """Start a thread that looks for a newer network every LOOK_SECONDS."""

        def look_repeatedly() -> None:
            while True:
                time.sleep(LOOK_SECONDS)
                try:
                    self.look()
                except Exception:  # must not end the thread
                    logger.exception("The network in use stays: looking for a newer one failed")

        if not str(self.directory).startswith(HUB):
            threading.Thread(target=look_repeatedly, daemon=True).start()

    def _stamp(self) -> tuple[int, int, int] | None:
        """Return what changes when the file is replaced; None if there is no file."""
        try:
            file = (Path(self.directory or in_use()) / MODEL_FILE).stat()
        except OSError:
            return None
        return file.st_mtime_ns, file.st_size, file.st_ino


def watched(directory: str | Path | None) -> ModelReloader:
    """Start the log and load a server's network, reloaded when replaced. Raises UserError."""
    torch.set_num_threads(1)  # faster for a small network
    log_to_stderr()
    reloader = ModelReloader(directory)
    reloader.watch()
    return reloader
