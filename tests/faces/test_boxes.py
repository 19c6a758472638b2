from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.faces.boxes import part_inside, reframed, without_doubles
from edge_fer.types import Box, Face


def test_reframed_scales_about_the_moved_centre():
    assert reframed(Box(10, 20, 100, 100), scale=0.5, shift=(0.1, -0.2)) == Box(45, 25, 50, 50)


def test_reframed_takes_the_mean_side():
    assert reframed(Box(0, 0, 80, 120), scale=1.0) == Box(-10, 10, 100, 100)


@pytest.mark.parametrize(
    ("box", "part"),
    [
        (Box(10, 10, 20, 20), 1.0),
        (Box(-10, 10, 20, 20), 0.5),
        (Box(90, 40, 20, 20), 0.25),
        (Box(-30, 10, 20, 20), 0.0),
        (Box(10, 60, 20, 20), 0.0),
        (Box(-50, -25, 200, 100), 0.25),
    ],
)
def test_part_inside(box: Box, part: float):
    assert part_inside(box, 100, 50) == pytest.approx(part)


def test_of_doubles_the_surest_stays():
    outer, inner = Face(Box(0, 0, 100, 100), 0.6), Face(Box(30, 30, 40, 40), 0.9)
    apart = Face(Box(90, 0, 100, 100), 0.3)
    assert without_doubles([outer, inner, apart]) == [inner, apart]


faces = st.builds(
    Face,
    st.builds(Box, st.floats(0, 300), st.floats(0, 300), st.floats(10, 200), st.floats(10, 200)),
    st.floats(0, 1),
)


@given(st.lists(faces, max_size=12))
def test_no_doubles_stay_and_none_is_made_up(found: list[Face]):
    kept = without_doubles(found)
    assert len(without_doubles(kept)) == len(kept)
    assert all(face in found for face in kept)
    assert bool(kept) == bool(found)
