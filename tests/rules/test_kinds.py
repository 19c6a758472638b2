"""Each kind of alert rule from its YAML, frame by frame, with invented time."""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace

import pytest

from edge_fer.rules.alerts.restart import remember, resume
from edge_fer.types import SignalKey, SignalValue, View
from tests.invented import at, reading, torn, unreadable
from tests.rules.kit import QUICK, frame, play, rule_of, showing, state, steps

PULSE = SignalKey("bed/pulse", ("bpm",))


def blurred(first, last, who="a"):
    return [frame(t, [unreadable(t, who=who)]) for t in steps(first, last)]


def crowd(t, **people):
    """A frame with so many people of each emotion; `blurred` for those who cannot be read."""
    readings = [
        unreadable(t, who=f"{label}-{number}") if label == "blurred" else reading(t, label, who=f"{label}-{number}")
        for label, count in people.items()
        for number in range(count)
    ]
    return frame(t, readings)


class TestRepeated:
    FIVE = "{emotion: [angry, sad], score: 0.6, repeated: 5}"

    def test_five_in_a_row_fire_with_the_fifth_however_fast_they_come(self):
        assert play(rule_of(self.FIVE, "cooldown: 0s"), showing("angry", 0, 1, step=0.1)) == [(0.4, "firing", "a")]

    def test_one_that_denies_starts_the_row_over(self):
        script = chain(showing("angry", 0, 4), showing("happy", 4, 5), showing("angry", 5, 11))
        assert play(rule_of(self.FIVE, "cooldown: 0s"), script) == [(9, "firing", "a")]

    def test_one_that_cannot_be_read_neither_counts_nor_starts_it_over(self):
        script = chain(showing("angry", 0, 4), blurred(4, 6), showing("angry", 6, 8))
        assert play(rule_of(self.FIVE, "cooldown: 0s"), script) == [(6, "firing", "a")]

    def test_a_person_who_left_takes_the_row_along(self):
        script = [*showing("angry", 0, 4), frame(4, left=["a"]), *showing("angry", 5, 8)]
        assert play(rule_of(self.FIVE, "cooldown: 0s"), script) == []

    def test_for_begins_with_the_fifth_where_it_is_given(self):
        assert play(rule_of(self.FIVE, "for: 2s"), showing("angry", 0, 9)) == [(6, "firing", "a")]

    def test_it_is_resolved_by_what_denies_it(self):
        script = chain(showing("angry", 0, 6), showing("happy", 6, 20))
        told = play(rule_of(self.FIVE, "keep_firing_for: 3s"), script)
        assert told == [(4, "firing", "a"), (9, "over", "a")]


class TestOfTheScene:
    """A condition on people with `scope: scene`: one alert for all of them."""

    def rule(self):
        return rule_of("{emotion: [angry], score: 0.6}", f"{QUICK}, scope: scene")

    def test_it_holds_while_anybody_shows_it_whoever_that_is(self):
        both = [frame(t, [reading(t, "angry" if t < 3 else "happy"), reading(t, "happy", who="b")]) for t in range(3)]
        other = [frame(t, [reading(t, "happy"), reading(t, "angry", who="b")]) for t in range(3, 8)]
        assert play(self.rule(), both + other) == [(4, "firing", None)]

    def test_it_outlives_a_person_and_ends_with_the_condition(self):
        script = [*showing("angry", 0, 5), frame(5, [reading(5, "angry", who="b")], left=["a"])]
        script += [*showing("angry", 6, 8, who="b"), *showing("happy", 8, 20, who="b")]
        assert play(self.rule(), script) == [(4, "firing", None), (13, "over", None)]

    def test_an_empty_scene_is_over_and_a_missed_person_is_not(self):
        missed = [frame(t, people=1) for t in range(5, 13)]
        assert play(self.rule(), [*showing("angry", 0, 5), *missed]) == [(4, "firing", None)]
        empty = [frame(t) for t in range(5, 13)]
        assert play(self.rule(), [*showing("angry", 0, 5), *empty]) == [(4, "firing", None), (10, "over", None)]


