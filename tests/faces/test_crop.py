from __future__ import annotations

import cmath
import math

import cv2
import numpy as np
import pytest

from edge_fer.faces.reading.crop import crop_face
from edge_fer.types import Box, CropFrame, Face, Image, Keypoints, Point

FRAME = CropFrame(eyes=(0.5, 0.4), mouth=(0.5, 0.75), box_scale=1.25, box_shift=(0.0, -0.2))
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def dotted(*dots: tuple[Point, tuple[int, int, int]], size: tuple[int, int] = (400, 600)) -> Image:
    """Dots of 7 x 7 pixels on black, their middles at the points (counted from the picture's edge)."""
    image = np.zeros((*size, 3), np.uint8)
    for (x, y), colour in dots:
        column, row = math.floor(x), math.floor(y)
        image[row - 3 : row + 4, column - 3 : column + 4] = colour
    return image


def centroid(crop: Image, colour: tuple[int, int, int]) -> Point:
    """Where a colour lies in a crop, in fractions of its side."""
    channel = crop[..., colour.index(255)].astype(float)
    rows, columns = np.indices(channel.shape) + 0.5
    side = len(crop)
    return (channel * columns).sum() / channel.sum() / side, (channel * rows).sum() / channel.sum() / side


def posed(middle: complex, *, size: float, turn: float) -> Keypoints:
    """Keypoints of a face around the middle of its eyes, turned clockwise by so many degrees, its pixels rounded."""
    spin = cmath.rect(size, math.radians(turn))
    points = [middle + offset * spin for offset in (-0.5, 0.5, 0.5j, 1j)]
    right, left, nose, mouth = ((math.floor(p.real) + 0.5, math.floor(p.imag) + 0.5) for p in points)
    return Keypoints(right, left, nose, mouth)


def with_points(points: Keypoints) -> Face:
    return Face(Box(200, 100, 100, 100), 1.0, points)


@pytest.mark.parametrize("turn", [0, 20, -35, 90, 180, -135])
@pytest.mark.parametrize("side", [None, 48, 200])
@pytest.mark.parametrize("size", [60, 110])
def test_eyes_and_mouth_come_to_their_places(turn: float, side: int | None, size: float):
    points = posed(300 + 200j, size=size, turn=turn)
    eyes = (points.right_eye[0] + points.left_eye[0]) / 2, (points.right_eye[1] + points.left_eye[1]) / 2
    image = dotted((points.right_eye, RED), (points.left_eye, BLUE), (points.mouth, GREEN))
    crop = crop_face(image, with_points(points), FRAME, side=side)
    # the eye dots are bound to pixels, so their middle may be half a pixel off
    slack = 0.6 / size * 0.35 + 0.002
    right, left = centroid(crop, RED), centroid(crop, BLUE)
    assert ((right[0] + left[0]) / 2, (right[1] + left[1]) / 2) == pytest.approx(FRAME.eyes, abs=slack)
    assert centroid(crop, GREEN) == pytest.approx(FRAME.mouth, abs=slack)
    assert right[0] < 0.4
    assert left[0] > 0.6
    assert right[1] == pytest.approx(left[1], abs=3 * slack)
    apart = math.dist(eyes, points.mouth)
    assert len(crop) == (side or round(apart / 0.35))


def test_a_frame_that_is_not_upright():
    frame = CropFrame(eyes=(0.3, 0.3), mouth=(0.7, 0.7))
    points = posed(300 + 150j, size=80, turn=0)
    image = dotted((points.mouth, GREEN))
    assert centroid(crop_face(image, with_points(points), frame), GREEN) == pytest.approx((0.7, 0.7), abs=0.01)


def test_without_keypoints_the_scaled_and_shifted_box_is_cut():
    image = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    crop = crop_face(image, Face(Box(200, 150, 80, 80), 1.0), FRAME)
    # centre (240, 190), moved up by 16; side 100
    assert np.array_equal(crop, image[124:224, 190:290])


def test_the_crop_is_a_new_array():
    image = np.zeros((100, 100, 3), np.uint8)
    crop = crop_face(image, Face(Box(30, 40, 30, 30), 1.0), FRAME)
    crop[:] = 255
    assert not image.any()


@pytest.mark.parametrize("side", [1, 24, 48, 300])
def test_a_side_may_be_asked_for(side: int):
    image = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    crop = crop_face(image, Face(Box(200, 150, 80, 80), 1.0), FRAME, side=side)
    assert crop.shape == (side, side, 3)
    assert crop.dtype == np.uint8
    if side < 100:
        assert crop.mean() == pytest.approx(image[124:224, 190:290].mean(), abs=2)


