"""What happens to a picture before a model learns from it, on whole batches at once.

Pictures are float32 (N, 1, H, W) in 0 to 1. Each step stands for something that a camera and a face detector do:
imperfect boxes, tilted heads, bad light, small and blurred faces, noise, a hand before the face.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["augment", "mixup"]


def augment(pictures: Tensor, size: int, random: torch.Generator) -> Tensor:
    """Return the pictures, each changed at random, at ``size`` px: float32 (N, 1, size, size) in 0 to 1."""
    pictures = _place(pictures, size, random)
    pictures = _light(pictures, random)
    pictures = _soften(pictures, random)
    pictures = _noise(pictures, random)
    return _erase(pictures.clamp(0, 1), random)


def mixup(pictures: Tensor, targets: Tensor, alpha: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return pictures and targets blended with others of the batch (Zhang et al., "mixup", 2018)."""
    if alpha <= 0:
        return pictures, targets
    # A Beta(a, a) draw from two Gamma(a) draws: torch's own Beta takes no generator.
    gammas = torch._standard_gamma(torch.full((2, len(pictures)), alpha), generator=random)  # noqa: SLF001
    share = gammas[0] / gammas.sum(dim=0).clamp_min(1e-12)
    share = torch.maximum(share, 1 - share)
    other = torch.randperm(len(pictures), generator=random)
    of_picture, of_target = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return (
        pictures * of_picture + pictures[other] * (1 - of_picture),
        targets * of_target + targets[other] * (1 - of_target),
    )


def _uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    return torch.rand(count, generator=random) * (high - low) + low


def _chosen(count: int, share: float, random: torch.Generator) -> Tensor:
    return torch.rand(count, generator=random) < share


def _place(pictures: Tensor, size: int, random: torch.Generator) -> Tensor:
    """Flip, turn, scale, squeeze and shift: a box is never quite where the next one is."""
    count = len(pictures)
    angle = torch.randn(count, generator=random).mul(7).clamp(-20, 20) * (math.pi / 180)
    zoom = _uniform(count, math.log(0.85), math.log(1.15), random).exp()
    squeeze = _uniform(count, math.log(0.94), math.log(1.06), random).exp()
    flip = torch.where(_chosen(count, 0.5, random), -1.0, 1.0)
    cosine, sine = angle.cos(), angle.sin()
    shift = _uniform(2 * count, -0.16, 0.16, random).view(count, 2)  # in half sides, as grids are
    across = torch.stack([flip * zoom * squeeze * cosine, -zoom * squeeze * sine, shift[:, 0]], 1)
    down = torch.stack([flip * zoom / squeeze * sine, zoom / squeeze * cosine, shift[:, 1]], 1)
    matrix = torch.stack([across, down], 1)
    grid = functional.affine_grid(matrix, [count, 1, size, size], align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _light(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Change gamma, contrast and brightness, and for some let the light come from one side."""
    count = len(pictures)
    gamma = _uniform(count, math.log(0.65), math.log(1.5), random).exp().view(-1, 1, 1, 1)
    contrast = _uniform(count, 0.6, 1.3, random).view(-1, 1, 1, 1)
    brightness = _uniform(count, -0.15, 0.15, random).view(-1, 1, 1, 1)
    slope = _uniform(count, -0.25, 0.25, random) * _chosen(count, 0.3, random)
    across = torch.linspace(-1, 1, pictures.shape[-1]).view(1, 1, 1, -1)
    middle = pictures.mean(dim=(1, 2, 3), keepdim=True)
    lit = (pictures.clamp(1e-4, 1) ** gamma - middle) * contrast + middle + brightness
    return lit + slope.view(-1, 1, 1, 1) * across


def _soften(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Take away detail from some, as distance, motion or a poor lens would: shrink and enlarge again."""
    rows = _chosen(len(pictures), 0.15, random).nonzero().flatten()
    if len(rows) == 0:
        return pictures
    size = pictures.shape[-1]
    small = int(torch.randint(size // 3, size * 5 // 6, (1,), generator=random))
    less = functional.interpolate(pictures[rows], small, mode="area")
    pictures = pictures.clone()
    pictures[rows] = functional.interpolate(less, size, mode="bilinear", align_corners=False)
    return pictures


def _noise(pictures: Tensor, random: torch.Generator) -> Tensor:
    count = len(pictures)
    strength = _uniform(count, 0, 0.05, random) * _chosen(count, 0.2, random)
    return pictures + torch.randn(pictures.shape, generator=random) * strength.view(-1, 1, 1, 1)


def _erase(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Cover a rectangle of some with flat grey (Zhong et al., "Random Erasing", 2020)."""
    count, size = len(pictures), pictures.shape[-1]
    place = torch.arange(size).view(1, -1)

    def span() -> Tensor:
        length = _uniform(count, 0.12, 0.4, random) * size
        start = torch.rand(count, generator=random) * (size - length)
        return (place >= start.view(-1, 1)) & (place < (start + length).view(-1, 1))

    covered = span().view(count, 1, size, 1) & span().view(count, 1, 1, size)
    covered &= _chosen(count, 0.2, random).view(-1, 1, 1, 1)
    return torch.where(covered, torch.rand(count, 1, 1, 1, generator=random), pictures)