class TestCrowd:
    WHEN = "{crowd: [angry, fear], share: 0.4, over: 10s, min_people: 5}"

    def told(self, script, timing=QUICK):
        return play(rule_of(self.WHEN, timing), script)

    def test_a_share_of_the_people_over_a_time(self):
        # half of the window must be watched (5 s), then it must hold for 4 s
        turning = [crowd(t, angry=2, happy=3) for t in range(15)]
        assert self.told(turning) == [(9, "firing", None)]

    def test_too_small_a_share_is_none(self):
        assert self.told([crowd(t, angry=1, fear=0, happy=4) for t in range(30)]) == []

    def test_too_few_people_are_none_however_angry(self):
        assert self.told([crowd(t, angry=4) for t in range(30)]) == []

    def test_people_who_cannot_be_read_pause_it_and_then_end_it(self):
        script = [crowd(t, angry=5) for t in range(12)] + [crowd(t, blurred=5) for t in range(12, 60)]
        rule = rule_of(self.WHEN)
        assert play(rule, script)[0] == (9, "firing", None)
        told = play(rule_of(self.WHEN), script)
        assert [what for _, what, _ in told] == ["firing", "unclear"]

    def test_it_follows_the_crowd_as_it_calms_down(self):
        script = [crowd(t, angry=5) for t in range(12)] + [crowd(t, happy=5) for t in range(12, 40)]
        told = self.told(script)
        assert [what for _, what, _ in told] == ["firing", "over"]
        # the share falls below 0.4 within the window, and then it must be over for 5 s
        assert 12 + 5 < told[1][0] <= 12 + 10 + 5

    def test_a_gap_without_frames_is_not_watched(self):
        script = [crowd(t, angry=5) for t in range(4)] + [crowd(t, angry=5) for t in range(40, 44)]
        assert self.told(script, "for: 0s") == []

    def test_flapping_around_the_share_fires_once(self):
        script = [crowd(t, angry=2 + t % 2, happy=3 - t % 2) for t in range(60)]
        assert self.told(script) == [(9, "firing", None)]


class TestNoFace:
    def test_nobody_in_view_for_so_long(self):
        rule = rule_of("{no_face: true}", "for: 10m, keep_firing_for: 5s")
        script = [*showing("happy", 0, 10), frame(10, left=["a"]), *(frame(t) for t in range(11, 700))]
        script += showing("happy", 700, 720, who="b")
        assert play(rule, script) == [(610, "firing", None), (705, "over", None)]

    def test_somebody_whom_the_detector_misses_is_in_view(self):
        rule = rule_of("{no_face: true}", QUICK)
        assert play(rule, [frame(t, people=1) for t in range(30)]) == []

    def test_a_gap_without_frames_does_not_count_as_nobody(self):
        rule = rule_of("{no_face: true}", "for: 60s, max_uncertain: 10s")
        assert play(rule, [frame(0), frame(1), frame(3600)]) == []
        assert play(rule, [frame(t) for t in range(3601, 3670)]) == [(3660, "firing", None)]


class TestMorePeople:
    def test_more_than_so_many_for_so_long(self):
        rule = rule_of("{more_people_than: 3}", QUICK)
        script = [frame(t, people=4 if 10 <= t < 20 else 3) for t in range(30)]
        assert play(rule, script) == [(14, "firing", None), (25, "over", None)]

    def test_the_value_is_the_number_of_people(self):
        rule = rule_of("{more_people_than: 3}", QUICK)
        play(rule, [frame(t, people=7) for t in range(6)])
        assert [(alert.value, alert.threshold) for alert in rule.standing.alerts] == [(7, 3)]


class TestView:
    WHEN = "{view: [covered, moved]}"

    def test_what_is_wrong_with_the_picture_for_so_long(self):
        script = [frame(t, view=View.COVERED if 3 <= t < 12 else View.CLEAR) for t in range(30)]
        assert play(rule_of(self.WHEN), script) == [(7, "firing", None), (17, "over", None)]

    def test_other_things_wrong_with_it_are_not_watched_for(self):
        assert play(rule_of(self.WHEN), [frame(t, view=View.DARK) for t in range(30)]) == []

    def test_a_view_that_is_not_known_is_no_answer(self):
        script = [frame(t, view=View.COVERED) for t in range(6)] + [frame(t) for t in range(6, 40)]
        assert play(rule_of(self.WHEN), script) == [(4, "firing", None), (21, "unclear", None)]


