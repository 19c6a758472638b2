"""Invented portraits in a table."""

from __future__ import annotations

import numpy as np

from models.recipe.data import LABELS
from models.recipe.data.portraits import Portraits


def portraits(votes, second=None, group=None):
    """Grey squares with these votes, (N, 8)."""
    votes = np.array(votes, np.uint8)
    count = len(votes)
    nothing = np.full(count, "")
    return Portraits(
        names=np.array([f"{number}.jpg" for number in range(count)]),
        wide=np.full((count, 96, 96, 3), 90, np.uint8),
        crops=np.full((count, 48, 48), 90, np.uint8),
        votes=votes,
        second=np.zeros((count, 7), np.uint8) if second is None else np.array(second, np.uint8),
        group=np.arange(count) if group is None else np.array(group),
        age=nothing,
        skin=nothing,
        cover=nothing,
    )


def row(**votes):
    return [votes.get(label, 0) for label in (*LABELS, "none")]
