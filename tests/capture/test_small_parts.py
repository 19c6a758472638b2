"""Transform, frame limit, back-off, timeline, clock, redaction, and pictures as OpenCV hands them out."""

from __future__ import annotations

import itertools
import math
import time
from datetime import UTC

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.capture.limit import FrameLimit
from edge_fer.capture.opencv.common import to_rgb
from edge_fer.capture.presentation import PresentationClock
from edge_fer.capture.transform import transform
from edge_fer.clock import system as clock_module
from edge_fer.clock.system import SystemClock, clock_synced, kernel_synced
from tests.capture.helpers import InventedClock

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


@pytest.mark.parametrize(
    ("rotate", "flip", "expected"),
    [
        (0, "none", PICTURE),
        (90, "none", np.rot90(PICTURE, -1)),
        (180, "none", PICTURE[::-1, ::-1]),
        (270, "none", np.rot90(PICTURE)),
        (0, "horizontal", PICTURE[:, ::-1]),
        (0, "vertical", PICTURE[::-1]),
        (90, "horizontal", np.rot90(PICTURE, -1)[:, ::-1]),
    ],
)
def test_transform(rotate, flip, expected):
    before = PICTURE.copy()
    turned = transform(PICTURE, rotate=rotate, flip=flip)
    assert np.array_equal(turned, expected)
    assert turned.flags.c_contiguous
    assert np.array_equal(before, PICTURE)


@pytest.mark.parametrize(("wanted", "expected"), [(None, 300), (30, 300), (60, 300), (15, 150), (10, 100), (7, 70)])
@pytest.mark.parametrize("jitter", [0.0, 0.004])
def test_frame_limit_keeps_the_average(wanted, expected, jitter):
    limit = FrameLimit(wanted)
    taken = sum(limit.take(100 + index / 30 + jitter * (index % 3 - 1)) for index in range(300))
    assert expected - 2 <= taken <= expected + 2


def test_frame_limit_makes_up_for_no_pause():
    limit = FrameLimit(10)
    assert limit.take(0)
    assert limit.take(50)
    assert not limit.take(50.01)


def passed(own: list[float], *, period: float = 0.04) -> list[float]:
    timeline = PresentationClock(InventedClock(500.0), period=period)
    return [timeline.at(seconds).mono - 500 for seconds in own]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([0, 0.04, 0.08], [0, 0.04, 0.08]),
        ([7, 7.5, 9], [0, 0.5, 2]),
        ([0, 0, 0, 0], [0, 0.04, 0.08, 0.12]),
        ([math.nan] * 3, [0, 0.04, 0.08]),
        ([0, math.inf, 0.1], [0, 0.04, 0.1]),
        ([0, 0.08, 0.04, 0.2], [0, 0.08, 0.12, 0.2]),
        ([90000, 90001, 3, 4, 5], [0, 1, 1.04, 2.04, 3.04]),
        ([0, 1, 99999, 100000], [0, 1, 1.04, 2.04]),
        ([-5, -4, -3], [0, 1, 2]),
    ],
    ids=["plain", "variable", "no times", "not numbers", "one infinite", "out of order", "back", "jump", "negative"],
)
def test_timeline_mends_broken_times(own, expected):
    assert passed(own) == pytest.approx(expected, abs=1e-5)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=50), st.integers(0, 49))
def test_timeline_increases_whatever_the_container_says(own, again):
    timeline = PresentationClock(InventedClock(), period=0.04)
    instants = []
    for place, seconds in enumerate(own):
        if place == again:
            timeline.again()
        instants.append(timeline.at(seconds))
    assert all(here.mono < there.mono for here, there in itertools.pairwise(instants))
    assert instants[-1].mono - instants[0].mono < 3601 * len(own)


def test_timeline_gives_the_same_differences_to_the_last_bit_whenever_it_starts():
    own = [index * 1001 / 24000 for index in range(500)]
    runs = []
    for start in (0.1, 77.7777777, 123456.789, 9_999_999.123456789):
        timeline = PresentationClock(InventedClock(start), period=0.04)
        mono = [timeline.at(seconds).mono for seconds in own]
        runs.append([there - mono[0] for there in mono])
    assert runs.count(runs[0]) == len(runs)


def test_timeline_goes_on_over_a_loop():
    timeline = PresentationClock(InventedClock(0.0), period=0.5)
    mono = [timeline.at(0.0).mono, timeline.at(0.5).mono]
    timeline.again()
    mono += [timeline.at(0.0).mono, timeline.at(0.5).mono]
    assert mono == [0, 0.5, 1, 1.5]


def test_system_clock():
    asked = []
    clock = SystemClock(recheck=60, synced=lambda: not asked.append(1))
    first, second = clock(), clock()
    assert abs(first.mono - time.monotonic()) < 5
    assert first.utc.tzinfo is UTC
    assert second.mono >= first.mono
    assert first.synced
    assert asked == [1], "whether it is synchronised is not asked at every frame"


def test_whether_the_clock_is_synchronised_can_be_asked_everywhere():
    assert kernel_synced() in {True, False, None}
    assert clock_synced() in {True, False}


@pytest.mark.parametrize("broken", [OSError, AttributeError])
def test_clock_that_nobody_can_vouch_for(monkeypatch, tmp_path, broken):
    def fail(_name: None) -> None:
        raise broken

    monkeypatch.setattr(clock_module.ctypes, "CDLL", fail)
    monkeypatch.setattr(clock_module, "TIMESYNC_FLAG", tmp_path / "synchronized")
    assert not clock_synced()
    (tmp_path / "synchronized").touch()
    assert clock_synced()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.full((2, 3), 9, np.uint8), [9, 9, 9]),
        (np.full((2, 3, 1), 9, np.uint8), [9, 9, 9]),
        (np.full((2, 3, 3), [1, 2, 3], np.uint8), [3, 2, 1]),
        (np.full((2, 3, 4), [1, 2, 3, 4], np.uint8), [3, 2, 1]),
        (np.full((2, 3), 0x0A0B, np.uint16), [10, 10, 10]),
    ],
    ids=["grey", "grey with an axis", "bgr", "bgra", "16 bits"],
)
def test_to_rgb(picture, expected):
    image = to_rgb(picture)
    assert image.shape == (2, 3, 3)
    assert image.dtype == np.uint8
    assert image[1, 2].tolist() == expected


@pytest.mark.parametrize(
    ("picture", "match"),
    [
        (None, "empty"),
        (np.zeros((0, 3, 3), np.uint8), "empty"),
        (np.zeros((2, 3, 2), np.uint8), r"uint8 \(2, 3, 2\)"),
        (np.zeros((1, 99, 3, 3), np.uint8), "shape"),
        (np.zeros((2, 3, 3), np.float32), "float32"),
    ],
)
def test_to_rgb_refuses_garbage(picture, match):
    with pytest.raises(ValueError, match=match):
        to_rgb(picture)