class TestDistress:
    WHEN = "{distress: high, over: 20s}"

    def test_a_persons_share_over_a_time(self):
        # a face must be read for half of the 20 s, and then the level must hold for 4 s
        assert play(rule_of(self.WHEN), showing("fear", 0, 20)) == [(14, "firing", "a")]

    def test_calm_people_are_not_distressed_by_others(self):
        both = [frame(t, [reading(t, "fear"), reading(t, "happy", who="b")]) for t in range(20)]
        assert play(rule_of(self.WHEN), both) == [(14, "firing", "a")]

    def test_moderate_is_reached_before_high(self):
        mixed = [frame(t, [reading(t, "sad" if t % 2 else "neutral")]) for t in range(40)]
        assert play(rule_of(self.WHEN), mixed) == []
        assert play(rule_of("{distress: moderate, over: 20s}"), mixed) == [(14, "firing", "a")]

    def test_it_is_resolved_as_the_window_passes_and_when_the_person_leaves(self):
        told = play(rule_of(self.WHEN), chain(showing("fear", 0, 20), showing("happy", 20, 50)))
        assert [what for _, what, _ in told] == ["firing", "over"]
        assert play(rule_of(self.WHEN), [*showing("fear", 0, 20), frame(20, left=["a"])])[-1] == (20, "left", "a")

    def test_nothing_is_kept_of_a_person_who_left(self):
        rule = rule_of(self.WHEN, "for: 0s, cooldown: 0s")
        script = [*showing("fear", 0, 12), frame(12, left=["a"]), *(frame(t) for t in range(13, 30))]
        assert play(rule, script) == [(10, "firing", "a"), (12, "left", "a")]

    def test_a_face_that_cannot_be_read_is_neither(self):
        assert play(rule_of(self.WHEN), blurred(0, 60)) == []


class TestSatisfaction:
    WHEN = "{satisfaction_below: 40, over: 20s}"

    def test_everybodys_index_over_a_time(self):
        both = [frame(t, [reading(t, "sad"), reading(t, "angry", who="b")]) for t in range(20)]
        assert play(rule_of(self.WHEN), both) == [(14, "firing", None)]

    def test_content_and_neutral_people_are_above(self):
        for label in ("happy", "neutral", "surprise"):
            assert play(rule_of(self.WHEN), showing(label, 0, 60)) == []

    def test_an_empty_place_is_not_dissatisfied(self):
        assert play(rule_of(self.WHEN), [frame(t) for t in range(60)]) == []

    def test_it_is_resolved_as_people_cheer_up(self):
        told = play(rule_of(self.WHEN), chain(showing("sad", 0, 20), showing("happy", 20, 60)))
        assert [what for _, what, _ in told] == ["firing", "over"]


class TestWorseThanUsual:
    class Baseline:
        def usual(self, measure, _utc):
            return {"satisfaction": SimpleNamespace(mean=70, spread=10)}.get(measure)

    def rule(self, when="{worse_than_usual: satisfaction, by: 2, over: 20s}"):
        return rule_of(when, QUICK, baseline=self.Baseline())

    def test_further_off_than_so_many_spreads(self):
        # neutral is 50, which is not below 70 - 2 * 10; sad is 0
        assert play(self.rule(), showing("neutral", 0, 60)) == []
        rule = self.rule()
        assert play(rule, showing("sad", 0, 20)) == [(14, "firing", None)]
        assert [(alert.value, alert.threshold) for alert in rule.standing.alerts] == [(0, 50)]

    def test_better_than_usual_is_no_alert(self):
        assert play(self.rule(), showing("happy", 0, 60)) == []

    def test_where_nothing_is_known_to_be_usual_it_never_fires(self):
        assert play(self.rule("{worse_than_usual: distress, over: 20s}"), showing("fear", 0, 90)) == []


def beat(t, value, *, came=None):
    """A frame with a pulse that came at the same time, or earlier."""
    return frame(t, samples={PULSE: SignalValue(value, t if came is None else came)})


