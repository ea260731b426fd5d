"""Train the network, in a directory of the run's own: runs/<date-time>-<recipe>/.

    python scripts/train.py
    python scripts/train.py --recipe tutorial --install
    torchrun --nproc_per_node=2 scripts/train.py
    python scripts/train.py --corrections --install

Needs no network: MNIST is in the repository. Exit code 2 when data or settings
are wrong, the training diverges or its result can't be saved; 4 when what was
learned from corrections is not installed, for it cost too much; 130 after Ctrl-C.
"""

import argparse
import contextlib
import dataclasses
import datetime
import os
import platform
import sys
from collections.abc import Iterable
from functools import partial, reduce
from pathlib import Path
from typing import Any

import torch
import torchvision

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import calibration, figures, hub, learning, parallel, runs, training, weights
from mnist_core.augment import augment
from mnist_core.data import Dataset, TrainingData, join, load_mnist, training_data
from mnist_core.finetuning import FineTuning
from mnist_core.framing import PIXELS
from mnist_core.model import DIGITS, MLP
from mnist_core.strokes import read_drawings

WEIGHTS = ROOT / "weights"  # where the page looks
HOW = ("device", "threads", "resume", "tensorboard", "install", "push_to_hub")  # with --resume
LEARNING = ("corrections", "from", "force")  # these mean something only together
LEARNING_TOO = ("seed", "drawings", "data", "threads", "output", "install")  # beside them

MORE_HELP = """\
recipes:
  best      784-1024-1024-10, 30 epochs of augmented images with images of no digit
            among them: reads what people draw; about four minutes on two cores
  quick     784-128-64-10, 6 epochs with batch normalisation and a learning rate that
            rises and falls: over 98 % of MNIST's validation images in a few seconds
  tutorial  784-128-64-10, 10 epochs of plain Adam; about ten seconds

a run's directory:
  The network (python app.py --weights DIR tries it), metrics.csv, pictures, and the
  state that --resume continues from. The network is that of the epoch with the best
  accuracy on validation images, which are not trained on.

examples:
  python scripts/train.py --recipe tutorial
  python scripts/train.py --drawings data/pendigits-train.jsonl.gz --install
  python scripts/train.py --hidden 300 100 --epochs 5 --output /tmp/mine
  python scripts/train.py --resume runs/2026-11-23-101500-best
  torchrun --nproc_per_node=2 scripts/train.py

corrections:
  The network in weights/ goes on for some seconds with what people corrected on the
  page, and is scored before and after. --install refuses one that lost more than 0.1
  points on MNIST's test images.

  python scripts/train.py --corrections --install
  python scripts/train.py --corrections mine.jsonl --drawings data/pendigits-train.jsonl.gz
"""


@dataclasses.dataclass
class Run:
    """What a process needs to train; `generator` is the state of its source of random numbers."""

    directory: Path
    state: runs.State
    data: TrainingData
    generator: torch.Tensor


def main() -> None:
    parser = argument_parser()
    given = vars(parser.parse_args())
    run, refusal = None, None
    parallel.join()
    try:
        refuse_what_does_not_fit(n for n in given if given[n] != parser.get_default(n))
        corrections, parent, force = (given.pop(name) for name in LEARNING)
        install, tensorboard = given.pop("install"), given.pop("tensorboard")
        if corrections is None:
            writer = summary_writer() if tensorboard else None
            run = parallel.from_first(partial(start, **given))
            train(run, writer)
            parallel.from_first(partial(finish, run, install, given["push_to_hub"]))
        else:
            settings = {
                name: given[name] for name in ("seed", "drawings", "data", "threads", "output")
            }
            work = partial(learn, corrections, parent, install, force, **settings)
            refusal = parallel.from_first(work)
    except KeyboardInterrupt:
        stop(parser, 130, "stopped", run)
    except (ValueError, OSError) as error:
        stop(parser, 2, str(error), run)
    finally:
        parallel.leave()
    if refusal:
        stop(parser, 4, refusal, None)


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train the network and save it, with its metrics and pictures.",
        epilog=MORE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_what(parser.add_argument_group("what to train"))
    add_corrections(parser.add_argument_group("to learn from corrections instead"))
    add_how(parser.add_argument_group("how to run"))
    add_where(parser.add_argument_group("where the result goes"))
    return parser


