"""Lays over each face where the model saw its leading emotion."""

from __future__ import annotations

import cv2
import numpy as np

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.explain import occlusion_map
from edge_fer.faces.reading.crop import crop_corners, crop_face
from edge_fer.pictures.faces import FaceReading, PictureReading
from edge_fer.types import Image

__all__ = ["lay_activation"]

#: How opaque the overlay is where most speaks for the emotion, 0 to 1.
OPAQUE = 0.6
#: Side at which crops are looked at, pixels; larger ones are brought to it.
SIDE = 192


def lay_activation(image: Image, reading: PictureReading, classifier: EmotionClassifier) -> None:
    """Colours each face that was read, in place: the brighter, the more speaks there for its leading emotion.

    Args:
        image: RGB uint8 (height, width, 3), the reading's picture.
        reading: of it.
        classifier: that read them.
    """
    for face in reading.faces:
        if face.leading is not None:
            _lay(image, reading.image, face, face.leading, classifier)


def _lay(image: Image, source: Image, face: FaceReading, label: str, classifier: EmotionClassifier) -> None:
    crop = crop_face(source, face.face, classifier.crop_frame, at_most=SIDE)
    heat = occlusion_map(classifier, crop, label)
    corners = np.asarray(crop_corners(face.face, classifier.crop_frame), np.float32)
    four = np.vstack([corners, corners[1] + corners[2] - corners[0]])
    (left, top), (right, bottom) = np.floor(four.min(axis=0)).astype(int), np.ceil(four.max(axis=0)).astype(int)
    height, width = image.shape[:2]
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        return
    side = len(crop)
    of_crop = np.array([[0, 0], [side, 0], [0, side]], np.float32)
    to_part = cv2.getAffineTransform(of_crop, corners - np.array([left, top], np.float32))
    laid = cv2.warpAffine(heat, to_part, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    colours = cv2.cvtColor(
        cv2.applyColorMap(np.rint(laid * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    part = image[top:bottom, left:right]
    share = (laid * OPAQUE)[..., None]
    part[:] = np.rint(part * (1 - share) + colours * share).astype(np.uint8)
