"""The network at some twenty steps of its training, in one file, so that one can watch it learn.

`snapshots.bin` in a run's directory holds for each snapshot its length, a little-endian uint32, and
so many bytes: the network as browsers read it (network/quantize.py).
"""

import contextlib
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mnist_core.errors import UserError
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file, read_header

SNAPSHOTS_FILE = "snapshots.bin"


class Snapshots:
    """The file in `directory`, of a training of `steps` steps in `epochs` epochs.

    A snapshot is due at the steps in `due`: 0, before any training, the powers of two below a tenth
    of all steps, and each tenth.
    """

    def __init__(self, directory: Path, epochs: int, steps: int) -> None:
        self.path, self.epochs, self.steps = directory / SNAPSHOTS_FILE, epochs, steps
        powers = (2**n for n in range(steps.bit_length()))
        early = {step for step in powers if 10 * step < steps}
        self.due = {0} | early | {steps * tenth // 10 for tenth in range(1, 11)}

    def drop_after(self, step: int) -> None:
        """Keep the snapshots up to `step`, from which training continues; at 0 keep none.

        Final and incomplete snapshots are dropped, too: training writes them again. Raises
        UserError where the file can't be written.
        """
        with self._open() as file:
            file.seek(end := 0)
            while step and (length := file.read(4)):
                header = read_header(file.read(int.from_bytes(length, "little")))
                if header is None or header["final"] or header["step"] > step:
                    break
                end = file.tell()
            file.truncate(end)

    def append(
        self,
        model: MLP,
        step: int,
        training_loss: float,
        validation: tuple[float, float],
        config: dict | None = None,
    ) -> None:
        """Append `model`, without batch normalisation, as it is after `step` steps.

        `training_loss` is the mean since the last snapshot, `validation` what `evaluate` gives.
        With `config`, as `weights.load` gives it, this is the finished network, the last snapshot.
        Raises UserError where the disk is full.
        """
        loss, accuracy = validation
        name = {"name": f"step {step}", "thresholds": {"digit": 0, "sure": 0}}
        network = browser_file(
            model,
            config or {**name, "hidden": model.hidden},
            step=step,
            steps=self.steps,
            epoch=self.epochs * step / self.steps,
            epochs=self.epochs,
            training_loss=training_loss if math.isfinite(training_loss) else None,
            validation_loss=loss if math.isfinite(loss) else None,
            validation_accuracy=accuracy,
            final=config is not None,
        )
        with self._open() as file:
            file.write(struct.pack("<I", len(network)) + network)

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO]:
        """Open the file to read, cut and append to; make it if need be."""
        try:
            with open(self.path, "a+b") as file:
                yield file
        except OSError as error:
            raise UserError(f"can't write {self.path}: {error.strerror}") from error
