"""Rules that count: alerts of another rule, and visits; and what the history gives to rules that look back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_fer.errors import EdgeFerError
from edge_fer.rules.conditions.counts import AlertCountCondition, VisitsCondition
from edge_fer.rules.conditions.finding import SCENE, Verdict
from edge_fer.rules.conditions.over_time import SatisfactionCondition, WorseThanUsual
from edge_fer.rules.past import MOST_FIRINGS, Past, PastMinute
from edge_fer.rules.scene.trend import Usual
from edge_fer.rules.sight import Sight
from tests.config.loading import load_layers
from tests.invented import at, reading
from tests.rules.kit import SCALE, frame, rules_in

GRUMPY = "a: {when: {emotion: [angry], score: 0.6}, scope: scene, for: 0s, keep_firing_for: 0s, cooldown: 0s}"


def found(condition, t, people=(), left=()):
    sight = Sight(at(t), [reading(t, who=who) for who in people], len(people), left)
    return condition.find(sight)[SCENE]


def play(rules, moods):
    """Each second, one person shows an emotion; which rules begin to fire, with when."""
    fired = []
    for t, label in enumerate(moods):
        sight = frame(t, [reading(t, label)])
        fired += [(t, change.alert.rule) for rule in rules for change in rule.update(sight) if not change.resolved]
    return fired


def rules(text):
    config = f"alerts: {{unhappy-guest: false, queue: false, bad-quarter: false, view-lost: false, {text}}}"
    return rules_in(config)


class TestCount:
    def test_it_fires_with_the_third_alert_within_the_time(self):
        often = "often: {when: {count: a, at_least: 3, over: 10s}}"
        moods = ["angry", "happy"] * 2 + ["happy"] * 8 + ["angry", "happy"] * 3
        fired = play(rules(f"{GRUMPY}, {often}"), moods)
        assert [t for t, rule in fired if rule == "a"] == [0, 2, 12, 14, 16]
        assert [t for t, rule in fired if rule == "often"] == [16]

    def test_it_needs_no_for_unless_one_is_given(self):
        config = load_layers("alerts: {x: {when: {count: queue}}, y: {when: {count: queue}, for: 3s}}").config
        assert (config.alerts["x"].for_, config.alerts["y"].for_) == (0.0, 3.0)
        assert config.alerts["x"].scope == "scene"

    def test_alerts_of_a_silenced_rule_count(self):
        often = "often: {when: {count: a, at_least: 2, over: 1m}}"
        silent = GRUMPY.replace("for: 0s,", "for: 0s, silenced: true,", 1)
        assert play(rules(f"{silent}, {often}"), ["angry", "happy", "angry", "happy"]) in (
            [(2, "often")],
            [(3, "often")],
        )

    def test_those_of_an_earlier_run_count(self):
        condition = AlertCountCondition("a", 3, over=60.0, past=Past(firings=[("a", -90.0), ("a", -30.0), ("b", -5.0)]))
        assert found(condition, 0).value == 1
        assert found(condition, 29).verdict is Verdict.FAILS
        assert found(condition, 30).value == 0

    def test_what_is_remembered_is_bounded(self):
        past = Past()
        for number in range(3 * MOST_FIRINGS):
            past.fired("a", float(number))
        assert past.firings("a", 3.0 * MOST_FIRINGS, 1e9) == MOST_FIRINGS

    @pytest.mark.parametrize(
        ("when", "told"),
        [
            ("{count: qeue}", "alerts.x.when.count: `qeue` is no other alert of this camera. Did you mean `queue`"),
            ("{count: x}", "alerts.x.when.count: `x` is no other alert of this camera"),
            ("{count: queue, at_least: 0}", "alerts.x.when.at_least"),
            ("{any: [{no_face: true}, {count: qeue}]}", "alerts.x.when.any[1].count: `qeue` is no other alert"),
        ],
    )
    def test_what_cannot_be_counted_is_refused(self, when, told):
        with pytest.raises(EdgeFerError) as refused:
            load_layers(f"alerts: {{x: {{when: {when}}}}}")
        assert told in str(refused.value)


class TestVisits:
    def condition(self, minutes=(), *, fewer_than=3, over=60.0):
        return VisitsCondition(fewer_than, over=over, max_gap=1.0, past=Past(minutes))

    def test_nothing_is_known_until_the_time_was_watched(self):
        condition = self.condition()
        verdicts = [found(condition, t).verdict for t in range(61)]
        assert verdicts[:50] == [Verdict.UNKNOWN] * 50
        assert verdicts[60] is Verdict.HOLDS

    def test_each_visit_counts_once_while_it_is_within_the_time(self):
        condition = self.condition()
        for t in range(60):
            found(condition, t, ["a"] if t < 50 else ["a", "b"])
        assert found(condition, 60, ["a", "b"]).value in {1, 2}
        assert found(condition, 70, ["a", "b", "c", "d"]).value == 3
        # gone and back: another visit
        found(condition, 71, ["b", "c", "d"], left=["a"])
        assert found(condition, 72, ["a", "b", "c", "d"]).verdict is Verdict.FAILS

    def test_a_time_without_frames_was_not_watched(self):
        condition = self.condition()
        for t in range(40):
            found(condition, t)
        assert found(condition, 100).verdict is Verdict.UNKNOWN

    def test_minutes_of_an_earlier_run_count(self):
        minutes = [PastMinute(-60.0 * n, 60.0, 2) for n in range(8, 0, -1)]
        condition = self.condition(minutes, fewer_than=30, over=600.0)
        first = found(condition, 30)
        assert first.value == pytest.approx(16, abs=2)
        assert first.verdict is Verdict.UNKNOWN
        verdicts = [found(condition, 30 + t, ["a"]).verdict for t in range(70)]
        assert verdicts[-1] is Verdict.HOLDS

    def test_an_empty_past_makes_no_difference(self):
        assert found(self.condition(), 0).verdict is Verdict.UNKNOWN


SAD = [PastMinute(-60.0 * n, 60.0, 0, {"sad": 50.0, "happy": 5.0}) for n in range(14, 0, -1)]


class Known:
    def usual(self, _measure, _utc):
        return Usual(60.0, 5.0, 8)


@pytest.mark.parametrize(
    "make",
    [
        lambda past: WorseThanUsual(SCALE, Known(), "satisfaction", by=2.0, over=900.0, max_gap=1.0, past=past),
        lambda past: SatisfactionCondition(SCALE, 40.0, over=900.0, max_gap=1.0, past=past),
    ],
    ids=["worse_than_usual", "satisfaction_below"],
)
def test_after_an_outage_what_was_seen_before_counts(make):
    sight = replace(frame(1, [reading(1, "sad")]), at=replace(at(1), synced=True))
    assert make(Past()).find(sight)[SCENE].verdict is Verdict.UNKNOWN
    assert make(Past(SAD)).find(sight)[SCENE].verdict is Verdict.HOLDS
    long_ago = [replace(minute, mono=minute.mono - 1200) for minute in SAD]
    assert make(Past(long_ago)).find(sight)[SCENE].verdict is Verdict.UNKNOWN
