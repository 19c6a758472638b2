"""What happens to a picture before a model learns from it, on whole batches at once.

Pictures are float32 (N, 1, H, W) in 0 to 1. Each step stands for something that a camera and a face detector do:
imperfect boxes, tilted heads, bad light, small and blurred faces, noise, a hand before the face.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .data import RANGE

__all__ = ["augment", "change", "mixup", "place", "scale", "to_grey"]

#: What red, green and blue make of a grey level (ITU-R BT.601), as the daemon's preprocessing has it.
LUMA = (0.299, 0.587, 0.114)


def augment(pictures: Tensor, size: int, random: torch.Generator) -> Tensor:
    """Return the pictures, each changed at random, at ``size`` px: float32 (N, 1, size, size) in 0 to 1."""
    return change(place(pictures, size, random), random)


def change(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Return pictures that are in their place, with light, blur, noise and the rest changed at random."""
    pictures = _light(pictures, random)
    pictures = _soften(pictures, random)
    pictures = _sharpen(pictures, random)
    pictures = _noise(pictures, random).clamp(0, 1)
    pictures = _compress(pictures, random)
    return _erase(pictures.clamp(0, 1), random)


def scale(pictures: Tensor) -> Tensor:
    """Bring pictures from 0 to 1 into the range that every net expects, channels last (faster on a CPU)."""
    low, high = RANGE
    return (pictures * (high - low) + low).contiguous(memory_format=torch.channels_last)


