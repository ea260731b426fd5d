"""What the experiments share: options, pages of results, the machine, a served page, Node.js."""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import torch
from matplotlib import font_manager

from experiments.tables import write_figures
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file
from mnist_core.training.data import Dataset

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
# The first has no Chinese; of the others one is enough.
FONTS = ["DejaVu Sans", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Droid Sans Fallback"]
# A page of results, and the config of the network that was measured (None: several were trained).
Measured = tuple[str, dict | None]


def argument_parser(description: str) -> argparse.ArgumentParser:
    """The option of every experiment that writes files."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    return parser


def run(parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], None]) -> None:
    """Parse the options and do the work on one thread.

    A UserError ends the process with exit code 2 and its message.
    """
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        if "output" in args:
            make_directory(args.output)
        work(args)
    except UserError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def write_page(
    parser: argparse.ArgumentParser,
    experiment: str,
    page_name: str,
    measure: Callable[[argparse.Namespace], Measured],
) -> None:
    """Parse the options, measure, and write the page (and the figures) that `measure` returns."""
    parser.add_argument("--figures", type=Path, metavar="FILE", help="JSON to store the figures in")

    def write(args: argparse.Namespace) -> None:
        page, config = measure(args)
        if args.figures:
            write_figures(args.figures, experiment, page, config)
        (args.output / page_name).write_text(page, encoding="utf-8")
        print(f"{page}\nwrote {args.output / page_name}")

    run(parser, write)


def first(dataset: Dataset, limit: int) -> Dataset:
    """The first `limit` images, for a quick look. Raises UserError for fewer than ten."""
    if limit < 10:
        raise UserError(f"--limit is {limit}; expected at least 10 images")
    return dataset[0][:limit], dataset[1][:limit]


def command() -> str:
    """The command that was typed, for the page to cite, without the files that it writes."""
    typed = " ".join([f"python -m experiments.{Path(sys.argv[0]).stem}", *sys.argv[1:]])
    return re.sub(r" --(output|figures) \S+", "", typed)


def machine() -> str:
    """E.g. "2 cores, no GPU, 1 thread, PyTorch 2.14.1"."""
    return f"{os.cpu_count()} cores, no GPU, 1 thread, PyTorch {torch.__version__}"


def in_both_languages(words: dict[str, tuple[str, str]]) -> list[tuple[str, dict[str, str]]]:
    """Choose the languages for which a font is here, and let matplotlib use the fonts.

    Takes English and Chinese words; returns what a picture's name ends with, and its words.
    """
    english, chinese = ({key: both[place] for key, both in words.items()} for place in (0, 1))
    installed = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in FONTS if name in installed]
    matplotlib.rcParams["font.family"] = fonts
    if len(fonts) == 1:
        print("no Chinese pictures, as no font has Chinese: apt-get install fonts-droid-fallback")
    return [("", english), (".zh", chinese)][: len(fonts)]


@contextlib.contextmanager
def served(**parts: object) -> Iterator[str]:
    """Serve the page with the network in weights/, and yield its address; `parts` of PageServer."""
    from serving.app import PageServer, launch  # takes seconds, which others need not wait
    from serving.reloader import ModelReloader

    page = PageServer(ModelReloader(weights.SHIPPED), **parts)
    try:
        yield launch(page).address
    finally:
        page.get_blocks().close(verbose=False)


JAVASCRIPT = """
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { unpackImages } from "UI/recognizer/images.js";
import { readNetwork } from "UI/recognizer/network.js";
const network = readNetwork(new Uint8Array(readFileSync("network.bin")).buffer);
const mnist = unpackImages(gunzipSync(readFileSync(new URL("UI/files/images.gz"))));
const given = JSON.parse(readFileSync("given.json", "utf8"));
const answer = (value) => console.log(JSON.stringify(value));
"""


def run_javascript(script: str, given: object, network: tuple[MLP, dict]) -> list:
    """Run a module in Node.js and return its answers.

    The script may use the page's `network` and `mnist`, the value `given`, and `answer(value)`;
    "UI/" stands for the page's folder. Raises UserError without Node.js.
    """
    node = shutil.which("node")
    if node is None:
        raise UserError("this experiment needs Node.js, which was not found: install it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "network.bin").write_bytes(browser_file(*network))
        (folder / "given.json").write_text(json.dumps(given))
        module = (JAVASCRIPT + script).replace("UI/", f"{(ROOT / 'ui').as_uri()}/")
        (folder / "script.mjs").write_text(module)
        done = subprocess.run([node, "script.mjs"], cwd=folder, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
