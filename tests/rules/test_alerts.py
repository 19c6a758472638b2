"""The life of an alert, frame by frame, with invented time."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.rules.alerts.lifecycle import Timing
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.conditions.emotion import EmotionCondition
from edge_fer.rules.sight import Sight
from edge_fer.types import AlertChange, AlertState, Instant, Resolution
from tests.invented import at, reading, torn, unreadable

UNHAPPY = frozenset({"angry", "disgust", "sad"})
TIMING = Timing(for_=4, keep_firing_for=5, cooldown=60, max_uncertain=10)


def make_rule(timing=TIMING):
    ids = (f"alert-{number}" for number in itertools.count())
    condition = EmotionCondition(UNHAPPY, 0.6)
    return AlertRule("cam", "unhappy", severity="warning", condition=condition, timing=timing, new_id=lambda: next(ids))


def see(rule, readings, *, left=(), when):
    return rule.update(Sight(when, readings, len(readings), tuple(left)))


def play(rule, script):
    """Feeds (seconds, readings, left) and returns [(seconds, 'firing' or 'resolved', track id)]."""
    told = []
    for seconds, readings, left in script:
        changes = see(rule, readings, left=left, when=at(seconds))
        told += [(seconds, "resolved" if c.resolved else "firing", c.alert.track_id) for c in changes]
    return told


def angry(first, last, *, who="a", step=1):
    return [(t, [reading(t, "angry", who=who)], []) for t in range(first, last, step)]


def calm(first, last, *, who="a"):
    return [(t, [reading(t, "neutral", who=who)], []) for t in range(first, last)]


def blurred(first, last):
    return [(t, [unreadable(t)], []) for t in range(first, last)]


def test_fires_once_the_condition_has_held_and_is_resolved_once_it_has_failed():
    rule = make_rule()
    assert play(rule, angry(0, 4)) == []
    assert [alert.state for alert in rule.standing.alerts] == [AlertState.PENDING]
    assert play(rule, angry(4, 20)) == [(4, "firing", "a")]
    assert [alert.state for alert in rule.standing.alerts] == [AlertState.FIRING]
    assert play(rule, calm(20, 30)) == [(25, "resolved", "a")]
    assert rule.standing.alerts == ()


def test_firing_and_resolved_share_one_id_and_say_since_when():
    rule = make_rule()
    changes = [c for t in range(12) for c in see(rule, [reading(t, "sad")], when=at(t))]
    changes += see(rule, [], left=["a"], when=at(12))
    assert [(c.resolved, c.alert.id, c.alert.since) for c in changes] == [
        (False, "alert-0", at(0)),
        (True, "alert-0", at(0)),
    ]
    assert changes[0].alert.value == pytest.approx(0.9 + 2 * 0.1 / 6)
    assert changes[0].alert.threshold == 0.6


def test_a_moment_of_calm_starts_a_pending_alert_over():
    assert play(make_rule(), angry(0, 4) + calm(4, 5) + angry(5, 10)) == [(9, "firing", "a")]


def test_a_moment_of_calm_does_not_resolve_a_firing_alert():
    assert play(make_rule(), angry(0, 6) + calm(6, 10) + angry(10, 12) + calm(12, 16)) == [(4, "firing", "a")]


def test_unreadable_faces_pause_the_clock_of_for():
    assert play(make_rule(), angry(0, 3) + blurred(3, 8) + angry(8, 12)) == [(9, "firing", "a")]


def test_a_person_the_detector_misses_pauses_it_too():
    missed = [(t, [], []) for t in range(3, 8)]
    assert play(make_rule(), angry(0, 3) + missed + angry(8, 12)) == [(9, "firing", "a")]


def test_too_long_a_pause_starts_over():
    assert play(make_rule(), angry(0, 4) + blurred(4, 16) + angry(16, 21)) == [(20, "firing", "a")]


def test_pauses_are_limited_one_by_one_not_in_sum():
    script = angry(0, 2) + blurred(2, 10) + angry(10, 11) + blurred(11, 19) + angry(19, 22)
    assert play(make_rule(), script) == [(20, "firing", "a")]


def test_a_gap_without_frames_in_an_unreadable_stretch_counts_as_pause():
    assert play(make_rule(), angry(0, 3) + blurred(3, 4) + angry(60, 65)) == [(64, "firing", "a")]


def test_unreadable_faces_neither_resolve_a_firing_alert_nor_keep_it_for_ever():
    assert play(make_rule(), angry(0, 6) + blurred(6, 16)) == [(4, "firing", "a")]
    # 10 s of pause are granted, then 5 s of keep_firing_for run
    assert play(make_rule(), angry(0, 6) + blurred(6, 40)) == [(4, "firing", "a"), (21, "resolved", "a")]


def test_readings_that_alternate_between_calm_and_unreadable_still_resolve():
    flicker = [(t, [reading(t) if t % 2 else unreadable(t)], []) for t in range(6, 40)]
    assert play(make_rule(), angry(0, 6) + flicker)[-1][1] == "resolved"


def test_torn_between_emotions_of_the_set_confirms_it():
    script = [(t, [torn(t, angry=0.35, sad=0.4)], []) for t in range(6)]
    assert play(make_rule(), script) == [(4, "firing", "a")]


def test_torn_between_other_emotions_does_not_deny_it():
    mixed = [(t, [torn(t, angry=0.4, happy=0.4)], []) for t in range(3, 5)]
    assert play(make_rule(), angry(0, 3) + mixed + angry(5, 10)) == [(6, "firing", "a")]


def test_resolves_when_the_person_leaves_and_forgets_a_pending_one():
    assert play(make_rule(), [*angry(0, 6), (6, [], ["a"])]) == [(4, "firing", "a"), (6, "resolved", "a")]
    rule = make_rule()
    assert play(rule, [*angry(0, 3), (3, [], ["a"])]) == []
    assert rule.standing.alerts == ()


def test_somebody_given_up_with_the_same_frame_begins_nothing():
    rule = make_rule(Timing(0, 0, 0, 10))
    assert see(rule, [reading(0, "angry")], left=["a"], when=at(0)) == []
    assert rule.standing.alerts == ()


def test_cooldown_belongs_to_the_rule_so_a_new_track_of_the_same_person_stays_quiet():
    script = [*angry(0, 6), (6, [], ["a"]), *angry(7, 80, who="b")]
    # fired at 4, so quiet until 64
    assert play(make_rule(), script) == [(4, "firing", "a"), (6, "resolved", "a"), (64, "firing", "b")]


def test_two_people_have_an_alert_each():
    both = [(t, [reading(t, "angry", who="a"), reading(t, "sad", who="b")], []) for t in range(6)]
    told = play(make_rule(Timing(4, 5, 0, 10)), both)
    assert told == [(4, "firing", "a"), (4, "firing", "b")]


def test_without_for_it_fires_at_the_first_reading():
    assert play(make_rule(Timing(0, 0, 0, 10)), angry(0, 1) + calm(1, 2)) == [(0, "firing", "a"), (1, "resolved", "a")]


def test_a_clock_that_stands_still_or_steps_back_credits_nothing():
    script = [(t, [reading(t, "angry")], []) for t in (0, 0, 3, 1, 2)]
    assert play(make_rule(), script) == []


def test_a_wall_clock_that_jumps_changes_no_duration():
    rule = make_rule()
    fired = []
    for t in range(8):
        # the wall clock is set back by an hour in the midst of it, as when the network comes up
        instant = Instant(float(t), at(t - 3600 * (t >= 2)).utc, synced=t >= 2)
        changes = see(rule, [replace(reading(t, "angry"), at=instant)], when=instant)
        fired += [(t, change.at.synced) for change in changes]
    assert fired == [(4, True)]


FRAMES = st.lists(
    st.tuples(
        st.floats(0.01, 3),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["angry", "calm", "torn", "blurred"]), max_size=3),
        st.sets(st.sampled_from("abc"), max_size=1),
    ),
    max_size=80,
)


@given(FRAMES, st.floats(0, 5), st.floats(0, 5), st.floats(0, 20))
def test_whatever_happens_the_invariants_hold(frames, for_, keep_firing_for, cooldown):
    rule = make_rule(Timing(for_, keep_firing_for, cooldown, 4))
    make = {
        "angry": lambda t, who: reading(t, "angry", who=who),
        "calm": lambda t, who: reading(t, who=who),
        "torn": lambda t, who: torn(t, who=who, happy=0.4, sad=0.3),
        "blurred": lambda t, who: unreadable(t, who=who),
    }
    now, firing, last_change = 0.0, {}, float("-inf")
    for step, faces, left in frames:
        now += step
        readings = [make[face](now, who) for who, face in faces.items() if who not in left]
        changes: list[AlertChange] = see(rule, readings, left=left, when=at(now))
        for change in changes:
            who = change.alert.track_id
            if change.resolved:
                assert firing.pop(who) == change.alert.id
            else:
                assert who not in firing, "fired twice without resolving"
                assert now - change.alert.since.mono >= for_ - 1e-6, "fired before `for`"
                assert now - last_change >= cooldown - 1e-6, "fired inside the cooldown"
                firing[who] = change.alert.id
            if not change.resolved or change.reason is Resolution.OVER:
                last_change = now
        assert not left & firing.keys(), "outlived its person"
        assert {a.track_id for a in rule.standing.alerts if a.state is AlertState.FIRING} == firing.keys()