def add_what(group: argparse._ArgumentGroup) -> None:
    own = "(default: the recipe's)"
    group.add_argument(
        "--recipe",
        choices=training.RECIPES,
        default="best",
        help="settings, described below (default: %(default)s)",
    )
    group.add_argument(
        "--hidden", type=int, nargs="*", metavar="N", help=f"widths of the hidden layers {own}"
    )
    group.add_argument("--epochs", type=int, metavar="N", help=f"passes over the images {own}")
    group.add_argument("--batch-size", type=int, metavar="N", help=f"images a step {own}")
    group.add_argument("--learning-rate", type=float, metavar="X", help=f"Adam's step size {own}")
    group.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the first weights, the order and the changes (default: %(default)s)",
    )
    group.add_argument(
        "--drawings",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="drawing files to train on as well (default: none)",
    )
    group.add_argument(
        "--data",
        type=Path,
        default=ROOT / "data",
        metavar="DIR",
        help="holds MNIST/raw (default: the repository's data/)",
    )


def add_corrections(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--corrections",
        nargs="?",
        const="",
        metavar="SOURCE",
        help="what people corrected: a drawing file or a database's address (the page's own)",
    )
    group.add_argument(
        "--from",
        type=Path,
        default=Path(os.path.relpath(WEIGHTS)),
        metavar="DIR",
        help="the network that learns from them (default: the one in weights/)",
    )
    group.add_argument(
        "--force",
        action="store_true",
        help="install it even if it lost more than 0.1 points on MNIST's test images",
    )


def add_how(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--device", choices=parallel.DEVICES, help="default: auto, a GPU where there is one"
    )
    group.add_argument(
        "--threads", type=positive, metavar="N", help="on the CPU (default: PyTorch's choice)"
    )
    group.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="continue the run in DIR with its own settings, to the same weights",
    )
    group.add_argument(
        "--tensorboard", action="store_true", help="log to the run's directory for TensorBoard too"
    )


def add_where(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="the run's directory (default: runs/<date-time>-<recipe>)",
    )
    group.add_argument(
        "--install", action="store_true", help="copy the network to weights/, where the page looks"
    )
    group.add_argument(
        "--push-to-hub",
        metavar="USER/NAME",
        help="publish the network on the Hugging Face Hub (app.py --weights hf://USER/NAME)",
    )


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: expected at least 1")
    return number


def refuse_what_does_not_fit(given: Iterable[str]) -> None:
    """`given` names the options that are not at their defaults."""
    given = list(given)
    if "corrections" in given:
        why, allowed = "--corrections goes on with a trained network", (*LEARNING, *LEARNING_TOO)
    elif "resume" in given:
        why, allowed = "--resume continues with the run's own settings", HOW
    else:
        why = "--from and --force belong to --corrections"
        allowed = set(given) - {"from", "force"}
    if wrong := [f"--{name.replace('_', '-')}" for name in given if name not in allowed]:
        raise ValueError(f"{why}: leave out {' '.join(wrong)}")


