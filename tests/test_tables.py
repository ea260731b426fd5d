"""Tables as Markdown, what is quoted of them, and how a spread is written."""

import json

import pytest

from experiments.tables import figures_of, least_to_most, mean_and_deviation, write_figures
from mnist_core.tables import row, table, wilson_interval


def test_a_table_is_markdown():
    whole = table(["loss", "seconds"], [("(a)", 10.1), ("(b)", 9)])
    assert whole == "| loss | seconds |\n|---|---|\n| (a) | 10.1 |\n| (b) | 9 |\n"
    assert table(["loss", "seconds"]) + row(("(a)", 10.1)) == "\n".join(whole.splitlines()[:3])


PAGE = "\n".join(
    [
        "# A page\n",
        table(["read", "accuracy", "of"], [("MNIST test", "99.52%", 10000), ("drawings", "", 7)]),
        "Between two tables\n",
        table(["read", "sure", "of"], [("MNIST test", "96.90%", 5)]),
    ]
)


def test_figures_are_the_cells_of_a_page_s_tables():
    assert figures_of(PAGE) == {
        "MNIST test": {"accuracy": "99.52 %", "of": "10000", "sure": "96.90 %"},
        "drawings": {"accuracy": "", "of": "7"},
    }


def test_a_command_s_figures_take_the_place_of_its_own_alone(tmp_path):
    file = tmp_path / "figures.json"
    config = {"name": "0123abcd", "provenance": {"scores": {"test_accuracy": 0.9}}}
    write_figures(file, "second", table(["loss", "seconds"], [("(a)", 10.1)]))
    write_figures(file, "first", table(["loss", "seconds"], [("(b)", 9)]))
    write_figures(file, "first", PAGE, config)
    known = json.loads(file.read_text(encoding="utf-8"))
    assert list(known) == ["first", "second"]
    assert known["second"] == {"(a)": {"seconds": "10.1"}}
    about = {"network": "0123abcd", "scores": {"test_accuracy": 0.9}}
    assert known["first"] == figures_of(PAGE) | about


def test_spreads_are_written():
    assert mean_and_deviation([1, 2, 3]) == "2.00 ± 1.00"
    assert mean_and_deviation([96.708], ".1f") == "96.7"
    assert least_to_most([0.9, 0.8, 0.85], ".0%") == "80% to 90%"
    assert least_to_most([4.0, 2.9, 3.1]) == "2.9 to 4.0"


def test_the_interval_of_a_share_is_wilsons():
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
