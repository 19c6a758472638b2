"""Notices a camera that sends the very same picture again and again. Pure; takes time from the frames.

No sensor gives the same picture twice: each has noise. An encoder that saves bits may repeat a picture, but stores it
anew, noise included, with the next key frame.
"""

from __future__ import annotations

import zlib

import numpy as np

from edge_fer.types import Frame, Image

__all__ = ["FreezeWatch", "StillPicture"]

#: Every so many pixels, across and down, one is looked at first.
COARSE = 16
#: Key frames that must repeat a picture as well, of a codec that has them.
KEY_FRAMES = 2


class StillPicture:
    """What a picture looked like, to the last bit, without keeping it.

    Args:
        image: RGB uint8 (height, width, 3), or the luma alone, uint8 (height, width).
    """

    def __init__(self, image: Image) -> None:
        self._some = _coarse(image)
        self._shape = image.shape
        self._sum = _sum(image)

    def is_like(self, image: Image) -> bool:
        """Whether a picture is the same in every pixel."""
        return image.shape == self._shape and _coarse(image) == self._some and _sum(image) == self._sum


def _coarse(image: Image) -> bytes:
    """Some of its pixels: bytes are compared faster than arrays."""
    return image[::COARSE, ::COARSE].tobytes()


def _sum(image: Image) -> int:
    return zlib.crc32(np.ascontiguousarray(image).data)


class FreezeWatch:
    """Says when pictures have been the same for too long while somebody was counted in them.

    Args:
        after: seconds; 0 says it never.

    Attributes:
        picture: that which has frozen; None where none has.
    """

    def __init__(self, after: float) -> None:
        self._after = after
        self.picture: StillPicture | None = None
        self._same: StillPicture | None = None
        self._since = 0.0
        self._keys = 0
        self._some = b""

    def observe(self, frame: Frame, *, counted: bool) -> bool:
        """Takes a frame; whether it is frozen.

        Args:
            frame: the next one.
            counted: whether anybody was counted in those before.
        """
        if not self._after:
            return False
        if not self._is_same(frame.raw):
            self.picture, self._since, self._keys = None, frame.at.mono, 0
            return False
        self._keys += frame.key is True
        long = frame.at.mono - self._since >= self._after
        if long and counted and (frame.key is None or self._keys >= KEY_FRAMES):
            self.picture = self._same
        return self.picture is not None

    def _is_same(self, image: Image) -> bool:
        if self._same is not None and self._same.is_like(image):
            return True
        # only where a few pixels are the same is it worth while to look at all of them
        some = _coarse(image)
        self._same = StillPicture(image) if self._same is None and some == self._some else None
        self._some = some
        return False