def summary_writer() -> type:
    """TensorBoard's writer, where its package is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("--tensorboard needs a package: pip install tensorboard") from error
    return SummaryWriter


def start(
    recipe: str,
    seed: int,
    drawings: list[Path],
    data: Path,
    device: str | None,
    threads: int | None,
    resume: Path | None,
    output: Path | None,
    push_to_hub: str | None,
    **own: Any,
) -> Run:
    """Begin or resume a run; `own` are changes to the recipe, None where there is none.

    What can fail does so here, before the first epoch.
    """
    if push_to_hub:
        hub.check(push_to_hub)
    if resume:
        return resume_run(resume, device, threads)
    own = {name: value for name, value in own.items() if value is not None}
    settings = runs.Settings(
        name=recipe,
        recipe=dataclasses.replace(training.RECIPES[recipe], **own),
        seed=seed,
        data=str(data.resolve()),
        drawings=[str(path.resolve()) for path in drawings],
        device=parallel.choose_device(device or "auto").type,
        threads=threads or torch.get_num_threads(),
    )
    return begin_run(settings, output)


def begin_run(settings: runs.Settings, output: Path | None) -> Run:
    print_settings(settings)
    data, generator = prepare(settings)
    directory = run_directory(output, settings.name)
    print(f"run directory    {directory}\n", flush=True)
    state = runs.State(settings, runs.fingerprint([data.fitting, *data.validation.values()]), [])
    runs.save_state(directory, state)
    return Run(directory, state, data, generator)


def run_directory(output: Path | None, name: str) -> Path:
    """`output`, or a new one that is called after the time and `name`."""
    if output is not None:
        return runs.create(output)
    now = datetime.datetime.now()
    directory = f"{now:%Y-%m-%d-%H%M%S}-{name}"
    return runs.create_new(Path(os.path.relpath(ROOT / "runs")) / directory)


def resume_run(directory: Path, device: str | None, threads: int | None) -> Run:
    state = runs.load_state(directory)
    state.settings = dataclasses.replace(
        state.settings,
        device=parallel.choose_device(device or state.settings.device).type,
        threads=threads or state.settings.threads,
    )
    print_settings(state.settings)
    data, generator = prepare(state.settings)
    if runs.fingerprint([data.fitting, *data.validation.values()]) != state.data:
        raise ValueError(
            f"the images are not those that the run in {directory} began with. Restore "
            f"{' and '.join([state.settings.data, *state.settings.drawings])}, or begin a new run"
        )
    print(f"run directory    {directory}, resumed after epoch {len(state.history)}\n", flush=True)
    return Run(directory, state, data, generator)


def prepare(settings: runs.Settings) -> tuple[TrainingData, torch.Tensor]:
    """The data, and the state of the generator that had a part in making them."""
    drawings = [drawing for path in settings.drawings for drawing in read_drawings(path)]
    generator = torch.Generator().manual_seed(settings.seed)
    data = training_data(settings.data, drawings, settings.recipe.outliers, generator)
    counts = {"training images": data.fitting, **data.validation}
    print_row("data", ", ".join(f"{len(labels)} {what}" for what, (_, labels) in counts.items()))
    return data, generator.get_state()


def print_settings(settings: runs.Settings) -> None:
    recipe = settings.recipe
    print_row("recipe", settings.name)
    print_row("network", "-".join(map(str, (PIXELS, *recipe.hidden, DIGITS))))
    for name, value in list(dataclasses.asdict(recipe).items())[1:]:
        print_row(name.replace("_", " "), value)
    print_row("seed", settings.seed)
    print_row("device", settings.device)
    print_row("threads", settings.threads)
    print_row("processes", parallel.size())


def print_row(name: str, value: object) -> None:
    print(f"{name:16} {value}")


def train(run: Run, writer: type | None) -> None:
    """Fit what remains of the run, keeping every epoch: its line, metrics, state, best network."""
    settings, data = run.state.settings, run.data
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    model = MLP(settings.recipe.hidden, settings.recipe.batch_norm).to(settings.device)
    generator = torch.Generator()
    generator.set_state(run.generator)
    fitting = training.Fitting(model, data.fitting, settings.recipe, generator, data.no_digits)
    if run.state.fitting:
        fitting.load_state_dict(run.state.fitting)
    with contextlib.ExitStack() as stack:
        log = None
        if writer and parallel.rank() == 0:
            log = stack.enter_context(writer(run.directory, purge_step=fitting.epochs + 1))
        while fitting.epochs < settings.recipe.epochs:
            epoch = fitting.run_epoch(data.validation["validation"])
            parallel.from_first(partial(keep, run, fitting, epoch, log))


def keep(run: Run, fitting: training.Fitting, epoch: training.Epoch, log: Any) -> None:
    """Print the epoch's line and write what it leaves; Ctrl-C waits until that is done."""
    row = {"epoch": epoch.number, **dataclasses.asdict(epoch)}
    del row["number"]
    if "drawings" in run.data.validation:
        drawings = run.data.validation["drawings"]
        row["drawings_accuracy"] = training.evaluate(fitting.model, drawings)[1]
    print(line(row), flush=True)
    run.state.history.append(row)
    run.state.fitting = fitting.state_dict()
    with runs.interrupts_held():
        if run.state.best() is row:
            save_network(run, fitting.model)
        runs.write_metrics(run.directory, run.state.history)
        runs.save_state(run.directory, run.state)
        for name, value in row.items() if log else ():
            log.add_scalar(name, value, epoch.number)


