"""What a restart does to alerts: with invented time, on the same boot and on another, in order and by a crash."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.rules.alerts.restart import remember, resume
from edge_fer.types import Instant, Resolution
from tests.invented import at, reading
from tests.rules.kit import QUICK, frame, play, rule_of, rules_of, showing, state

ANGRY = "{emotion: [angry]}"
SCENE = "{more_people_than: 0}"


def restarted(old, now, *, same_boot=True, when=ANGRY, timing=QUICK):
    """The same rule in the next run, by way of a file, and what is told of the run before."""
    kept = json.loads(json.dumps(remember([old])))
    rule = rule_of(when, timing)
    changes = resume("cam", [rule], kept, now, same_boot=same_boot)
    return rule, [(change.reason, change.alert.id) for change in changes]


def fired_and_over(seconds=12):
    """A rule whose alert fired at 4 and is over at `seconds`, so that it is quiet for a minute from then on."""
    rule = rule_of(ANGRY)
    script = [*showing("angry", 0, seconds - 5), *showing("happy", seconds - 5, seconds + 1)]
    assert play(rule, script) == [(4, "firing", "a"), (seconds, "over", "a")]
    return rule


def by_another_clock(sights, ahead, *, synced=True):
    """The same after a boot: the clock that never jumps has begun anew."""
    return [replace(s, at=Instant(s.at.mono - ahead, s.at.utc, synced)) for s in sights]


class TestFor:
    def test_a_restart_in_the_middle_of_for_begins_it_anew(self):
        rule = rule_of(ANGRY)
        assert play(rule, showing("angry", 0, 3)) == []
        fresh, told = restarted(rule, at(5))
        assert told == []
        assert play(fresh, showing("angry", 5, 12, who="b")) == [(9, "firing", "b")]

    def test_so_does_one_in_the_middle_of_keep_firing_for_which_ends_the_alert(self):
        rule = rule_of(ANGRY)
        play(rule, [*showing("angry", 0, 6), *showing("happy", 6, 8)])
        assert state(rule) == ["firing"]
        _, told = restarted(rule, at(8))
        assert told == [(Resolution.UNWATCHED, "alert-0")]


class TestEndsOfAlerts:
    def test_what_a_crash_left_firing_is_resolved_with_its_own_id_and_beginning(self):
        rule = rule_of(SCENE)
        play(rule, showing("angry", 0, 10))
        kept = json.loads(json.dumps(remember([rule])))
        fresh = rule_of(SCENE)
        (change,) = resume("cam", [fresh], kept, at(20), same_boot=False)
        assert (change.resolved, change.reason, change.at) == (True, Resolution.UNWATCHED, at(20))
        assert change.alert == rule.standing.alerts[0]
        assert state(fresh) == [], "it does not go on as if nothing had been missed"

    def test_what_ended_in_order_is_not_told_again(self):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 10))
        assert [change.reason for change in rule.end(at(10), Resolution.UNWATCHED)] == [Resolution.UNWATCHED]
        assert restarted(rule, at(12))[1] == []

    def test_nor_what_was_never_told_because_it_was_silenced(self):
        rule = rule_of(ANGRY)
        rule.silence(600, at(0))
        play(rule, showing("angry", 0, 10))
        assert state(rule) == ["firing"]
        assert restarted(rule, at(12))[1] == []

    def test_nothing_is_told_twice_by_a_second_restart(self):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 10))
        once, told = restarted(rule, at(12))
        assert len(told) == 1
        assert restarted(once, at(14))[1] == []

    def test_of_a_rule_that_is_gone_the_alert_ends_with_it(self):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 10))
        (change,) = resume("cam", rules_of(f"other: {{when: {SCENE}}}"), remember([rule]), at(12), same_boot=True)
        assert (change.reason, change.alert.rule) == (Resolution.RELOAD, "rule")

    def test_an_acknowledged_one_still_is(self):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 10))
        rule.acknowledge()
        (change,) = resume("cam", [rule_of(ANGRY)], remember([rule]), at(12), same_boot=True)
        assert change.alert.acknowledged


class TestCooldown:
    def test_it_outlives_a_restart(self):
        fresh, _ = restarted(fired_and_over(), at(15))
        assert play(fresh, showing("angry", 15, 80, who="b")) == [(72, "firing", "b")]

    @pytest.mark.parametrize("crashed", [True, False])
    def test_an_end_that_nobody_saw_begins_none(self, crashed):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 90))
        if not crashed:
            rule.end(at(90), Resolution.UNWATCHED)
        fresh, _ = restarted(rule, at(92))
        assert play(fresh, showing("angry", 92, 99, who="b")) == [(96, "firing", "b")]

    def test_but_the_one_from_when_it_fired_goes_on_so_that_a_daemon_that_crashes_often_does_not_fire_often(self):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 10))
        fresh, _ = restarted(rule, at(12))
        assert play(fresh, showing("angry", 12, 90, who="b")) == [(64, "firing", "b")]

    def test_a_wall_clock_that_jumps_between_two_runs_of_a_boot_changes_nothing(self):
        old = fired_and_over()
        jumped = [replace(s, at=Instant(s.at.mono, at(s.at.mono + 9999).utc)) for s in showing("angry", 15, 80)]
        fresh, _ = restarted(old, jumped[0].at)
        assert play(fresh, jumped) == [(72, "firing", "a")]

    def test_after_a_boot_it_goes_by_the_clock_on_the_wall(self):
        script = by_another_clock(showing("angry", 20, 80), 20)
        fresh, _ = restarted(fired_and_over(), script[0].at, same_boot=False)
        assert play(fresh, script) == [(72 - 20, "firing", "a")]

    def test_a_clock_that_may_be_wrong_keeps_nothing_quiet(self):
        script = by_another_clock(showing("angry", 20, 80), 20, synced=False)
        fresh, _ = restarted(fired_and_over(), script[0].at, same_boot=False)
        assert play(fresh, script) == [(4, "firing", "a")]

    def test_nor_does_one_that_may_have_been(self):
        rule = rule_of(ANGRY)
        play(rule, by_another_clock([*showing("angry", 0, 6), frame(6, left=["a"])], 0, synced=False))
        script = by_another_clock(showing("angry", 20, 80), 20)
        fresh, _ = restarted(rule, script[0].at, same_boot=False)
        assert play(fresh, script) == [(4, "firing", "a")]

    def test_it_never_lasts_for_ever(self):
        """Whatever the next run's clock shows, as long as it goes on."""
        fresh, _ = restarted(fired_and_over(), at(0), same_boot=False)
        later = by_another_clock(showing("angry", 10**6, 10**6 + 10), 10**6)
        assert play(fresh, later) == [(4, "firing", "a")]


