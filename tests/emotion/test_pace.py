"""How often a face must be read."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge_fer.emotion.pace import ReadingPace
from edge_fer.emotion.smoothing import ExponentialSmoother, ModeSmoother
from tests.invented import scores


def read_at(pace: ReadingPace, times: list[float], *, settled: bool | None = True) -> list[float]:
    """When somebody who is in all these frames is read."""
    found = []
    for time in times:
        pace.frame(time)
        if pace.is_due("a"):
            pace.read("a", settled=settled)
            found.append(time)
    return found


@pytest.mark.parametrize("fps", [3, 5, 8, 10, 12, 15, 24, 25, 30, 60])
def test_nobody_is_read_later_than_asked_and_no_more_often_than_that_takes(fps):
    times = [index / fps for index in range(10 * fps)]
    found = read_at(ReadingPace(0.2), times)
    frames = {round((later - before) * fps) for before, later in pairwise(found)}
    assert frames == {max(1, int(0.2 * fps + 1e-9))}


def test_frames_that_come_a_little_late_are_no_reason_to_read_more_often():
    times = [index / 10 + 0.001 * (index % 3) for index in range(100)]
    assert len(read_at(ReadingPace(0.2), times)) == 50


def test_without_a_time_and_where_each_reading_counts_every_frame_is_read():
    times = [index / 24 for index in range(48)]
    assert read_at(ReadingPace(0.0), times) == times
    assert read_at(ReadingPace(0.2), times, settled=None) == times


@pytest.mark.parametrize(
    ("every", "fps", "frames"), [(0.2, 8, 1), (0.2, 10, 1), (0.2, 24, 2), (0.2, 60, 6), (0.05, 60, 3)]
)
def test_while_anything_is_about_to_change_ten_readings_a_second_are_enough(every, fps, frames):
    times = [index / fps for index in range(4 * fps)]
    assert read_at(ReadingPace(every), times, settled=False) == times[::frames]


def test_who_left_is_read_at_once_when_known_again_and_so_is_everybody_where_time_runs_backward():
    pace = ReadingPace(0.2)
    read_at(pace, [10.0])
    pace.frame(10.01)
    assert not pace.is_due("a")
    pace.forget("a")
    assert pace.is_due("a")
    read_at(pace, [10.02])
    pace.frame(3.0)
    assert pace.is_due("a")


def test_an_emotion_is_settled_while_readings_agree_with_the_average_and_nothing_has_begun_to_take_its_place():
    smoother = ExponentialSmoother(1.0)
    assert smoother.update("a", scores(happy=0.9), 0.0).settled
    assert smoother.update("a", scores(happy=0.8), 0.1).settled
    assert not smoother.update("a", scores(happy=0.5), 0.2).settled
    assert smoother.update("a", scores(happy=0.8), 0.3).settled
    assert not smoother.update("a", scores(sad=0.9), 0.4).settled
    # one reading that agrees does not take away what spoke for another emotion
    assert not smoother.update("a", scores(happy=0.6), 0.41).settled


def test_the_commonest_of_the_last_readings_is_never_settled_because_each_of_them_counts():
    smoother = ModeSmoother(3)
    assert {smoother.update("a", scores(happy=0.9), index / 10).settled for index in range(10)} == {None}
