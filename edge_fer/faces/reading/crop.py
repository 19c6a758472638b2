"""The canonical crop: a face cut out so that it sits where the emotion model expects it, whatever detector found it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge_fer.faces.boxes import reframed
from edge_fer.types import CropFrame, Face, Image, Keypoints, Point

__all__ = ["crop_corners", "crop_face"]

#: A crop has at most so many times the pixels of the picture's longer side across; of a larger square, it is shrunk.
MAX_SIDE = 2


def crop_face(
    image: Image, face: Face, frame: CropFrame, *, side: int | None = None, at_most: int | None = None
) -> Image:
    """Cuts the face out of the picture, which is not copied as a whole.

    Where the face has keypoints, it is turned, scaled and moved so that its eyes' middle and mouth come to lie where
    the frame wants them; otherwise the frame's square around its box is cut, moved by less than a pixel so that its
    pixels are the picture's own. What reaches beyond the picture repeats its border.

    Args:
        image: RGB uint8 (H, W, 3), or levels of one kind, uint8 (H, W).
        face: found in `image`.
        frame: where the face shall sit.
        side: of the crop, pixels; by default that of its square in the picture, so that nothing is resampled twice, but
            at most twice the picture's longer side.
        at_most: a side, pixels, that larger crops are brought to, for what it costs to turn, measure and read pixels
            that nobody needs. A face that must be turned is first halved, as often as may be, to the means of its
            pixels.

    Returns:
        RGB uint8 (side, side, 3), or uint8 (side, side), side at least 1; a new array.

    Raises:
        ValueError: the box or the keypoints are not finite numbers, or have no size.
    """
    points = face.keypoints
    crop = _cut(image, face, frame) if points is None else _turned(image, face, points, frame, at_most)
    if side is None and at_most is not None and len(crop) > at_most:
        side = at_most
    if side is not None and side != len(crop):
        # averaging areas, for a large sharp face would alias
        how = cv2.INTER_AREA if side < len(crop) else cv2.INTER_LINEAR
        crop = cv2.resize(crop, (side, side), interpolation=how)
    return np.asarray(crop, dtype=np.uint8)


def crop_corners(face: Face, frame: CropFrame) -> tuple[Point, Point, Point]:
    """Where the top left, top right and bottom left corners of `crop_face`'s square lie in the picture, in pixels.

    Where there are no keypoints, to within a pixel.
    """
    if face.keypoints is None:
        square = reframed(face.box, scale=frame.box_scale, shift=frame.box_shift)
        start, across = complex(square.x, square.y), complex(square.width)
    else:
        eyes, across = _placed(face.keypoints, frame)
        start = eyes - complex(*frame.eyes) * across
    corners = (start, start + across, start + 1j * across)
    return (corners[0].real, corners[0].imag), (corners[1].real, corners[1].imag), (corners[2].real, corners[2].imag)


def _cut(image: Image, face: Face, frame: CropFrame) -> cv2.typing.MatLike:
    """The frame's square around the face's box, on whole pixels."""
    square = reframed(face.box, scale=frame.box_scale, shift=frame.box_shift)
    x, y = square.centre
    _check_numbers(x, y, square.width, face=face)
    side, limit = _checked_side(square.width, face), _limit(image)
    if side > limit:
        return _warped(image, complex(x, y), 0.5 + 0.5j, complex(square.width), limit)
    columns, left, right = _span(round(x - side / 2), side, image.shape[1])
    rows, top, bottom = _span(round(y - side / 2), side, image.shape[0])
    return cv2.copyMakeBorder(image[rows, columns], top, bottom, left, right, cv2.BORDER_REPLICATE)


def _span(start: int, side: int, length: int) -> tuple[slice, int, int]:
    """What a crop takes of a picture along one axis, at least one pixel, and what is missing before and after."""
    first = min(max(start, 0), length - 1)
    end = max(min(start + side, length), 1)
    before = min(max(first - start, 0), side - 1)
    return slice(first, end), before, side - before - (end - first)


def _turned(image: Image, face: Face, points: Keypoints, frame: CropFrame, at_most: int | None) -> cv2.typing.MatLike:
    """The face with its eyes' middle and mouth moved to where the frame wants them."""
    eyes, across = _placed(points, frame)
    _check_numbers(eyes.real, eyes.imag, across.real, across.imag, face=face)
    eyes_wanted = complex(*frame.eyes)
    side = min(_checked_side(abs(across), face), _limit(image))
    if at_most is not None and side > at_most:
        corners = [eyes + (corner - eyes_wanted) * across for corner in (0, 1, 1j, 1 + 1j)]
        halvings = min(side // at_most, *image.shape[:2]).bit_length() - 1
        image, start = _halved(image, corners, halvings)
        eyes, across, side = (eyes - start) / 2**halvings, across / 2**halvings, at_most
    return _warped(image, eyes, eyes_wanted, across, side)


def _warped(image: Image, point: complex, wanted: complex, across: complex, side: int) -> cv2.typing.MatLike:
    """A square of so many pixels with `across` of the picture as its upper side, and a point of it at `wanted`."""
    turn = side / across
    # points count from the edge of the picture, indices from the middle of its first pixel
    half = complex(0.5, 0.5)
    move = wanted * side - turn * (point - half) - half
    to_crop = np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])
    return cv2.warpAffine(image, to_crop, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _placed(points: Keypoints, frame: CropFrame) -> tuple[complex, complex]:
    """The middle between the eyes, and the upper side of the crop's square with its direction.

    Points are complex numbers here, because a similarity is then one product and one sum.
    """
    eyes, mouth = (complex(*points.right_eye) + complex(*points.left_eye)) / 2, complex(*points.mouth)
    return eyes, (mouth - eyes) / (complex(*frame.mouth) - complex(*frame.eyes))


def _halved(image: Image, corners: Sequence[complex], times: int) -> tuple[Image, complex]:
    """The upright part of a picture around some points, halved so many times, and where in the picture it starts."""
    whole = 2**times
    columns = _multiple([corner.real for corner in corners], image.shape[1], whole)
    rows = _multiple([corner.imag for corner in corners], image.shape[0], whole)
    part = image[rows, columns]
    for _ in range(times):
        # by two, because OpenCV averages two by two pixels several times as fast as any other number
        size = (max(1, part.shape[1] // 2), max(1, part.shape[0] // 2))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return part, complex(columns.start, rows.start)


def _multiple(points: Sequence[float], length: int, whole: int) -> slice:
    """The part of a picture's axis that the points lie in, a multiple of `whole` pixels where there are so many."""
    start = min(max(math.floor(min(points)) - whole, 0), max(length - whole, 0))
    end = min(math.ceil(max(points)) + whole, length)
    return slice(start, start + max((end - start) // whole, 1) * whole)


def _checked_side(side: float, face: Face) -> int:
    if not side > 0:
        msg = f"the crop of {face} would have a side of {side:g} pixels; it must be above 0"
        raise ValueError(msg)
    return max(1, round(side))


def _limit(image: Image) -> int:
    return MAX_SIDE * int(max(image.shape[:2]))


def _check_numbers(*values: float, face: Face) -> None:
    if not all(math.isfinite(value) for value in values):
        msg = f"{face} does not lie anywhere"
        raise ValueError(msg)
