"""YuNet through OpenCV: keypoints and small faces, without a TFLite runtime.

Wu, Peng and Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 2023. The model file is
fetched, or the user's own.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge_fer.errors import ModelError
from edge_fer.faces.boxes import face_of, without_doubles
from edge_fer.types import Box, Face, Image, Keypoints

__all__ = ["YuNetDetector"]

#: Side of the smallest face that is found nearly always, brows to chin, pixels of the picture searched; of those of 16,
#: six in ten are.
SMALLEST = 20.0

# Measured on 60 frames of recordings of two people and 260 faces of FER2013: the eyes' middle at 0.357 and the mouth at
# 0.755 of the box, in the middle across.
TIGHT_SCALE = 0.85


class YuNetDetector:
    """Finds faces with OpenCV's `FaceDetectorYN`. One instance serves one thread at a time.

    Args:
        model: the bytes of the .onnx file.
        file: what errors call it.
        min_size: smallest face to find, pixels of the frame between brows and chin.
        leeway: share of `min_size` down to which faces are told as well, above 0 to 1, though no more is searched.
        max_side: the frame is searched at this many pixels on its longer side; at more where the smallest face would
            come out smaller than the network can find.
        min_confidence: surer than this, 0 to 1.

    Raises:
        ModelError: the bytes are no such model.
    """

    name = "yunet"

    def __init__(
        self,
        model: bytes,
        *,
        file: str = "YuNet",
        min_size: float = 48.0,
        leeway: float = 1.0,
        max_side: int = 320,
        min_confidence: float = 0.6,
    ) -> None:
        self._min_size = max(min_size, 1.0)
        self._least = leeway * self._min_size
        self._max_side = max_side
        content, nothing = np.frombuffer(model, np.uint8), np.empty(0, np.uint8)
        try:
            self._network = cv2.FaceDetectorYN.create("onnx", content, nothing, (320, 320), min_confidence)
            # a network of another kind is only found out when it runs
            self._network.detect(np.zeros((320, 320, 3), np.uint8))
        except (cv2.error, SystemError, AttributeError) as error:
            msg = f"{file}: OpenCV {cv2.__version__} cannot use it as a YuNet model"
            remedy = "Name face_detection_yunet_2023mar.onnx in `faces.model`, or fetch it: edge-fer models fetch yunet"
            raise ModelError(msg, remedy=remedy) from error

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces in RGB uint8 (H, W, 3), largest first."""
        height, width = image.shape[:2]
        if min(height, width) < self._min_size / 2:
            return []  # it would see faces in stripes
        scale = min(1.0, max(self._max_side / max(height, width), SMALLEST / self._min_size))
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        picture = cv2.cvtColor(cv2.resize(image, (across, down), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        self._network.setInputSize((across, down))
        found = self._network.detect(picture)[1]
        rows = [] if found is None else found[np.isfinite(found).all(axis=1)].tolist()
        faces = [_face(row, width / across, height / down) for row in rows if row[2] > 0 and row[3] > 0]
        large = [face for face in faces if face.box.width >= self._least]
        return sorted(without_doubles(large), key=lambda face: face.box.area, reverse=True)


def _face(row: list[float], across: float, down: float) -> Face:
    """One row of what OpenCV says: box, right eye, left eye, nose, right and left corner of the mouth, score."""
    x, y, width, height = row[0] * across, row[1] * down, row[2] * across, row[3] * down
    points = [(row[index] * across, row[index + 1] * down) for index in range(4, 14, 2)]
    right_eye, left_eye, nose, right_corner, left_corner = points
    mouth = (right_corner[0] + left_corner[0]) / 2, (right_corner[1] + left_corner[1]) / 2
    keypoints = Keypoints(right_eye, left_eye, nose, mouth)
    score = min(max(row[14], 0.0), 1.0)
    return face_of(Box(x, y, width, height), score, keypoints, scale=TIGHT_SCALE)
