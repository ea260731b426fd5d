"""README, lessons and docs quote docs/figures.json, which commands write, and nothing else."""

import gzip
import json
import re

import pytest

from experiments.tables import figures_of
from mnist_core.network.quantize import compressed_file
from tests.conftest import ROOT
from ui.document import document

RENEW = 'docs/training.md says under "New figures" which command to run'

# The page that each command writes beside docs/figures.json.
PAGES = {
    "evaluate": "docs/evaluation/README.md",
    "robustness": "docs/robustness.md",
    "personalization": "docs/corrections.md",
    "recipes": "docs/recipes.md",
    "compare_losses": "docs/losses.md",
    "shuffle_pixels": "docs/shuffled.md",
}
PEN = "data/pendigits-test.jsonl.gz, as strokes"
LOSSES = {
    "a": "(a) log_softmax, NLLLoss",
    "b": "(b) scores, CrossEntropyLoss",
    "c": "(c) softmax, CrossEntropyLoss",
    "d": "(d) log(softmax), NLLLoss",
}


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


FIGURES = json.loads(text("docs/figures.json"))


def evaluated(row: str) -> str:
    """Accuracy and count, as the README's table ends with them."""
    found = FIGURES["evaluate"][row]
    return f"| {found['accuracy']} | {int(found['of']):,} |"


def changed(change: str) -> str:
    found = FIGURES["robustness"][f"MNIST test, {change}"]
    return f"| {found['accuracy']} | {int(found['of']):,} |"


def score(name: str) -> str:
    """Of the model card: 0.9966 -> 99.66 %."""
    return f"{100 * FIGURES['evaluate']['scores'][name]:.2f} %"


def recipe(name: str, read: str = "MNIST test") -> str:
    """E.g. 96.80 ± 0.30 %."""
    return FIGURES["recipes"][f"{name}, {read}"]["mean ± deviation"]


def taught(column: str) -> str:
    """What 20 corrections of one person change, without the spread."""
    row = "corrects what is misread and confirms what is least sure"
    return FIGURES["personalization"][row][column].split(" ±")[0]


def loss(letter: str, column: str = "test accuracy") -> str:
    return FIGURES["compare_losses"][LOSSES[letter]][column]


def moved(pixels: int, separator: str = " | ") -> str:
    row = FIGURES["shuffle_pixels"][f"{pixels} pixels"]
    return separator.join([row["`tutorial`"], row["the network in `weights/`"]])


def pixels(kind: str) -> str:
    return FIGURES["shuffle_pixels"][kind]["test accuracy"]


# What the README calls strangers: the held-out contributors on whom the thresholds were chosen.
HELD_OUT = re.search(r"([\d,]+) drawings by 14 people", text("docs/experiments.md"))[1]
POINTS_OF_C = round(float(loss("a").split()[0]) - float(loss("c").split()[0]))


BOTH = f"{FIGURES['evaluate']['MNIST test']['accuracy']} and {FIGURES['evaluate'][PEN]['accuracy']}"
LOST = f"from {taught('MNIST test before').removesuffix(' %')} to {taught('after')}"
QUOTED = {
    "README.md": [
        evaluated("MNIST test"),
        evaluated(PEN),
        f"| {score('drawings_accuracy')} | {HELD_OUT} |",
        changed("scaled to 0.6"),
        changed("rotated by 30 degrees"),
        f"it misread {taught('misread before')} of the other half, {taught('of digits')} digits, "
        f"and {taught('misread after')} after learning",
        f"MNIST's test images went {LOST}",
        f"network reads {recipe('tutorial')} of MNIST's test images and "
        f"{recipe('tutorial', PEN)} of strangers' pen strokes; this one {BOTH}.",
        f"the answers that it calls sure, {FIGURES['evaluate'][PEN]['of the sure, wrong']} are "
        "wrong on the pen strokes",
        f"it takes {score('letters_called_sure_digits')} for a sure digit",
        f"units take {FIGURES['robustness']['file']['figure']}.",
    ],
    "docs/lesson.md": [
        f"reads {recipe('tutorial')} of MNIST's test images and {recipe('tutorial', PEN)} of",
        f"the network in `weights/` reads {BOTH} (",
        f"| (a) `log_softmax`, `NLLLoss` | {loss('a')} |",
        f"| (b) scores, `CrossEntropyLoss` | {loss('b')} |",
        f"| (c) softmax, `CrossEntropyLoss` | {loss('c')} |",
        f"| (d) `log(softmax)`, `NLLLoss` | {loss('d')} |",
        f"(c) loses {POINTS_OF_C} points. {loss('c', 'mistakes with p above 0.99')} of its",
        f"mistakes of (a), {loss('a', 'mistakes with p above 0.99')} are",
        f"Its last training loss, {loss('c', 'last training loss')},",
        f"{pixels('shuffled')} on the test pictures, shuffled in the same way, and "
        f"{pixels('as they are')} without shuffling",
        *(f"| {count} pixel{'s' * (count != 1)} | {moved(count)} |" for count in (0, 1, 2, 4)),
    ],
    "docs/teaching.md": [
        f"{taught('of digits')} digits, it then misreads {taught('misread after')} instead of "
        f"{taught('misread before')}",
        f"MNIST's test images go {LOST}",
    ],
    "docs/training.md": [
        f"the network in `weights/` | | {FIGURES['evaluate']['MNIST test']['accuracy']} | "
        f"{score('drawings_accuracy')} |",
        f"6 epochs | {recipe('quick')} |",
        f"10 epochs | {recipe('tutorial')} |",
    ],
}


@pytest.mark.parametrize(
    ("page", "quoted"), [(page, quoted) for page, each in QUOTED.items() for quoted in each]
)
def test_a_text_quotes_the_figures(page, quoted):
    assert quoted in text(page), f"by docs/figures.json, {page} should say: {quoted}"


def test_the_chinese_readme_has_the_same_figures():
    english, chinese = text("README.md").split("---\n", 2)[2], text("README.zh.md")
    figures = (
        sorted(re.findall(r"\d+(?:[.,]\d+)+|\d+(?= ?%)", page)) for page in (english, chinese)
    )
    assert next(figures) == next(figures)


@pytest.mark.parametrize(("command", "page"), PAGES.items())
def test_a_command_s_page_shows_its_figures(command, page):
    shown = figures_of(text(page))
    for row, cells in FIGURES[command].items():
        if row not in ("network", "scores"):
            found = {column: shown.get(row, {}).get(column) for column in cells}
            assert found == cells, f"{page} and docs/figures.json differ: {RENEW}"


@pytest.mark.parametrize("command", ["evaluate", "robustness", "personalization", "shuffle_pixels"])
def test_the_figures_are_those_of_the_shipped_network(command, recognizer):
    assert FIGURES[command]["network"] == recognizer.name, f"another network was measured: {RENEW}"
    scores = recognizer.config["provenance"]["scores"]
    assert FIGURES[command]["scores"] == scores


@pytest.mark.parametrize("page", ["docs/page.md", "docs/serving.md"])
def test_the_sizes_of_a_first_visit_are_those_of_its_files(page, recognizer):
    sizes = r"two files: the page, (\d+) kB compressed, and the network, ([\d.]+) MB"
    found = re.search(sizes, text(page))
    html = gzip.compress(document({}).html.encode())
    network = compressed_file(recognizer.model, recognizer.config)
    assert float(found[1]) == pytest.approx(len(html) / 1e3, rel=0.05)
    assert float(found[2]) == pytest.approx(len(network) / 1e6, rel=0.01)
