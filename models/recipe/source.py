"""Where training pictures come from: FER2013, and portraits from elsewhere, each with its targets and its prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .augment import place, to_grey
from .data import Split
from .data.portraits import EXTENT, learned_from, read_portraits
from .distil import HEADS, read_soft_labels
from .sampling import picture_weights, targets_of
from .settings import Settings

__all__ = ["LEAST_PRIOR", "Source", "elsewhere", "home"]

#: No emotion is taken to be rarer than this. Where a source hardly shows one, nothing can be learned of it there, and
#: a smaller prior would excuse a net that sees it everywhere.
LEAST_PRIOR = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Pictures to learn from.

    Attributes:
        pictures: uint8 (N, C, H, W), grey or RGB.
        extent: how many canonical crops wide they are.
        targets: float32 (N, heads, 7), what each head should say.
        weights: float32 (N,), how often each is shown, around 1.
        log_prior: float32 (heads, 7), how often each emotion is shown, as a logarithm.
    """

    pictures: Tensor
    extent: float
    targets: Tensor
    weights: Tensor
    log_prior: Tensor

    def __len__(self) -> int:
        return len(self.pictures)

    def views(self, rows: Tensor, size: int, random: torch.Generator) -> Tensor:
        """Return the rows' pictures, each placed at random: float32 (N, 1, size, size) in 0 to 1."""
        placed = place(self.pictures[rows].float() / 255, size, random, self.extent)
        return to_grey(placed, random) if placed.shape[1] > 1 else placed


def _made(pictures: Tensor, extent: float, targets: Tensor, boost: float, device: torch.device) -> Source:
    weights = picture_weights(targets, boost)
    shown = (targets * weights.view(-1, 1, 1)).mean(dim=0).clamp_min(LEAST_PRIOR)
    prior = shown / shown.sum(dim=1, keepdim=True)
    return Source(pictures.to(device), extent, targets.to(device), weights.to(device), prior.log().to(device))


def home(
    split: Split, heads: Sequence[str], settings: Settings, soft_labels: Path | None, device: torch.device
) -> Source:
    """Return FER2013's training pictures, without those not worth learning from, as one source."""
    targets, useful = targets_of(split, heads, settings.smoothing, settings.labels_share)
    if soft_labels:
        told = read_soft_labels(soft_labels, split.images)
        votes, labels = (told[:, HEADS.index(head)] for head in HEADS)
        asked = {"votes": votes.lerp(labels, settings.labels_share), "labels": labels}
        targets = targets.lerp(torch.stack([asked[head] for head in heads], dim=1), settings.distil)
    pictures = torch.from_numpy(split.images[useful][: settings.limit]).unsqueeze(1)
    return _made(pictures, 1.0, targets[useful][: settings.limit], settings.rare_boost, device)


def elsewhere(folder: Path, names: Sequence[str], heads: int, settings: Settings, device: torch.device) -> Source:
    """Return the parts of portrait sets that may be learned from, as one source.

    RecipeError where a set is for measuring only.
    """
    sets = [learned_from(name, read_portraits(folder, name)) for name in names]
    targets = np.concatenate([one.targets for one in sets])
    pictures = np.concatenate([one.wide for one in sets]).transpose(0, 3, 1, 2)
    useful = targets.sum(axis=1) > 0
    kept = torch.from_numpy(targets[useful]) * (1 - settings.smoothing) + settings.smoothing / targets.shape[1]
    return _made(
        torch.from_numpy(np.ascontiguousarray(pictures[useful])),
        EXTENT,
        kept.unsqueeze(1).repeat(1, heads, 1),
        settings.elsewhere_boost,
        device,
    )