class TestSilence:
    def test_it_outlives_a_restart_and_says_until_when(self):
        rule = rule_of(ANGRY)
        rule.silence(30, at(0))
        fresh, _ = restarted(rule, at(5))
        assert play(fresh, showing("angry", 5, 20)) == []
        assert fresh.standing.silenced_until == at(30).utc
        assert play(fresh, showing("angry", 20, 40)) == [(30, "firing", "a")]

    def test_after_a_boot_it_waits_for_a_clock_that_is_right(self):
        rule = rule_of(ANGRY)
        rule.silence(3600, at(0))
        fresh, _ = restarted(rule, at(5), same_boot=False)
        early = by_another_clock(showing("happy", 5, 7), 5, synced=False)
        play(fresh, early)
        assert not fresh.standing.silenced
        assert play(fresh, by_another_clock(showing("angry", 7, 30), 5)) == []
        assert fresh.standing.silenced

    def test_one_that_was_ended_stays_so(self):
        rule = rule_of(ANGRY)
        rule.silence(3600, at(0))
        rule.silence(0, at(1))
        fresh, _ = restarted(rule, at(5))
        assert play(fresh, showing("angry", 5, 10)) == [(9, "firing", "a")]


def test_a_rule_of_which_there_is_nothing_to_know_is_not_remembered():
    rule = rule_of(ANGRY)
    play(rule, showing("angry", 0, 2))
    assert remember([rule]) == {}


def whole():
    rule = rule_of(ANGRY)
    rule.silence(600, at(7))
    play(rule, showing("angry", 0, 6))
    return remember([rule])


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: [],
        lambda kept: {"rule": None},
        lambda kept: {"rule": {"quiet": None}},
        lambda kept: {"rule": kept["rule"] | {"quiet": {"utc": "soon", "mono": 1, "synced": True}}},
        lambda kept: {"rule": kept["rule"] | {"quiet": {"utc": 1e300, "mono": 1, "synced": True}}},
        lambda kept: {"rule": kept["rule"] | {"silence": {"utc": 1, "mono": float("inf"), "synced": True}}},
        lambda kept: {"rule": kept["rule"] | {"told": [{"id": "x"}]}},
        lambda kept: kept | {"other": 7},
    ],
)
def test_what_is_damaged_is_refused_and_changes_nothing(damage):
    kept = damage(whole())
    fresh = rule_of(ANGRY)
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        resume("cam", [fresh], kept, at(8), same_boot=True)
    assert remember([fresh]) == {}


FACES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["angry", "happy"]), max_size=3)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 1.0, 1.0, 3.0]),
        FACES,
        st.sampled_from([None, None, None, "stop", "crash", "boot"]),
    ),
    max_size=50,
)


@pytest.mark.parametrize("when", [ANGRY, SCENE])
@given(STEPS, st.sampled_from([0, 1, 3]), st.sampled_from([0, 4, 20]))
def test_whatever_restarts_each_alert_that_fired_ends_once_and_none_inside_a_cooldown(when, steps, for_, cooldown):
    timing = f"for: {for_}s, keep_firing_for: 1s, cooldown: {cooldown}s, max_uncertain: 3s"
    rule, now, booted, began = rule_of(when, timing), 0.0, 0.0, 0.0
    ids = itertools.count()
    firing, last = set(), float("-inf")

    def note(changes):
        nonlocal last
        for change in changes:
            key = change.alert.id
            if change.resolved:
                firing.remove(key)
            else:
                assert key not in firing
                assert now - last >= cooldown - 1e-6, "fired inside the cooldown"
                assert now - began >= for_ - 1e-6, "nobody had watched for `for`"
                firing.add(key)
            if not change.resolved or change.reason is Resolution.OVER:
                last = now

    for seconds, faces, restart in steps:
        now += seconds
        here = Instant(now - booted, at(now).utc)
        if restart:
            if restart == "stop":
                note(rule.end(here, Resolution.UNWATCHED))
            if restart == "boot":
                booted = now
                here = Instant(0.0, at(now).utc)
            kept = json.loads(json.dumps(remember([rule])))
            rule, began = rule_of(when, timing), now
            note(resume("cam", [rule], kept, here, same_boot=restart != "boot"))
            assert not firing, "whatever fired before is over"
        rule._new_id = lambda: str(next(ids))
        readings = [reading(now, label, who=who) for who, label in faces.items()]
        note(rule.update(replace(frame(now, readings), at=here)))
