"""Augment the images of a batch: pen thickness, affine map, elastic distortion.

Each image has random parameters of its own; torchvision's transforms share them in a batch.
"""

import math

import torch
from torch.nn import functional as F

from mnist_core.drawing.framing import SIDE

# The largest changes: each is uniform between minus and plus this.
ROTATION = math.radians(15)
STEEP_SHARE = 0.35  # the share of images that are rotated further
STEEP = 2.2  # times ROTATION, for those
SLANT = 0.25  # sideways shift by height
SCALE = ASPECT = 0.12  # natural logarithms
SHIFT = 1.5  # pixels
THICKER = 1.0  # pixels added to each edge
THINNER = 0.6  # pixels taken from each edge; more would erase thin digits
# Elastic distortion (Simard et al., "Best Practices for Convolutional Neural Networks", 2003): a
# smooth random field moves each pixel.
ELASTIC = 0.9  # pixels: the field's standard deviation is at most this
SMOOTHNESS = 4.0  # pixels: the standard deviation of its Gaussians
KNOTS = 8  # Gaussians a side


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Augment (N, 28, 28) images of 0 to 255 with random changes for each; float32, 0 to 255.

    `generator` is on the CPU, wherever the images are, so that a seed means the same everywhere.
    """
    thickened = _change_thickness(images.float(), generator)
    grid = _affine_grid(len(images), generator) + _elastic_grid(len(images), generator)
    return F.grid_sample(thickened[:, None], grid.to(images.device), align_corners=False)[:, 0]


def _uniform(*shape: int, generator: torch.Generator) -> torch.Tensor:
    """Return uniform random numbers in [-1, 1)."""
    return 2 * torch.rand(*shape, generator=generator) - 1


def _change_thickness(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Blend each image with its dilation or erosion by a plus of five pixels."""
    padded = F.pad(images, (1, 1, 1, 1))
    left, right = padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
    above, below = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
    plus = torch.stack([images, left, right, above, below])  # (5, N, 28, 28)
    dilated, eroded = plus.amax(0), plus.amin(0)
    amount = _uniform(len(images), 1, 1, generator=generator).to(images.device)
    thicker, thinner = THICKER * amount.clamp(min=0), THINNER * (-amount).clamp(min=0)
    return images + thicker * (dilated - images) + thinner * (eroded - images)


def _affine_grid(count: int, generator: torch.Generator) -> torch.Tensor:
    """Return random affine maps for grid_sample: each pixel's source, (N, 28, 28, 2)."""
    steep = torch.rand(count, generator=generator) < STEEP_SHARE
    angle = ROTATION * torch.where(steep, STEEP, 1.0) * _uniform(count, generator=generator)
    slant = SLANT * _uniform(count, generator=generator)
    scale = SCALE * _uniform(count, generator=generator)
    aspect = ASPECT * _uniform(count, generator=generator)
    shift = SHIFT * _uniform(count, 2, generator=generator) / (SIDE / 2)
    cos, sin = angle.cos(), angle.sin()
    width, height = (scale + aspect).exp(), (scale - aspect).exp()
    rows = (
        torch.stack([width * cos, width * (slant * cos - sin), shift[:, 0]], dim=1),
        torch.stack([height * sin, height * (slant * sin + cos), shift[:, 1]], dim=1),
    )
    matrices = torch.stack(rows, dim=1)  # (N, 2, 3)
    return F.affine_grid(matrices, [count, 1, SIDE, SIDE], align_corners=False)


def _elastic_grid(count: int, generator: torch.Generator) -> torch.Tensor:
    """Return a smooth random displacement of each pixel, (N, 28, 28, 2), for grid_sample."""
    pixels, knots = torch.arange(SIDE), torch.linspace(0, SIDE - 1, KNOTS)
    basis = torch.exp(-((pixels[:, None] - knots) ** 2) / (2 * SMOOTHNESS**2))  # (28, 8)
    basis = basis / basis.norm(dim=1, keepdim=True)  # so that the field's variance is 1 everywhere
    noise = torch.randn(count, 2, KNOTS, KNOTS, generator=generator)
    field = basis @ noise @ basis.T  # (N, 2, 28, 28)
    amount = ELASTIC * torch.rand(count, 1, 1, 1, generator=generator) / (SIDE / 2)
    return (amount * field).permute(0, 2, 3, 1)
