"""Training. Importing it needs the extra [train], but no PyTorch."""

from mnist_core import extras

extras.check("train")
