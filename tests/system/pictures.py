"""Looks for pictures in bytes, however they may have got there."""

from __future__ import annotations

import re
from collections.abc import Iterable

import cv2
import numpy as np

from edge_fer.sample import sample_path

__all__ = ["Search", "sample_frames"]

#: How files of pictures and films begin; so much of it that checksums do not look like it by chance.
MARKS = {
    "JPEG": re.compile(rb"\xff\xd8\xff[\xe0\xe1\xdb\xee]"),
    "PNG": re.compile(rb"\x89PNG"),
    "GIF": re.compile(rb"GIF8"),
    "WebP": re.compile(rb"WEBPVP8"),
    "BMP": re.compile(rb"BM.{4}\x00{4}", re.DOTALL),
    "TIFF": re.compile(rb"II\*\x00"),
    "MP4": re.compile(rb"ftypisom"),
    "H.264": re.compile(rb"\x00\x00\x00\x01\x67"),
    "numpy": re.compile(rb"\x93NUMPY"),
    "pickle of an array": re.compile(rb"numpy.core.multiarray"),
}
#: Text without a gap longer than any word, number or hash of ours: what base64 or hex of a picture looks like.
ENCODED = re.compile(rb"[A-Za-z0-9+/_=-]{200,}")
#: Bytes of a run of pixels that is looked for: some two to three pixels in colour, eight in grey.
RUN = 8
#: Different values in a run that tell it from emptiness, padding and text.
TELLING = 6


class Search:
    """Knows some pictures, in the forms that they have on their way to the model.

    Args:
        frames: RGB uint8 (H, W, 3).
    """

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        runs = [_aligned_runs(form) for frame in frames for form in _forms(frame)]
        self._runs = np.unique(np.concatenate(runs))

    def finds(self, data: bytes) -> list[str]:
        """What of pictures there is in the data."""
        found = [name for name, mark in MARKS.items() if mark.search(data)]
        if ENCODED.search(data):
            found.append("a long encoded text")
        hits = self._count(_all_runs(data)) if len(data) >= RUN else 0
        return [*found, f"{hits} runs of pixels"] if hits else found

    def _count(self, runs: np.ndarray) -> int:
        """How many of the runs are among those known, which are in order."""
        places = np.searchsorted(self._runs, runs)
        return int((self._runs[np.minimum(places, len(self._runs) - 1)] == runs).sum())


def _forms(frame: np.ndarray) -> Iterable[np.ndarray]:
    """Colour in both orders, brightness, and the sizes at which faces are looked for and read."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    yield from (frame, frame[:, :, ::-1], grey)
    height, width = grey.shape
    yield cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def _aligned_runs(picture: np.ndarray) -> np.ndarray:
    data = np.ascontiguousarray(picture).reshape(-1)
    return _telling(data[: len(data) // RUN * RUN].reshape(-1, RUN))


def _all_runs(data: bytes) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), RUN)
    return _telling(windows)


def _telling(runs: np.ndarray) -> np.ndarray:
    ordered = np.sort(runs, axis=1)
    distinct = (np.diff(ordered, axis=1) != 0).sum(axis=1) + 1
    return np.ascontiguousarray(runs[distinct >= TELLING]).view(np.uint64).reshape(-1)


def sample_frames(step: int) -> Iterable[np.ndarray]:
    """Every so-manieth frame of the sample, RGB."""
    capture = cv2.VideoCapture(str(sample_path()))
    index = 0
    while True:
        there, picture = capture.read()
        if not there:
            return
        if index % step == 0:
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        index += 1
