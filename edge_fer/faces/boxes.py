"""What detectors, the crop and the quality gate share about boxes."""

from __future__ import annotations

from collections.abc import Iterable

from edge_fer.types import Box, Face, Keypoints, Point

__all__ = ["apart", "body_of", "face_of", "part_inside", "reframed", "scaled", "scaled_box", "without_doubles"]

#: Eyes and mouth closer than this, in sides of the box, make no face; such keypoints are left out.
LEAST_DOWN = 0.15
#: How far the common box's centre lies below the middle between eyes (at 0.2) and mouth (at 0.67), in sides.
BELOW_MIDDLE = 0.065

#: A person, hair and arms included, moves up to so many sides of the face to its left and right, and above it.
AROUND = 1.5


def reframed(box: Box, *, scale: float, shift: Point = (0.0, 0.0)) -> Box:
    """The square over the same face in another convention.

    Args:
        box: any box; of one that is not square, the mean of its sides counts.
        scale: the new side over the old.
        shift: how far the centre moves, in sides of the old box.
    """
    side = (box.width + box.height) / 2
    x, y = box.centre
    new = side * scale
    return Box(x + shift[0] * side - new / 2, y + shift[1] * side - new / 2, new, new)


def face_of(box: Box, confidence: float, points: Keypoints, *, scale: float) -> Face:
    """What a detector with keypoints found, in the common convention of `Face`.

    The box tells the size, because eyes and mouth come close when a head is thrown back; the keypoints tell the place,
    because detectors then draw their boxes anywhere from hair to throat.

    Args:
        box: as the detector draws it.
        confidence: 0 to 1.
        points: left out of the face where they make none.
        scale: side of the common box over the mean side of the detector's.
    """
    eyes, mouth = (complex(*points.right_eye) + complex(*points.left_eye)) / 2, complex(*points.mouth)
    down = mouth - eyes
    tight = reframed(box, scale=scale)
    if abs(down) < LEAST_DOWN * tight.width:
        return Face(tight, confidence)
    centre = (eyes + mouth) / 2 + down / abs(down) * BELOW_MIDDLE * tight.width
    half = tight.width / 2
    return Face(Box(centre.real - half, centre.imag - half, tight.width, tight.height), confidence, points)


def scaled(face: Face, across: float, down: float) -> Face:
    """The face as it is in the same picture of so many times the width and height."""

    def point(of: Point) -> Point:
        return of[0] * across, of[1] * down

    points = face.keypoints
    return Face(
        scaled_box(face.box, across, down),
        face.confidence,
        points and Keypoints(point(points.right_eye), point(points.left_eye), point(points.nose), point(points.mouth)),
    )


def scaled_box(box: Box, across: float, down: float) -> Box:
    """The box as it is in the same picture of so many times the width and height."""
    return Box(box.x * across, box.y * down, box.width * across, box.height * down)


def body_of(face: Box, bottom: float) -> Box:
    """Where a person may move their head, arms and body, down to the picture's lower border."""
    top = face.y - AROUND * face.height
    left, width = face.x - AROUND * face.width, (1 + 2 * AROUND) * face.width
    return Box(left, top, width, max(bottom - top, face.height))


def part_inside(box: Box, width: int, height: int) -> float:
    """How much of the box's area, 0 to 1, lies in a picture of `width` x `height` pixels."""
    across = min(box.x + box.width, width) - max(box.x, 0.0)
    down = min(box.y + box.height, height) - max(box.y, 0.0)
    return max(across, 0.0) * max(down, 0.0) / box.area


def without_doubles(faces: Iterable[Face], *, overlap: float = 0.5) -> list[Face]:
    """The faces, surest first, without those that lie mostly in a surer one.

    Overlap is measured against the smaller of two boxes, not by IoU: cascades like to find a face again inside a
    face, and two such boxes share little of the larger.

    Args:
        faces: as found.
        overlap: share of the smaller box, 0 to 1, from which on two boxes are one face.
    """
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.confidence, reverse=True):
        if apart(face, kept, overlap=overlap):
            kept.append(face)
    return kept


def apart(face: Face, others: Iterable[Face], *, overlap: float) -> bool:
    """Whether the face is another one than each of the others; `overlap` as for `without_doubles`."""
    return all(_overlap(face.box, other.box) < overlap for other in others)


def _overlap(one: Box, other: Box) -> float:
    """The shared area over the smaller box's."""
    if one.x + one.width <= other.x or other.x + other.width <= one.x:
        return 0.0
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(across, 0.0) * max(down, 0.0) / min(one.area, other.area)
