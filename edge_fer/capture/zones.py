"""Zones: which part of a camera's picture may be looked at. What is outside is blanked before anything else sees it."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image, Point

__all__ = ["EVERYWHERE", "Zones"]

log = logging.getLogger(__name__)

#: Bits behind the point in OpenCV's fixed-point coordinates.
SHIFT = 8


@dataclass(frozen=True)
class Zones:
    """What may be looked at: the include polygons, or everything where there are none, less the exclude polygons.

    Polygons are corners (x, y) in fractions of the frame's width and height, in order around them; they refer to
    the picture as it is handed on, after it was rotated and flipped, whatever its size.

    Attributes:
        include: outside all of these, nothing is looked at.
        exclude: inside any of these, nothing is looked at.
    """

    include: tuple[tuple[Point, ...], ...] = ()
    exclude: tuple[tuple[Point, ...], ...] = ()

    def blank(self, image: Image) -> Image:
        """The picture with every pixel that must not be looked at black.

        Args:
            image: RGB uint8 (H, W, 3); left as it is.

        Returns:
            RGB uint8 (H, W, 3): a new picture, or the very same where there are no zones.
        """
        if not (self.include or self.exclude):
            return image
        return np.asarray(cv2.bitwise_and(image, _mask(self, *image.shape[:2])), dtype=np.uint8)

    def share_seen(self, part: Sequence[float], height: int, width: int) -> float:
        """How much of a part of a picture may be looked at, 0 to 1.

        Args:
            part: left, top, right, bottom in pixels; what is outside of the picture is left out.
            height: of the picture, pixels.
            width: likewise.
        """
        if not (self.include or self.exclude):
            return 1.0
        left, top = (max(0, math.floor(edge)) for edge in part[:2])
        right, bottom = (math.ceil(edge) for edge in part[2:])
        inside = _mask(self, height, width)[top:bottom, left:right, 0]
        return float(np.count_nonzero(inside)) / inside.size if inside.size else 1.0

    def mask(self, height: int, width: int) -> NDArray[np.uint8]:
        """Where a picture of this size may be looked at: uint8 (height, width), 255 where so, 0 elsewhere.

        A pixel that an exclude polygon so much as touches is not looked at.
        """
        seen = np.full((height, width), 0 if self.include else 255, dtype=np.uint8)
        _fill(seen, self.include, 255)
        _fill(seen, self.exclude, 0)
        # of the pixels along slanted sides, filling leaves out some that are covered up to a half
        for polygon in self.exclude:
            for corner, other in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
                _cross_out(seen, corner, other)
        return seen


#: No zones: everything is looked at.
EVERYWHERE = Zones()


def _fill(mask: NDArray[np.uint8], polygons: Sequence[Sequence[Point]], value: int) -> None:
    height, width = mask.shape
    for polygon in polygons:
        # fractions count from the edge of the picture, OpenCV from the middle of its first pixel
        corners = np.array(polygon, dtype=np.float64) * (width, height) - 0.5
        # one by one: given several at once, OpenCV leaves out where they overlap
        cv2.fillPoly(mask, [np.round(corners * (1 << SHIFT)).astype(np.int32)], (value,), shift=SHIFT)


def _cross_out(mask: NDArray[np.uint8], corner: Point, other: Point) -> None:
    """Blanks every pixel that the line between two corners passes through, row by row."""
    height, width = mask.shape
    (y, x), (end, end_x) = sorted((down * height, across * width) for across, down in (corner, other))
    for row in range(math.floor(y), math.ceil(end)):
        # where the line enters the row and where it leaves it; a level one does both at its ends
        shares = ((max(y, row) - y) / (end - y), (min(end, row + 1) - y) / (end - y)) if end > y else (0.0, 1.0)
        first, last = sorted(x + share * (end_x - x) for share in shares)
        mask[row, math.floor(first) : math.ceil(last)] = 0


# a camera delivers one size, or two where it has a small stream beside the main one; a few cameras share this
@lru_cache(maxsize=16)
def _mask(zones: Zones, height: int, width: int) -> NDArray[np.uint8]:
    """The mask for all three channels, read-only."""
    mask = zones.mask(height, width)
    if not mask.any():
        log.warning("the zones leave nothing of a picture of %d x %d to look at", width, height)
    channels = np.repeat(mask[:, :, None], 3, axis=2)
    channels.setflags(write=False)
    return channels
