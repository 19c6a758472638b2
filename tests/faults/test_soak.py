"""What the soak says of a series; the soak itself takes hours."""

from __future__ import annotations

from statistics import fmean

from tests.faults.soak import slope
from tests.faults.trace import dice

TIMES = [10.0 * number for number in range(360)]


def series(seed, *, per_hour=0.0, alike=0.0):
    """Noise about a line, in which neighbours are as much alike as is said."""
    chance, last, found = dice(seed), 0.0, []
    for time in TIMES:
        last = alike * last + chance.gauss(0, 1)
        found.append(100 + per_hour * time / 3600 + last)
    return found


def test_a_slope_is_found_through_noise():
    found = slope(TIMES, series(1, per_hour=5.0))
    assert abs(found.per_hour - 5.0) < found.uncertain
    assert not found.is_noise


def test_noise_is_taken_for_noise_nineteen_times_of_twenty():
    for alike in (0.0, 0.9):
        rises = [not slope(TIMES, series(seed, alike=alike)).is_noise for seed in range(200)]
        assert fmean(rises) < 0.06
