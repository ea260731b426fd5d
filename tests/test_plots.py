"""The pictures of a training, read back from matplotlib's figures."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from mnist_core.network.model import MLP
from mnist_core.training import plots


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def shown(figure) -> np.ndarray:
    return figure.axes[0].images[0].get_array().data


def cells(figure, count: int) -> list[np.ndarray]:
    """The images of a grid, found by where their titles stand: above and in the middle."""
    page, found = shown(figure), []
    for text in figure.axes[0].texts[:count]:
        x, y = text.get_position()
        top, left = round(y + 1), round(x - 14)
        found.append(page[top : top + 28, left : left + 28])
    return found


def filled(*levels: float) -> torch.Tensor:
    return torch.tensor(levels)[:, None, None].expand(len(levels), 28, 28)


def test_a_confusion_matrix_shows_all_counts_and_colours_the_mistakes():
    counts = torch.diag(torch.arange(1000, 1010))
    counts[2, 7], counts[4, 9] = 20, 3
    figure = plots.confusion_matrix(counts, "the test set")
    where = {text.get_position(): text for text in figure.axes[0].texts}
    assert len(where) == 12
    assert where[7, 2].get_text() == "20"  # x is the answer, y the digit
    assert where[3, 3].get_text() == "1003"
    assert where[7, 2].get_color() == "white"  # on the darkest
    colours = shown(figure)
    assert colours[2, 7] == 20 and colours[4, 9] == 3 and colours.sum() == 23
    assert counts[3, 3] == 1003  # what was given is as before
    title = "Answers to the test set, 10,068 images. Mistakes are coloured"
    assert figure.axes[0].get_title() == title


def test_the_surest_mistakes_are_shown_the_surest_first():
    answers = torch.tensor([3, 3, 5, 1, 7])
    confidence = torch.tensor([0.5, 0.9, 0.99, 0.8, 0.6])
    probabilities = torch.zeros(5, 10)
    probabilities[range(5), answers] = confidence
    images = filled(10, 20, 30, 40, 50)
    figure = plots.surest_mistakes(images, [8, 2, 5, "A", 1], probabilities)
    assert texts(figure) == ["2 read as 3\n90%", "A read as 1\n80%", "1 read as 7\n60%",
                             "8 read as 3\n50%"]  # fmt: skip
    assert [cell.mean() for cell in cells(figure, 4)] == [20, 40, 50, 10]


def test_a_grid_has_ten_images_a_row_that_do_not_touch():
    figure = plots.image_grid(filled(*range(1, 24)), [f"title {n}" for n in range(23)])
    assert texts(figure) == [f"title {n}" for n in range(23)]
    for number, cell in enumerate(cells(figure, 23), start=1):
        assert cell.shape == (28, 28)
        assert (cell == number).all()
    assert np.count_nonzero(shown(figure)) == 23 * 28 * 28
    columns, rows = map(
        set, zip(*(text.get_position() for text in figure.axes[0].texts), strict=True)
    )
    assert (len(columns), len(rows)) == (10, 3)
    first, second, _ = sorted(rows)
    assert first >= 12  # room for a title of two lines
    assert second - first >= 28 + 12
    assert figure.axes[0].images[0].get_clim() == (0, 255)


def test_the_strongest_units_of_the_first_layer_are_shown():
    model = MLP((50,))
    weights = torch.zeros(50, 784)
    weights[7, 3], weights[9, 30], weights[4, 5] = -3.0, 2.0, 1.0
    model.layers[0].weight.data = weights
    figure = plots.first_layer(model)
    assert len(texts(figure)) == 40
    assert texts(figure)[:3] == ["unit 7", "unit 9", "unit 4"]
    model.layers[0].weight.data = 0.5 + torch.rand(50, 784)
    ink = shown(plots.first_layer(model))
    assert 200 < ink.max() < 300  # nearly all weights fit into 255 ...
    figure = plots.first_layer(model)
    assert (cells(figure, 1)[0] > 255).mean() < 0.05
    (picture,) = figure.axes[0].images
    assert picture.get_clim() == (-255, 255)
    colours = [to_hex(picture.cmap(picture.norm(value))) for value in (-255, 255)]
    assert colours == ["#0082dc", "#e69f00"]  # the page's


def test_curves_show_losses_and_accuracies_and_the_epoch_that_was_kept():
    names = ("training_loss", "validation_loss", "validation_accuracy", "styles_accuracy")
    rows = [
        {"epoch": n} | {name: n / 10 + place / 100 for place, name in enumerate(names)}
        for n in (1, 2, 3)
    ]
    figure = plots.curves(rows, 2)
    losses, accuracies = figure.axes
    kept = "kept: epoch 2, highest mean accuracy"
    drawn = {line.get_label(): line for line in losses.lines}
    assert set(drawn) == {"training", "validation", kept}
    assert list(drawn["training"].get_xdata()) == [1, 2, 3]
    assert list(drawn["validation"].get_ydata()) == pytest.approx([0.11, 0.21, 0.31])
    assert set(drawn[kept].get_xdata()) == {2}
    shares = {line.get_label(): line for line in accuracies.lines}
    assert set(shares) == {"validation", "styles", kept}
    assert list(shares["validation"].get_ydata()) == pytest.approx([12, 22, 32])  # per cent
    same = [to_hex(lines["validation"].get_color()) for lines in (drawn, shares)]
    assert same[0] == same[1] != to_hex(drawn["training"].get_color())
