from __future__ import annotations

import math

import numpy as np
import pytest

from edge_fer.faces.detectors.letterbox import AROUND, Letterbox
from edge_fer.faces.detectors.ssd import anchors, blended, decoded


def test_anchors_are_the_middles_of_cells_row_by_row():
    found = anchors(16, 16, [(8, 2), (16, 1)])
    assert found.tolist() == [[4, 4]] * 2 + [[12, 4]] * 2 + [[4, 12]] * 2 + [[12, 12]] * 2 + [[8, 8]]
    assert anchors(24, 16, [(8, 1)]).tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]


def test_decodes_only_the_sure_surest_first():
    told = np.array([[1, 2, 10, 20, 3, 4], [0, 0, 5, 5, 0, 0], [-1, -2, 8, 8, 0, 1]], np.float32)
    origins = np.array([[100, 200], [0, 0], [50, 60]], np.float32)
    scores, places = decoded(told, np.array([0.5, -3, 2], np.float32), origins, least=0.0)
    assert scores == pytest.approx([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-0.5))])
    # the size does not count from the anchor
    assert places.tolist() == [[[49, 58], [8, 8], [50, 61]], [[101, 202], [10, 20], [103, 204]]]


def test_blends_by_score_and_keeps_apart_what_hardly_overlaps():
    places = np.array(
        [[[50, 50], [20, 20], [48, 48]], [[54, 50], [20, 20], [52, 48]], [[62, 50], [20, 20], [60, 48]]], np.float32
    )
    scores, means = blended(np.array([0.9, 0.6, 0.5], np.float32), places)
    assert scores == pytest.approx([0.9, 0.5])
    assert means[0, 0] == pytest.approx([50 + 4 * 0.6 / 1.5, 50])
    assert means[0, 2] == pytest.approx([48 + 4 * 0.6 / 1.5, 48])
    assert means[1].tolist() == places[2].tolist()


def test_nothing_comes_of_nothing():
    scores, places = decoded(
        np.zeros((4, 16), np.float32), np.full(4, -9, np.float32), np.zeros((4, 2), np.float32), least=0.0
    )
    assert blended(scores, places)[1].shape == (0, 8, 2)


def test_boxes_without_size_are_no_trap():
    scores, places = blended(np.array([0.9, 0.8], np.float32), np.zeros((2, 3, 2), np.float32))
    assert len(scores) == 2
    assert np.isfinite(places).all()


@pytest.mark.parametrize("box", [(128, 128), (192, 128), (96, 160)], ids=str)
@pytest.mark.parametrize("size", [(1, 1), (360, 640), (640, 360), (97, 101), (3000, 4000), (1, 640)], ids=str)
def test_a_letterbox_keeps_proportions_and_gives_points_back(size, box):
    (height, width), (across, down) = size, box
    letterbox = Letterbox(across, down)
    letterbox.fill(np.full((64, 64, 3), 9, np.uint8))  # leaves nothing behind
    filled = letterbox.fill(np.full((*size, 3), 200, np.uint8))
    assert filled.shape == (down, across, 3)
    there = np.argwhere(filled[..., 0] == 200)
    assert np.count_nonzero(filled == AROUND) + 3 * len(there) == filled.size
    top, left = there.min(axis=0)
    bottom, right = there.max(axis=0) + 1
    assert (filled[top:bottom, left:right] == 200).all()
    assert right - left == across or bottom - top == down
    assert abs((bottom + top) / 2 - down / 2) <= 0.5
    assert abs((right + left) / 2 - across / 2) <= 0.5
    shrink = max(width / across, height / down)
    assert (right - left, bottom - top) == pytest.approx((width / shrink, height / shrink), abs=1)
    corners = np.array([[left, top], [right, bottom]], np.float32)
    assert letterbox.back(corners) == pytest.approx(np.array([[0, 0], [width, height]]), abs=1e-3 * max(size))