def line(row: dict) -> str:
    text = (
        f"epoch {row['epoch']:2}  training loss {row['training_loss']:.4f}"
        f"  validation loss {row['validation_loss']:.4f}"
        f"  validation accuracy {row['validation_accuracy']:.2%}"
    )
    if "drawings_accuracy" in row:
        text += f"  drawings {row['drawings_accuracy']:.2%}"
    return f"{text}  {row['seconds']:.1f} s"


def save_network(run: Run, model: MLP) -> None:
    """Write the network as it is now, made ready for use."""
    settings = run.state.settings
    model, thresholds, scores = calibrate(model, run.data.validation)
    provenance = {
        "data": run.data.description,
        "recipe": {"name": settings.name, **dataclasses.asdict(settings.recipe)},
        "seed": settings.seed,
        "scores": scores,
        "date": datetime.date.today().isoformat(),
        "versions": versions(),
    }
    weights.save(model, run.directory, provenance, thresholds)


def calibrate(
    model: MLP, validation: dict[str, Dataset]
) -> tuple[MLP, dict[str, float], dict[str, float]]:
    """The network for use, its thresholds and its scores, all from held-out data.

    Its calibration error is measured on the data that its one temperature was fitted to.
    """
    held_out = {
        name: (training.predict(model, images), labels)
        for name, (images, labels) in validation.items()
    }
    log_probabilities, labels = reduce(join, held_out.values())
    temperature = calibration.fit_temperature(log_probabilities, labels)
    thresholds = calibration.choose_thresholds((log_probabilities / temperature).softmax(1), labels)
    scores = {}
    for name, (log_probabilities, labels) in held_out.items():
        probabilities = (log_probabilities / temperature).softmax(1)
        accuracy = (probabilities.argmax(1) == labels).float().mean().item()
        error = calibration.expected_calibration_error(probabilities, labels)
        scores[f"{name}_accuracy"] = round(accuracy, 4)
        scores[f"{name}_calibration_error"] = round(error, 4)
    return model.folded(temperature), thresholds, scores


def finish(run: Run, install: bool, repository: str | None) -> None:
    """Score the best network on the test set, once; draw its pictures; pass it on."""
    model, config = weights.load(run.directory)
    provenance = config["provenance"]
    scores = provenance["scores"]
    if "test_accuracy" not in scores:  # it is there when a finished run is resumed
        images, labels = load_mnist(run.state.settings.data, train=False)
        confusion = training.confusion_matrix(training.predict(model, images).argmax(1), labels)
        scores["test_accuracy"] = round((confusion.trace() / confusion.sum()).item(), 4)
        provenance["confusion"] = confusion.tolist()
        weights.save(model, run.directory, provenance, config["thresholds"])
    print(f"\nthe network of epoch {run.state.best()['epoch']}:")
    for what, score in scores.items():
        print(f"{what.replace('_', ' ')} {score:.2%}")
    draw_pictures(run, model)
    print(f"saved to {run.directory}; try it: python app.py --weights {run.directory}")
    if install:
        weights.copy(run.directory, WEIGHTS)
        print(f"installed in {WEIGHTS}")
    if repository:
        print(f"published at {hub.push(run.directory, repository, weights.FILES)}")