class TestSignal:
    WHEN = "{signal: bed/pulse, path: $.bpm, above: 120, max_age: 30s}"

    def test_a_number_beyond_its_threshold_for_so_long(self):
        script = [beat(t, 130 if 5 <= t < 12 else 120) for t in range(30)]
        assert play(rule_of(self.WHEN), script) == [(9, "firing", None), (17, "over", None)]

    def test_below_is_the_other_way_round(self):
        rule = rule_of("{signal: bed/pulse, path: bpm, below: 40}")
        assert play(rule, [beat(t, 39.5 if t > 3 else 40) for t in range(10)]) == [(8, "firing", None)]

    @pytest.mark.parametrize(
        ("sample", "expected"),
        [
            (None, "missing"),
            (SignalValue(70, 70), "fresh"),
            (SignalValue(70, 69.9), "stale"),
            (SignalValue(300, None), "stale"),
            (SignalValue(None, 100), "invalid"),
        ],
    )
    def test_what_is_known_of_it_is_told_and_never_taken_for_normal(self, sample, expected):
        rule = rule_of(self.WHEN)
        play(rule, [frame(100, samples={PULSE: sample} if sample else None)])
        assert rule.standing.signal == expected
        assert state(rule) == []

    def test_one_that_goes_stale_keeps_the_alert_for_a_while_and_then_says_why_it_ends(self):
        rule = rule_of(self.WHEN)
        script = [beat(t, 130, came=min(t, 6)) for t in range(70)]
        # stale from 37 on; 10 s of pause, then 5 s of keep_firing_for
        assert play(rule, script) == [(4, "firing", None), (52, "unclear", None)]
        assert rule.standing.signal == "stale"

    def test_the_change_says_what_was_known_of_the_signal(self):
        rule = rule_of(self.WHEN)
        changes = [change for t in range(70) for change in rule.update(beat(t, 130, came=min(t, 6)))]
        assert [(str(change.reason), str(change.signal)) for change in changes] == [
            ("None", "fresh"),
            ("unclear", "stale"),
        ]


class TestCombined:
    ALL = f"{{all: [{{emotion: [fear, sad], score: 0.5}}, {TestSignal.WHEN}]}}"
    ANY = f"{{any: [{{emotion: [fear, sad], score: 0.5}}, {TestSignal.WHEN}]}}"

    def seen(self, t, label, pulse):
        samples = None if pulse is None else {PULSE: SignalValue(pulse, t)}
        return frame(t, [torn(t, happy=0.4) if label is None else reading(t, label)], samples=samples)

    def told(self, when, script):
        return play(rule_of(when), [self.seen(t, *given) for t, given in enumerate(script)])

    def test_all_must_hold_at_once_and_each_person_has_an_alert(self):
        script = [("fear", 80)] * 3 + [("fear", 130)] * 6 + [("happy", 130)] * 7
        assert self.told(self.ALL, script) == [(7, "firing", "a"), (14, "over", "a")]

    def test_a_missing_signal_is_not_taken_for_normal_nor_for_an_alarm(self):
        rule = rule_of(self.ALL)
        assert play(rule, [self.seen(t, "fear", None) for t in range(30)]) == []
        assert (rule.standing.signal, state(rule)) == ("missing", [])

    def test_a_signal_that_goes_missing_pauses_and_one_part_that_fails_ends(self):
        script = [("fear", 130)] * 6 + [("fear", None)] * 4 + [("happy", None)] * 7
        assert self.told(self.ALL, script) == [(4, "firing", "a"), (15, "over", "a")]

    def test_any_is_enough(self):
        assert self.told(self.ANY, [("happy", 130)] * 6) == [(4, "firing", "a")]
        assert self.told(self.ANY, [("fear", None)] * 6) == [(4, "firing", "a")]
        assert self.told(self.ANY, [("happy", 80)] * 30) == []

    def test_any_of_the_scene_needs_nobody_in_view(self):
        rule = rule_of(f"{{any: [{{no_face: true}}, {TestSignal.WHEN}]}}")
        assert play(rule, [frame(t) for t in range(6)]) == [(4, "firing", None)]
        assert rule.standing.signal == "missing"

    def test_what_is_known_of_the_signal_is_told_while_nobody_is_in_view(self):
        rule = rule_of(self.ALL)
        play(rule, [frame(0, samples={PULSE: SignalValue(80, 0)})])
        assert rule.standing.signal == "fresh"
        play(rule, [frame(60, samples={PULSE: SignalValue(80, 0)})])
        assert rule.standing.signal == "stale"


