"""Where in a face the model saw an emotion: class-activation maps from the same weights, at the price of one reading.

Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. The recipe exports the maps as a
second output of the model (`models/recipe/maps.py`), so that numpy and OpenCV suffice here.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.types import Image

__all__ = ["activation_map"]


def activation_map(classifier: EmotionClassifier, crop: Image, label: str) -> NDArray[np.float32]:
    """How much each place of a face speaks for a label, against the other labels.

    It is coarse: a few cells across the face, each of which has seen much around it. It tells where the model looked,
    not why. Of the present model (3 by 3 cells), covering the place it points at takes no more of the label away than
    covering another, so show it to nobody as a reason.

    Args:
        classifier: with a model that has maps, as the packaged one.
        crop: RGB uint8 (H, W, 3), or grey uint8 (H, W), cut as the classifier's `crop_frame` says.
        label: one of the classifier's labels, whether it is the likeliest or not.

    Returns:
        float32 (H, W) of the crop, 0 where nothing speaks for the label, 1 where most does; all 0 where nothing does.

    Raises:
        ModelError: the model has no maps.
        ValueError: the model does not know the label.
    """
    if label not in classifier.labels:
        msg = f"label: {label!r} is none of {', '.join(classifier.labels)}"
        raise ValueError(msg)
    cells = classifier.maps(crop)
    # What speaks for all labels alike moves no probability.
    evidence = cells[:, :, classifier.labels.index(label)] - cells.mean(axis=2)
    evidence = np.maximum(evidence, 0)
    height, width = crop.shape[:2]
    smooth = cv2.resize(evidence, (width, height), interpolation=cv2.INTER_LINEAR)
    most = float(smooth.max())
    return np.asarray(smooth / most if most > 0 else smooth, dtype=np.float32)
