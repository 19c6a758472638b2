"""Pictures for the tests of faces, and where the faces in them are."""

from __future__ import annotations

import math
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


def crowd(*scales: float) -> tuple[Image, list[tuple[Point, Point]]]:
    """Rows of portraits side by side, a scale a row, RGB (H, 1280, 3), with eyes and mouth of each."""
    left, right = 170, 530
    rows, points = [], []
    top = 0.0
    for scale in scales:
        one = cv2.resize(portrait()[:, left:right].copy(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        number = 1280 // one.shape[1]
        row = np.concatenate([one] * number, axis=1)
        rows.append(np.pad(row, ((0, 0), (0, 1280 - row.shape[1]), (0, 0)), mode="edge"))
        for place in range(number):
            eyes, mouth = ((place * one.shape[1] + (x - left) * scale, top + y * scale) for x, y in (EYES, MOUTH))
            points.append((eyes, mouth))
        top += one.shape[0]
    return np.concatenate(rows).astype(np.uint8), points


def rolled(image: Image, degrees: float) -> Image:
    """The picture turned clockwise about its middle, nothing cut off, its border repeated."""
    height, width = image.shape[:2]
    side = math.ceil(math.hypot(height, width))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    turn[:, 2] += (side - width) / 2, (side - height) / 2
    return np.asarray(cv2.warpAffine(image, turn, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)
