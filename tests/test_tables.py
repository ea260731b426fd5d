"""Tables as Markdown, and how a spread is written."""

import pytest

from mnist_core.tables import (
    least_to_most,
    mean_and_deviation,
    row,
    table,
    wilson_interval,
)


def test_a_table_is_markdown():
    whole = table(["loss", "seconds"], [("(a)", 10.1), ("(b)", 9)])
    assert whole == "| loss | seconds |\n|---|---|\n| (a) | 10.1 |\n| (b) | 9 |\n"
    assert table(["loss", "seconds"]) + row(("(a)", 10.1)) == "\n".join(whole.splitlines()[:3])


def test_spreads_are_written():
    assert mean_and_deviation([1, 2, 3]) == "2.00 ± 1.00"
    assert mean_and_deviation([96.708], ".1f") == "96.7"
    assert least_to_most([0.9, 0.8, 0.85], ".0%") == "80% to 90%"
    assert least_to_most([4.0, 2.9, 3.1]) == "2.9 to 4.0"


def test_the_interval_of_a_share_is_wilsons():
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