KINDS = {
    "emotion": ("{emotion: [angry]}", lambda t, on: frame(t, [reading(t, "angry" if on else "happy")])),
    "no_face": ("{no_face: true}", lambda t, on: frame(t, people=0 if on else 1)),
    "more_people_than": ("{more_people_than: 2}", lambda t, on: frame(t, people=3 if on else 2)),
    "view": ("{view: [dark]}", lambda t, on: frame(t, view=View.DARK if on else View.CLEAR)),
    "signal": (TestSignal.WHEN, lambda t, on: beat(t, 130 if on else 60)),
    "crowd": (
        "{crowd: [angry], share: 0.5, over: 1s, min_people: 1}",
        lambda t, on: frame(t, [reading(t, "angry" if on else "happy")]),
    ),
    "distress": ("{distress: high, over: 1s}", lambda t, on: frame(t, [reading(t, "fear" if on else "happy")])),
    "satisfaction_below": (
        "{satisfaction_below: 40, over: 1s}",
        lambda t, on: frame(t, [reading(t, "sad" if on else "happy")]),
    ),
    "worse_than_usual": (
        "{worse_than_usual: satisfaction, over: 1s}",
        lambda t, on: frame(t, [reading(t, "sad" if on else "happy")]),
    ),
}


@pytest.mark.parametrize(("when", "seen"), KINDS.values(), ids=KINDS)
class TestEveryKind:
    """What holds of every kind, for one life cycle serves them all."""

    def rule(self, when, timing="for: 10s, keep_firing_for: 8s, cooldown: 60s"):
        return rule_of(when, timing, baseline=TestWorseThanUsual.Baseline())

    def test_it_fires_after_for_and_is_resolved_after_keep_firing_for(self, when, seen):
        told = play(self.rule(when), [seen(t, 20 <= t < 50) for t in range(80)])
        (fired, _, _), (resolved, why, _) = told
        # those over a time notice a second later
        assert 30 <= fired <= 31.5
        assert 58 <= resolved <= 59.5
        assert why == "over"

    def test_flapping_around_the_threshold_fires_once_at_most_and_never_resolves(self, when, seen):
        # on for 12 s, off for 4 s, again and again
        told = play(self.rule(when), [seen(t, t % 16 < 12) for t in range(16, 400)])
        assert [what for _, what, _ in told] == ["firing"]

    def test_after_a_restart_in_the_middle_of_for_it_begins_again(self, when, seen):
        before, after = self.rule(when), self.rule(when)
        assert play(before, [seen(t, True) for t in range(9)]) == []
        assert resume("cam", [after], remember([before]), at(9), same_boot=True) == []
        told = play(after, [seen(t, True) for t in range(9, 30)])
        assert [what for _, what, _ in told] == ["firing"]
        assert 19 <= told[0][0] <= 20.5

    def test_a_clock_that_steps_back_fires_nothing_early(self, when, seen):
        told = play(self.rule(when), [seen(t, True) for t in (0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)])
        assert told == []

    def test_a_long_gap_starts_for_over(self, when, seen):
        told = play(self.rule(when), [seen(t, True) for t in [*range(6), *range(1000, 1020)]])
        assert [what for _, what, _ in told] == ["firing"]
        assert told[0][0] >= 1010


#: Frames of which a kind can say nothing; who is in view and how many is always known.
UNKNOWN = {
    **dict.fromkeys(["emotion", "crowd", "distress", "satisfaction_below", "worse_than_usual"], unreadable),
    "view": None,
    "signal": None,
}


@pytest.mark.parametrize("kind", UNKNOWN)
class TestUncertainStretches:
    """What of every kind that can be unknown is so, for a while or for too long."""

    def play(self, kind, last):
        """On for 8 s, unknown until `last`, and on again."""
        when, seen = KINDS[kind]
        rule = rule_of(when, f"for: 10s, {QUICK.partition(', ')[2]}", baseline=TestWorseThanUsual.Baseline())
        unknown = UNKNOWN[kind]
        blank = (lambda t: frame(t, [unknown(t)])) if unknown else frame
        script = [seen(t, True) if not 8 <= t < last else blank(t) for t in range(60)]
        ((fired, what, _),) = play(rule, script)
        assert what == "firing"
        return fired

    def test_for_a_while_it_pauses_the_clock_of_for(self, kind):
        # 2 s are missing when it is known again; those over a time need another to know
        assert 13 + 2 <= self.play(kind, 13) <= 13 + 4

    def test_for_too_long_it_starts_over(self, kind):
        assert 30 + 10 <= self.play(kind, 30) <= 30 + 12
