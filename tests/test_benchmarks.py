"""The benchmarks: what they compare, count and print."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch

from benchmarks import load, visits
from benchmarks import page as page_benchmark
from benchmarks import training as training_benchmark
from mnist_core.training.recipes import RECIPES, Recipe
from serving.reloader import ModelReloader
from tests.conftest import ROOT, free_port
from tests.test_experiments import FEW, call, rows

SMALL = Recipe(hidden=(16,), epochs=1, batch_size=64, learning_rate=0.01)


# The time of training --------------------------------------------------------


def test_the_usual_loop_and_ours_train_the_same_network(mnist):
    training, validation = training_benchmark.parts(mnist, 640)
    generator = torch.Generator().manual_seed(0)
    loaders = training_benchmark.usual_data(ROOT / "data", 640, SMALL.batch_size, generator)
    ((usual, _), (ours, _)) = training_benchmark.take_turns(training, validation, loaders, SMALL)[0]
    assert usual.training_loss == pytest.approx(ours.training_loss, rel=1e-4)
    assert usual.validation_loss == pytest.approx(ours.validation_loss, rel=1e-4)
    assert usual.validation_accuracy == pytest.approx(ours.validation_accuracy)


def test_the_floor_counts_each_multiplication_of_a_step(monkeypatch):
    monkeypatch.setattr(training_benchmark, "microseconds", lambda action: action().sum() * 0 + 1)
    operations, cost = training_benchmark.multiplications(RECIPES["tutorial"])
    # Forward and the weights' gradient; but for the first layer the inputs' gradient too.
    assert operations == 2 * 64 * (2 * 784 * 128 + 3 * 128 * 64 + 3 * 64 * 10)
    assert cost == 8


def test_training_is_timed(monkeypatch, capsys):
    monkeypatch.setattr(training_benchmark, "RECIPES", {"tutorial": SMALL, "quick": SMALL})
    monkeypatch.setattr(training_benchmark, "TARGETS", (0.1, 1.0))
    monkeypatch.setattr(training_benchmark, "TIMING_SECONDS", 0.01)
    threads = ("--threads", torch.get_num_threads())
    call(monkeypatch, training_benchmark, *FEW, *threads)
    page = capsys.readouterr().out
    assert "900 training images, 100 of validation" in page
    assert rows(page, "the usual") and rows(page, "`fit`")
    assert re.search(r"`fit` is \d+\.\d times as fast", page)
    (reached,) = rows(page, "quick")
    assert re.fullmatch(r"\d+\.\d \(.*\)", reached[2])
    assert reached[3] == "not reached"
    for part in ("indexing", "forward", "backward", "optimiser", "floor"):
        assert rows(page, part)


def test_training_can_not_take_no_epochs(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, training_benchmark, "--epochs", 0, "--threads", torch.get_num_threads())
    assert ended.value.code == 2
    assert capsys.readouterr().err == "training.py: epochs is 0; expected more than 0\n"


# The page --------------------------------------------------------------------


def test_strokes_and_loads_of_the_page_are_timed(browser):
    serve = partial(page_benchmark.serve_ours, ModelReloader(ROOT / "weights"))
    clear = page_benchmark.clear_ours
    drawn = page_benchmark.time_strokes(browser, serve, clear, ".bars", 1)
    assert list(drawn) == [0, 100, 400]
    for times, updates, requests in drawn.values():
        assert 0 < times[0] < 400  # however far the server is
        assert updates > 1
        assert requests == 0
    assert all(0 < time < 1000 for time in page_benchmark.time_reading(browser, serve, 1))
    ours, empty = page_benchmark.time_loads(browser, serve, page_benchmark.serve_nothing, 1, None)
    assert len(ours) == len(empty) == 1


def test_times_are_shown_with_their_spread():
    times = [float(number) for number in range(1, 20)]
    page = page_benchmark.times_table("from here to there", {"this page": times})
    assert rows(page, "from here")[0][1:] == ["median", "p95", "least", "most", "n"]
    assert rows(page, "this page")[0][1:] == ["10", "19", "1", "19", "19"]


# A server --------------------------------------------------------------------


def end(monkeypatch, script, *arguments) -> int:
    """Run `main` to its exit code; in a thread of its own, as Playwright keeps this one's loop."""
    with ThreadPoolExecutor(1) as thread, pytest.raises(SystemExit) as ended:
        thread.submit(call, monkeypatch, script, *arguments).result()
    return int(ended.value.code)


def test_many_people_draw_at_once_and_all_are_answered(server, monkeypatch, capsys):
    monkeypatch.setattr(load, "DRAWING_SECONDS", 1)
    monkeypatch.setattr(load, "PAUSE_SECONDS", 0.5)
    people = ("--people", 8, "--seconds", 2)
    assert end(monkeypatch, load, "--address", server, *people) == 0
    header, row = rows(capsys.readouterr().out, "")
    assert header == list(load.HEADER)
    assert row[0] == "8"
    assert float(row[1]) > 5  # answers a second


def test_a_drawing_grows_to_the_whole():
    strokes = [[[0, 0], [1, 1], [2, 2]], [[3, 3]]]
    states = list(load.states(strokes))
    assert len(states) == load.UPDATES
    assert states[0] == [[[0, 0]]]
    assert states[-1] == strokes


def test_visitors_ask_for_all_that_a_browser_asked_for(server, monkeypatch, capsys):
    wanted = [server, f"{server}network"]
    monkeypatch.setattr(visits, "first_visit", lambda address: wanted)
    crowd = ("--visitors", 2, "--seconds", 0.2)
    assert end(monkeypatch, visits, "--address", server, *crowd) == 0
    header, row = rows(capsys.readouterr().out, "")
    assert header == list(visits.HEADER)
    assert (row[0], row[5]) == ("2", "2")
    assert float(row[1]) > 0
    wanted.append(f"{server}nothing")
    assert end(monkeypatch, visits, "--address", server, *crowd) == 1


@pytest.mark.parametrize("script", [load, visits])
def test_where_nothing_is_served_a_script_says_so(script, monkeypatch, capsys):
    assert end(monkeypatch, script, "--address", f"http://127.0.0.1:{free_port()}/") == 2
    assert ".py: no page answers at" in capsys.readouterr().err
