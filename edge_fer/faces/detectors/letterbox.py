"""A picture of any size brought into the shape of a network's input, and points brought back."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["AROUND", "Letterbox", "Points"]

#: (x, y) in the last axis, in pixels, counted from the edge of the picture.
Points: TypeAlias = NDArray[np.float32]

#: Shrunk by more than this, a picture is shrunk in two steps. Sampled at once, boxes and keypoints jitter by a fifth to
#: a half more from frame to frame, and small faces are lost; averaged over all its pixels, it takes three to eight
#: times as long for no better faces.
LEAP = 2
#: The level around a picture: the middle of all, which networks see as 0, as what their convolutions pad with.
AROUND = 127


class Letterbox:
    """Shrinks or grows pictures into a grey one, keeping their proportions.

    Args:
        width: of the grey one, pixels.
        height: likewise.
        margin: grey that is left at least in each direction, both sides together, pixels.
        before: how much of what is left grey lies to the left of the picture, and above it, as shares of the whole.
    """

    def __init__(self, width: int, height: int, *, margin: int = 0, before: tuple[float, float] = (0.5, 0.5)) -> None:
        self._margin, self._before = margin, before
        self._filled = np.full((height, width, 3), AROUND, np.uint8)
        self._shape = (0, 0)
        self._inside = self._filled
        self._start, self._scale = np.zeros(2, np.float32), np.ones(2, np.float32)

    def fill(self, image: Image) -> Image:
        """The grey one with the picture in it, RGB uint8 (height, width, 3); overwritten by the next one.

        Args:
            image: RGB uint8 (H, W, 3), from one pixel on.
        """
        if image.shape[:2] != self._shape:
            self._place(*image.shape[:2])
        _copy(image, self._inside)
        return self._filled

    def fill_square(self, image: Image, left: int, top: int, side: int) -> Image:
        """The grey one, itself a square, with a square of the picture over all of it; grey outside the picture.

        Args:
            image: RGB uint8 (H, W, 3).
            left: of the square, which has a pixel or more in common with the picture.
            top: likewise.
            side: likewise.
        """
        columns, rows = (slice(max(start, 0), start + side) for start in (left, top))
        part, shrink = image[rows, columns], len(self._filled) / side
        down, across = (max(1, round(length * shrink)) for length in part.shape[:2])
        x, y = (min(round(max(-start, 0) * shrink), len(self._filled) - 1) for start in (left, top))
        self._filled[:] = AROUND
        inside = self._filled[y : y + down, x : x + across]
        _copy(part, inside)
        down, across = inside.shape[:2]
        self._scale = np.array((part.shape[1] / across, part.shape[0] / down), np.float32)
        self._start = np.array((x, y), np.float32) - np.array((columns.start, rows.start), np.float32) / self._scale
        self._shape = 0, 0  # the place of pictures that are filled in whole is found anew
        return self._filled

    def unit(self, width: int, height: int) -> float:
        """Pixels of a picture of this size to one of the grey one's."""
        most_down, most_across = (side - self._margin for side in self._filled.shape[:2])
        return max(width / most_across, height / most_down)

    def _place(self, height: int, width: int) -> None:
        """Finds the place of pictures of this size."""
        whole_down, whole_across = self._filled.shape[:2]
        shrink = 1 / self.unit(width, height)
        across, down = max(1, round(width * shrink)), max(1, round(height * shrink))
        x, y = int((whole_across - across) * self._before[0]), int((whole_down - down) * self._before[1])
        self._filled[:] = AROUND
        self._inside = self._filled[y : y + down, x : x + across]
        self._start = np.array((x, y), np.float32)
        self._scale = np.array((width / across, height / down), np.float32)
        self._shape = height, width

    def back(self, points: Points) -> Points:
        """Points of what was filled last, as points of the picture in it."""
        return (points - self._start) * self._scale

    def back_size(self, sizes: Points) -> Points:
        """Widths and heights in what was filled last, as such in the picture in it."""
        return sizes * self._scale


def _copy(image: Image, into: Image) -> None:
    """Writes the picture into one of another size."""
    down, across = into.shape[:2]
    shrinks = max(image.shape[0] / down, image.shape[1] / across) > LEAP
    into[:] = _shrunk(image, across, down) if shrinks else _sampled(image, across, down)


def _shrunk(image: Image, across: int, down: int) -> Image:
    """The picture at less than half its size, in the cheaper two of the steps that lead there."""
    height, width = image.shape[:2]
    # OpenCV averages two by two pixels several times as fast as any other number
    if width <= 2 * LEAP * across and height % 2 == width % 2 == 0:
        return _sampled(_averaged(image, width // 2, height // 2), across, down)
    return _averaged(_sampled(image, 2 * across, 2 * down), across, down)


def _sampled(image: Image, across: int, down: int) -> Image:
    return np.asarray(cv2.resize(image, (across, down), interpolation=cv2.INTER_LINEAR), np.uint8)


def _averaged(image: Image, across: int, down: int) -> Image:
    return np.asarray(cv2.resize(image, (across, down), interpolation=cv2.INTER_AREA), np.uint8)
