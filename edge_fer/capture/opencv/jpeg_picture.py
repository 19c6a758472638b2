"""A JPEG as cameras send it, on whatever way."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from edge_fer.capture.jpeg import DamagedJpegError, rgb_pixels
from edge_fer.capture.opencv.common import to_rgb
from edge_fer.types import Image

__all__ = ["from_jpeg"]

#: Bytes too many before a marker, which some cameras leave in every picture.
SPARE: Final = 16


def from_jpeg(data: bytes) -> Image:
    """RGB uint8 (height, width, 3).

    Raises:
        ValueError: it is damaged.
    """
    try:
        image = rgb_pixels(data, spare=SPARE)
        if image is None:
            image = to_rgb(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    except (DamagedJpegError, cv2.error) as error:
        msg = "damaged pictures"
        raise ValueError(msg) from error
    return image
