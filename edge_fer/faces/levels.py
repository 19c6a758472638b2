"""The grey levels of video: 16 is black there, and 235 white."""

from __future__ import annotations

import cv2
import numpy as np

from edge_fer.types import Image

__all__ = ["full_levels"]

_FULL = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)


def full_levels(luma: Image) -> Image:
    """Grey levels of 0 to 255, uint8 (H, W), for a codec's luma."""
    return np.asarray(cv2.LUT(luma, _FULL), dtype=np.uint8)
