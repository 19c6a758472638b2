"""What every loader makes: pictures with labels and votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FERPLUS", "LABELS", "RANGE", "SIZE", "SPLITS", "Split", "twins_across", "unanimous"]

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# What every net is trained on: square grey pictures of SIZE px, black and white at the ends of RANGE.
SIZE = 48
RANGE = (-1.0, 1.0)

SPLITS = ("train", "public-test", "private-test")

#: The columns of the FER+ votes.
FERPLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "not a face")


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a data set.

    ``images`` uint8 (N, 48, 48); ``labels`` uint8 (N,), indices into :data:`LABELS`; ``votes`` uint8 (N, 10) in the
    order of :data:`FERPLUS`, all zeros where none are known; ``twins`` bool (N,), true where the other side of the
    train and test border holds the same pixels.
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


def unanimous(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return votes (N, 10) for data without: as if all ten voters had agreed with the label."""
    votes = np.zeros((len(labels), len(FERPLUS)), np.uint8)
    votes[np.arange(len(labels)), np.array([FERPLUS.index(label) for label in LABELS])[labels]] = 10
    return votes


def twins_across(images: NDArray[np.uint8], training: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find pictures (N, 48, 48) whose pixels are on the other side of the border between training (N,) and tests, too.

    Of the tests, nothing but the pixels is looked at for that.
    """
    pixels = np.array([image.tobytes() for image in images], dtype=object)
    known = {True: set(pixels[training]), False: set(pixels[~training])}
    return np.array([one in known[not side] for one, side in zip(pixels, training, strict=True)], dtype=bool)
