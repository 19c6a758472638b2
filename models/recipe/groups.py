"""Figures by perceived group: how a model does on faces that look old, dark, bearded and so on. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .data import LABELS, NO_MAJORITY
from .data.portraits import Portraits
from .metrics import confusion, interval, macro_f1, share_interval

__all__ = ["FEWEST", "groups_of", "measure_groups"]

#: Of fewer pictures, nothing is said.
FEWEST = 10

#: A label with fewer pictures than this in a group has no place in the group's macro-F1.
ENOUGH = 5

_NEUTRAL = LABELS.index("neutral")
_AGES = ("baby", "child", "adult", "old")
_SKINS = ("light", "medium", "dark")
_COVERS = ("glasses", "beard", "hat")


def groups_of(portraits: Portraits) -> dict[str, NDArray[np.bool_]]:
    """Return which pictures (N,) belong to each group, as readers perceived the faces."""
    covers = np.array([set(cover.split("+")) for cover in portraits.cover.tolist()], dtype=object)
    groups = {f"age: {age}": portraits.age == age for age in _AGES}
    groups |= {f"skin: {skin}": portraits.skin == skin for skin in _SKINS}
    for cover in _COVERS:
        worn = np.array([cover in one for one in covers], bool)
        groups |= {cover: worn, f"no {cover}": ~worn}
    return groups


def measure_groups(
    probabilities: NDArray[np.float64], unsure: NDArray[np.bool_], portraits: Portraits
) -> dict[str, dict]:
    """Return each group's figures, over the pictures on whose label readers agree.

    `accuracy`, `macro_f1` (over the group's labels with enough pictures, where there are two), `uncertain` (the share
    that the daemon would tell as uncertain) and `neutral_bias` (of the faces labelled otherwise, the share read as
    neutral), each with its 95 % interval: of shares Wilson's, of the macro-F1 by bootstrap. Of groups with fewer than
    :data:`FEWEST` pictures, their number alone.

    Args:
        probabilities: (N, 7).
        unsure: (N,), whether the daemon would tell a face as uncertain.
        portraits: the N faces.
    """
    truth = portraits.truth
    guess = probabilities.argmax(axis=1).astype(np.uint8)
    return {
        name: _figures(truth[rows], guess[rows], unsure[rows])
        for name, group in groups_of(portraits).items()
        for rows in (group & (truth != NO_MAJORITY),)
    }


def _figures(truth: NDArray[np.uint8], guess: NDArray[np.uint8], unsure: NDArray[np.bool_]) -> dict:
    count = len(truth)
    told: dict = {"pictures": count}
    if count < FEWEST:
        return told
    right, otherwise = guess == truth, truth != _NEUTRAL
    counted = np.flatnonzero(np.bincount(truth, minlength=len(LABELS)) >= ENOUGH).tolist()

    def f1(rows: NDArray[np.int64]) -> float:
        return macro_f1(confusion(truth[rows], guess[rows]), counted)

    told |= _share("accuracy", right)
    if len(counted) > 1:
        told |= {"labels": [LABELS[at] for at in counted]}
        told |= {"macro_f1": f1(np.arange(count)), "macro_f1_95": interval(f1, count)}
    told |= _share("uncertain", unsure)
    taken = guess[otherwise] == _NEUTRAL
    if len(taken) >= FEWEST:
        told |= _share("neutral_bias", taken)
    return told


def _share(name: str, rows: NDArray[np.bool_]) -> dict:
    return {name: float(rows.mean()), f"{name}_95": share_interval(int(rows.sum()), len(rows))}
