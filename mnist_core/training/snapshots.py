"""Snapshots: the network at about twenty steps of its training, in one file.

`snapshots.bin` in a run's directory holds for each snapshot its length, a little-endian uint32, and
that many bytes in the format of network/quantize.py.
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
    """The file in `directory` for a training of `steps` steps in `epochs` epochs.

    `due` are the steps to take a snapshot at: 0, the powers of two below a tenth of all steps, and
    each tenth.
    """

    def __init__(self, directory: Path, epochs: int, steps: int) -> None:
        self.path, self.epochs, self.steps = directory / SNAPSHOTS_FILE, epochs, steps
        powers = (2**n for n in range(steps.bit_length()))
        early = {step for step in powers if 10 * step < steps}
        self.due = {0} | early | {steps * tenth // 10 for tenth in range(1, 11)}

    def drop_after(self, step: int) -> None:
        """Drop the snapshots after `step`, and final and incomplete ones; at step 0 all.

        Raises UserError if the file can't be written.
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
        """Append `model`, without batch normalisation, as of `step`.

        `training_loss` is the mean since the last snapshot, `validation` the result of `evaluate`.
        With `config`, that of `weights.load`, the snapshot is final: the finished network. Raises
        UserError if the disk is full.
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
        """Open the file to read, truncate and append; create it if it is missing."""
        try:
            with open(self.path, "a+b") as file:
                yield file
        except OSError as error:
            raise UserError(f"can't write {self.path}: {error.strerror}") from error
