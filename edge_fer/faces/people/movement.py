"""Whether anything in front of the camera moves, told from the noise of its sensor and the flicker of lamps."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.faces.levels import full_levels
from edge_fer.types import Box, Image

__all__ = ["EverythingMoves", "MotionGate", "evened"]

#: Cells along the longer side of the picture: a face of 48 of 1280 pixels covers more than three of them each way.
CELLS = 96
#: Pixels looked at along the longer side: four for each cell, which are smoothed with those of the eight around it.
PIXELS = 2 * CELLS
#: Darker than this, a cell is black: of a zone, and then without noise.
BLACK = 1.0
#: Brighter than this, a cell may be overexposed in part, and does not become brighter with the light.
BRIGHT = 180.0
#: A row that got so much brighter or darker is no flicker any more.
MOST_FLICKER = 1.5
#: A change smaller than this, in levels of 0 to 255, is none: rounding, and compression that thinks anew.
LEAST = 4.0
#: One larger than this always is one, or a picture that changes all over would raise its own bar.
MOST = 12.0
#: So many standard deviations of the noise are a change.
SIGMAS = 6.0
#: From so many cells on, changes are a movement; a hot pixel or an insect is less.
ENOUGH = 5


class MotionGate:
    """Compares each frame with the one in which faces were last searched for, not with the one before.

    So slow movements add up, and nobody comes unnoticed by coming slowly. A picture is compared on a small grid of
    mean levels. Rows are brought to the same brightness first, because lamps on alternating current make cameras with
    a rolling shutter see dark and bright bands. What remains is movement where it stands out of the noise that this
    very pair of pictures has.
    """

    def __init__(self) -> None:
        self._looked_at: NDArray[np.float32] | None = None
        self._now: NDArray[np.float32] | None = None
        self._unmeasured: Image | None = None
        self._moved = False

    def moved(self, image: Image) -> bool:
        """Whether anything moved since the picture that was remembered last; so it has where there is none.

        Args:
            image: RGB uint8 (H, W, 3), or the luma alone, uint8 (H, W), with the levels that video has.
        """
        if self._moved:
            # that something has moved since the search stays true; this picture counts only if it is searched
            self._unmeasured = image
            return True
        self._moved = self._has_moved(image)
        return self._moved

    def _has_moved(self, image: Image) -> bool:
        before, self._now = self._looked_at, _grid(image)
        if before is None or before.shape != self._now.shape:
            return True
        return _differ(self._now, before, None)

    def moved_beyond(self, parts: Iterable[Box]) -> bool:
        """Whether anything moved outside of some parts of the picture, as `moved` was asked last.

        Args:
            parts: boxes in shares of the picture's width and height.
        """
        if self._unmeasured is not None:
            self._now, self._unmeasured = _grid(self._unmeasured), None
        before, now = self._looked_at, self._now
        if before is None or now is None or before.shape != now.shape:
            return True
        outside = np.ones(now.shape, dtype=np.bool_)
        height, width = now.shape
        for part in parts:
            left, right = (max(0, round(at * width)) for at in (part.x, part.x + part.width))
            top, bottom = (max(0, round(at * height)) for at in (part.y, part.y + part.height))
            outside[top:bottom, left:right] = False
        return bool(outside.any()) and _differ(now, before, outside)

    def remember(self) -> None:
        """Makes the picture seen last the one that later ones are compared with."""
        if self._unmeasured is not None:
            self._now = _grid(self._unmeasured)
        self._looked_at, self._unmeasured, self._moved = self._now, None, False

    def forget(self) -> None:
        """Takes the next picture as the first."""
        self._looked_at, self._unmeasured, self._moved = None, None, False


class EverythingMoves:
    """Stands in for a gate where nothing is ever taken for still, and looks at nothing."""

    def moved(self, _image: Image, /) -> bool:
        """Always."""
        return True

    def moved_beyond(self, _parts: Iterable[Box], /) -> bool:
        """Everywhere."""
        return True

    def remember(self) -> None:
        """Nothing to remember."""

    def forget(self) -> None:
        """Nothing to forget."""


def _grid(image: Image) -> NDArray[np.float32]:
    """The grey levels of a grid of cells, smoothed, 0 to 255."""
    height, width = image.shape[:2]
    shrink = min(1.0, PIXELS / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    some = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    grey = full_levels(some) if image.ndim == 2 else cv2.cvtColor(some, cv2.COLOR_RGB2GRAY)
    # by two, because OpenCV averages two by two pixels several times as fast as any other number
    half = max(1, size[0] // 2), max(1, size[1] // 2)
    cells = cv2.resize(grey[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.boxFilter(cells, cv2.CV_32F, (3, 3)), dtype=np.float32)


def _differ(now: NDArray[np.float32], before: NDArray[np.float32], where: NDArray[np.bool_] | None) -> bool:
    """Whether something has moved between two grids, where it counts; None: everywhere."""
    change = np.abs(evened(now, before, where) - before)
    if np.count_nonzero(change > LEAST) < ENOUGH:  # the noise need not be known
        return False
    telling = (np.minimum(before, now) < BRIGHT) & (np.maximum(before, now) > BLACK)
    if where is not None:
        telling &= where
    change = change[telling]
    threshold = min(max(LEAST, SIGMAS * _noise(change)), MOST)
    return int(np.count_nonzero(change > threshold)) >= ENOUGH


def _noise(change: NDArray[np.float32]) -> float:
    """The standard deviation of changes (N,) that are noise for the most part, by their median."""
    some = change[::4]
    return 1.4826 * float(np.partition(some, len(some) // 2)[len(some) // 2]) if len(some) else 0.0


def evened(
    now: NDArray[np.float32], before: NDArray[np.float32], where: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Levels (rows, columns) with each row made as bright as it was before, from 0 on both; by those that count."""
    known = before if where is None else before * where
    # the one that leaves the least squares of differences; a row of zeros stays as it is
    gain = (np.einsum("rc,rc->r", now, known) + 1.0) / (np.einsum("rc,rc->r", before, known) + 1.0)
    kept = np.minimum(np.maximum(gain, 1 / MOST_FLICKER), MOST_FLICKER)
    return np.asarray(now / kept[:, None], dtype=np.float32)
