"""Recordings that come with edge-fer, for trying it out where there is no camera.

`sample` is a short recording of a real face. The face is that of the astronaut Eileen Collins, from NASA's official
portrait of her (Great Images in NASA, GPN-2000-001177), which is in the public domain; scikit-image ships it as
`skimage.data.astronaut`. The recording is one picture over which the view pans, zooms and changes its light;
`tools.sample_recording` makes it.

`sample:counter` and `sample:ward` are the demo: people come and go, and one looks unhappy for long enough that an alert
fires. The people are synthetic portraits of SFHQ (github SelfishGene/SFHQ-T2I-dataset, MIT; its licence is in
`LICENSE.SFHQ` beside the recordings); nobody in them is real. `tools.demo_recordings` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from edge_fer.types import Image

__all__ = ["RECORDINGS", "SAMPLES", "TRACE", "sample_path", "sample_picture"]

# pip unpacks packages, so a resource is a file; OpenCV could not read it from within a zip anyway
_FOLDER = Path(str(files(__name__)))
#: The demo's recordings by name: 80 s at 12 frames a second, 640 x 360 pixels.
RECORDINGS: Final[Mapping[str, Path]] = {name: _FOLDER / f"{name}.mp4" for name in ("counter", "ward")}
#: Every recording by what a `source` calls it.
SAMPLES: Final[Mapping[str, Path]] = {
    "sample": _FOLDER / "astronaut.mp4",
    **{f"sample:{name}": path for name, path in RECORDINGS.items()},
}

#: What `edge-fer simulate` has its nodes say: 20 s at a counter, as `edge-fer record` writes it.
TRACE: Final = _FOLDER / "counter.jsonl.gz"

#: A frame for which the view rests on the face.
_CLOSE_UP = 78


def sample_path() -> Path:
    """The recording: 12 s at 15 frames a second, 640 x 360 pixels, one person in view from about 1.5 s to 9.5 s."""
    return SAMPLES["sample"]


def sample_picture() -> Image:
    """One picture of the recording, RGB uint8 (360, 640, 3): the person looks into the camera and smiles."""
    import cv2  # noqa: PLC0415 - 20 MB, which who asks for names alone need not load

    capture = cv2.VideoCapture(str(sample_path()), cv2.CAP_FFMPEG)
    try:
        for _ in range(_CLOSE_UP):
            capture.grab()
        _, picture = capture.read()
    finally:
        capture.release()
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
