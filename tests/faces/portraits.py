"""Portraits that the repository does not carry, and frames with one of them at any size and place."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np

from edge_fer.faces.detectors.yunet import YuNetDetector
from edge_fer.types import Box, Image, Keypoints, Point
from tests.missing import missing
from tests.shared import shared_data

__all__ = ["BORDERS", "PLACES", "Portrait", "london", "placed", "portraits", "sfhq", "turned"]

#: Where the face's box is put: 0 at the left or upper border, touching it, 1 at the right or lower one.
Place: TypeAlias = tuple[float, float]
BORDERS: dict[str, Place] = {
    "left": (0, 0.5),
    "right": (1, 0.5),
    "top": (0.5, 0),
    "bottom": (0.5, 1),
    "upper left": (0, 0),
    "lower right": (1, 1),
}
PLACES: dict[str, Place] = {"middle": (0.5, 0.5), **BORDERS}
#: A portrait is searched for its face at this many pixels, with this much around it.
SIDE, AROUND = 256, 64


@dataclass(frozen=True)
class Portrait:
    """One face in a picture.

    Attributes:
        name: of its set and file.
        image: RGB uint8 (H, W, 3).
        box: from brows to chin, as YuNet sees it in the common convention; it sees none other.
        points: likewise.
        cover: what is said of it: hat, beard, glasses, sunglasses, profile, tilted, hand, mask.
    """

    name: str
    image: Image
    box: Box
    points: Keypoints
    cover: frozenset[str] = frozenset()


@cache
def _reference() -> YuNetDetector:
    return YuNetDetector((shared_data() / "reference" / "yunet_n_320_320.onnx").read_bytes(), max_side=320)


def _portrait(file: Path, cover: str = "") -> Portrait | None:
    """The portrait of a file; None where YuNet does not see one face."""
    image = np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)
    scale = SIDE / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    faces = _reference().detect(
        np.asarray(cv2.copyMakeBorder(small, AROUND, AROUND, AROUND, AROUND, cv2.BORDER_REPLICATE), np.uint8)
    )
    if len(faces) != 1 or (points := faces[0].keypoints) is None:
        return None

    def back(point: Point) -> Point:
        return (point[0] - AROUND) / scale, (point[1] - AROUND) / scale

    box = faces[0].box
    return Portrait(
        f"{file.parent.name}/{file.name}",
        image,
        Box(*back((box.x, box.y)), box.width / scale, box.height / scale),
        Keypoints(back(points.right_eye), back(points.left_eye), back(points.nose), back(points.mouth)),
        frozenset(cover.split("+")) - {""},
    )


def _folder(name: str) -> Path:
    folder = shared_data() / "faces" / name
    if not folder.is_dir():
        missing(f"needs {folder} (portraits that the repository does not carry)")
    return folder


def _spread(files: Sequence[Path], count: int | None) -> list[Path]:
    if count is None or count >= len(files):
        return [*files]
    return [files[round(at)] for at in np.linspace(0, len(files) - 1, count)]


@cache
def london(count: int | None = None) -> list[Portrait]:
    """Adults in a studio, neutral and smiling, or so many of them, evenly spread."""
    files = sorted(_folder("london").glob("*.jpg"))
    return [portrait for file in _spread(files, count) if (portrait := _portrait(file))]


@cache
def sfhq(count: int | None = None, *, cover: str | None = None) -> list[Portrait]:
    """Synthetic portraits of all ages, or so many of them, evenly spread; those of whom a cover is said alone."""
    folder = _folder("sfhq")
    with (folder / "labels.csv").open(encoding="utf-8") as rows:
        covers = {row["picture"]: row["cover"] for row in csv.DictReader(rows)}
    files = [folder / name for name, said in sorted(covers.items()) if cover is None or cover in said.split("+")]
    return [portrait for file in _spread(files, count) if (portrait := _portrait(file, covers[file.name]))]


def portraits(count: int | None = None) -> list[Portrait]:
    """Of both sets, so many of each."""
    return london(count) + sfhq(count)


def _moved(portrait: Portrait, to_frame: np.ndarray, size: tuple[int, int]) -> tuple[Image, Box, Keypoints]:
    """The portrait taken into a frame of (width, height), its borders drawn out to fill it."""
    scale = float(np.hypot(to_frame[0, 0], to_frame[1, 0]))
    image, back = portrait.image, 1.0
    if scale < 1:
        # averaged first, for what is sampled at less than its pixels is full of false edges
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        back, image = image.shape[1] / small.shape[1], np.asarray(small, np.uint8)
    half = np.array((0.5, 0.5))
    pixels = to_frame.copy()
    pixels[:, :2] *= back
    # points count from the edge of the picture, indices from the middle of its first pixel
    pixels[:, 2] += pixels[:, :2] @ half - half
    frame = cv2.warpAffine(image, pixels, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def there(point: Point) -> Point:
        x, y = to_frame @ (*point, 1)
        return float(x), float(y)

    points = portrait.points
    moved = Keypoints(there(points.right_eye), there(points.left_eye), there(points.nose), there(points.mouth))
    side = portrait.box.width * scale
    x, y = there(portrait.box.centre)
    return np.asarray(frame, np.uint8), Box(x - side / 2, y - side / 2, side, side), moved


def placed(portrait: Portrait, width: int, height: int, face: float, place: Place = (0.5, 0.5)) -> tuple[Image, Box]:
    """A frame with the portrait in it, its face so many pixels wide, and the face's box."""
    scale = face / portrait.box.width
    x, y = portrait.box.centre
    wanted = (face / 2 + place[0] * (width - face), face / 2 + place[1] * (height - face))
    to_frame = np.array([[scale, 0, wanted[0] - scale * x], [0, scale, wanted[1] - scale * y]])
    frame, box, _ = _moved(portrait, to_frame, (width, height))
    return frame, box


def turned(portrait: Portrait, degrees: float) -> Portrait:
    """The portrait turned clockwise about its face, in as large a picture, its borders drawn out."""
    height, width = portrait.image.shape[:2]
    x, y = portrait.box.centre
    to_frame = cv2.getRotationMatrix2D((x, y), -degrees, 1)
    image, box, points = _moved(portrait, to_frame, (width, height))
    return replace(portrait, image=image, box=box, points=points)
