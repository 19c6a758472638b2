"""What a net should say of each training picture, and how often it is shown each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .data import Split, soft_targets

__all__ = ["draw", "picture_weights", "targets_of"]


def targets_of(
    split: Split, heads: Sequence[str], smoothing: float, labels_share: float = 0.0
) -> tuple[Tensor, NDArray[np.bool_]]:
    """Return what each head should say, float32 (N, heads, 7), and which rows (N,) are worth learning from.

    A head that learns votes learns the label for ``labels_share`` of it.
    """
    shares = [1.0 if head == "labels" else labels_share for head in heads]
    made = [soft_targets(split, hard_share=share, smoothing=smoothing) for share in shares]
    return torch.from_numpy(np.stack([targets for targets, _ in made], axis=1)), made[0][1]


def picture_weights(targets: Tensor, boost: float) -> Tensor:
    """Return how often each picture should be shown, around 1, for targets (N, heads, 7).

    In proportion to ``prior ** -boost`` of what it shows: 0 leaves all alike, 1 would show all emotions equally often,
    which ruins the common ones.
    """
    mean = targets.mean(dim=1)
    # an emotion that no picture shows needs no boost, and would make one without end
    weights = mean @ mean.mean(dim=0).clamp_min(1e-6).pow(-boost)
    return weights / weights.mean()


def draw(weights: Tensor, random: torch.Generator) -> Tensor:
    """Return as many rows as there are weights, shuffled, each ``weight`` times, rounded up or down."""
    count = len(weights)
    start = torch.rand(1, generator=random, device=random.device)
    marks = (torch.arange(count, device=random.device) + start) * (weights.sum() / count)
    rows = torch.searchsorted(weights.cumsum(0), marks).clamp_max(count - 1)
    return rows[torch.randperm(count, generator=random, device=random.device)]