def mixup(pictures: Tensor, targets: Tensor, alpha: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return pictures, and targets (N, ...), blended with others of the batch (Zhang et al., "mixup", 2018)."""
    if alpha <= 0:
        return pictures, targets
    # A Beta(a, a) draw from two Gamma(a) draws: torch's own Beta takes no generator.
    gammas = torch._standard_gamma(torch.full((2, len(pictures)), alpha, device=random.device), generator=random)  # noqa: SLF001
    share = gammas[0] / gammas.sum(dim=0).clamp_min(1e-12)
    share = torch.maximum(share, 1 - share)
    other = torch.randperm(len(pictures), generator=random, device=random.device)
    of_picture = share.view(-1, 1, 1, 1)
    of_target = share.view(-1, *[1] * (targets.dim() - 1))
    return (
        pictures * of_picture + pictures[other] * (1 - of_picture),
        targets * of_target + targets[other] * (1 - of_target),
    )


def _uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    return torch.rand(count, generator=random, device=random.device) * (high - low) + low


def _chosen(count: int, share: float, random: torch.Generator) -> Tensor:
    return torch.rand(count, generator=random, device=random.device) < share


def to_grey(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Make colour pictures (N, 3, H, W) grey (N, 1, H, W), each by weights of its own around the luma.

    Cameras and lamps weigh colours otherwise than the next, and skin is what they change most.
    """
    spread = 0.5 * torch.randn(len(pictures), 3, generator=random, device=random.device)
    weights = torch.tensor(LUMA, device=random.device) * spread.exp()
    weights = weights / weights.sum(dim=1, keepdim=True)
    return torch.einsum("nchw,nc->nhw", pictures, weights).unsqueeze(1)


def place(pictures: Tensor, size: int, random: torch.Generator, extent: float = 1.0) -> Tensor:
    """Flip, turn, scale, squeeze and shift: a box is never quite where the next one is.

    Args:
        pictures: (N, C, H, W).
        size: of what is returned, px.
        random: where chance comes from.
        extent: how many canonical crops wide the pictures are.
    """
    count = len(pictures)
    angle = torch.randn(count, generator=random, device=random.device).mul(7).clamp(-20, 20) * (math.pi / 180)
    zoom = _uniform(count, math.log(0.85), math.log(1.15), random).exp()
    squeeze = _uniform(count, math.log(0.94), math.log(1.06), random).exp()
    flip = _chosen(count, 0.5, random) * 2.0 - 1.0
    cosine, sine = angle.cos(), angle.sin()
    shift = _uniform(2 * count, -0.16, 0.16, random).view(count, 2)  # in half sides, as grids are
    across = torch.stack([flip * zoom * squeeze * cosine, -zoom * squeeze * sine, shift[:, 0]], 1)
    down = torch.stack([flip * zoom / squeeze * sine, zoom / squeeze * cosine, shift[:, 1]], 1)
    matrix = torch.stack([across, down], 1)
    grid = functional.affine_grid(matrix / extent, [count, 1, size, size], align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _light(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Change gamma, contrast and brightness, and for some let the light come from one side."""
    count = len(pictures)
    gamma = _uniform(count, math.log(0.65), math.log(1.5), random).exp().view(-1, 1, 1, 1)
    contrast = _uniform(count, 0.6, 1.3, random).view(-1, 1, 1, 1)
    brightness = _uniform(count, -0.15, 0.15, random).view(-1, 1, 1, 1)
    slope = _uniform(count, -0.25, 0.25, random) * _chosen(count, 0.3, random)
    across = torch.linspace(-1, 1, pictures.shape[-1], device=random.device).view(1, 1, 1, -1)
    middle = pictures.mean(dim=(1, 2, 3), keepdim=True)
    lit = (pictures.clamp(1e-4, 1) ** gamma - middle) * contrast + middle + brightness
    return lit + slope.view(-1, 1, 1, 1) * across


def _soften(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Take away detail from some, as distance, motion or a poor lens would: shrink and enlarge again."""
    rows = _chosen(len(pictures), 0.2, random).nonzero().flatten()
    if len(rows) == 0:
        return pictures
    size = pictures.shape[-1]
    small = int(torch.randint(size // 3, size * 5 // 6, (1,), generator=random, device=random.device))
    less = functional.interpolate(pictures[rows], small, mode="area")
    pictures = pictures.clone()
    pictures[rows] = functional.interpolate(less, size, mode="bilinear", align_corners=False)
    return pictures


def _sharpen(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Sharpen some beyond what is there, as cameras and the shrinking of large faces do."""
    count = len(pictures)
    strength = _uniform(count, 0, 1.2, random) * _chosen(count, 0.2, random)
    blurred = functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return pictures + (pictures - blurred) * strength.view(-1, 1, 1, 1)


def _noise(pictures: Tensor, random: torch.Generator) -> Tensor:
    count = len(pictures)
    strength = _uniform(count, 0, 0.05, random) * _chosen(count, 0.2, random)
    return pictures + torch.randn(pictures.shape, generator=random, device=random.device) * strength.view(-1, 1, 1, 1)


def _compress(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Do to some what JPEG does to a small face: round the cosine transform of blocks of 8 px, coarsely (ITU T.81)."""
    rows = _chosen(len(pictures), 0.15, random).nonzero().flatten()
    if len(rows) == 0 or pictures.shape[-1] % 8:
        return pictures
    some, size = pictures[rows], pictures.shape[-1]
    at = torch.arange(8, device=random.device)
    cosine = torch.cos((2 * at.view(1, -1) + 1) * at.view(-1, 1) * math.pi / 16) / 2
    cosine[0] /= math.sqrt(2)
    blocks = some.reshape(len(rows), size // 8, 8, size // 8, 8).transpose(2, 3)
    # Fine details lose more than coarse ones: about the luminance table of the standard, smoothed.
    table = (at.view(1, -1) + at.view(-1, 1)) * 7.0 + 12.0
    coarse = _uniform(len(rows), 0.2, 1.0, random).view(-1, 1, 1, 1, 1) * table / 255
    kept = (cosine @ blocks @ cosine.T / coarse).round() * coarse
    pictures = pictures.clone()
    pictures[rows] = (cosine.T @ kept @ cosine).transpose(2, 3).reshape(some.shape)
    return pictures


def _erase(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Cover a rectangle of some with flat grey (Zhong et al., "Random Erasing", 2020)."""
    count, size = len(pictures), pictures.shape[-1]
    place = torch.arange(size, device=random.device).view(1, -1)

    def span() -> Tensor:
        length = _uniform(count, 0.12, 0.4, random) * size
        start = _uniform(count, 0, 1, random) * (size - length)
        return (place >= start.view(-1, 1)) & (place < (start + length).view(-1, 1))

    covered = span().view(count, 1, size, 1) & span().view(count, 1, 1, size)
    covered &= _chosen(count, 0.2, random).view(-1, 1, 1, 1)
    return torch.where(covered, _uniform(count, 0, 1, random).view(-1, 1, 1, 1), pictures)
