"""How a face is turned, from its keypoints."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_fer.types import Keypoints

__all__ = ["Pose", "pose"]

#: How far the tip of the nose stands out of the plane through eyes and mouth, over the distance between the eyes.
#: YuNet's keypoints of 2,600 faces of FER2013 give 0.43 (`python -m tests.benchmarks.quality --yunet`); with that,
#: what is told as 45 degrees is 46.
NOSE = 0.45


@dataclass(frozen=True, slots=True)
class Pose:
    """How a face is turned.

    Attributes:
        yaw: about the body's axis, degrees, -90 to 90; 0 looks into the camera, positive to the picture's right.
        roll: in the picture's plane, degrees, -180 to 180; 0 is upright, positive is clockwise as seen.
    """

    yaw: float
    roll: float


def pose(points: Keypoints) -> Pose:
    """A rough estimate, within some 15 degrees for one face and the next: noses differ, and keypoints jitter.

    The nose leaves the line from the eyes' middle to the mouth by its height times the sine of the yaw, while the
    distance between the eyes shrinks with its cosine; the ratio of the two is the tangent. Eyes that coincide, or
    have changed sides, belong to a profile: 90 degrees.
    """
    right, left = complex(*points.right_eye), complex(*points.left_eye)
    nose, mouth = complex(*points.nose), complex(*points.mouth)
    middle = (right + left) / 2
    down = mouth - middle
    if down == 0:
        return Pose(90.0, 0.0)
    # the picture turned so that the eyes' middle stands right above the mouth, and scaled to their distance
    upright = complex(0, 1) / down
    roll = -math.degrees(math.atan2(upright.imag, upright.real))
    apart = ((left - right) * upright).real
    aside = ((nose - middle) * upright).real
    yaw = math.copysign(90.0, aside) if apart <= 0 else math.degrees(math.atan2(aside, NOSE * apart))
    return Pose(yaw, roll)
