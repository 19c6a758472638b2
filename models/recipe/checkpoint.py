"""A trained net on disk."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from .architectures import build

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(state: dict, path: Path) -> None:
    """Write a checkpoint whole or not at all: a run may be cut off at any time."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load_checkpoint(path: Path) -> tuple[nn.Module, dict]:
    """Return the averaged net of a checkpoint, in evaluation mode, and what the checkpoint says of itself."""
    state = torch.load(path, weights_only=True)
    net = build(state["settings"]["architecture"], width=state["settings"]["width"])
    net.load_state_dict(state.pop("average"))
    return net.eval(), state
