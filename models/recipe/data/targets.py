"""From labels and votes to what a model learns from and is judged by. Numpy alone.

FER+: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution",
ICMI 2016.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .split import FERPLUS, LABELS, Split

__all__ = ["NO_MAJORITY", "ferplus_majority", "soft_targets"]

_COLUMN_OF_LABEL = [FERPLUS.index(label) for label in LABELS]

NO_MAJORITY = 255


def _kept_votes(votes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the votes (N, 10) without single ones, which Barsoum et al. take for slips."""
    return np.where(votes > 1, votes, 0).astype(np.float64)


def ferplus_majority(votes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the majority label (N,) of the votes (N, 10), :data:`NO_MAJORITY` where there is none.

    Barsoum's rule: single votes are dropped, and one column must hold more than half of what is left. Pictures whose
    majority is contempt, unknown or not-a-face have no label among the seven.
    """
    kept = _kept_votes(votes)
    best = kept.argmax(axis=1)
    decided = kept.max(axis=1) > 0.5 * kept.sum(axis=1)
    label_of_column = np.full(len(FERPLUS), NO_MAJORITY, dtype=np.uint8)
    label_of_column[_COLUMN_OF_LABEL] = np.arange(len(LABELS))
    return np.where(decided, label_of_column[best], NO_MAJORITY).astype(np.uint8)


def soft_targets(
    split: Split, hard_share: float, smoothing: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the targets (N, 7) float32, each row summing to 1, and which rows (N,) are worth learning from.

    A row is ``hard_share`` of the FER2013 label and the rest of the FER+ votes as a distribution (single votes,
    contempt, unknown and not-a-face left out); the label alone where no vote is left. Pictures that most voters say
    are not a face, or show contempt (which the seven have no place for), are not worth learning from.
    """
    hard = np.eye(len(LABELS))[split.labels]
    hard = hard * (1 - smoothing) + smoothing / len(LABELS)
    kept = _kept_votes(split.votes)
    seven = kept[:, _COLUMN_OF_LABEL]
    total = seven.sum(axis=1, keepdims=True)
    soft = np.divide(seven, total, out=hard.copy(), where=total > 0)
    targets = hard_share * hard + (1 - hard_share) * soft
    useless = (kept.max(axis=1) > 0) & np.isin(
        kept.argmax(axis=1), [FERPLUS.index("not a face"), FERPLUS.index("contempt")]
    )
    return targets.astype(np.float32), ~useless
