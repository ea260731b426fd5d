"""Every step of a training and of a fine-tuning, against its formula.

The steps are watched where PyTorch takes them: what the network saw, the gradients and the learning
rate. So these tests know little of how the code that is tested is divided into functions.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

from mnist_core.corrections import finetune
from mnist_core.corrections.finetune import FineTuning
from mnist_core.drawing.strokes import Drawing, parse_strokes
from mnist_core.network.model import MLP
from mnist_core.training import data
from mnist_core.training.data import contributor_of, load_mnist, split_drawings, training_data
from mnist_core.training.recipes import Recipe
from mnist_core.training.trainer import LOSS_FUNCTIONS, Trainer, confusion_matrix, evaluate, predict
from tests.conftest import ROOT
from tests.small_training import load_few


@dataclass
class Step:
    """A step that is about to be taken."""

    inputs: torch.Tensor  # (n, 784), what the network saw
    parameters: list[torch.Tensor]
    gradients: list[torch.Tensor]
    settings: dict  # the optimizer's
    precision: str  # of products of float32


@pytest.fixture
def steps():
    """All steps that any optimizer takes."""
    taken, seen = [], []

    def see(module: nn.Module, arguments: tuple) -> None:
        if isinstance(module, nn.Linear) and module.in_features == 784 and torch.is_grad_enabled():
            seen.append(arguments[0].detach().clone())

    def take(optimizer: torch.optim.Optimizer, *_) -> None:
        (group,) = optimizer.param_groups
        parameters = [parameter.detach().clone() for parameter in group["params"]]
        gradients = [parameter.grad.clone() for parameter in group["params"]]
        settings = {key: value for key, value in group.items() if key != "params"}
        precision = torch.get_float32_matmul_precision()
        taken.append(Step(seen.pop(), parameters, gradients, settings, precision))
        assert not seen  # one look at the network a step

    hooks = register_module_forward_pre_hook(see), register_optimizer_step_pre_hook(take)
    yield taken
    for hook in hooks:
        hook.remove()


def network(*hidden: int, seed: int = 0) -> MLP:
    torch.manual_seed(seed)
    return MLP(hidden)


def numbered(count: int) -> data.Dataset:
    """Images that differ, so that a batch shows which they were: `find` tells."""
    images = torch.zeros(count, 28, 28, dtype=torch.uint8)
    images[:, 4:24, 4:24] = torch.arange(1, count + 1, dtype=torch.uint8)[:, None, None]
    images[:, 10:14, 5:20] = 255 - images[:, 10:14, 5:20]
    return images, torch.arange(count) * 7 % 10


def find(inputs: torch.Tensor) -> torch.Tensor:
    """Which of the `numbered` images these (n, 784) inputs are."""
    return (255 * inputs[:, 28 * 4 + 4]).round().long() - 1


def train(recipe: Recipe, dataset: data.Dataset, model: MLP, **more) -> tuple[Trainer, list]:
    training = Trainer(model, dataset, recipe, torch.Generator().manual_seed(0), **more)
    return training, list(training.fit(dataset))


def assert_follows(step: Step, model: MLP, loss) -> None:
    """The step's gradient is that of `loss`, a function of log-probabilities, (n, 10)."""
    names = [name for name, _ in model.named_parameters()]

    def of_parameters(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        return loss(functional_call(model, parameters, (step.inputs,)))

    expected = grad(of_parameters)(dict(zip(names, step.parameters, strict=True)))
    for name, found in zip(names, step.gradients, strict=True):
        torch.testing.assert_close(found, expected[name], rtol=1e-4, atol=1e-6)


def mean_of_labels(log_probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return -log_probabilities[torch.arange(len(labels)), labels].mean()


# The optimizer and its schedule ----------------------------------------------


def one_cycle(peak: float, count: int) -> list[float]:
    """Half a cosine up from peak / 25 in a tenth of the steps, half a one down to 1e-4 of that."""
    top, low, last = 0.1 * count - 1, peak / 25, peak / 25e4
    up = [low + (peak - low) * (1 - math.cos(math.pi * i / top)) / 2 for i in range(count)]
    down = [
        last + (peak - last) * (1 + math.cos(math.pi * (i - top) / (count - 1 - top))) / 2
        for i in range(count)
    ]
    return [up[i] if i <= top else down[i] for i in range(count)]


def test_one_cycle_rises_for_a_tenth_of_the_steps_then_falls_to_nothing(steps):
    recipe = Recipe((4,), 4, 20, 0.02, one_cycle=True)
    train(recipe, numbered(195), network(4))  # ten batches an epoch, the last of 15
    rates = [step.settings["lr"] for step in steps]
    assert rates == pytest.approx(one_cycle(0.02, 40), rel=1e-6)
    assert rates.index(max(rates)) == 3
    assert max(rates) == pytest.approx(0.02)


def test_without_a_cycle_the_learning_rate_stays(steps):
    train(Recipe((4,), 2, 50, 0.02), numbered(100), network(4))
    assert [step.settings["lr"] for step in steps] == [0.02] * 4


def test_steps_are_adam_s_with_the_recipe_s_weight_decay(steps):
    decay = 0.3
    train(Recipe((4,), 1, 50, 0.02, weight_decay=decay), numbered(100), network(4))
    first, second = steps
    for before, gradient, after in zip(
        first.parameters, first.gradients, second.parameters, strict=True
    ):
        # Adam's first step is as long as the learning rate, whatever the gradient.
        direction = gradient / (gradient.abs() + 1e-8)
        expected = before * (1 - 0.02 * decay) - 0.02 * direction
        torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-6)
    assert first.settings["betas"] == (0.9, 0.999)


def test_the_average_moves_towards_the_weights_faster_in_the_first_steps(steps):
    training, _ = train(Recipe((4,), 3, 20, 0.02, ema_decay=0.4), numbered(100), network(4))
    weights = [step.parameters[0] for step in steps[1:]]
    weights.append(training.model.layers[0].weight.detach())
    average = steps[0].parameters[0]
    for number, weight in enumerate(weights, start=1):
        kept = min(0.4, number / (number + 9))  # 1/10, 2/11, ..., and from the sixth step on 0.4
        average = kept * average + (1 - kept) * weight
    torch.testing.assert_close(training.ema_model.layers[0].weight.detach(), average)


@pytest.mark.parametrize("fast", [False, True])
def test_products_are_less_exact_in_a_step_and_only_where_the_recipe_says(steps, fast):
    before = torch.get_float32_matmul_precision()
    assert before == "highest"
    train(Recipe((4,), 1, 50, 0.02, low_precision_matmul=fast), numbered(100), network(4))
    assert {step.precision for step in steps} == {"medium" if fast else "highest"}
    assert torch.get_float32_matmul_precision() == before


# What a batch holds and what it costs ----------------------------------------


def test_each_image_is_seen_once_an_epoch_in_an_order_that_changes(steps):
    dataset = numbered(90)
    train(Recipe((4,), 2, 40, 0.001), dataset, network(4))
    assert [len(step.inputs) for step in steps] == [40, 40, 10] * 2
    seen = [find(step.inputs) for step in steps]
    for step, order in zip(steps, seen, strict=True):
        assert torch.equal(step.inputs, dataset[0][order].reshape(-1, 784) / 255)
    first, second = torch.cat(seen[:3]).tolist(), torch.cat(seen[3:]).tolist()
    assert sorted(first) == sorted(second) == list(range(90))
    assert first != second
    assert first != sorted(first)


def test_the_loss_is_that_of_the_labels_and_an_epoch_s_is_the_mean_over_its_images(steps):
    dataset, model = numbered(90), network(6)
    _, (epoch,) = train(Recipe((6,), 1, 40, 0.01), dataset, model)
    total = 0.0
    for step in steps:
        labels = dataset[1][find(step.inputs)]
        assert_follows(step, model, lambda answers, labels=labels: mean_of_labels(answers, labels))
        names = (name for name, _ in model.named_parameters())
        before = dict(zip(names, step.parameters, strict=True))
        answers = functional_call(model, before, (step.inputs,))
        total += mean_of_labels(answers, labels).item() * len(labels)
    assert epoch.training_loss == pytest.approx(total / 90, rel=1e-5)


def test_a_quarter_as_many_negatives_join_a_batch_and_weigh_two_fifths(steps):
    dataset, model = numbered(80), network(6)
    negatives = torch.full((30, 28, 28), 200, dtype=torch.uint8)
    negatives[:, 0, 0] = torch.arange(30, dtype=torch.uint8)
    _, epochs = train(Recipe((6,), 3, 40, 0.01), dataset, model, negatives=negatives)
    assert [len(step.inputs) for step in steps] == [40 + 10] * 6
    known = {row.numpy().tobytes() for row in negatives.reshape(-1, 784) / 255}
    drawn = [row.numpy().tobytes() for step in steps for row in step.inputs[40:]]
    assert set(drawn) <= known
    assert len(set(drawn)) > 15  # of the 60, by chance
    for step in steps:
        labels = dataset[1][find(step.inputs[:40])]

        def loss(answers: torch.Tensor, labels: torch.Tensor = labels) -> torch.Tensor:
            # Cross-entropy with a tenth for each digit.
            unsure = -(answers[40:] / 10).sum(1).mean()
            return mean_of_labels(answers[:40], labels) + 0.4 * unsure

        assert_follows(step, model, loss)
    assert epochs[0].training_loss < 2.4  # the digits' alone: ln 10 at first


def test_teachers_mean_answers_at_a_temperature_of_two_replace_the_labels(steps):
    dataset, model = numbered(80), network(6)
    teachers = [network(5, seed=1), network(5, seed=2)]
    for teacher in teachers:
        for parameter in teacher.parameters():
            parameter.data *= 4  # so that they have an opinion
    negatives = torch.full((30, 28, 28), 200, dtype=torch.uint8)
    _, (epoch,) = train(
        Recipe((6,), 1, 80, 0.01), dataset, model, negatives=negatives, teachers=teachers
    )
    (step,) = steps
    with torch.no_grad():
        # Half the scores is the square root of the probabilities, made to sum to 1 again.
        roots = torch.stack([teacher(step.inputs[:80]).exp().sqrt() for teacher in teachers])
        targets = (roots / roots.sum(2, keepdim=True)).mean(0)
        labels = dataset[1][find(step.inputs[:80])]
        wrong = targets.argmax(1) != labels
        assert 0 < wrong.sum() < 80
        true = torch.nn.functional.one_hot(labels[wrong], 10)
        targets[wrong] = 0.3 * targets[wrong] + 0.7 * true  # where they are wrong, mostly the label

    def loss(answers: torch.Tensor) -> torch.Tensor:
        unsure = -(answers[80:] / 10).sum(1).mean()
        return -(targets * answers[:80]).sum(1).mean() + 0.4 * unsure

    assert_follows(step, model, loss)
    before = network(6)(step.inputs[:80])
    assert epoch.training_loss == pytest.approx(mean_of_labels(before, labels).item(), rel=1e-5)


def test_images_are_augmented_where_the_recipe_says_and_differently_each_time(steps, mnist):
    some = mnist[0][:40], mnist[1][:40]
    train(Recipe((4,), 2, 40, 0.001, augment=True), some, network(4), negatives=mnist[0][100:110])
    first, second = (step.inputs for step in steps)
    known = {row.numpy().tobytes() for row in mnist[0][:110].reshape(-1, 784) / 255}
    for inputs in (first, second):
        assert len(inputs) == 50
        assert not known & {row.numpy().tobytes() for row in inputs}
        assert inputs.min() >= 0 and inputs.max() < 1.001
        # The digits' ink is there still, thicker or thinner.
        assert inputs[:40].mean() == pytest.approx(some[0].float().mean().item() / 255, rel=0.3)
    assert not torch.equal(first, second)


def test_losses_worked_by_hand():
    scores, labels = torch.tensor([[0.0, math.log(3)]]), torch.tensor([1])
    # The softmax is 1/4 and 3/4; softmax once more, e^.25 and e^.75 by their sum.
    right, twice = math.log(4 / 3), math.log(math.exp(-0.5) + 1)
    found = {name: loss(scores, labels).item() for name, loss in LOSS_FUNCTIONS.items()}
    assert found == pytest.approx(
        {
            "nll": right,
            "cross-entropy": right,
            "softmax-cross-entropy": twice,
            "log-of-softmax": right,
        }
    )


@pytest.mark.parametrize("loss", LOSS_FUNCTIONS)
def test_a_training_follows_the_loss_that_it_was_told(steps, loss):
    dataset, model = numbered(40), network(6)
    train(Recipe((6,), 1, 40, 0.01, loss=loss), dataset, model)
    labels = dataset[1][find(steps[0].inputs)]

    def expected(answers: torch.Tensor) -> torch.Tensor:
        again = answers.exp().log_softmax(1) if loss == "softmax-cross-entropy" else answers
        return mean_of_labels(again, labels)

    assert_follows(steps[0], model, expected)


# Contributors held out -------------------------------------------------------


def test_nothing_by_a_held_out_contributor_is_trained_on(monkeypatch):
    """Contributor number n draws nothing but the digit n, and each has letters of their own."""
    load_few(monkeypatch.setattr, 100, data)
    strokes = parse_strokes([[[0, 0], [3, 9]]])
    digits = [Drawing(n, strokes, {"writer": f"c{n}-{m}"}) for n in range(10) for m in range(6)]
    letters = [
        Drawing(None, strokes, {"writer": f"c{n}-1", "character": "A"})
        for n in range(10)
        for _ in range(n + 1)
    ]
    held_out = {contributor_of(drawing) for drawing in split_drawings(digits)[1]}
    (number,) = (int(name[1:]) for name in held_out)
    made = training_data(ROOT / "data", digits, 0, torch.Generator().manual_seed(0), letters)
    ambiguous = 3 * 6 * (number != 1)  # ones that might be sevens, made of contributor 1's
    trained = made.train_set[1][90 : len(made.train_set[1]) - ambiguous]  # without MNIST's 90
    assert sorted(trained.unique().tolist()) == [n for n in range(10) if n != number]
    for name in ("drawings", "styles"):
        assert made.validation[name][1].unique().tolist() == [number]
    assert len(made.validation["drawings"][0]) == 6
    assert len(made.held_out_negatives) == number + 1
    assert f"{55 - number - 1} letters" in made.description


def test_held_out_corrections_are_scored_and_not_learned_from(monkeypatch):
    load_few(monkeypatch.setattr, 200, data)
    monkeypatch.setattr(finetune, "NEGATIVES", 20)
    corrections = [
        Drawing(n % 10, parse_strokes([[[0, n], [9, 60]]]), {"writer": f"w{n}"}) for n in range(40)
    ]
    before, after = network(3).eval(), network(3, seed=1).eval()
    learned_from, rehearsed = [], []

    def fine_tune(model, some, rehearsal, *_) -> MLP:
        learned_from.extend(some)
        rehearsed.append(rehearsal)
        return after

    monkeypatch.setattr(finetune, "finetune", fine_tune)
    learned = finetune.learn(before, corrections, [], ROOT / "data", FineTuning())
    writers = {correction.extra["writer"] for correction in learned_from}
    known, unknown = finetune.hold_out(corrections)
    assert len(known) + len(unknown) == 40 and 2 <= len(unknown) <= 16
    assert writers == {correction.extra["writer"] for correction in known}
    assert (learned.count, learned.held_out) == (len(known), len(unknown))
    assert len(rehearsed[0]) == 180 + 20
    images, labels = load_mnist(ROOT / "data", train=False)
    sets = {
        "held-out corrections": data.render_drawings(unknown),
        "test": (images[:200], labels[:200]),
    }
    assert set(learned.scores) == {"validation", *sets}
    for name, dataset in sets.items():
        accuracies = [evaluate(one, dataset)[1] for one in (before, after)]
        assert learned.scores[name] == (*accuracies, len(dataset[0]))
    answers = predict(after, sets["test"][0]).argmax(1)
    assert torch.equal(learned.confusion, confusion_matrix(answers, sets["test"][1]))


# Fine-tuning -----------------------------------------------------------------


@pytest.fixture
def one_digit(monkeypatch):
    """Corrections of one digit, so that their labels are known in whatever order they come."""
    monkeypatch.setattr(finetune, "POOL", 300)
    return [Drawing(4, parse_strokes([[[0, n], [9, 60]], [[n, 0], [5, 50]]])) for n in range(5)]


def test_a_fine_tuning_holds_answers_by_their_divergence_and_learns_labels(steps, one_digit, mnist):
    settings = FineTuning(
        steps=6, learning_rate=0.01, corrected=20, rehearsed=50, distillation_weight=7.0
    )
    model = network(12).eval()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    generator = torch.Generator().manual_seed(0)
    new = finetune.finetune(model, one_digit, mnist[0][:100], settings, generator)
    assert len(steps) == 6
    assert all(map(torch.equal, before, model.parameters()))
    assert not torch.equal(before[0], new.layers[0].weight)
    for step in steps:
        assert len(step.inputs) == 20 + 50
        with torch.no_grad():
            earlier = model(step.inputs[20:])

        def loss(answers: torch.Tensor, earlier: torch.Tensor = earlier) -> torch.Tensor:
            # Kullback and Leibler: what the earlier answers expect of the logarithms' difference.
            moved = (earlier.exp() * (earlier - answers[20:])).sum(1).mean()
            return -answers[:20, 4].mean() + 7.0 * moved

        assert_follows(step, model, loss)


def test_a_fine_tuning_s_learning_rate_falls_along_a_cosine(steps, one_digit, mnist):
    settings = FineTuning(steps=8, learning_rate=0.004)
    generator = torch.Generator().manual_seed(0)
    finetune.finetune(network(4).eval(), one_digit, mnist[0][:100], settings, generator)
    expected = [0.004 * (1 + math.cos(math.pi * i / 8)) / 2 for i in range(8)]
    assert [step.settings["lr"] for step in steps] == pytest.approx(expected, rel=1e-6)
    assert {len(step.inputs) for step in steps} == {64 + 192}
    assert all(step.settings["weight_decay"] == 0 for step in steps)
    for step, following in pairwise(steps):  # Adam's first steps are about as long as the rate
        moved = (following.parameters[0] - step.parameters[0]).abs().max()
        assert 0 < moved <= 1.5 * step.settings["lr"]


def test_how_a_fine_tuning_goes_unless_told_otherwise():
    """These are the settings that docs/corrections.md reports on."""
    assert FineTuning() == FineTuning(
        120, 1e-4, corrected=64, rehearsed=192, distillation_weight=30.0
    )
