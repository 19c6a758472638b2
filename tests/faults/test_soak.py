"""What the soak says of a series; the soak itself takes hours."""

from __future__ import annotations

from statistics import fmean

from tests.faults.soak import RESOLUTION, slope
from tests.faults.trace import dice

TIMES = [10.0 * number for number in range(360)]


def series(seed, *, per_hour=0.0, alike=0.0):
    """Noise about a line, in which neighbours are as much alike as is said."""
    chance, last, found = dice(seed), 0.0, []
    for time in TIMES:
        last = alike * last + chance.gauss(0, 1)
        found.append(1e8 + per_hour * time / 3600 + 1e6 * last)
    return found


def test_a_slope_is_found_through_noise():
    found = slope(TIMES, series(1, per_hour=5e6))
    assert abs(found.per_hour - 5e6) < found.uncertain
    assert not found.is_noise


def test_noise_is_taken_for_noise_nineteen_times_of_twenty():
    for alike in (0.0, 0.9):
        rises = [not slope(TIMES, series(seed, alike=alike)).is_noise for seed in range(200)]
        assert fmean(rises) < 0.06


def test_one_page_more_is_no_growth_and_a_steady_rise_is():
    one_page = [1e8 + 4096 * (time > 1800) for time in TIMES]
    assert slope(TIMES, one_page).is_noise
    assert not slope(TIMES, [1e8 + 2 * RESOLUTION * time / 3600 for time in TIMES]).is_noise
