"""What is looked at in each picture that a camera sends, on whatever way it comes."""

from __future__ import annotations

import logging
from collections.abc import Callable

import cv2

from edge_fer.errors import SourceLostError
from edge_fer.types import Image

__all__ = ["SPOILT_IN_A_ROW", "PictureCheck"]

log = logging.getLogger(__name__)

#: So many spoilt pictures in a row, and the camera is opened anew; single ones are common after a bad cable's hiccup.
SPOILT_IN_A_ROW = 30


class PictureCheck:
    """Leaves out spoilt pictures of a camera, up to a limit, and tells when their size changes.

    Args:
        camera: its name in the config.
        shown: where its pictures come from, as it may be told.
        remedy: what to do where it sends nothing but spoilt pictures.
    """

    def __init__(self, camera: str, shown: str, *, remedy: str) -> None:
        self._camera = camera
        self._shown = shown
        self._remedy = remedy
        self._spoilt = 0
        self._size: tuple[int, ...] | None = None

    def decoded(self, decode: Callable[[], Image]) -> Image | None:
        """A picture; None where it is spoilt.

        Args:
            decode: raises ValueError where it is.

        Raises:
            SourceLostError: too many in a row are.
        """
        try:
            image = decode()
        except (ValueError, cv2.error) as error:
            self._spoilt += 1
            log.debug("camera %s: %s sent %s", self._camera, self._shown, error)
            if self._spoilt >= SPOILT_IN_A_ROW:
                msg = f"{self._shown} sends {error} instead of a picture"
                raise SourceLostError(msg, remedy=self._remedy) from None
            return None
        self._spoilt = 0
        return image

    def note(self, image: Image) -> None:
        """Takes note of a picture's size."""
        if self._size not in {None, image.shape[:2]}:
            log.warning("camera %s: %s now sends %d x %d", self._camera, self._shown, *image.shape[1::-1])
        self._size = image.shape[:2]
