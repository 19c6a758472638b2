"""What the crop's margin and alignment are worth is measured on the crops that it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.reading.crop import crop_corners
from edge_fer.types import Box, CropFrame, Face, Keypoints
from models.recipe.data import NO_MAJORITY, ferplus_majority, load
from models.recipe.measure_margins import FRAME, MARGINS, OUT, framed, measure_margins, table, widened
from tests.shared import shared_data

BOX = Face(Box(100, 80, 60, 60), 0.9)
POINTS = Face(Box(100, 80, 60, 60), 0.9, Keypoints((118, 96), (142, 90), (131, 110), (134, 124)))


@pytest.mark.parametrize("face", [BOX, POINTS], ids=["box", "keypoints"])
def test_a_wider_crop_has_the_same_centre(face):
    frame = CropFrame((0.5, 0.388), (0.5, 0.74), 1.27, (0.0, -0.17))
    before, after = (np.array(crop_corners(face, one)) for one in (frame, widened(frame, 1.1)))
    # top right and bottom left lie opposite each other
    assert (after[1] + after[2]) / 2 == pytest.approx((before[1] + before[2]) / 2)
    assert after[1] - after[0] == pytest.approx(1.1 * (before[1] - before[0]))


def test_a_picture_in_a_frame_leans_and_is_all_there():
    picture = np.zeros((48, 48), np.uint8)
    picture[22:26, 4:44] = 255  # a bar across
    for tilt in (0.0, 20.0):
        for seed in range(10):
            image = framed(picture, tilt, np.random.default_rng(seed))
            assert image.shape == (FRAME[1], FRAME[0], 3)
            y, x = np.nonzero(image[..., 0] > 128)
            lean = np.degrees(np.arctan(np.polyfit(x, y, 1)[0]))
            assert abs(lean) == pytest.approx(tilt, abs=1)
            assert 80 * 40 / 48 * 0.9 < np.hypot(np.ptp(x), np.ptp(y)) < 160 * 44 / 48


def test_real_faces_are_found_and_read():
    public = load(shared_data() / "fer2013", "public-test")
    majority = ferplus_majority(public.votes)
    rows = np.flatnonzero(majority != NO_MAJORITY)[:40]
    told = measure_margins(public.images[rows], majority[rows], EmotionClassifier.load(), {"haar": HaarDetector()}, 0.0)
    assert told["found"] > 20
    assert list(told["accuracy"]) == ["haar, box"]
    assert len(told["accuracy"]["haar, box"]) == len(MARGINS)
    assert min(told["accuracy"]["haar, box"]) > 0.7
    # the same pictures with other truths
    wrong = measure_margins(
        public.images[rows], (majority[rows] + 1) % 7, EmotionClassifier.load(), {"haar": HaarDetector()}, 0.0
    )
    assert max(wrong["accuracy"]["haar, box"]) < 0.3


def test_the_readme_shows_what_was_measured():
    told = json.loads(OUT.read_text(encoding="utf-8"))
    assert table(told) in (Path(OUT).parent / "README.md").read_text(encoding="utf-8")
