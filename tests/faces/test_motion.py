from __future__ import annotations

import numpy as np
import pytest

from edge_fer.faces.people.motion import SteadyMotion
from edge_fer.types import Box


def test_a_face_just_found_is_expected_to_stay():
    assert SteadyMotion(Box(10, 20, 50, 60), 5.0).predict(5.3) == Box(10, 20, 50, 60)


@pytest.mark.parametrize("fps", [4, 10, 30])
def test_learns_the_velocity_at_any_frame_rate(fps: int):
    motion = SteadyMotion(Box(0, 100, 50, 50), 0.0)
    for index in range(1, 3 * fps + 1):
        motion.observe(Box(80 * index / fps, 100 - 40 * index / fps, 50, 50), index / fps)
    assert motion.velocity == pytest.approx((80, -40), rel=0.01)
    ahead = motion.predict(3.25)
    assert (ahead.x, ahead.y) == pytest.approx((260, -30), abs=1)


def test_a_prediction_stops_at_the_horizon():
    motion = SteadyMotion(Box(0, 0, 50, 50), 0.0, horizon=0.5)
    for index in range(1, 30):
        motion.observe(Box(10 * index, 0, 50, 50), index / 10)
    assert motion.predict(60.0).x == pytest.approx(290 + 50, abs=1)


def test_jitter_is_not_movement():
    # a detector that is off by 4 % of the face in every frame, which alone makes the last box miss by up to 10;
    # velocities from frame to frame would add 50 to that
    rng = np.random.default_rng(1)
    motion = SteadyMotion(Box(0, 0, 100, 100), 0.0)
    off = []
    for index in range(1, 300):
        motion.observe(Box(rng.normal(0, 4), rng.normal(0, 4), 100, 100), index / 10)
        ahead = motion.predict(index / 10 + 0.5)
        off.append(np.hypot(ahead.x, ahead.y))
    assert np.percentile(off, 95) < 15


def test_two_boxes_at_one_time_have_no_velocity():
    motion = SteadyMotion(Box(0, 0, 50, 50), 1.0)
    motion.observe(Box(30, 0, 50, 50), 1.0)
    assert motion.velocity == pytest.approx((0, 0))
    assert motion.predict(1.2).x == 30
