"""scripts/train.py on a twentieth of MNIST, with a small `best`: seconds, and every kind of step.

python -m tests.small_training --output DIR
"""

import dataclasses
from collections.abc import Callable

from mnist_core import data, training
from scripts import train


def shrink(replace: Callable) -> None:
    """`replace(object, name, value)` is setattr, or a test's own that takes it back."""
    load = data.load_mnist

    def load_few(root, train: bool) -> data.Dataset:
        print(f"reading MNIST, train={train}")
        images, labels = load(root, train)
        return images[:3000], labels[:3000]

    recipes = {
        "tutorial": training.RECIPES["tutorial"],
        "best": dataclasses.replace(
            training.RECIPES["best"], hidden=(16,), epochs=8, batch_size=100, outliers=40
        ),
    }
    replace(data, "load_mnist", load_few)
    replace(train, "load_mnist", load_few)
    replace(training, "RECIPES", recipes)


if __name__ == "__main__":
    shrink(setattr)
    train.main()
