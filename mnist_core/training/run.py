"""A training run: begin or resume it, then train, keeping every epoch on the disk.

Prints the run's log. checkpoint.py says what its directory holds; finish.py makes the network for
use. In several processes `begin`, `resume` and `keep` are for the first alone.
"""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import torch

from mnist_core.drawing.framing import PIXELS
from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import DIGITS, MLP
from mnist_core.training import distributed
from mnist_core.training.checkpoint import Checkpoint, Run, Settings, create, write_metrics
from mnist_core.training.data import TrainingData, training_data
from mnist_core.training.finish import save_network
from mnist_core.training.own_data import add_own_data
from mnist_core.training.trainer import Epoch, Trainer, evaluate


def begin(settings: Settings, output: Path | None, runs: Path) -> Run:
    """A new run in `output`, or in a new directory in `runs`.

    What a person can mend raises UserError here, before the first epoch.
    """
    data, generator = _prepare(settings)
    directory = create(output, runs, settings.name)
    print(f"run directory    {directory}\n", flush=True)
    checkpoint = Checkpoint(settings, data.fingerprint())
    checkpoint.save(directory)
    return Run(directory, checkpoint, data, generator)


def resume(directory: Path, device: str | None = None, threads: int | None = None) -> Run:
    """The run in `directory`, to go on with its own settings but for `device` and `threads`.

    Raises UserError when there is none, its data have changed or the device is missing.
    """
    checkpoint = Checkpoint.load(directory)
    before = checkpoint.settings
    settings = checkpoint.settings = dataclasses.replace(
        before,
        device=distributed.choose_device(device or before.device),
        threads=distributed.choose_threads(before.threads if threads is None else threads),
    )
    data, generator = _prepare(settings)
    if data.fingerprint() != checkpoint.fingerprint:
        files = (settings.data, *settings.drawings, *settings.not_digits, *settings.own)
        raise UserError(
            f"the images are not those that the run in {directory} began with. "
            f"Restore {' and '.join(files)}, or begin a new run"
        )
    done = len(checkpoint.history)
    print(f"run directory    {directory}, resumed after epoch {done}\n", flush=True)
    return Run(directory, checkpoint, data, generator)


def _prepare(settings: Settings) -> tuple[TrainingData, torch.Tensor]:
    """Print the settings; give the data and the state of the generator that helped make them."""
    recipe = dataclasses.asdict(settings.recipe)
    sizes = "-".join(map(str, (PIXELS, *recipe.pop("hidden"), DIGITS)))
    own = {name: getattr(settings, name) for name in ("seed", "device", "threads")}
    rows = {"recipe": settings.name, "network": sizes, **recipe, **own}
    for name, value in {**rows, "processes": distributed.world_size()}.items():
        print_row(name.replace("_", " "), value)
    drawings = [drawing for path in settings.drawings for drawing in read_drawings(path)]
    letters = [letter for path in settings.not_digits for letter in read_drawings(path, False)]
    generator = torch.Generator().manual_seed(settings.seed)
    data = training_data(settings.data, drawings, settings.recipe.negatives, generator, letters)
    if settings.own:
        for note in add_own_data(data, settings.own, settings.data):
            print_row("own data", note)
    counts = {"training images": data.train_set, **data.validation}
    print_row("data", ", ".join(f"{len(labels)} {what}" for what, (_, labels) in counts.items()))
    return data, generator.get_state()


def print_row(name: str, value: object) -> None:
    """A line of the table that a log begins with."""
    print(f"{name:16} {value}")


def summary_writer() -> type:
    """TensorBoard's writer. Raises UserError where its package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError("--tensorboard needs a package: pip install tensorboard") from error
    return SummaryWriter


def train(run: Run, writer: type | None = None) -> None:
    """Train the epochs that remain and keep each; `writer` is `summary_writer`'s, to log them too.

    Raises Diverged when the training diverges, another UserError when the disk is full.
    """
    settings, data = run.checkpoint.settings, run.data
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    model = MLP(settings.recipe.hidden, settings.recipe.batch_norm).to(settings.device)
    generator = torch.Generator().set_state(run.generator)
    teachers = [weights.load(directory)[0] for directory in settings.teachers]
    recipe = settings.recipe
    trainer = Trainer(model, data.train_set, recipe, generator, data.negatives, teachers)
    if run.checkpoint.trainer:
        trainer.load_state_dict(run.checkpoint.trainer)
    snapshots = run.snapshots()
    distributed.broadcast_from_rank_0(snapshots.drop_after, trainer.step)
    logs = writer and distributed.rank() == 0
    again = trainer.epochs + 1
    with writer(run.directory, purge_step=again) if logs else contextlib.nullcontext() as log:
        for epoch in trainer.fit(data.validation["validation"], snapshots):
            distributed.broadcast_from_rank_0(keep, run, trainer, epoch, log)


def keep(run: Run, trainer: Trainer, epoch: Epoch, log: Any = None) -> None:
    """Print the epoch's line; write the network if it is the best, the metrics, the checkpoint.

    In this order: stopped in between, a resumed run does the epoch again and writes the same.
    """
    checkpoint, row = run.checkpoint, dataclasses.asdict(epoch)
    for name, dataset in run.data.validation.items():
        if name != "validation":  # that one is in the row
            row[f"{name}_accuracy"] = evaluate(trainer.result, dataset)[1]
    print(_line(row), flush=True)
    checkpoint.history.append(row)
    checkpoint.trainer = trainer.state_dict()
    if checkpoint.best() is row:
        save_network(run, trainer.result)
    write_metrics(run.directory, checkpoint.history)
    checkpoint.save(run.directory)
    for name, value in row.items() if log else ():
        log.add_scalar(name, value, epoch.epoch)


def _line(row: dict) -> str:
    """An epoch's line of the log, from its row of the metrics."""
    names = [name for name in ("drawings", "styles", "own") if f"{name}_accuracy" in row]
    more = "".join(f"  {name} {row[f'{name}_accuracy']:.2%}" for name in names)
    return (
        f"epoch {row['epoch']:2}  training loss {row['training_loss']:.4f}"
        f"  validation loss {row['validation_loss']:.4f}"
        f"  validation accuracy {row['validation_accuracy']:.2%}{more}  {row['seconds']:.1f} s"
    )


def what_is_left(run: Run, diverged: bool = False) -> str:
    """What a run that ended early has on the disk, and how to go on."""
    made = (run.directory / weights.MODEL_FILE).exists()
    way = f"continue with: python scripts/train.py --resume {run.directory}"
    return (
        f"{run.directory} keeps the state after epoch {len(Checkpoint.load(run.directory).history)}"
        f" and {'the best network so far' if made else 'no network yet'}; "
        f"{'begin a new run: continued, it would diverge again' if diverged else way}"
    )
