"""ModelReloader: the network that answers, the one before it, and looking for a newer one.

A training that installs its network replaces the file that this watches. A request is answered
to its end by the network that it began with; nobody waits for another to be loaded.
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
    """`current` answers; `previous` is the one that it replaced, or None."""

    def __init__(self, directory: str | Path | None = None) -> None:
        """Load the network as `Recognizer.load` does, without a directory the one in use.

        Raises UserError as `Recognizer.load` and `.check` do.
        """
        self.directory = directory
        self._seen = self._stamp()  # before it is read: a file replaced meanwhile is noticed
        self.current = Recognizer.load(directory)
        self.current.check()
        self.previous: Recognizer | None = None

    def look(self) -> None:
        """Swap in the network of a file that was replaced since the last look."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp  # one that can't be used is not tried again and again
        try:
            newer = Recognizer.load(self.directory)
            newer.check()
        except UserError as error:
            logger.warning("The network stays as it is: %s", error)
            return
        if newer.name != self.current.name:
            self.previous, self.current = self.current, newer

    def watch(self) -> None:
        """Look for a newer network now and then, in a thread of its own, from now on."""

        def look_again_and_again() -> None:
            while True:
                time.sleep(LOOK_SECONDS)
                try:
                    self.look()
                except Exception:  # a fault of ours must not end the looking
                    logger.exception("The network stays as it is")

        if not str(self.directory).startswith(HUB):
            threading.Thread(target=look_again_and_again, daemon=True).start()

    def _stamp(self) -> tuple[int, int, int] | None:
        """What changes when the file is replaced, or one installed; None where there is none."""
        try:
            file = (Path(self.directory or in_use()) / MODEL_FILE).stat()
        except OSError:
            return None
        return file.st_mtime_ns, file.st_size, file.st_ino


def watched(directory: str | Path | None) -> ModelReloader:
    """The network of a process that serves, which logs from now on. Raises UserError."""
    torch.set_num_threads(1)  # the network is small: threads would only wait for each other
    log_to_stderr()
    reloader = ModelReloader(directory)
    reloader.watch()
    return reloader
