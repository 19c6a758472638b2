"""What every detector must do; a new one joins by a line in DETECTORS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple
from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.detectors.mtcnn import MtcnnDetector
from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.faces.detectors.yunet import YuNetDetector
from edge_fer.faces.reading.crop import crop_corners, crop_face
from edge_fer.types import Box, CropFrame, Face, Image, Point
from tests.faces.pictures import EYES, HEAD, MOUTH, crowd, frames, grey_wall, on_wall, portrait
from tests.fetched import blazeface_models
from tests.shared import shared_data


def blazeface(*which: str) -> FaceDetector:
    models = blazeface_models()
    return BlazeFaceDetector({name: models[name] for name in which})


def yunet() -> FaceDetector:
    return YuNetDetector((shared_data() / "reference" / "yunet_n_320_320.onnx").read_bytes())


def mtcnn() -> FaceDetector:
    if find_spec("mtcnn") is None:
        pytest.skip("needs `pip install edge-fer[mtcnn]`, more than 1 GB with TensorFlow")
    return MtcnnDetector()


DETECTORS = [
    pytest.param(HaarDetector, id="haar"),
    pytest.param(lambda: blazeface("short", "full"), id="blazeface"),
    pytest.param(yunet, id="yunet"),
    pytest.param(mtcnn, id="mtcnn"),
]


FRAME = CropFrame(eyes=(0.5, 0.3), mouth=(0.5, 0.75))


@pytest.fixture(params=DETECTORS, scope="module")
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    make: Callable[[], FaceDetector] = request.param
    return make()


def within(box: Box, point: Point) -> Point:
    """The point in fractions of the box."""
    return (point[0] - box.x) / box.width, (point[1] - box.y) / box.height


def assert_framed(face: Face, eyes: Point, mouth: Point, *, within_sides: float = 0.1) -> None:
    """The box keeps to the common convention: brows to chin, so the eyes at a fifth and the mouth at two thirds."""
    assert within(face.box, eyes) == pytest.approx((0.5, 0.2), abs=within_sides)
    assert within(face.box, mouth) == pytest.approx((0.5, 0.67), abs=within_sides)
    assert face.box.width == pytest.approx(face.box.height, rel=0.05)


def assert_whole(face: Face) -> None:
    """Plain finite floats, a confidence from 0 to 1, and a square."""
    points = [] if face.keypoints is None else [value for point in astuple(face.keypoints) for value in point]
    for value in (*astuple(face.box), face.confidence, *points):
        assert type(value) is float
        assert math.isfinite(value)
    assert 0 <= face.confidence <= 1
    assert face.box.width == pytest.approx(face.box.height)


def test_keypoints_are_the_persons_own(detector: FaceDetector):
    [face] = detector.detect(portrait())
    if detector.name == "haar":
        assert face.keypoints is None
        return
    assert face.keypoints is not None
    assert face.keypoints.right_eye == pytest.approx((320, 155), abs=8)
    assert face.keypoints.left_eye == pytest.approx((387, 158), abs=8)
    assert face.keypoints.nose == pytest.approx((349, 195), abs=10)
    assert face.keypoints.mouth == pytest.approx((347, 222), abs=12)


def head_points(x: int, y: int, side: int) -> tuple[Point, Point]:
    """Eyes and mouth of a head put there by `on_wall`."""
    left, top, size = HEAD
    scale = side / size
    eyes = x + (EYES[0] - left) * scale, y + (EYES[1] - top) * scale
    mouth = x + (MOUTH[0] - left) * scale, y + (MOUTH[1] - top) * scale
    return eyes, mouth


def test_has_a_name(detector: FaceDetector):
    assert detector.name.isidentifier()


def test_finds_the_portrait(detector: FaceDetector):
    [face] = detector.detect(portrait())
    assert_framed(face, EYES, MOUTH)
    assert 0.5 < face.confidence <= 1.0


def test_finds_a_grey_portrait(detector: FaceDetector):
    grey = cv2.cvtColor(cv2.cvtColor(portrait(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    [face] = detector.detect(np.asarray(grey, np.uint8))
    assert_framed(face, EYES, MOUTH)


@pytest.mark.parametrize(("brightness", "contrast"), [(0, 0.3), (100, 0.4), (60, 1.0)], ids=["dark", "flat", "bright"])
def test_finds_the_portrait_in_other_light(detector: FaceDetector, brightness: int, contrast: float):
    [face] = detector.detect(cv2.convertScaleAbs(portrait(), alpha=contrast, beta=brightness).astype(np.uint8))
    assert_framed(face, EYES, MOUTH)


@pytest.mark.parametrize("seconds", [0.0, 2.5, 8.5, 12.5, 18.8], ids=str)
def test_finds_the_face_of_the_clip(detector: FaceDetector, seconds: float):
    # eyes and mouth as a network with landmarks saw them (YuNet), and the last mouth as the eye sees it
    truth: dict[float, tuple[Point, Point]] = {
        0.0: ((421, 171), (429, 269)),
        2.5: ((436, 163), (433, 255)),
        8.5: ((426, 131), (430, 235)),
        12.5: ((454, 113), (445, 213)),
        18.8: ((453, 195), (439, 296)),
    }
    clip = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    image = next(image for at, image in frames(clip) if at >= seconds)
    [face] = detector.detect(image)
    assert_framed(face, *truth[seconds])


@pytest.mark.parametrize("make", [*DETECTORS, pytest.param(lambda: blazeface("short"), id="blazeface, short alone")])
def test_faces_of_fer2013_are_cut_out_as_they_are(make: Callable[[], FaceDetector]):
    # the canonical crop is how FER2013's faces lie in their pictures, so their crops must come out as the pictures
    with np.load(shared_data() / "fer2013" / "train-a.npz") as arrays:
        pictures = arrays["images"][:400:2]
    detector, frame, sides = make(), EmotionClassifier.load().crop_frame, []
    for picture in pictures:
        large = cv2.resize(picture, (192, 192), interpolation=cv2.INTER_CUBIC)
        framed = cv2.cvtColor(cv2.copyMakeBorder(large, 96, 96, 96, 96, cv2.BORDER_REPLICATE), cv2.COLOR_GRAY2RGB)
        for face in detector.detect(np.asarray(framed, np.uint8)):
            (left, top), (right, top_right), _ = crop_corners(face, frame)
            sides.append(math.hypot(right - left, top_right - top) / 192)
    assert len(sides) > 100
    # YuNet, which the crop was measured with, comes out 1 to 2 % narrower at this size, BlazeFace 4 %
    assert np.median(sides) == pytest.approx(1, abs=0.045)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [(360, 640), (97, 101)], ids=str)
def test_nobody_on_a_flat_wall(detector: FaceDetector, size: tuple[int, int], level: int):
    assert detector.detect(grey_wall(*size, level)) == []


@pytest.mark.parametrize("seed", range(5))
def test_nobody_in_noise(detector: FaceDetector, seed: int):
    noise = np.random.default_rng(seed).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    assert detector.detect(noise) == []
    # noise of the size of features, not only of single pixels
    assert detector.detect(np.asarray(cv2.GaussianBlur(noise, (0, 0), 4), np.uint8)) == []


def test_finds_many_largest_first(detector: FaceDetector):
    picture, points = crowd(0.8, 0.7, 0.6)
    faces = detector.detect(picture)
    assert len(faces) == len(points) == 14
    areas = [face.box.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    for eyes, mouth in points:
        nearest = min(faces, key=lambda face: abs(complex(*face.box.centre) - complex(*eyes)))
        assert_framed(nearest, eyes, mouth, within_sides=0.15)  # the smaller, the rougher


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_faces_that_lie_or_hang_do_no_harm(detector: FaceDetector, degrees: int):
    # whether they are found is the detector's own affair; what is told of them must hold
    for face in detector.detect(np.ascontiguousarray(np.rot90(portrait(), degrees // 90))):
        assert_whole(face)


def test_tells_plain_numbers_that_can_be_cropped(detector: FaceDetector):
    picture = on_wall(360, 640, (-40, -40, 300), (300, 120, 300))
    faces = detector.detect(picture)
    assert faces
    for face in faces:
        assert_whole(face)
        assert crop_face(picture, face, FRAME, side=48).shape == (48, 48, 3)


@pytest.mark.parametrize("corner", ["left", "right", "top", "bottom"])
def test_finds_a_face_at_the_border(detector: FaceDetector, corner: str):
    # so far out that hair and shoulders are gone and the face begins a few pixels from the edge
    places = {"left": (-20, 90, 200), "right": (480, 90, 200), "top": (220, -35, 200), "bottom": (220, 175, 200)}
    place = places[corner]
    [face] = detector.detect(on_wall(360, 640, place))
    assert_framed(face, *head_points(*place))


@pytest.mark.parametrize("size", [(1, 1), (1, 640), (480, 1), (2, 3), (20, 20), (23, 25)], ids=str)
def test_tiny_pictures_hold_nobody(detector: FaceDetector, size: tuple[int, int]):
    assert detector.detect(grey_wall(*size)) == []
    assert detector.detect(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)) == []


def test_finds_faces_in_a_huge_picture(detector: FaceDetector):
    # a small one and one that fills half the height
    places = [(300, 500, 260), (1500, 600, 1700)]
    faces = detector.detect(on_wall(3000, 4000, *places))
    assert len(faces) == 2
    for face, place in zip(faces, reversed(places), strict=True):
        assert_framed(face, *head_points(*place))


def test_long_thin_pictures(detector: FaceDetector):
    [face] = detector.detect(on_wall(200, 4000, (3000, 0, 200)))
    assert_framed(face, *head_points(3000, 0, 200))


def strided(image: Image) -> Image:
    wide = np.zeros((image.shape[0], image.shape[1] * 2, 4), np.uint8)
    view = wide[:, ::2, :3]
    view[:] = image
    return view


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(strided, id="strided"),
        pytest.param(np.asfortranarray, id="columns first"),
        pytest.param(lambda image: image[:, ::-1, ::-1].copy()[:, ::-1, ::-1], id="mirrored twice"),
        pytest.param(lambda image: np.pad(image, ((5, 5), (7, 7), (0, 0)))[5:-5, 7:-7], id="cut out"),
    ],
)
def test_memory_layout_does_not_matter(detector: FaceDetector, view: Callable[[Image], Image]):
    image = view(portrait())
    assert not image.flags.c_contiguous
    assert detector.detect(image) == detector.detect(portrait())


def test_leaves_the_picture_alone_and_remembers_nothing(detector: FaceDetector):
    image = portrait().copy()
    first = detector.detect(image)
    detector.detect(grey_wall(480, 640))
    assert np.array_equal(image, portrait())
    assert detector.detect(image) == first
