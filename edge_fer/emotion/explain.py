"""Where in a face the model saw an emotion: how much of it goes when a part of the face is hidden.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2. It asks the model
itself, so any model will do, and what it points at is what the model cannot do without.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.preprocess import grey, resize
from edge_fer.types import Image

__all__ = ["occlusion_map"]

#: Squares along a side of the face; each hides a third of it and overlaps the next by half, so that 25 readings do.
_SQUARES = 5

#: A face blurred by this share of its side has light and shade, but no expression; grey squares would add edges.
_BLUR = 1 / 8


def occlusion_map(classifier: EmotionClassifier, crop: Image, label: str) -> NDArray[np.float32]:
    """How much each place of a face speaks for a label, against the other labels.

    It is coarse: a third of the face is hidden at a time. It tells what the model went by, not why, and costs as much
    as 26 readings.

    Args:
        classifier: any.
        crop: RGB uint8 (H, W, 3), or grey uint8 (H, W), cut as the classifier's `crop_frame` says.
        label: one of the classifier's labels, whether it is the likeliest or not.

    Returns:
        float32 (H, W) of the crop, 0 where nothing speaks for the label, 1 where most does; all 0 where nothing does.

    Raises:
        ValueError: the model does not know the label.
    """
    if label not in classifier.labels:
        msg = f"label: {label!r} is none of {', '.join(classifier.labels)}"
        raise ValueError(msg)
    wanted = classifier.sidecar.input
    face = resize(grey(crop), (wanted.width, wanted.height))
    blurred = cv2.GaussianBlur(face, (0, 0), _BLUR * wanted.width)
    squares = [(rows, columns) for rows in _places(wanted.height) for columns in _places(wanted.width)]
    faces = [face] + [face.copy() for _ in squares]
    for square, hidden in zip(squares, faces[1:], strict=True):
        hidden[square] = blurred[square]
    spoken = _evidence(classifier, faces, label)
    lost, times = np.zeros(face.shape), np.zeros(face.shape)
    for square, evidence in zip(squares, spoken[1:], strict=True):
        lost[square] += spoken[0] - evidence
        times[square] += 1
    height, width = crop.shape[:2]
    smooth = cv2.resize(np.maximum(lost / times, 0), (width, height), interpolation=cv2.INTER_LINEAR)
    most = float(np.max(smooth))
    return np.asarray(smooth / most if most > 0 else smooth, dtype=np.float32)


def _evidence(classifier: EmotionClassifier, faces: list[Image], label: str) -> NDArray[np.float32]:
    """What speaks for the label beyond what speaks for all alike, which moves no probability; float32 (N,)."""
    logits = classifier.logits(faces)
    return np.asarray(logits[:, classifier.labels.index(label)] - logits.mean(axis=1), dtype=np.float32)


def _places(side: int) -> list[slice]:
    """The squares along one side, from edge to edge."""
    half = side / (_SQUARES + 1)
    return [slice(round(at * half), round((at + 2) * half)) for at in range(_SQUARES)]
