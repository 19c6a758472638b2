"""MTCNN, three networks one after the other, through the `mtcnn` package: for comparison more than for a Pi.

Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks", IEEE Signal
Processing Letters 2016. The package carries its weights, and runs on TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

import cv2

from edge_fer.errors import ModelError
from edge_fer.faces.boxes import face_of, without_doubles
from edge_fer.types import Box, Face, Image, Keypoints

__all__ = ["MtcnnDetector"]

#: Side of the smallest face that the first network sees, pixels. Larger pictures are shrunk to it beforehand, because
#: the package's own setting for it loses all faces at 30 and more.
SMALLEST = 20.0

# Measured on 60 frames of recordings of two people and 55 faces of FER2013: the eyes' middle at 0.355 and the mouth at
# 0.78 of the mean side of the box, in the middle across.
TIGHT_SCALE = 0.9


class MtcnnDetector:
    """Finds faces with the `mtcnn` package. One instance serves one thread at a time.

    Args:
        min_size: smallest face to find, pixels of the frame between brows and chin; at least 20 or so are found.
        leeway: share of `min_size` down to which faces are told as well, above 0 to 1, though no more is searched.
        min_confidence: surer than this, 0 to 1.

    Raises:
        ModelError: the package, or TensorFlow, cannot be imported.
    """

    name = "mtcnn"

    def __init__(self, *, min_size: float = 48.0, leeway: float = 1.0, min_confidence: float = 0.9) -> None:
        self._min_size = max(min_size, 1.0)
        self._least = leeway * self._min_size
        self._min_confidence = min_confidence
        try:
            package = importlib.import_module("mtcnn")
            self._cascade: Any = package.MTCNN(device="CPU:0")
        except (ImportError, AttributeError) as error:
            msg = f"`faces.detector: mtcnn` cannot be used: {error}"
            remedy = "Install it: pip install 'edge-fer[mtcnn]' (with TensorFlow, more than 1 GB); or choose another"
            raise ModelError(msg, remedy=remedy) from error

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces in RGB uint8 (H, W, 3), largest first."""
        height, width = image.shape[:2]
        scale = min(1.0, SMALLEST / self._min_size)
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        found = self._cascade.detect_faces(cv2.resize(image, (across, down), interpolation=cv2.INTER_AREA))
        faces = [
            _face(one, width / across, height / down)
            for one in found or []
            if one["confidence"] >= self._min_confidence and min(one["box"][2:]) > 0
        ]
        large = [face for face in faces if face.box.width >= self._least]
        return sorted(without_doubles(large), key=lambda face: face.box.area, reverse=True)


def _face(told: dict[str, Any], across: float, down: float) -> Face:
    x, y, width, height = told["box"]
    # the package names sides as they are seen, not as they are the person's
    points = {name: (float(x) * across, float(y) * down) for name, (x, y) in told["keypoints"].items()}
    (left, left_down), (right, right_down) = points["mouth_left"], points["mouth_right"]
    mouth = (left + right) / 2, (left_down + right_down) / 2
    keypoints = Keypoints(points["left_eye"], points["right_eye"], points["nose"], mouth)
    box = Box(float(x) * across, float(y) * down, float(width) * across, float(height) * down)
    return face_of(box, float(told["confidence"]), keypoints, scale=TIGHT_SCALE)
