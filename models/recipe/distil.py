"""Learning from larger nets (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .checkpoint import load_checkpoint
from .data import LABELS
from .errors import RecipeError

__all__ = ["HEADS", "Teacher", "fingerprint", "heads_of", "load_teacher", "read_soft_labels"]

Teacher = Callable[[Tensor], Tensor]

#: What a net with two heads says of a picture, in this order.
HEADS = ("votes", "labels")


def heads_of(net: nn.Module, learn: str) -> tuple[str, ...]:
    """Return what each head of a net learns: a teacher both, any other what it is told."""
    return HEADS if getattr(net, "heads", 1) == len(HEADS) else (learn,)


def load_teacher(path: Path, heads: Sequence[str], device: torch.device, balance: float = 0.0) -> Teacher:
    """Return a trained net that gives, for pictures as a net sees them, the logits (N, heads, 7) of the wanted heads.

    RecipeError where it has not learned one of them, or was balanced otherwise than its student.
    """
    net, state = load_checkpoint(path)
    balanced = state["settings"].get("balance", 0.0)
    if balanced != balance:
        msg = f"{path}: was trained with --balance {balanced:g}, not {balance:g}"
        raise RecipeError(msg, remedy="Give the same to its student, or another teacher")
    knows = heads_of(net, state["settings"]["learn"])
    unknown = set(heads) - set(knows)
    if unknown:
        msg = f"{path}: has learned {' and '.join(knows)}, not {' and '.join(unknown)}"
        raise RecipeError(msg, remedy="Give another teacher")
    net = net.to(device, memory_format=torch.channels_last)
    columns = [knows.index(head) for head in heads]
    return lambda pictures: net(pictures).unflatten(1, (-1, len(LABELS)))[:, columns]


def fingerprint(images: NDArray[np.uint8]) -> str:
    """Return what tells these pictures, in this order, from any others."""
    return hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()


def read_soft_labels(path: Path, images: NDArray[np.uint8]) -> Tensor:
    """Return the soft labels of these pictures, float32 (N, 2, 7); RecipeError where they were made of others."""
    with np.load(path) as arrays:
        probabilities, made_of = arrays["probabilities"], str(arrays["made_of"])
    if made_of != fingerprint(images):
        msg = f"{path}: made of other training pictures than these"
        raise RecipeError(msg, remedy="Make it again of yours: python -m models.recipe.soft_labels --teacher …")
    return torch.from_numpy(probabilities.astype(np.float32))
