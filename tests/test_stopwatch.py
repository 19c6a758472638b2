"""Stage times and frame rate, with an invented clock."""

from __future__ import annotations

import pytest

from edge_fer.support.stopwatch import Stopwatch


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_median_and_p95_of_the_last_passes(clock):
    watch = Stopwatch(keep=100, clock=clock)
    for milliseconds in [1000] * 5 + list(range(1, 101)):
        with watch("detect"):
            clock.now += milliseconds / 1000
    times = watch.stages()["detect"]
    assert times.median == pytest.approx(50.5, abs=0.01)
    assert times.p95 == pytest.approx(95.05, abs=0.1)


def test_a_pass_that_fails_is_timed_too(clock):
    watch = Stopwatch(clock=clock)
    with pytest.raises(ValueError, match="broken"), watch("detect"):
        clock.now += 1
        msg = "broken"
        raise ValueError(msg)
    assert watch.stages()["detect"].median == 1000


def test_frame_rate_follows_the_frames_and_falls_when_they_stop(clock):
    watch = Stopwatch(clock=clock)
    assert watch.fps == 0
    for _ in range(11):
        watch.frame()
        clock.now += 0.1
    assert watch.fps == pytest.approx(10)
    clock.now += 9
    assert watch.fps == pytest.approx(10 / 10.1, rel=0.01)


def test_it_says_how_many_passes_its_figures_are_of(clock):
    watch = Stopwatch(keep=3, clock=clock)
    for _ in range(5):
        with watch("detect"):
            clock.now += 1
    assert watch.stages()["detect"].passes == 3
