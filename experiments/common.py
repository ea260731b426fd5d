"""What the experiments share: options, the machine's description, pages of results, Node.js."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import matplotlib
import torch
from matplotlib import font_manager

from experiments.tables import write_figures
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.training.data import Dataset

# The first has no Chinese; of the others one is enough.
FONTS = ["DejaVu Sans", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Droid Sans Fallback"]
ROOT = Path(__file__).resolve().parents[1]
# A page of results, and the config of the network that was measured (None: several were trained).
Measured = tuple[str, dict | None]


def argument_parser(description: str) -> argparse.ArgumentParser:
    """The options of every experiment that writes a page."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="folder with MNIST/raw")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="JSON to store the figures in")
    return parser


def first(dataset: Dataset, limit: int) -> Dataset:
    """The first `limit` images, for a quick look. Raises UserError for fewer than ten."""
    if limit < 10:
        raise UserError(f"--limit is {limit}; expected at least 10 images")
    return dataset[0][:limit], dataset[1][:limit]


def write_page(
    parser: argparse.ArgumentParser,
    experiment: str,
    page_name: str,
    measure: Callable[[argparse.Namespace], Measured],
) -> None:
    """Parse the options, measure on one thread, and write the page (and the figures) it returns.

    A UserError ends the process with exit code 2 and its message.
    """
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        make_directory(args.output)
        page, config = measure(args)
        if args.figures:
            write_figures(args.figures, experiment, page, config)
    except UserError as error:
        parser.exit(2, f"{experiment}.py: {error}\n")
    (args.output / page_name).write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / page_name}")


def command() -> str:
    """The command that was typed, for the page to cite, without the files that it writes."""
    words = sys.argv[1:]
    for option in ("--output", "--figures"):
        if option in words:
            at = words.index(option)
            del words[at : at + 2]
    return " ".join([f"python -m experiments.{Path(sys.argv[0]).stem}", *words])


def machine() -> str:
    """E.g. "2 cores, no GPU, 1 thread, PyTorch 2.14.1"."""
    threads = torch.get_num_threads()
    return f"{os.cpu_count()} cores, no GPU, {threads} thread, PyTorch {torch.__version__}"


def in_both_languages(english: dict, chinese: dict) -> list[tuple[str, dict]]:
    """Return what pictures' names end with, and their words, in languages for which a font is here.

    Lets matplotlib use the fonts.
    """
    installed = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in FONTS if name in installed]
    matplotlib.rcParams["font.family"] = fonts
    if len(fonts) > 1:
        return [("", english), (".zh", chinese)]
    print("no Chinese pictures, as no font has Chinese: apt-get install fonts-droid-fallback")
    return [("", english)]


def run_javascript(script: str, files: dict[str, bytes]) -> list:
    """Run a module in Node.js beside these `files`; returns its output, a JSON value a line.

    "UI/" in the script stands for the page's folder. Raises UserError without Node.js.
    """
    node = shutil.which("node")
    if node is None:
        raise UserError("this experiment needs Node.js, which was not found: install it")
    with tempfile.TemporaryDirectory() as folder:
        script = script.replace("UI/", f"{(ROOT / 'ui').as_uri()}/").encode()
        files = {**files, "package.json": b'{"type": "module"}', "script.js": script}
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        done = subprocess.run([node, "script.js"], cwd=folder, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
