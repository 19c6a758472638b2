"""A short recording of a real face, so that the daemon has something to show where there is no camera.

The face is that of the astronaut Eileen Collins, from NASA's official portrait of her (Great Images in NASA,
GPN-2000-001177), which is in the public domain; scikit-image ships it as `skimage.data.astronaut`. The recording
is one picture over which the view pans, zooms and changes its light; `tools.sample_recording` makes it.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

from edge_fer.types import Image

__all__ = ["sample_path", "sample_picture"]


#: A frame for which the view rests on the face.
_CLOSE_UP = 78


def sample_path() -> Path:
    """The recording: 12 s at 15 frames a second, 640 x 360 pixels, one person in view from about 1.5 s to 9.5 s."""
    # pip unpacks packages, so the resource is a file; OpenCV could not read it from within a zip anyway
    return Path(str(files(__name__) / "astronaut.mp4"))


def sample_picture() -> Image:
    """One picture of the recording, RGB uint8 (360, 640, 3): the person looks into the camera and smiles."""
    capture = cv2.VideoCapture(str(sample_path()), cv2.CAP_FFMPEG)
    try:
        for _ in range(_CLOSE_UP):
            capture.grab()
        _, picture = capture.read()
    finally:
        capture.release()
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
