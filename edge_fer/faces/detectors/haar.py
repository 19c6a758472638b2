"""The Haar cascade that comes with OpenCV: always there, frontal faces only.

Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001; the cascade is
Lienhart's `haarcascade_frontalface_default`, trained on windows of 24 x 24 pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.errors import ModelError
from edge_fer.faces.boxes import reframed, without_doubles
from edge_fer.types import Box, Face, Image

__all__ = ["HaarDetector"]

CASCADE = "haarcascade_frontalface_default.xml"

#: Side of the cascade's window, pixels; nothing smaller can be found.
WINDOW = 24

# The cascade's square runs from the middle of the forehead to the chin: measured over frontal faces, the eyes' middle
# lies at 0.38 and the mouth at 0.76 of its height (which is also how FER2013 was cut: found again in FER2013 pictures,
# the cascade's box covers 98 % of their side, centred to within 1 %). A face from brows to chin is 0.8 of it, lower.
TIGHT_SCALE = 0.8
TIGHT_SHIFT = (0.0, 0.14)

# The weight of the last stage is the cascade's only graded word on a face. A logistic curve fitted to some 400 faces
# of FER2013 pasted on photographs against some 150 false alarms (on the same photographs, and on the same faces
# upside down), both kinds given equal say: at a weight of 3.7 as many of the one as of the other.
EVEN_WEIGHT = 3.7
WEIGHT_SPREAD = 1.2


class HaarDetector:
    """Finds upright frontal faces with OpenCV's cascade.

    The picture is not equalised first: the cascade evens out the light of every window by itself, and equalising
    whole frames cost half the speed and found fewer faces, besides more that were none.

    One instance serves one thread at a time. How many threads OpenCV itself uses is left as it is.

    Args:
        min_size: smallest face to find, pixels of the frame between brows and chin.
        max_side: the frame is searched at this many pixels on its longer side; at more where the smallest face would
            come out smaller than the cascade's window.
        scale_factor: from one size searched to the next; closer to 1 finds a little more and takes longer.
        neighbours: how many windows must agree on a face.
        min_confidence: surer than this, 0 to 1; 0.15 costs 3 % of all faces and spares 40 % of false alarms.
        cascade: another cascade file of the same framing; by default the one in the OpenCV wheel.

    Raises:
        ModelError: the cascade is missing or cannot be read, or this OpenCV knows no cascades.
    """

    name = "haar"

    def __init__(
        self,
        *,
        min_size: float = 48.0,
        max_side: int = 480,
        scale_factor: float = 1.15,
        neighbours: int = 4,
        min_confidence: float = 0.15,
        cascade: Path | None = None,
    ) -> None:
        self._smallest = max(min_size / TIGHT_SCALE, 1.0)
        self._max_side = max_side
        self._scale_factor = scale_factor
        self._neighbours = neighbours
        self._min_confidence = min_confidence
        self._cascade = _load(_packaged() if cascade is None else cascade)

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces in RGB uint8 (H, W, 3), largest first."""
        scale = self._scale(*image.shape[:2])
        found, _, weights = self._cascade.detectMultiScale3(
            _shrunk_grey(image, scale),
            scaleFactor=self._scale_factor,
            minNeighbors=self._neighbours,
            minSize=(math.ceil(self._smallest * scale),) * 2,
            outputRejectLevels=True,
        )
        faces = (
            Face(_tight(window, scale), confidence)
            for window, weight in zip(found, np.ravel(weights), strict=True)
            if (confidence := _confidence(float(weight))) >= self._min_confidence
        )
        return sorted(without_doubles(faces), key=lambda face: face.box.area, reverse=True)

    def _scale(self, height: int, width: int) -> float:
        """Pixels searched over pixels of the frame, at most 1."""
        return min(1.0, max(self._max_side / max(height, width), WINDOW / self._smallest))


def _packaged() -> Path:
    """The cascade in the OpenCV wheel; other builds may have no such folder, and OpenCV 5 has none."""
    folder = getattr(getattr(cv2, "data", None), "haarcascades", None)
    if folder is None:
        msg = f"OpenCV {cv2.__version__} comes without the Haar cascades"
        raise ModelError(msg, remedy='Install "opencv-python-headless>=4.9,<5", or choose another faces.detector')
    return Path(folder) / CASCADE


def _load(path: Path) -> cv2.CascadeClassifier:
    remedy = "Reinstall opencv-python-headless (4.9 or newer, below 5), or choose another faces.detector"
    if not path.is_file():
        msg = f"the Haar cascade {path} is missing"
        raise ModelError(msg, remedy=remedy)
    msg = f"the Haar cascade {path} cannot be read by OpenCV {cv2.__version__}"
    try:
        cascade = cv2.CascadeClassifier(str(path))
    except (cv2.error, SystemError, AttributeError) as error:
        raise ModelError(msg, remedy=remedy) from error
    if cascade.empty():
        raise ModelError(msg, remedy=remedy)
    return cascade


def _shrunk_grey(image: Image, scale: float) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if scale < 1.0:
        height, width = grey.shape
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def _tight(window: Sequence[int], scale: float) -> Box:
    """The cascade's window, in pixels searched, as the common box, in pixels of the frame."""
    x, y, width, height = (int(edge) / scale for edge in window)
    return reframed(Box(x, y, width, height), scale=TIGHT_SCALE, shift=TIGHT_SHIFT)


def _confidence(weight: float) -> float:
    return 1.0 / (1.0 + math.exp((EVEN_WEIGHT - weight) / WEIGHT_SPREAD))
