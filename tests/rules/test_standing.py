"""Silence, acknowledgement, and what becomes of running alerts when the rules change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge_fer.rules.alerts.handover import hand_over
from edge_fer.types import Resolution
from tests.invented import at, reading
from tests.rules.kit import QUICK, frame, play, rule_of, rules_of, showing, state

ANGRY = "{emotion: [angry]}"
NOT_QUIET = QUICK.replace("60s", "0s")


def told(changes):
    return [(str(change.reason or "firing"), change.alert.track_id) for change in changes]


class TestSilence:
    def test_a_silenced_rule_goes_on_watching_and_says_so(self):
        rule = rule_of(ANGRY, f"{QUICK}, silenced: true")
        assert play(rule, showing("angry", 0, 10)) == []
        assert state(rule) == ["firing"]
        assert (rule.standing.silenced, rule.standing.silenced_until) == (True, None)

    def test_until_a_time_in_the_nodes_timezone(self):
        rule = rule_of(ANGRY, f"{QUICK}, silenced: 2026-01-01T09:00:20", more="node: {timezone: Asia/Tokyo}")
        play(rule, showing("angry", 0, 1))
        assert rule.standing.silenced_until == datetime(2026, 1, 1, 0, 0, 20, tzinfo=UTC)
        # what still fires when the silence ends is told then
        assert play(rule, showing("angry", 1, 30)) == [(20, "firing", "a")]
        assert rule.standing.silenced is False

    def test_a_clock_that_may_be_wrong_silences_nothing_by_date(self):
        rule = rule_of(ANGRY, f"{QUICK}, silenced: 2030-01-01T00:00Z")
        wrong = [replace(sight, at=replace(sight.at, synced=False)) for sight in showing("angry", 0, 6)]
        assert play(rule, wrong) == [(4, "firing", "a")]

    def test_what_began_and_ended_in_silence_is_never_told(self):
        rule = rule_of(ANGRY, NOT_QUIET)
        rule.silence(30, at(0))
        script = [*showing("angry", 0, 8), *showing("happy", 8, 60)]
        assert play(rule, script) == []

    def test_the_end_of_what_was_told_is_told_in_silence_too(self):
        rule = rule_of(ANGRY, NOT_QUIET)
        assert play(rule, showing("angry", 0, 6)) == [(4, "firing", "a")]
        rule.silence(3600, at(6))
        assert rule.standing.silenced_until == at(3606).utc
        assert play(rule, showing("happy", 6, 20)) == [(11, "over", "a")]

    def test_it_can_be_ended_at_once(self):
        rule = rule_of(ANGRY, NOT_QUIET)
        rule.silence(3600, at(0))
        play(rule, showing("angry", 0, 8))
        rule.silence(0, at(8))
        assert play(rule, showing("angry", 8, 10)) == [(8, "firing", "a")]

    def test_the_cooldown_counts_from_when_it_fired_not_from_when_it_was_told(self):
        rule = rule_of(ANGRY, QUICK)
        rule.silence(20, at(0))
        script = [*showing("angry", 0, 30), frame(30, left=["a"]), *showing("angry", 31, 100, who="b")]
        assert play(rule, script) == [(20, "firing", "a"), (30, "left", "a"), (64, "firing", "b")]


class TestCooldown:
    """It begins when an alert fires and when its condition is over; no other end is one that anybody saw."""

    def after(self, *gap, seen_again):
        """What is told when somebody has fired for 80 s, was out of sight, and looks angry again."""
        rule = rule_of(ANGRY)
        assert play(rule, showing("angry", 0, 80)) == [(4, "firing", "a")]
        return play(rule, [*gap, *showing("angry", seen_again, seen_again + 70, who="b")])

    def test_what_was_over_is_not_told_again_for_so_long(self):
        assert self.after(*showing("happy", 80, 90), seen_again=90) == [(85, "over", "a"), (145, "firing", "b")]

    def test_a_person_who_was_lost_is_told_of_anew_without_waiting(self):
        assert self.after(frame(80, left=["a"]), seen_again=84) == [(80, "left", "a"), (88, "firing", "b")]

    def test_so_is_one_of_whom_nothing_was_known(self):
        unclear = [frame(t) for t in range(80, 100)]
        assert self.after(*unclear, seen_again=100) == [(95, "unclear", "a"), (104, "firing", "b")]

    def test_and_whoever_the_camera_did_not_see(self):
        rule = rule_of(ANGRY)
        play(rule, showing("angry", 0, 80))
        assert told(rule.end(at(80), Resolution.UNWATCHED)) == [("unwatched", "a")]
        assert play(rule, showing("angry", 85, 95, who="b")) == [(89, "firing", "b")]

    def test_one_who_comes_and_goes_all_the_time_is_told_of_once_in_so_long(self):
        rule = rule_of(ANGRY)
        script = []
        for visit in range(20):
            begin, who = visit * 10, f"visit-{visit}"
            script += [*showing("angry", begin, begin + 9, who=who), frame(begin + 9, left=[who])]
        fired = [seconds for seconds, what, _ in play(rule, script) if what == "firing"]
        assert fired == [4, 64, 124, 184]


class TestAcknowledgement:
    def test_it_shows_in_the_alert_until_that_ends(self):
        rule = rule_of(ANGRY, NOT_QUIET)
        play(rule, showing("angry", 0, 6))
        (alert,) = rule.standing.alerts
        assert not alert.acknowledged
        assert rule.acknowledge(alert.id)
        assert rule.standing.alerts[0].acknowledged
        (change,) = (change for sight in showing("happy", 6, 20) for change in rule.update(sight))
        assert change.alert.acknowledged
        play(rule, showing("angry", 20, 30))
        assert not rule.standing.alerts[0].acknowledged

    def test_there_must_be_one_that_fires(self):
        rule = rule_of(ANGRY, NOT_QUIET)
        assert not rule.acknowledge()
        play(rule, showing("angry", 0, 2))
        assert not rule.acknowledge()
        play(rule, showing("angry", 2, 6))
        assert not rule.acknowledge("another")
        assert rule.acknowledge()


class TestChangeOfRules:
    SAME = f"same: {{when: {ANGRY}, {QUICK}}}"
    SCENE = f"scene: {{when: {{more_people_than: 0}}, {QUICK}}}"
    TEXT = f"{SAME}, {SCENE}"

    def firing(self, text=TEXT):
        rules = rules_of(text)
        for t in range(6):
            for rule in rules:
                rule.update(frame(t, [reading(t, "angry")]))
        assert [state(rule) for rule in rules] == [["firing"]] * len(rules)
        return rules

    def test_rules_that_stay_the_same_go_on(self):
        old = self.firing()
        before = [rule.standing for rule in old]
        kept, changes = hand_over(old, rules_of(self.TEXT), at(6), people_stay=True)
        assert changes == []
        assert [rule.standing for rule in kept] == before

    def test_the_middle_of_for_is_not_lost(self):
        old = rules_of(self.TEXT)
        assert play(old[0], showing("angry", 0, 3)) == []
        kept, _ = hand_over(old, rules_of(self.TEXT), at(3), people_stay=True)
        assert play(kept[0], showing("angry", 3, 6)) == [(4, "firing", "a")]

    def test_a_changed_rule_resolves_and_begins_anew_after_its_cooldown(self):
        changed = rules_of(self.TEXT.replace("[angry]", "[angry, sad]"))
        kept, changes = hand_over(self.firing(), changed, at(6), people_stay=True)
        assert told(changes) == [("reload", "a")]
        assert kept[0] is changed[0]
        assert play(kept[0], showing("angry", 6, 80)) == [(64, "firing", "a")]

    def test_a_removed_rule_resolves_and_a_new_one_begins(self):
        new = rules_of(f"other: {{when: {ANGRY}, {QUICK}}}")
        kept, changes = hand_over(self.firing(), new, at(6), people_stay=True)
        assert told(changes) == [("reload", "a"), ("reload", None)]
        assert kept == new

    def test_where_people_get_new_ids_only_what_is_about_the_scene_goes_on(self):
        kept, changes = hand_over(self.firing(), rules_of(self.TEXT), at(6), people_stay=False)
        assert told(changes) == [("reload", "a")]
        assert [state(rule) for rule in kept] == [[], ["firing"]]
        # the cooldown still holds for whoever it is
        assert play(kept[0], showing("angry", 7, 90, who="new")) == [(64, "firing", "new")]

    def test_a_silence_outlives_a_change(self):
        old = self.firing()
        old[0].silence(600, at(6))
        kept, changes = hand_over(old, rules_of(self.TEXT.replace("[angry]", "[sad]")), at(6), people_stay=True)
        assert told(changes) == [("reload", "a")]
        assert play(kept[0], showing("sad", 70, 90)) == []
        assert kept[0].standing.silenced

    def test_whoever_silences_a_rule_by_the_config_does_not_end_its_alerts(self):
        old = self.firing(self.SAME)
        silent = self.SAME.replace(QUICK, f"{QUICK}, silenced: true")
        kept, changes = hand_over(old, rules_of(silent), at(6), people_stay=True)
        assert (kept, changes) == (old, [])
        assert play(kept[0], showing("angry", 6, 8)) == []
        assert (kept[0].standing.silenced, state(kept[0])) == (True, ["firing"])
        kept, _ = hand_over(kept, rules_of(self.SAME), at(8), people_stay=True)
        play(kept[0], showing("angry", 8, 9))
        assert kept[0].standing.silenced is False

    def test_the_order_is_that_of_the_new_ones(self):
        swapped = f"{self.SCENE}, {self.SAME}"
        kept, changes = hand_over(self.firing(), rules_of(swapped), at(6), people_stay=True)
        assert ([rule.name for rule in kept], changes) == (["scene", "same"], [])


@pytest.mark.parametrize("people_only", [False, True])
def test_ending_keeps_nothing_of_those_who_were_given_up(people_only):
    rule = rule_of("{emotion: [angry], repeated: 5}", "cooldown: 0s")
    play(rule, showing("angry", 0, 4))
    assert rule.end(at(4), Resolution.UNWATCHED, people_only=people_only, left=["a"]) == []
    assert play(rule, showing("angry", 5, 9)) == []
