"""scripts/train.py on a twentieth of MNIST, with a small `best`: seconds, and every kind of step.

python -m tests.small_training --output DIR
"""

import dataclasses
from collections.abc import Callable
from types import ModuleType

import pytest

from mnist_core.training import data, finish, recipes, run
from scripts import train
from tests.conftest import call


def shrink(replace: Callable) -> None:
    """`replace(object, name, value)` is setattr, or a test's own that takes it back."""
    changes = {"hidden": (16,), "epochs": 8, "batch_size": 100, "negatives": 40}
    best = dataclasses.replace(recipes.RECIPES["best"], **changes)
    for module in (recipes, train):
        replace(module, "RECIPES", {**recipes.RECIPES, "best": best})
    load_few(replace, 3000, data, finish)


def load_few(replace: Callable, count: int, *modules: ModuleType) -> None:
    """Let `load_mnist` in `modules` give the first `count` images, and say that it reads."""
    load = data.load_mnist

    def load_mnist(root, train: bool) -> data.Dataset:
        print(f"reading MNIST, train={train}")
        images, labels = load(root, train)
        return images[:count], labels[:count]

    for module in modules:
        replace(module, "load_mnist", load_mnist)


def train_small(*arguments: object, images: int = 3000, code: int = 0) -> str:
    """What train.py prints until it ends with `code`, in this process, small, without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        load_few(patch.setattr, images, data, finish)
        patch.setattr(run, "draw_pictures", lambda *_: None)
        done = call(train, "--threads", 1, *arguments)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def records(content: bytes) -> list[bytes]:
    """The networks in a file of snapshots, none of them cut short."""
    found = []
    while content:
        end = 4 + int.from_bytes(content[:4], "little")
        assert 4 < end <= len(content)
        found.append(content[4:end])
        content = content[end:]
    return found


if __name__ == "__main__":
    shrink(setattr)
    train.main()
