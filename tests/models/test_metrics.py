"""What is measured of a model's answers."""

from __future__ import annotations

import numpy as np
import pytest

from models.recipe.data import LABELS
from models.recipe.metrics import (
    calibration_error,
    confusion,
    fit_temperature,
    interval,
    macro_f1,
    per_class,
    share_interval,
    softmax,
)


def test_confusion_has_the_truth_in_rows():
    matrix = confusion(np.array([0, 0, 6], np.uint8), np.array([0, 3, 6], np.uint8))
    assert (matrix[0, 0], matrix[0, 3], matrix[6, 6], matrix.sum()) == (1, 1, 1, 3)


def test_per_class():
    matrix = np.zeros((7, 7), np.int64)
    matrix[3, 3], matrix[3, 4], matrix[4, 3] = 6, 2, 4
    rows = per_class(matrix)
    assert tuple(rows) == LABELS
    assert rows["happy"] == pytest.approx({"pictures": 8, "precision": 0.6, "recall": 0.75, "f1": 2 / 3})
    assert rows["fear"] == {"pictures": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert macro_f1(matrix) == pytest.approx(2 / 3 / 7)
    assert macro_f1(np.eye(7, dtype=np.int64)) == 1


def test_calibration_error():
    sure = np.tile([0.8, 0.2, 0, 0, 0, 0, 0], (10, 1))
    assert calibration_error(sure, np.array([0] * 8 + [1] * 2, np.uint8)) == pytest.approx(0)
    assert calibration_error(sure, np.zeros(10, np.uint8)) == pytest.approx(0.2)
    assert calibration_error(sure, np.ones(10, np.uint8)) == pytest.approx(0.8)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(temperature):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 7))
    truth = np.array([random.choice(7, p=row) for row in softmax(logits)], np.uint8)
    found = fit_temperature((logits * temperature, truth, np.zeros(7)))
    assert found == pytest.approx(temperature, rel=0.05)


def test_softmax_of_huge_logits():
    assert softmax(np.array([[1e4, 0, 0, 0, 0, 0, 0]])).tolist() == [[1, 0, 0, 0, 0, 0, 0]]


def test_interval_is_the_known_one():
    right = np.arange(1000) < 700
    low, high = interval(lambda drawn: float(right[drawn].mean()), 1000)
    assert (low, high) == pytest.approx((0.7 - 1.96 * 0.0145, 0.7 + 1.96 * 0.0145), abs=0.004)
    assert interval(lambda drawn: float(right[drawn].mean()), 1000) == [low, high]


@pytest.mark.parametrize(
    ("right", "count", "ends"),
    [(0, 24, (0, 0.138)), (24, 24, (0.862, 1)), (10, 20, (0.299, 0.701)), (600, 1000, (0.569, 0.630))],
)
def test_the_interval_of_a_share_is_wilsons(right, count, ends):
    assert share_interval(right, count) == pytest.approx(ends, abs=1e-3)
