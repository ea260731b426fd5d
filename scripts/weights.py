"""Install a network, restore an earlier one, or convert one that another program trained.

    python scripts/weights.py install runs/2026-11-23-101500-best
    python scripts/weights.py restore previous
    python scripts/weights.py restore shipped
    python scripts/weights.py convert own.pt runs/own

The network in use is the installed one, in installed/ (in the clone or in the folder
DRAW_A_DIGIT_HOME), else the shipped one, in weights/. Exit code 2: a network can't be read or
written; 4: not installed, as it is over 0.1 points less accurate on MNIST's validation images than
the one in use.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.extras import exit_without


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Install, restore and convert networks.")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    added = commands.add_parser("install", help="use a network from now on")
    added.add_argument("network", type=Path, metavar="DIR", help="a folder that train.py made")
    added.add_argument("--force", action="store_true", help="even if it is less accurate")
    added = commands.add_parser("restore", help="use the previous or the shipped network again")
    text = "the one used before the last install, or the one that came with the repository"
    added.add_argument("which", choices=("previous", "shipped"), help=text)
    text = "make a folder for --weights from another program's state dict or checkpoint"
    added = commands.add_parser("convert", help=text)
    text = "a state dict, a checkpoint, or a folder of save_pretrained"
    added.add_argument("file", type=Path, metavar="FILE", help=text)
    added.add_argument("output", type=Path, metavar="DIR", help="where to write the network")
    for name in ("install", "convert"):
        add = commands.choices[name].add_argument
        text = "holds MNIST/raw (default: the repository's data)"
        add("--data", type=Path, metavar="DIR", default=ROOT / "data", help=text)
    return parser


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()
    exit_without("train")

import torch

from mnist_core import paths
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.import_state_dict import PLAIN, fold_normalisation, read_state_dict
from mnist_core.training import finish
from mnist_core.training.data import mnist_validation

MIN_ACCURACY = 0.9  # on MNIST's validation images; less means another kind of input


def main() -> None:
    parser = argument_parser()
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    try:
        commands = {"install": install, "restore": restore, "convert": convert}
        commands[options.pop("command")](**options)
    except finish.NotInstalled as error:
        anyway = f"python scripts/weights.py install --force {options['network']}"
        parser.exit(4, f"weights.py: {error}; to install it all the same: {anyway}\n")
    except UserError as error:
        parser.exit(2, f"weights.py: {error}\n")


def install(network: Path, data: Path, force: bool) -> None:
    finish.install(network, mnist_validation(data), force)
    way_back = "python scripts/weights.py restore previous"
    print(f"installed in {paths.installed()}; the one before: {way_back}")


def restore(which: str) -> None:
    source = weights.SHIPPED if which == "shipped" else paths.installed() / weights.PREVIOUS
    if not source.is_dir():
        raise UserError(f"there is no {source}: no network has been installed yet")
    _, config = weights.load(source)
    if which == "shipped" and config["name"] != weights.SHIPPED_NAME:
        raise UserError(
            f"the network in {source} is {config['name']}, not the shipped {weights.SHIPPED_NAME}. "
            f"Restore the shipped one first: git checkout -- {source}"
        )
    weights.install(source)
    print(f"network {config['name']} of {config['provenance']['date']} is in use again")


def convert(file: Path, output: Path, data: Path) -> None:
    """Choose thresholds on MNIST's validation images and score on its test images."""
    validation = mnist_validation(data)
    model, expected = fold_normalisation(read_state_dict(file), *validation)
    model, thresholds, scores = finish.calibrate(model, {"validation": validation})
    about = f"not known: the network was converted from {file.name}"
    if expected != PLAIN:
        print(f"it was trained on {expected}: its first layer now converts our pixels to these")
        about += f", trained on {expected}"
    provenance = {"data": about, "recipe": {}, "seed": None, "scores": scores}
    provenance |= finish.date_and_versions()
    finish.add_test_scores(provenance, model, data)
    weights.save(model, output, provenance, thresholds)
    for name, score in scores.items():
        print(f"{name.replace('_', ' ')} {score:.2%}")
    if scores["validation_accuracy"] < MIN_ACCURACY:
        print("that is low: was it trained on 28 x 28 pixels with bright ink on black?")
    print(f"saved to {output}; try it: python app.py --weights {output}")


if __name__ == "__main__":
    main()
