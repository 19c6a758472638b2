"""Which frames are worth how much, with invented movement and people."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.faces.people.attention import Attention, Work
from edge_fer.faces.people.tracking import TrackingStep
from tests.invented import track

NOBODY = TrackingStep()
SOMEBODY = TrackingStep(visible=(track(),))
LOST = TrackingStep(coasting=(track(),))
NEW = TrackingStep(unconfirmed=1)


def spend(
    attention: Attention,
    seconds: float,
    *,
    moved: Callable[[float], bool],
    tracks: Callable[[float], TrackingStep],
    fps: float = 10,
    begin: float = 0.0,
) -> list[tuple[float, Work]]:
    spent = []
    for index in range(round(seconds * fps)):
        now = begin + index / fps
        work = attention.decide(now, moved=moved(now))
        attention.done(work, now, None if work is Work.REST else tracks(now))
        spent.append((now, work))
    return spent


def times(spent: list[tuple[float, Work]], *which: Work) -> list[float]:
    return [now for now, work in spent if work in which]


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


def test_the_first_frame_is_searched():
    assert Attention().decide(5.0, moved=False) is Work.DETECT


def test_an_empty_still_scene_is_searched_now_and_then_and_else_left_alone():
    spent = spend(Attention(rest_every=1.0), 10, moved=lambda _: False, tracks=lambda _: NOBODY)
    assert times(spent, Work.DETECT) == pytest.approx(list(range(10)))
    assert not times(spent, Work.FOLLOW)


def test_movement_is_searched_at_once_and_then_at_its_pace():
    spent = spend(Attention(detect_every=0.3, rest_every=1.0), 4, moved=lambda now: now >= 2.4, tracks=lambda _: NOBODY)
    detected = times(spent, Work.DETECT)
    assert detected[:4] == pytest.approx([0, 1, 2, 2.4])
    assert gaps(detected[3:]) == pytest.approx([0.3] * len(gaps(detected[3:])))


def test_people_are_followed_in_every_frame_that_moves():
    spent = spend(Attention(detect_every=0.3), 3, moved=lambda _: True, tracks=lambda _: SOMEBODY)
    assert not times(spent, Work.REST)
    assert len(times(spent, Work.DETECT)) == 10


def test_a_motionless_person_is_read_twice_a_second_for_minutes():
    attention = Attention(rest_every=1.0, read_still_every=0.5)
    spent = spend(attention, 300, moved=lambda _: False, tracks=lambda _: SOMEBODY)
    assert max(gaps(times(spent, Work.FOLLOW, Work.DETECT))) < 0.55
    assert max(gaps(times(spent, Work.DETECT))) < 1.05
    assert attention.counts[Work.REST] == pytest.approx(2400, abs=10)


@pytest.mark.parametrize(("tracks", "moved"), [(LOST, False), (LOST, True), (NEW, True)])
def test_every_frame_is_searched_while_anybody_is_unsure(tracks, *, moved):
    spent = spend(Attention(), 2, moved=lambda _: moved, tracks=lambda _: tracks)
    assert {work for _, work in spent} == {Work.DETECT}


def test_a_face_not_yet_confirmed_in_a_picture_that_stands_still_is_sought_at_the_pace_of_movement():
    spent = spend(Attention(detect_every=0.3), 3, moved=lambda _: False, tracks=lambda _: NEW)
    assert gaps(times(spent, Work.DETECT)) == pytest.approx([0.3] * 9)


def test_searching_every_frame_can_be_had():
    attention = Attention(detect_every=0, rest_every=0)
    spent = spend(attention, 2, moved=lambda _: False, tracks=lambda _: SOMEBODY)
    assert {work for _, work in spent} == {Work.DETECT}


def test_time_that_runs_backward_begins_anew():
    attention = Attention()
    attention.done(Work.DETECT, 100.0, NOBODY)
    assert attention.decide(1.0, moved=False) is Work.DETECT


def test_a_reset_begins_anew_and_keeps_its_counts():
    attention = Attention()
    attention.done(Work.DETECT, 1.0, SOMEBODY)
    attention.reset()
    assert attention.decide(1.1, moved=False) is Work.DETECT
    assert attention.counts[Work.DETECT] == 1


@given(
    st.lists(st.tuples(st.floats(0.01, 0.6), st.booleans(), st.sampled_from([NOBODY, SOMEBODY])), max_size=60),
    st.floats(0, 2),
    st.floats(0.1, 3),
)
def test_nothing_that_comes_waits_longer_than_is_said(frames, detect_every, rest_every):
    """Whatever happens, a frame due is searched: the delay is bounded by the settings and one frame."""
    attention = Attention(detect_every=detect_every, rest_every=rest_every)
    now = last = 0.0
    attention.done(attention.decide(now, moved=True), now, NOBODY)
    for wait, moved, tracks in frames:
        now += wait
        work = attention.decide(now, moved=moved)
        if now - last >= (min(detect_every, rest_every) if moved else rest_every):
            assert work is Work.DETECT
        attention.done(work, now, None if work is Work.REST else tracks)
        if work is Work.DETECT:
            last = now


def test_a_look_may_take_the_place_of_a_search_twice_in_a_row():
    attention = Attention(detect_every=0.3, rest_every=2.0)
    assert not attention.may_look(0.0)
    attention.done(Work.DETECT, 0.0, SOMEBODY)
    looked = []
    for index in range(1, 50):
        now = index / 10
        work = attention.decide(now, moved=True)
        look = work is Work.DETECT and attention.may_look(now)
        attention.done(Work.FOLLOW if look else work, now, SOMEBODY, looked=look)
        if work is Work.DETECT:
            looked.append((now, look))
    assert [now for now, _ in looked] == pytest.approx([0.3 * number for number in range(1, 17)])
    assert [now for now, look in looked if not look] == pytest.approx([0.9, 1.8, 2.7, 3.6, 4.5])


@pytest.mark.parametrize("tracks", [NOBODY, LOST, TrackingStep(visible=(track(),), unconfirmed=1)])
def test_nobody_is_looked_at_alone_while_anybody_is_missing_or_new(tracks):
    attention = Attention()
    attention.done(Work.DETECT, 0.0, tracks)
    assert not attention.may_look(0.3)


@pytest.mark.parametrize("never", [{"detect_every": 0}, {"rest_every": 0}])
def test_whoever_wants_every_search_gets_it(never):
    attention = Attention(**never)
    attention.done(Work.DETECT, 0.0, SOMEBODY)
    assert not attention.may_look(0.3)
