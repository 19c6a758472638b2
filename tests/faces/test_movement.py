"""The motion gate on real pictures with invented noise, flicker and people."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_fer.faces.people.movement import MotionGate
from edge_fer.types import Box
from tests.faces.film import POOR, Film
from tests.faces.pictures import frames, grey_wall, head, portrait
from tests.shared import shared_data


def scene(height=720, width=1280):
    """A still scene with much detail: the portrait, without anybody moving."""
    return cv2.resize(portrait(), (width, height)).astype(np.float32)


@pytest.mark.parametrize("poor", POOR)
@pytest.mark.parametrize("size", [(360, 640), (720, 1280)], ids=str)
def test_noise_and_flicker_are_no_movement(poor, size):
    film, gate = Film(scene(*size), **POOR[poor]), MotionGate()
    assert gate.moved(film.shot()), "the first picture is all new"
    gate.remember()
    assert not any(gate.moved(film.shot()) for _ in range(20))


def test_zones_that_blank_most_of_the_picture_change_nothing():
    film, gate = Film(scene(), noise=10, bands=0.1), MotionGate()

    def shot():
        image = film.shot()
        image[:, :900] = 0
        return image

    gate.moved(shot())
    gate.remember()
    assert not any(gate.moved(shot()) for _ in range(20))


@pytest.mark.parametrize("poor", POOR)
@pytest.mark.parametrize("side", [60, 120, 300])
def test_a_head_that_comes_into_view_is_movement(poor, side):
    """Of 60 of 1280 pixels with its hair: smaller than the smallest face that is read."""
    still = scene()
    film, gate = Film(still, **POOR[poor]), MotionGate()
    gate.moved(film.shot())
    gate.remember()
    with_head = still.copy()
    with_head[200 : 200 + side, 80 : 80 + side] = head(side)
    assert gate.moved(film.shot(with_head))


def test_one_who_creeps_is_noticed_as_one_who_runs():
    still = grey_wall(360, 640).astype(np.float32)
    gate = MotionGate()
    picture = head(100)
    moved_at = []
    for x in range(60):  # a pixel a frame: nothing moves much from one frame to the next
        still[100:200, 100 + x : 200 + x] = picture
        if gate.moved(still.astype(np.uint8)) and x:
            moved_at.append(x)
            gate.remember()
        if not x:
            gate.remember()
        still[:] = 128
    assert moved_at[0] <= 3
    assert len(moved_at) > 15


def test_a_light_that_goes_on_is_movement_and_so_is_another_size():
    still = scene()
    gate = MotionGate()
    gate.moved(np.clip(still, 0, 255).astype(np.uint8))
    gate.remember()
    assert gate.moved(np.clip(still * 0.3, 0, 255).astype(np.uint8))
    assert gate.moved(grey_wall(480, 640))


def test_tiny_pictures():
    gate = MotionGate()
    for size in ((1, 1), (1, 500), (500, 1), (3, 3)):
        assert gate.moved(grey_wall(*size))
        gate.remember()
        assert not gate.moved(grey_wall(*size))


def test_forgotten_pictures_are_not_compared_with():
    gate = MotionGate()
    gate.moved(grey_wall(90, 160))
    gate.remember()
    gate.forget()
    assert gate.moved(grey_wall(90, 160))


def test_somebody_who_sits_and_reads_moves_within_a_second():
    gate = MotionGate()
    since = still_for = 0.0
    for seconds, image in frames(shared_data() / "clips" / "wolfgang-langer-pexels.mp4", every=3):
        if gate.moved(image):
            gate.remember()
            since = seconds
        still_for = max(still_for, seconds - since)
    assert still_for < 1.0


@pytest.mark.parametrize("luma", [False, True], ids=["rgb", "luma"])
def test_movement_is_told_from_that_within_parts_of_the_picture(luma):
    def shown(image):
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if luma else image

    still = scene().astype(np.uint8)
    moving = still.copy()
    moving[200:400, 100:300] = head(200)
    gate, left, right = MotionGate(), Box(0, 0, 0.3, 1), Box(0.5, 0, 0.5, 1)
    assert gate.moved_beyond([left]), "nothing is remembered"
    gate.moved(shown(still))
    gate.remember()
    assert gate.moved(shown(moving))
    assert not gate.moved_beyond([left])
    assert not gate.moved_beyond([right, left])
    assert gate.moved_beyond([right])
    assert gate.moved_beyond([])
    # once something has moved, it is the newest picture that counts
    gate.moved(shown(still))
    assert not gate.moved_beyond([])
    # what was moved beyond is no search
    assert gate.moved(shown(still))
