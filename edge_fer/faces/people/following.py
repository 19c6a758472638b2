"""Following faces from one frame to the next without searching for them: where is what was there a moment ago?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.faces.boxes import part_inside
from edge_fer.types import Box, Face, Image, Keypoints, Point, Track

__all__ = ["Follower", "moved_face", "patch"]

#: Side of what is remembered of a face, pixels, whatever its size in the picture.
SIDE = 24
#: A face is looked for up to half its side away from where it should be.
REACH = SIDE // 2
#: Pixels of the picture that are looked at on each side of a face and its surroundings, or a few more.
PIXELS = 64
#: Standard deviation of the levels of a face below which there is nothing to hold on to.
LEAST_CONTRAST = 2.0


@dataclass(slots=True)
class _FaceMemory:
    """What is remembered of one person's face: pixels only until the next search, and never told.

    None are cut out before they are looked for: whoever is found in each picture is never followed.
    """

    found: Face
    given: Face
    inside: float
    pixels: NDArray[np.uint8] | None = None
    contrast: float = 0.0


class Follower:
    """Follows faces by how well their pixels correlate with those of the last search.

    The correlation is normalised (Lewis, "Fast normalized cross-correlation", 1995), so that no change of light as a
    whole can fool it.

    Args:
        least: correlation, -1 to 1, from which on what is there is the same face.
        edge: how much less of a face may be inside the picture than when it was found, as a share of its area.
    """

    def __init__(self, *, least: float = 0.8, edge: float = 0.05) -> None:
        self._least = least
        self._edge = edge
        self._known: dict[str, _FaceMemory] = {}
        self._image: Image | None = None

    def learn(self, image: Image, people: Iterable[Track]) -> None:
        """Remembers the faces just found in a picture, keeps those of others in view, and forgets the rest.

        Args:
            image: RGB uint8 (H, W, 3), or the luma alone, uint8 (H, W), in which they were found.
            people: everybody in view, with their faces as last found or followed.
        """
        before, self._known = self._known, {}
        for person in people:
            memory = before.get(person.id)
            if memory is None or (person.face is not memory.found and person.face is not memory.given):
                inside = part_inside(person.face.box, image.shape[1], image.shape[0])
                self._known[person.id] = _FaceMemory(person.face, person.face, inside)
            else:
                self._cut_out(memory)
                self._known[person.id] = memory
        self._image = image

    def follow(self, image: Image, expected: Mapping[str, Box]) -> dict[str, Face]:
        """Those faces that are surely where they should be, or near it.

        Args:
            image: as for `learn`.
            expected: by person, where their face should be.

        Returns:
            By person, the face as it was found, moved along; without those that have changed, or left the picture.
        """
        followed = {}
        for who, box in expected.items():
            face = self._followed(image, who, box)
            if face is not None:
                followed[who] = face
                self._known[who].given = face
        return followed

    def forget(self) -> None:
        """Forgets everybody."""
        self._known, self._image = {}, None

    def _cut_out(self, memory: _FaceMemory) -> None:
        """Gives a memory that has no pixels yet those of the picture that was learned from last."""
        if memory.pixels is None and self._image is not None:
            memory.pixels = patch(self._image, memory.found.box)[REACH:-REACH, REACH:-REACH]
            memory.contrast = float(memory.pixels.std())

    def _followed(self, image: Image, who: str, expected: Box) -> Face | None:
        memory = self._known.get(who)
        if memory is None:
            return None
        self._cut_out(memory)
        if memory.pixels is None or memory.contrast < LEAST_CONTRAST:
            return None
        scores = cv2.matchTemplate(patch(image, expected), memory.pixels, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(scores)
        if not best >= self._least:
            return None
        unit = expected.width / SIDE
        right = (column + _between(scores[row, :], column) - REACH) * unit
        down = (row + _between(scores[:, column], row) - REACH) * unit
        found = memory.found.box
        (x, y), (old_x, old_y) = expected.centre, found.centre
        face = moved_face(memory.found, (x + right - old_x, y + down - old_y))
        inside = part_inside(face.box, image.shape[1], image.shape[0])
        return face if inside >= memory.inside - self._edge else None


def patch(image: Image, box: Box) -> NDArray[np.uint8]:
    """The pixels of a face and its surroundings, uint8 (2 SIDE, 2 SIDE), the face's box in the middle half.

    Only every so many pixels of a large face are looked at, of RGB green alone; beyond its edges the
    picture is repeated.
    """
    height, width = image.shape[:2]
    side = 2 * max(box.width, 1.0)
    step = max(1, int(side) // PIXELS)
    x, y = box.centre
    columns, left, right = _samples(round(x - side / 2), max(1, round(side)), step, width)
    rows, top, bottom = _samples(round(y - side / 2), max(1, round(side)), step, height)
    pixels = np.ascontiguousarray(image[rows, columns] if image.ndim == 2 else image[rows, columns, 1])
    if left or right or top or bottom:
        pixels = np.asarray(cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_REPLICATE), dtype=np.uint8)
    how = cv2.INTER_AREA if len(pixels) > 2 * SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (2 * SIDE, 2 * SIDE), interpolation=how), dtype=np.uint8)


def _samples(start: int, span: int, step: int, length: int) -> tuple[slice, int, int]:
    """Every so many pixels of an axis, at least one of them in the picture, and how many lie before and beyond it."""
    number = -(-span // step)
    before = min(max(-(start // step), 0), number - 1)
    first = min(max(start + before * step, 0), length - 1)
    inside = min(max((length - 1 - first) // step + 1, 1), number - before)
    return slice(first, first + (inside - 1) * step + 1, step), before, number - before - inside


def moved_face(face: Face, by: Point) -> Face:
    """The face with its box and keypoints moved, pixels to the right and down."""
    right, down = by
    box = Box(face.box.x + right, face.box.y + down, face.box.width, face.box.height)
    if face.keypoints is None:
        return Face(box, face.confidence)
    points = face.keypoints
    eye, other, nose, mouth = (
        (x + right, y + down) for x, y in (points.right_eye, points.left_eye, points.nose, points.mouth)
    )
    return Face(box, face.confidence, Keypoints(eye, other, nose, mouth))


def _between(scores: cv2.typing.MatLike, at: int) -> float:
    """How far beside the best of a row of scores the top of the parabola through it and its neighbours lies."""
    if not 0 < at < len(scores) - 1:
        return 0.0
    before, best, after = (float(score) for score in scores[at - 1 : at + 2])
    bend = before - 2 * best + after
    return 0.0 if bend >= 0 else 0.5 * (before - after) / bend
