"""Faces of every size, wherever they are in pictures of every shape; all of it by `python -m tests.faces.contract`."""

from __future__ import annotations

from functools import cache

import pytest

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.faces.reading.crop import crop_corners, crop_face
from edge_fer.faces.reading.quality import QualityGate
from edge_fer.types import QualityFault
from tests.faces.contract import DETECTORS, cell
from tests.faces.portraits import BORDERS, london, placed, portraits, sfhq

AWAY = frozenset({QualityFault.TURNED_AWAY})
MIDDLE = (0.5, 0.5)


@cache
def detector(name: str) -> FaceDetector:
    return DETECTORS[name]()


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("frame", [(320, 240), (480, 480), (360, 640), (1280, 720)], ids=str)
def test_most_faces_of_half_the_picture_are_found(name: str, frame: tuple[int, int]):
    told = cell(detector(name), london(8), frame, 0.5 * min(frame), MIDDLE)
    assert told.found >= 0.75 * told.shown, told


@pytest.mark.parametrize("share", [None, 0.25, 0.55, 0.8, 0.9, 1.0], ids=str)
@pytest.mark.parametrize("frame", [(320, 240), (400, 400), (640, 640), (480, 640), (640, 360), (800, 800)], ids=str)
def test_blazeface_has_no_hole_at_any_size(frame: tuple[int, int], share: float | None):
    face = 53 if share is None else share * min(frame)
    told = cell(detector("blazeface"), london(10), frame, face, MIDDLE)
    assert told.fine == told.shown, told
    told = cell(detector("blazeface"), sfhq(20), frame, face, MIDDLE, allowed=AWAY)
    assert told.found >= 0.95 * told.shown, told


@pytest.mark.parametrize("place", BORDERS)
@pytest.mark.parametrize("frame", [(400, 400), (640, 480), (1280, 720)], ids=str)
def test_blazeface_finds_faces_at_the_borders(frame: tuple[int, int], place: str):
    for share in (0.25, 0.9):
        told = cell(detector("blazeface"), london(8), frame, share * min(frame), BORDERS[place])
        assert told.fine == told.shown, (share, told)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_face_larger_than_the_picture_is_cut_off(name: str):
    # some of them are so large that the crop would have more than twice the picture's side
    frame, gate, wide = EmotionClassifier.load().crop_frame, QualityGate(), 0
    for portrait in portraits(15):
        for larger in (1.3, 1.6, 2.0, 2.5):
            image, _ = placed(portrait, 100, 100, 100 * larger)
            for face in detector(name).detect(image):
                faults = gate.judge(image, face, crop_face(image, face, frame, at_most=96)).faults
                left, right, _ = crop_corners(face, frame)
                if abs(complex(*right) - complex(*left)) > 200:
                    wide += 1
                    assert QualityFault.CUT_OFF in faults, face
    assert wide or name == "haar"
