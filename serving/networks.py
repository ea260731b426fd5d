"""The network that answers, the one before it, and a look now and then for a newer one.

A training that installs its network replaces the files that this watches. Whoever is being
answered at that moment is answered by the one that was there; nobody waits.
"""

import sys
import threading
from pathlib import Path

from mnist_core import Recognizer, hub
from mnist_core.weights import CONFIG_FILE, MODEL_FILE

LOOK_SECONDS = 1


class Networks:
    """`current` answers; `previous` is the one that it replaced, or None."""

    def __init__(self, directory: str | Path) -> None:
        """Load the network; raises as `Recognizer.load` does."""
        self.directory = directory
        self.current = Recognizer.load(directory)
        self.previous: Recognizer | None = None
        self._loaded = self._seen = self._stamp()

    def watch(self) -> None:
        """Look for a newer network from now on, in a thread of its own."""
        if not str(self.directory).startswith(hub.PREFIX):
            threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> None:
        """Swap in a newer network, once its files have come to rest since the last look."""
        stamp, seen = self._stamp(), self._seen
        self._seen = stamp
        if stamp == self._loaded or stamp != seen:
            return
        self._loaded = stamp  # one that can't be loaded is not tried again and again
        try:
            newer = Recognizer.load(self.directory)
        except (ValueError, OSError) as error:
            print(f"The network stays as it is: {error}", file=sys.stderr, flush=True)
            return
        if newer.name != self.current.name:
            self.previous, self.current = self.current, newer

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            self.look()

    def _stamp(self) -> tuple:
        """What changes when a file of the network does."""
        try:
            files = [(Path(self.directory) / name).stat() for name in (MODEL_FILE, CONFIG_FILE)]
        except OSError:
            return ()
        return tuple((file.st_mtime_ns, file.st_size, file.st_ino) for file in files)
