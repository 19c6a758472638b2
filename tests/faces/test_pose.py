from __future__ import annotations

import pytest

from edge_fer.faces.reading.pose import pose
from edge_fer.types import Keypoints
from tests.faces.heads import seen


@pytest.mark.parametrize("yaw", [-60, -30, 0, 10, 45, 80])
@pytest.mark.parametrize("roll", [-120, -20, 0, 45, 90])
def test_recovers_yaw_and_roll(yaw: float, roll: float):
    found = pose(seen(yaw, roll))
    assert found.yaw == pytest.approx(yaw, abs=1e-6)
    assert found.roll == pytest.approx(roll, abs=1e-6)


@pytest.mark.parametrize("size", [1, 500])
def test_size_does_not_matter(size: float):
    assert pose(seen(25, 10, size)).yaw == pytest.approx(25)


def test_a_profile():
    assert pose(Keypoints((100, 50), (100, 50), (120, 70), (105, 90))).yaw == 90
    assert pose(Keypoints((105, 50), (95, 50), (80, 70), (98, 90))).yaw == -90


def test_points_that_are_no_face():
    assert pose(Keypoints((5, 5), (5, 5), (5, 5), (5, 5))).yaw == 90
