"""Pictures without any face, made by rule: to count false faces, `python -m tests.faces.faceless`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.types import Image
from tests.faces.contract import DETECTORS
from tests.faces.portraits import Portrait, sfhq

__all__ = ["SIZES", "false_faces", "pictures"]

#: Width and height.
SIZES = ((320, 240), (400, 400), (480, 640), (640, 480), (640, 360), (800, 800), (1280, 720))
Random = np.random.Generator


def _colour(random: Random) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


def texture(random: Random, width: int, height: int) -> Image:
    """Noise of several sizes, as of walls, cloth and leaves."""
    whole = np.zeros((height, width, 3), np.float32)
    for size in (2, 5, 12, 30, 80):
        shape = (max(2, height // size), max(2, width // size), 3)
        part = random.normal(0, random.uniform(5, 40), shape).astype(np.float32)
        whole += cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(whole + np.array(_colour(random)), 0, 255), np.uint8)


def stripes(random: Random, width: int, height: int) -> Image:
    """Waves in two directions, as of blinds, tiles and fences."""
    rows, columns = np.indices((height, width)).astype(np.float32)
    whole = np.zeros((height, width), np.float32)
    for _ in range(2):
        angle, length = random.uniform(0, math.pi), random.uniform(6, 120)
        along = (columns * math.cos(angle) + rows * math.sin(angle)) * (2 * math.pi / length)
        whole += np.sin(along) > 0 if random.random() < 0.5 else np.sin(along) / 2 + 0.5
    colours = np.array([_colour(random), _colour(random)], np.float32)
    return np.asarray(colours[0] + whole[:, :, None] / 2 * (colours[1] - colours[0]), np.uint8)


def drawing(random: Random, width: int, height: int) -> Image:
    """Shapes over one another on a wall: discs, boxes, lines and letters."""
    image = np.full((height, width, 3), _colour(random), np.uint8)
    for _ in range(int(random.integers(10, 60))):
        place = int(random.integers(0, width)), int(random.integers(0, height))
        size, colour = int(random.integers(5, max(6, min(width, height) // 3))), _colour(random)
        thick = int(random.choice([-1, 1, 3, 8]))
        kind = int(random.integers(0, 4))
        if kind == 0:
            cv2.ellipse(
                image, place, (size, int(size * random.uniform(0.3, 1))), random.uniform(0, 180), 0, 360, colour, thick
            )
        elif kind == 1:
            cv2.rectangle(image, place, (place[0] + size, place[1] + int(size * random.uniform(0.3, 2))), colour, thick)
        elif kind == 2:
            end = place[0] + int(random.normal(0, size)), place[1] + int(random.normal(0, size))
            cv2.line(image, place, end, colour, abs(thick))
        else:
            word = "".join(chr(int(code)) for code in random.integers(48, 91, 4))
            cv2.putText(image, word, place, cv2.FONT_HERSHEY_SIMPLEX, size / 30, colour, max(1, abs(thick) // 2))
    return image


def things(random: Random, width: int, height: int) -> Image:
    """Shaded balls, boxes and bottles before a textured wall, softly lit."""
    image = texture(random, width, height).astype(np.float32) * 0.4 + random.uniform(20, 120)
    rows, columns = np.indices((height, width)).astype(np.float32)
    for _ in range(int(random.integers(2, 9))):
        x, y = random.uniform(0, width), random.uniform(0, height)
        across = random.uniform(0.05, 0.35) * min(width, height)
        down = across * random.uniform(0.7, 1.8)
        u, v = (columns - x) / across, (rows - y) / down
        power = random.choice([2.0, 8.0])
        inside = np.abs(u) ** power + np.abs(v) ** power < 1
        light = np.clip(1 - np.hypot(u + 0.4, v + 0.4) * 0.55, 0.1, 1)[:, :, None]
        image = np.where(inside[:, :, None], light * np.array(_colour(random), np.float32), image)
    return np.asarray(cv2.GaussianBlur(np.clip(image, 0, 255), (0, 0), random.uniform(0.3, 2)), np.uint8)


def background(random: Random, width: int, height: int, of: list[Portrait]) -> Image:
    """What is around the head of a portrait: pieces of it, mirrored side by side, without any of the face."""
    while True:
        portrait = of[int(random.integers(0, len(of)))]
        side = int(0.25 * min(portrait.image.shape[:2]))
        y, x = (int(random.integers(0, length - side)) for length in portrait.image.shape[:2])
        # far enough from the face that no ear is in it, nor hands, which are nearer
        middle = complex(*portrait.box.centre)
        corners = (complex(x + across, y + down) for across in (0, side) for down in (0, side))
        near = min(abs(corner - middle) for corner in corners) < 1.1 * portrait.box.width
        if not near and abs(complex(x + side / 2, y + side / 2) - middle) > 1.2 * portrait.box.width:
            break
    piece = portrait.image[y : y + side, x : x + side]
    piece = np.concatenate([piece, piece[:, ::-1]], axis=1)
    piece = np.concatenate([piece, piece[::-1]], axis=0)
    times = random.uniform(0.5, 3)
    piece = np.asarray(cv2.resize(piece, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR), np.uint8)
    down, across = math.ceil(height / len(piece)), math.ceil(width / piece.shape[1])
    return np.ascontiguousarray(np.tile(piece, (down, across, 1))[:height, :width])


MAKERS: dict[str, Callable[[Random, int, int], Image]] = {
    "texture": texture,
    "stripes": stripes,
    "drawing": drawing,
    "things": things,
}


def pictures(count: int, *, of: list[Portrait] | None = None) -> Iterator[tuple[str, Image]]:
    """So many pictures of each kind and size, always the same, with the kind's name.

    Args:
        count: of each kind and size.
        of: portraits whose backgrounds are taken as well.
    """
    for width, height in SIZES:
        for index in range(count):
            for name, make in MAKERS.items():
                yield name, make(np.random.default_rng([width, height, index]), width, height)
            if of:
                yield "background", background(np.random.default_rng([width, height, index]), width, height, of)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", choices=DETECTORS, default="blazeface")
    parser.add_argument("--count", type=int, default=40, help="how many pictures of each kind and size")
    args = parser.parse_args()
    told = false_faces(DETECTORS[args.detector](), args.count, of=sfhq(100))
    for name, (shown, found) in told.items():
        print(f"{name}: {found} false faces in {shown} pictures")
    print(f"all: {sum(found for _, found in told.values())} in {sum(shown for shown, _ in told.values())}")


def false_faces(detector: FaceDetector, count: int, *, of: list[Portrait] | None = None) -> dict[str, list[int]]:
    """For each kind, how many pictures there are, and how many false faces in them."""
    told: dict[str, list[int]] = {}
    for name, picture in pictures(count, of=of):
        row = told.setdefault(name, [0, 0])
        row[0] += 1
        row[1] += len(detector.detect(picture))
    return told


if __name__ == "__main__":
    main()
