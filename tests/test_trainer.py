"""Recipes, and a network's training and evaluation as a whole; test_learning_steps.py has steps."""

import json
import re

import pytest
import torch
from torch import nn

from mnist_core.drawing.framing import to_input
from mnist_core.network.model import MLP
from mnist_core.training import trainer
from mnist_core.training.data import select, split
from mnist_core.training.recipes import LOSSES, NOTES, RECIPES, Recipe, recipe_from
from mnist_core.training.trainer import LOSS_FUNCTIONS, Trainer, evaluate
from tests.conftest import ROOT


def train(recipe: Recipe, dataset, validation) -> tuple[Trainer, list]:
    torch.manual_seed(0)
    model = MLP(recipe.hidden, recipe.batch_norm)
    training = Trainer(model, dataset, recipe, torch.Generator().manual_seed(0))
    return training, list(training.fit(validation))


# Recipes ---------------------------------------------------------------------


def test_recipes_and_losses_are_complete():
    assert RECIPES["tutorial"] == Recipe((128, 64), epochs=10, batch_size=64, learning_rate=0.01)
    assert NOTES.keys() == RECIPES.keys()
    assert LOSS_FUNCTIONS.keys() == LOSSES.keys()
    for language in ("en", "zh"):
        texts = json.loads((ROOT / "ui" / "texts" / f"{language}.json").read_text(encoding="utf-8"))
        assert all(name in texts["recipe_note"] for name in RECIPES)


def test_best_is_the_recipe_of_the_shipped_network(recognizer):
    provenance = recognizer.config["provenance"]
    assert "--recipe best " in provenance["command"]
    saved = {key: value for key, value in provenance["recipe"].items() if key != "name"}
    given = ("hidden", "epochs", "learning_rate", "batch_norm")  # by its command
    chosen = {name: getattr(RECIPES["best"], name) for name in given}
    assert recipe_from(saved | chosen) == RECIPES["best"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_docs_say_how_large_a_recipe_s_network_is_and_how_long_it_is_trained(name):
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    sizes, epochs = re.search(rf"\| `{name}`[^|]*\| ([\d-]+),[^|]* (\d+) epochs \|", text).groups()
    assert sizes == "-".join(map(str, (784, *RECIPES[name].hidden, 10)))
    assert int(epochs) == RECIPES[name].epochs


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"batch_size": 1, "batch_norm": True},
        {"learning_rate": float("nan")},
        {"hidden": (128, 0)},
        {"hidden": (4097,)},
        {"hidden": (1,) * 9},
        {"loss": "squares"},
    ],
)
def test_settings_that_cannot_train_are_refused(wrong):
    settings = {"hidden": (4096,) * 8, "epochs": 1, "batch_size": 2, "learning_rate": 0.1}
    Recipe(**settings, batch_norm=True)
    with pytest.raises(ValueError, match="expected"):
        Recipe(**{**settings, **wrong})


# The network -----------------------------------------------------------------


def test_layer_sizes_are_data_and_answers_log_probabilities():
    shapes = [tuple(p.shape) for p in MLP((5, 4, 3)).parameters() if p.ndim == 2]
    assert shapes == [(5, 784), (4, 5), (3, 4), (10, 3)]
    assert [tuple(p.shape) for p in MLP(()).parameters()] == [(10, 784), (10,)]
    outputs = MLP()(1000 * torch.randn(7, 784, generator=torch.Generator().manual_seed(0)))
    assert outputs.shape == (7, 10)
    assert torch.allclose(outputs.exp().sum(1), torch.ones(7))
    assert outputs.isfinite().all()


def test_evaluation_weighs_every_image_the_same(mnist, monkeypatch):
    images, labels = mnist[0][:100], mnist[1][:100]
    torch.manual_seed(0)
    model = MLP((8,))
    log_probabilities = model(to_input(images))
    expected_loss = nn.functional.cross_entropy(model.layers(to_input(images)), labels)
    expected_accuracy = (log_probabilities.argmax(1) == labels).double().mean()
    monkeypatch.setattr(trainer, "EVALUATION_BATCH", 64)  # 64 and a short batch of 36
    loss, accuracy = evaluate(model, (images, labels))
    assert loss == pytest.approx(expected_loss.item(), rel=1e-5)
    assert accuracy == pytest.approx(expected_accuracy.item())


# Training --------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_fit_evaluates_the_average_or_where_none_is_asked_for_the_model_itself(mnist, decay):
    some = mnist[0][:500], mnist[1][:500]
    training, epochs = train(
        Recipe((8,), 2, 50, 0.01, batch_norm=True, ema_decay=decay), some, some
    )
    assert evaluate(training.ema_model, some)[1] == epochs[-1].validation_accuracy
    assert (training.ema_model is training.model) == (not decay)
    assert training.ema_model.layers[1].num_batches_tracked == 20


@pytest.mark.parametrize("batch_size", [100, 333, 1000])  # ten steps; a last batch of one; one step
def test_short_runs_and_short_batches_train(mnist, batch_size):
    some = mnist[0][:1000], mnist[1][:1000]
    _, (epoch,) = train(
        Recipe((8,), 1, batch_size, 0.01, one_cycle=True, batch_norm=True), some, some
    )
    assert epoch.training_loss > 0


def test_the_loss_is_a_mean_of_the_images_trained_on(monkeypatch):
    data = torch.zeros(201, 28, 28, dtype=torch.uint8), torch.arange(201) % 10
    recipe = Recipe((8,), 1, 100, 0.01, batch_norm=True)  # skips the last batch, of one
    training = Trainer(MLP((8,), True), data, recipe, torch.Generator().manual_seed(0))
    monkeypatch.setattr(training, "train_step", lambda *_: 2.5)
    assert training.run_epoch(data).training_loss == 2.5


def test_the_quick_recipe_reaches_about_98_percent(mnist):
    training, held_out = (select(mnist, part) for part in split(len(mnist[0])))
    *_, last = train(RECIPES["quick"], training, held_out)[1]
    assert last.validation_accuracy > 0.975  # by seed and number of threads 97.9 to 98.2 %
