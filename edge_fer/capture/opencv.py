"""What the sources that read through OpenCV have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["opened_file", "quieten", "to_rgb"]


def quieten() -> None:
    """Keeps OpenCV and FFmpeg from writing to standard error what our own errors say better, addresses included.

    Whoever wants their words sets OPENCV_LOG_LEVEL or OPENCV_FFMPEG_LOGLEVEL, which then hold.
    """
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # OpenCV moved it between 4.11 and 4.14
        opencv: Any = cv2  # the type stubs of either version know only their own place for it
        home = opencv if hasattr(opencv, "setLogLevel") else opencv.utils.logging
        home.setLogLevel(0)  # silent
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


@contextmanager
def opened_file(path: Path) -> Iterator[cv2.VideoCapture]:
    """A recording, open as long as the context lasts; whether it could be opened is asked of it.

    FFmpeg takes what stands before a colon for a protocol unless a slash comes first, so that paths are handed over
    whole. OpenCV dies of a name that is not UTF-8, so that such a file is handed over by the number of its descriptor.

    Raises:
        OSError: the file cannot be opened for reading.
    """
    name = os.path.abspath(path)  # noqa: PTH100  (a path that is resolved is another one where it is a link)
    if _is_utf8(name):
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
    else:
        with path.open("rb") as file:
            capture = cv2.VideoCapture(f"/proc/self/fd/{file.fileno()}", cv2.CAP_FFMPEG)
    try:
        yield capture
    finally:
        capture.release()


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_rgb(picture: NDArray[Any] | None) -> Image:
    """RGB uint8 (height, width, 3) from what OpenCV hands out.

    Args:
        picture: grey (height, width) or (height, width, 1), BGR or BGRA; uint8, or uint16 of which the upper half
            is kept.

    Raises:
        ValueError: it is nothing of the kind.
    """
    if picture is None or picture.ndim not in {2, 3} or 0 in picture.shape:
        msg = "an empty picture" if picture is None or 0 in picture.shape else f"a picture of shape {picture.shape}"
        raise ValueError(msg)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    code = CODES.get(1 if picture.ndim == 2 else picture.shape[2])
    if code is None or picture.dtype != np.uint8:
        msg = f"a picture of {picture.dtype} {picture.shape}"
        raise ValueError(msg)
    return np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


CODES = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