def draw_pictures(run: Run, model: MLP) -> None:
    images, labels = run.data.validation["validation"]
    probabilities = training.predict(model, images).exp()
    confidence, answers = probabilities.max(1)
    mistakes = figures.hardest_mistakes(probabilities, labels)[: figures.SHEET]
    samples, sample_labels = (tensor[: figures.SHEET] for tensor in run.data.fitting)
    if run.state.settings.recipe.augment:
        samples = augment(samples, torch.Generator().manual_seed(0))
    drawn = {
        "samples": figures.sheet(samples, [str(int(label)) for label in sample_labels]),
        "curves": figures.curves(run.state.history, run.state.best()["epoch"]),
        "confusion": figures.confusion_matrix(training.confusion_matrix(answers, labels)),
        "mistakes": figures.gallery(images, labels, answers, confidence, mistakes),
        "first-layer": figures.first_layer(model),
    }
    for name, figure in drawn.items():
        figures.save(figure, run.directory / f"{name}.png")


def learn(
    corrections: str,
    parent: Path,
    install: bool,
    force: bool,
    seed: int,
    drawings: list[Path],
    data: Path,
    threads: int | None,
    output: Path | None,
) -> str | None:
    """Let the network in `parent` learn from corrections; why it is not installed, or None."""
    torch.set_num_threads(threads or torch.get_num_threads())
    model, _ = weights.load(parent)
    corrected = learning.read_corrections(corrections)
    others = [drawing for path in drawings for drawing in read_drawings(path)]
    directory = run_directory(output, "corrections")
    print_row("network", f"{parent}, {'-'.join(map(str, (PIXELS, *model.hidden, DIGITS)))}")
    settings = FineTuning()
    learned = learning.learn(model, corrected, others, data, settings, seed)
    print_scores(learned)
    origin = {"seed": seed, "date": datetime.date.today().isoformat(), "versions": versions()}
    learning.save(learned, directory, parent, settings, **origin)
    print(f"saved to {directory}; try it: python app.py --weights {directory}")
    if not install:
        return None
    if learned.lost() > learning.MAY_LOSE and not force:
        return (
            f"not installed: it lost {100 * learned.lost():.2f} points on MNIST's test images, "
            f"more than {100 * learning.MAY_LOSE:g}. {directory} keeps it; look for wrong labels "
            "among the corrections, or install it all the same with --force"
        )
    weights.copy(directory, WEIGHTS)
    print(f"installed in {WEIGHTS}")
    return None


def print_scores(learned: learning.Learned) -> None:
    held_out = (
        f", {learned.held_out} held out"
        if learned.held_out
        else (f"; fewer than {learning.ENOUGH}, so none is held out")
    )
    print_row("corrections", f"{learned.count} learned from{held_out}")
    print(f"\n{'read right':24}   before    after  of")
    for score in learned.scores:
        print(f"{score.what:24} {score.before:8.2%} {score.after:8.2%}  {score.count:,}")


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }


def stop(parser: argparse.ArgumentParser, code: int, why: str, run: Run | None) -> None:
    """End with `code`, saying why and what is left, in the first process alone."""
    if run and parallel.rank() == 0:
        done = len(runs.load_state(run.directory).history)  # as it is on the disk
        made = (run.directory / weights.MODEL_FILE).exists()
        why += (
            f". {run.directory} keeps the state after epoch {done} and "
            f"{'the best network so far' if made else 'no network yet'}; "
            f"continue with: python scripts/train.py --resume {run.directory}"
        )
    parser.exit(code, None if parallel.rank() else f"train.py: {why}\n")


if __name__ == "__main__":
    main()
