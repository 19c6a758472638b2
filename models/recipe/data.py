"""FER2013 with the FER+ votes: reading it, and turning labels and votes into what a model learns from.

FER2013: Goodfellow et al., "Challenges in Representation Learning", 2013. FER+: Barsoum et al., "Training Deep
Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016. Numpy alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LABELS",
    "NO_MAJORITY",
    "RANGE",
    "SIZE",
    "SPLITS",
    "Split",
    "data_folder",
    "ferplus_majority",
    "load",
    "soft_targets",
]

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# What every net is trained on: square grey pictures of SIZE px, black and white at the ends of RANGE.
SIZE = 48
RANGE = (-1.0, 1.0)

SPLITS = {
    "train": ("train-a.npz", "train-b.npz"),
    "public-test": ("public-test.npz",),
    "private-test": ("private-test.npz",),
}

_FERPLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "not a face")
_COLUMN_OF_LABEL = [_FERPLUS.index(label) for label in LABELS]

NO_MAJORITY = 255


@dataclass(frozen=True, slots=True)
class Split:
    """One part of FER2013.

    ``images`` uint8 (N, 48, 48); ``labels`` uint8 (N,), indices into :data:`LABELS`; ``votes`` uint8 (N, 10) in the
    order of FER+, all zeros where none are known; ``twins`` bool (N,), true where the other side of the train and test
    border holds the same pixels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    votes: NDArray[np.uint8]
    twins: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Split:
        """Return the given rows only."""
        return Split(self.images[rows], self.labels[rows], self.votes[rows], self.twins[rows])


def data_folder(given: str | None = None) -> Path:
    """Return the folder of FER2013: the given one, else ``EDGE_FER_DATA``, else beside the checkout."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "fer2013"
    return Path(given or os.environ.get("EDGE_FER_DATA") or beside)


def load(folder: Path, split: str) -> Split:
    """Read one of :data:`SPLITS` from its ``.npz`` files; FileNotFoundError names the missing one."""
    parts = []
    for name in SPLITS[split]:
        path = folder / name
        if not path.is_file():
            msg = f"{path}: no such file; give the folder of FER2013 with --data or EDGE_FER_DATA"
            raise FileNotFoundError(msg)
        with np.load(path) as arrays:
            twins = arrays["twin_of_test" if split == "train" else "twin_of_train"]
            parts.append((arrays["images"], arrays["labels"], arrays["ferplus_votes"], twins))
    images, labels, votes, twins = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Split(images, labels, votes, twins)


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
    label_of_column = np.full(len(_FERPLUS), NO_MAJORITY, dtype=np.uint8)
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
        kept.argmax(axis=1), [_FERPLUS.index("not a face"), _FERPLUS.index("contempt")]
    )
    return targets.astype(np.float32), ~useless