@pytest.mark.parametrize(
    ("x", "y"), [(-40, 100), (580, 100), (250, -60), (250, 370), (-40, -40), (590, 390), (-300, 100), (100, 900)]
)
def test_beyond_the_picture_its_border_goes_on(x: float, y: float):
    image = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    crop = crop_face(image, Face(Box(x, y, 80, 80), 1.0), FRAME)
    left, top = x + 40 - 50, y + 40 - 16 - 50
    rows = np.clip(np.arange(top, top + 100), 0, 399)
    columns = np.clip(np.arange(left, left + 100), 0, 599)
    assert np.array_equal(crop, image[np.ix_(rows, columns)])


def test_beyond_the_picture_its_border_goes_on_for_turned_faces():
    points = posed(10 + 200j, size=60, turn=30)
    crop = crop_face(np.full((400, 600, 3), 77, np.uint8), with_points(points), FRAME)
    assert (crop == 77).all()


def test_a_face_of_less_than_a_pixel():
    image = np.full((1, 1, 3), 9, np.uint8)
    crop = crop_face(image, Face(Box(0.2, 0.2, 0.3, 0.3), 1.0), FRAME)
    assert (crop.shape, crop.max()) == ((1, 1, 3), 9)


def test_memory_layout_does_not_matter():
    image = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    mirrored = image[:, ::-1, ::-1].copy()[:, ::-1, ::-1]
    for face in (Face(Box(550, 150, 80, 80), 1.0), with_points(posed(300 + 200j, size=60, turn=10))):
        assert np.array_equal(crop_face(mirrored, face, FRAME), crop_face(image, face, FRAME))


NOWHERE = (math.nan, 5.0)


@pytest.mark.parametrize(
    "face",
    [
        Face(Box(0, 0, math.inf, math.inf), 1.0),
        Face(Box(math.nan, 0, 50, 50), 1.0),
        Face(Box(0, math.inf, 50, 50), 1.0),
        with_points(Keypoints((10, 10), (20, 10), (15, 10), (15, 10))),
        with_points(Keypoints(NOWHERE, (20, 10), (15, 15), (15, 20))),
        with_points(Keypoints((10, 10), (20, 10), (15, 15), (math.inf, 20))),
    ],
)
def test_silly_faces_are_refused(face: Face):
    with pytest.raises(ValueError, match="Face"):
        crop_face(np.zeros((400, 600, 3), np.uint8), face, FRAME)


@pytest.mark.parametrize("turn", [0, 30])
@pytest.mark.parametrize("size", [700, 5000, 1e6])
def test_a_face_larger_than_the_picture_takes_no_more_than_twice_its_pixels(size: float, turn: float):
    image = smooth_picture()
    for face in (
        Face(Box(300 - size / 2, 200 - size / 2, size, size), 1.0),
        with_points(posed(300 + 200j, size=size, turn=turn)),
    ):
        crop = crop_face(image, face, FRAME)
        assert len(crop) <= 2 * 600
        assert crop_face(image, face, FRAME, at_most=48).shape == (48, 48, 3)
        assert len(crop) > 600


def smooth_picture() -> Image:
    noise = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (600, 400), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("turn", [0, 25, -100])
@pytest.mark.parametrize("size", [40, 70, 140])
@pytest.mark.parametrize("middle", [300 + 120j, 20 + 30j, 590 + 380j], ids=str)
def test_a_large_crop_is_brought_to_the_side_that_is_enough(middle: complex, size: float, turn: float):
    face = with_points(posed(middle, size=size, turn=turn))
    fine, crop = (crop_face(smooth_picture(), face, FRAME, at_most=side) for side in (None, 48))
    assert crop.shape == (48, 48, 3)
    wanted = cv2.resize(fine, (48, 48), interpolation=cv2.INTER_AREA).astype(float)
    # the same picture but for how it was averaged; half a pixel beside would be 9 levels off
    assert np.abs(wanted - crop).mean() < 4


def test_a_small_crop_is_left_at_its_side():
    face = with_points(posed(300 + 200j, size=15, turn=10))
    crops = [crop_face(smooth_picture(), face, FRAME, at_most=side) for side in (None, 48)]
    assert np.array_equal(*crops)


def test_without_keypoints_too_a_large_crop_is_brought_to_the_side():
    crop = crop_face(smooth_picture(), Face(Box(200, 150, 80, 80), 1.0), FRAME, at_most=48)
    assert crop.shape == (48, 48, 3)
