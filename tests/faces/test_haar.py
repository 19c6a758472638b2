from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_fer.errors import ModelError
from edge_fer.faces.detectors.haar import HaarDetector
from tests.faces.pictures import grey_wall, on_wall


@pytest.mark.parametrize("min_size", [24, 48, 80, 120])
def test_finds_nothing_below_the_smallest_size(min_size: int):
    picture = on_wall(360, 1280, (10, 50, 70), (110, 50, 120), (300, 50, 200), (600, 20, 300))
    faces = HaarDetector(min_size=min_size).detect(picture)
    assert faces
    assert all(face.box.width >= min_size - 1e-6 for face in faces)


def test_small_faces_are_found_where_asked_for():
    # a head of 90 pixels has a face of 50, in a frame that is normally searched at less than half its size
    picture = on_wall(720, 1280, (600, 300, 90))
    assert len(HaarDetector(min_size=40).detect(picture)) == 1
    assert HaarDetector(min_size=64).detect(picture) == []


def test_a_high_bar_leaves_the_surest():
    faces = HaarDetector().detect(on_wall(360, 640, (50, 50, 200), (350, 50, 200)))
    surest = max(face.confidence for face in faces)
    assert all(0.15 <= face.confidence <= 1 for face in faces)
    assert HaarDetector(min_confidence=surest + 1e-9).detect(on_wall(360, 640, (50, 50, 200))) == []


class TwiceSeen:
    """A cascade that finds a face, and again a smaller one inside it."""

    def detectMultiScale3(self, *_: object, **__: object):
        return np.array([[100, 100, 100, 100], [120, 130, 60, 60]]), np.array([25, 25]), np.array([7.0, 2.5])


def test_a_face_in_a_face_is_none(monkeypatch: pytest.MonkeyPatch):
    detector = HaarDetector()
    monkeypatch.setattr(detector, "_cascade", TwiceSeen())
    [face] = detector.detect(grey_wall(300, 300))
    assert astuple(face.box) == pytest.approx((110, 124, 80, 80))


def test_missing_cascade(tmp_path: Path):
    path = tmp_path / "gone.xml"
    with pytest.raises(ModelError, match=r"gone\.xml is missing.*Reinstall"):
        HaarDetector(cascade=path)


@pytest.mark.parametrize("content", [b"", b"not xml", b"<?xml version='1.0'?><opencv_storage></opencv_storage>"])
def test_broken_cascade(tmp_path: Path, content: bytes):
    path = tmp_path / "broken.xml"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.xml cannot be read by OpenCV"):
        HaarDetector(cascade=path)


def test_opencv_without_cascades(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(cv2, "data")
    with pytest.raises(ModelError, match=r"comes without the Haar cascades.*below|<5"):
        HaarDetector()


def test_opencv_without_the_classifier(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(ModelError, match="cannot be read by OpenCV"):
        HaarDetector()
