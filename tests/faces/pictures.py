"""Pictures for the tests of faces, and where the faces in them are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from edge_fer.sample import sample_path
from edge_fer.types import Image, Point

#: Middle of the eyes and of the mouth in `portrait`, as a network with landmarks saw them (YuNet).
EYES: Point = (353, 154)
MOUTH: Point = (346, 217)

#: A square of `portrait` with the face and all the hair around it, (x, y, side).
HEAD = (250, 50, 220)


def frames(path: Path, *, every: int = 1) -> Iterator[tuple[float, Image]]:
    """Seconds from the start, and the RGB picture, of every so many frames."""
    video = cv2.VideoCapture(str(path))
    assert video.isOpened(), path
    fps = video.get(cv2.CAP_PROP_FPS)
    index = 0
    while video.grab():
        if index % every == 0:
            yield index / fps, np.asarray(cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB), dtype=np.uint8)
        index += 1
    video.release()


@cache
def portrait() -> Image:
    """A large face, RGB (360, 640, 3), from 5.2 s of the sample recording; read-only."""
    image = next(image for seconds, image in frames(sample_path()) if seconds > 5.19)
    image.setflags(write=False)
    return image


def head(side: int) -> Image:
    """The head of `portrait` alone, RGB (side, side, 3)."""
    x, y, size = HEAD
    how = cv2.INTER_AREA if side < size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(portrait()[y : y + size, x : x + size], (side, side), interpolation=how), np.uint8)


def grey_wall(height: int, width: int, level: int = 128) -> Image:
    return np.full((height, width, 3), level, dtype=np.uint8)


def on_wall(height: int, width: int, *heads: tuple[int, int, int]) -> Image:
    """Heads, each (x, y, side), on a grey wall; parts beyond the edges are cut off."""
    wall = grey_wall(height, width)
    for x, y, side in heads:
        picture = head(side)
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)
        wall[top:bottom, left:right] = picture[top - y : bottom - y, left - x : right - x]
    return wall
