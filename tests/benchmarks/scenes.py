"""Recordings of invented counters: portraits of the London set, moving a little, with the noise of a sensor."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

from edge_fer.types import Image

__all__ = ["PEOPLE", "record"]

#: How many people there may be, and in how many columns they stand.
PEOPLE = {0: 1, 1: 1, 5: 3, 10: 4, 20: 5}
#: Seconds for which somebody looks the same.
LASTS = 4


def record(path: Path, portraits: Path, *, people: int, size: tuple[int, int], fps: int, seconds: int) -> None:
    """Writes a recording.

    Args:
        path: where to.
        portraits: the folder of the London set, which the repository does not carry.
        people: how many are seen, one of `PEOPLE`.
        size: width and height, pixels.
        fps: frames a second.
        seconds: how long.
    """
    width, height = size
    random = np.random.default_rng(1)
    columns = PEOPLE[people]
    rows = -(-people // columns) or 1
    across, down = width // columns, height // rows
    side = min(across, down, height * 3 // 5)
    files = sorted(portraits.glob("*_smiling.jpg"))
    faces = [_looks(files[4 * index % len(files)], side) for index in range(people)]
    rough = random.integers(60, 140, (9, 16, 3)).astype(np.uint8)
    wall = cv2.resize(rough, size, interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast"}
        for index in range(fps * seconds):
            at, shown = index / fps, wall.copy()
            for who, looks in enumerate(faces):
                row, column = divmod(who, columns)
                left, top = column * across + (across - side) // 2, row * down + (down - side) // 2
                turn = cv2.getRotationMatrix2D((side / 2, side / 2), 3 * np.sin(0.9 * at + who), 1.0)
                turn[:, 2] += 0.04 * side * np.sin(1.3 * at + who), 0.02 * side * np.cos(1.7 * at + 2 * who)
                face = looks[int(at / LASTS + who) % 2]
                moved = cv2.warpAffine(face, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
                shown[top : top + side, left : left + side] = moved
            noisy = np.clip(shown + random.normal(0, 3, shown.shape), 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
        container.mux(stream.encode())


def _looks(smiling: Path, side: int) -> list[Image]:
    """Somebody smiling, and not, in squares of that side."""
    found = []
    for file in (smiling, smiling.with_name(smiling.name.replace("smiling", "neutral"))):
        picture = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        found.append(np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8))
    return found
