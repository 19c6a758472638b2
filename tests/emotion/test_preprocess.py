"""From a face crop to the model's input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.emotion.preprocess import grey, normalise_table, quantise_table, resize


@pytest.mark.parametrize(("colour", "luma"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((9, 9, 9), 9)])
def test_grey_is_the_luma_of_rgb(colour, luma):
    image = np.full((5, 4, 3), colour, np.uint8)
    assert (grey(image) == luma).all()
    assert grey(image).shape == (5, 4)


def test_grey_leaves_grey_alone():
    image = np.zeros((5, 4), np.uint8)
    assert grey(image) is image


def test_resize_leaves_the_right_size_alone():
    image = np.zeros((48, 48), np.uint8)
    assert resize(image, (48, 48)) is image


@pytest.mark.parametrize("shape", [(1, 1), (10, 200), (47, 48), (48, 96), (500, 499)])
def test_resize_gives_width_and_height(shape):
    image = np.full(shape, 77, np.uint8)
    assert (resize(image, (32, 48)) == np.full((48, 32), 77)).all()


def test_shrinking_averages_and_does_not_alias():
    stripes = np.zeros((480, 480), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    shrunk = resize(stripes, (48, 48))
    assert shrunk.min() >= 100
    assert shrunk.max() <= 155


def test_tables_end_at_the_range():
    table = normalise_table((-1.0, 1.0))
    assert table.dtype == np.float32
    assert (table[0], table[255]) == (-1, 1)
    assert quantise_table((-1.0, 1.0), 2 / 255, -1).dtype == np.int8


@given(
    low=st.floats(-10, 5),
    width=st.floats(0.01, 20),
    scale=st.floats(1e-4, 1),
    zero_point=st.integers(-128, 127),
)
def test_quantising_is_within_half_a_step_or_at_an_end(low, width, scale, zero_point):
    bounds = (low, low + width)
    steps = quantise_table(bounds, scale, zero_point).astype(np.float64)
    back = (steps - zero_point) * scale
    off = np.abs(back - normalise_table(bounds))
    assert ((off <= scale * 0.5 + 1e-5) | (np.abs(steps + 0.5) == 127.5)).all()
    assert (np.diff(steps) >= 0).all()
