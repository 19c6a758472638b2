"""Notices a camera that sends the very same picture again and again. Pure; takes time from the frames.

No sensor gives the same picture twice: each has noise. An encoder that saves bits may repeat a picture, but stores it
anew, noise included, with the next key frame. The other way round, an encoder may go on refining a picture that has
frozen, so that pictures between key frames differ a little. So where there are key frames, those must be the same.
"""

from __future__ import annotations

import zlib

import numpy as np

from edge_fer.types import Frame, Image

__all__ = ["FreezeWatch", "StillPicture"]

#: Every so many pixels, across and down, one is looked at first.
COARSE = 16
#: Grey levels, on average, by which an encoder makes pictures differ from their key frame although nothing changes.
NEAR = 2.0
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

    def is_in(self, frame: Frame) -> bool:
        """Whether a frame shows it: in every pixel, or nearly, where the frame is built on a key frame."""
        return self.is_near(frame.raw) if frame.key is False else self.is_like(frame.raw)

    def is_like(self, image: Image) -> bool:
        """Whether a picture is the same in every pixel."""
        # some of its pixels first, which takes no time
        return image.shape == self._shape and np.array_equal(_coarse(image), self._some) and _sum(image) == self._sum

    def is_near(self, image: Image) -> bool:
        """Whether a picture is the same but for what an encoder does to it."""
        if image.shape != self._shape:
            return False
        return bool(np.abs(_coarse(image).astype(np.int16) - self._some).mean() < NEAR)


def _coarse(image: Image) -> Image:
    """A copy of some of its pixels."""
    return image[::COARSE, ::COARSE].copy()


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
        self._some: Image = np.empty(0, np.uint8)
        # whether the last frame was built on a key frame; before the first one, that may be
        self._is_built_on = True

    def observe(self, frame: Frame, *, counted: bool) -> bool:
        """Takes a frame; whether it is frozen.

        Args:
            frame: the next one.
            counted: whether anybody was counted in those before.
        """
        if not self._after:
            return False
        if not self._is_same(frame):
            self.picture, self._since, self._keys = None, frame.at.mono, 0
            return False
        self._keys += frame.key is True
        long = frame.at.mono - self._since >= self._after
        if long and counted and (frame.key is None or self._keys >= KEY_FRAMES):
            self.picture = self._same
        return self.picture is not None

    def _is_same(self, frame: Frame) -> bool:
        is_built_on, self._is_built_on = self._is_built_on, frame.key is False
        if self._same is not None and self._same.is_in(frame):
            return True
        if self._is_built_on:
            # nothing begins with it
            self._same = None
            return False
        # where there are only whole pictures, all pixels are worth a look only where some are the same as before
        some = _coarse(frame.raw)
        is_worth = self._same is None and np.array_equal(some, self._some)
        self._same = StillPicture(frame.raw) if is_worth or (frame.key and is_built_on) else None
        self._some = some
        return False
