"""Invented heads, seen from a camera."""

from __future__ import annotations

import math

import numpy as np

from edge_fer.types import Keypoints


def seen(yaw: float, roll: float = 0.0, size: float = 60.0) -> Keypoints:
    """Keypoints of a head of average build turned by so many degrees, far from the camera.

    In units of the distance between the eyes: mouth one below, the nose's tip half below and standing out.
    """
    head = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.55, 0.45], [0, 1.0, 0]])
    about, tilt = math.radians(yaw), math.radians(roll)
    x = head[:, 0] * math.cos(about) + head[:, 2] * math.sin(about)
    y = head[:, 1]
    turned = np.stack([x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)], 1)
    right, left, nose, mouth = (tuple(point) for point in (turned * size + (200, 100)).tolist())
    return Keypoints(right, left, nose, mouth)
