"""Train the network and save it, with its metrics and pictures: python scripts/train.py

recipes:
{recipes}

losses:
{losses}

A run's directory holds the network of the epoch with the best accuracy on held-out
data, metrics.csv, pictures, and the state that --resume continues from. Works offline,
as MNIST is in the repository.

Exit code 2: data or settings are wrong, the training diverged or its result can't be
saved; 4: not installed, as it is over 0.1 points less accurate on MNIST's validation
images than the network in use; 130: Ctrl-C. For people's corrections see
python scripts/finetune.py

examples:
  python scripts/train.py --recipe tutorial --install
  python scripts/train.py --drawings data/pendigits-train.jsonl.gz
  python scripts/train.py --hidden 300 100 --epochs 5 --output /tmp/mine
  python scripts/train.py --resume runs/2026-11-23-101500-best
"""

import argparse
import dataclasses
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.extras import exit_without

if __name__ == "__main__":
    exit_without("train")

from mnist_core.training.recipes import DEFAULT, LOSSES, RECIPES, describe_recipes

MIN_ACCURACY = 0.2  # on MNIST's test images; guessing has half of that


def argument_parser() -> argparse.ArgumentParser:
    losses = "\n".join(f"  {name:21} {loss.formula}: {loss.note}" for name, loss in LOSSES.items())
    text = __doc__.format(recipes=describe_recipes(), losses=losses)
    summary, _, more = text.partition("\n\n")
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=more, formatter_class=plain)
    add_settings(parser)
    add = parser.add_argument_group("how to run").add_argument
    text = "where to train (default: auto, a GPU if there is one)"
    add("--device", choices=("auto", "cpu", "cuda", "mps"), help=text)
    text = "threads on the CPU (default: PyTorch's choice for layers of 512 units or more, else 1)"
    add("--threads", type=int, metavar="N", help=text)
    text = "continue the run in DIR with its own settings"
    add("--resume", type=Path, metavar="DIR", help=text)
    add("--tensorboard", action="store_true", help="also log for TensorBoard")
    add = parser.add_argument_group("where the result goes").add_argument
    text = "use the network from now on, unless it is less accurate"
    add("--install", action="store_true", help=text)
    add("--force", action="store_true", help="install it even if it is less accurate")
    add("--push-to-hub", metavar="USER/NAME", help="publish the network on the Hugging Face Hub")
    return parser


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that `begin` takes; in the namespace are only those that are given."""
    group = parser.add_argument_group("what to train", argument_default=argparse.SUPPRESS)
    add, number = group.add_argument, {"type": int, "metavar": "N"}
    place, files = {"type": Path, "metavar": "DIR"}, {"type": Path, "nargs": "+"}
    default = "(default: the recipe's)"
    add("--recipe", choices=RECIPES, help=f"settings, described below (default: {DEFAULT})")
    add("--hidden", **number, nargs="*", help=f"widths of the hidden layers {default}")
    add("--epochs", **number, help=f"passes over the images {default}")
    add("--batch-size", **number, help=f"images per step {default}")
    add("--learning-rate", "--lr", type=float, metavar="X", help=f"Adam's step size {default}")
    add("--loss", choices=LOSSES, help=f"described below {default}")
    add("--seed", **number, help="for weights, order and augmentation (default: 0)")
    add("--drawings", **files, metavar="FILE", help="drawing files to train on too")
    add("--not-digits", **files, metavar="FILE", help="drawing files of letters, as negatives")
    text = "folders of networks whose answers replace the labels"
    add("--teachers", **files, metavar="DIR", help=text)
    add("--init", **place, help="folder of a network to begin with, at a low --learning-rate")
    text = "own digits beside MNIST: pictures in folders 0 to 9, CSV, idx, .npz, .npy, drawings"
    add("--data", **files, metavar="PLACE", help=text)
    add("--output", **place, help="the run's directory (default: runs/<date-time>-<recipe>)")


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()
    # Not an exception, which PyTorch's import may swallow.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    print("Loading PyTorch takes some seconds", flush=True)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads should not occupy cores

from mnist_core import paths
from mnist_core.errors import UserError
from mnist_core.network import hub, weights
from mnist_core.training import run
from mnist_core.training.finish import NotInstalled, install
from mnist_core.training.run import Run, Settings
from mnist_core.training.trainer import Diverged


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argument_parser()
    options = vars(parser.parse_args())
    wanted, force, tensorboard = (options.pop(name) for name in ("install", "force", "tensorboard"))
    repository, current, way_on = options.pop("push_to_hub"), None, ""
    try:
        if repository:
            hub.check_token(repository)
        writer = run.summary_writer() if tensorboard else None
        current = start(**options)
        if writer:
            print(f"look on with: tensorboard --logdir {current.directory}", flush=True)
        way_on = f"; continue with: python scripts/train.py --resume {current.directory}"
        run.train(current, writer)
        finish(current, repository)
        if wanted:
            install(current.directory, current.data.validation["validation"], force)
            way_back = "python scripts/weights.py restore previous"
            print(f"installed in {paths.installed()}; the one before: {way_back}")
    except KeyboardInterrupt:
        parser.exit(130, f"train.py: stopped{what_is_left(current)}{way_on}\n")
    except NotInstalled as error:
        anyway = f"python scripts/weights.py install --force {current.directory}"
        parser.exit(4, f"train.py: {error}; to install it all the same: {anyway}\n")
    except Diverged as error:
        parser.exit(2, f"train.py: {error}{what_is_left(current)}; begin a new run\n")
    except UserError as error:
        parser.exit(2, f"train.py: {error}{what_is_left(current)}{way_on}\n")


def start(resume: Path | None, device: str | None, threads: int | None, **own: Any) -> Run:
    """Begin or resume a run; `own` are the options given for `begin`."""
    if not resume:
        return begin(command(**own), device, threads, **own)
    if own:
        wrong = " ".join(f"--{name.replace('_', '-')}" for name in own)
        raise UserError(f"--resume continues with the run's own settings: leave out {wrong}")
    return run.resume(resume, device, threads)


def begin(
    command: str,
    device: str | None,
    threads: int | None,
    recipe: str = DEFAULT,
    seed: int = 0,
    drawings: Sequence[Path] = (),
    not_digits: Sequence[Path] = (),
    teachers: Sequence[Path] = (),
    init: Path | None = None,
    data: Sequence[Path] = (),
    output: Path | None = None,
    **changes: Any,
) -> Run:
    """Begin a run; `changes` are to the recipe, `data` are places of own digits or of MNIST."""
    if RECIPES[recipe].distilled:
        teachers = teachers or [weights.SHIPPED]
    root = next((place for place in data if (place / "MNIST").is_dir()), ROOT / "data")
    strokes = [place for place in data if place.name.endswith((".jsonl", ".jsonl.gz"))]
    if init:  # its batch normalisation is part of its weights
        changes |= {"hidden": weights.load(init)[1]["hidden"], "batch_norm": False}
    hidden = tuple(changes.pop("hidden", RECIPES[recipe].hidden))
    settings = Settings(
        name=recipe,
        recipe=dataclasses.replace(RECIPES[recipe], hidden=hidden, **changes),
        seed=seed,
        data=str(root.resolve()),
        drawings=[str(path.resolve()) for path in (*drawings, *strokes)],
        not_digits=[str(path.resolve()) for path in not_digits],
        teachers=[str(path.resolve()) for path in teachers],
        device=run.choose_device(device or "auto"),
        threads=run.choose_threads(threads, hidden),
        init=str(init.resolve()) if init else "",
        own=[str(path.resolve()) for path in data if path not in (root, *strokes)],
        command=command,
    )
    return run.begin(settings, output, Path(os.path.relpath(paths.runs())))


def command(output: Path | None = None, **own: Any) -> str:
    """Return the command that trains such a network, for its model card.

    Files outside the repository are named without their private folders.
    """
    words = ["python", "scripts/train.py"]
    for name, values in {"recipe": DEFAULT, "seed": 0, **own}.items():
        words.append(f"--{name.replace('_', '-')}")
        for value in values if isinstance(values, list) else [values]:
            place = value.resolve() if isinstance(value, Path) else None
            inside = place and place.is_relative_to(ROOT)
            words.append(str(place.relative_to(ROOT) if inside else place.name if place else value))
    return " ".join(words)


def finish(current: Run, repository: str | None) -> None:
    """Finish the run, print how to try its network, and push it to the Hub's `repository`."""
    accuracy, directory = run.finish(current)["test_accuracy"], current.directory
    if accuracy < MIN_ACCURACY:
        print(f"saved to {directory}, but it learned nothing: guessing has about 10 % accuracy")
        print("train again with a lower --learning-rate, or --loss nll")
    else:
        print(f"saved to {directory}; try it: python app.py --weights {directory}")
    if repository:
        print(f"published at {hub.push(directory, repository)}")


def what_is_left(current: Run | None) -> str:
    return f". {run.what_is_left(current)}" if current else ""


if __name__ == "__main__":
    main()
