"""A rule that is not asked while nothing but time changes tells the same as one that is asked at every frame."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from edge_fer.rules.sight import Sight
from edge_fer.types import View
from tests.invented import at, reading
from tests.rules.kit import frame, play, rule_of, state

pytestmark = pytest.mark.slow

TIMING = "for: 1s, keep_firing_for: 1s, cooldown: 0s, max_uncertain: 10s"
BY_FRAME = [
    "{emotion: [angry, sad], score: 0.5}",
    "{no_face: true}",
    "{more_people_than: 1}",
    "{view: [covered]}",
    "{any: [{emotion: [sad], score: 0.5}, {no_face: true}]}",
    "{emotion: [sad], score: 0.5, repeated: 5}",
]
OVER_TIME = ["{crowd: [sad], share: 0.45, over: 1m, min_people: 1}", "{satisfaction_below: 40, over: 1m}"]


def script(seed: int, seconds: float, fps: int = 20) -> Iterator[Sight]:
    """Frames of people who come, go and change; each says whether nothing but time has changed since the last."""
    rng = random.Random(seed)  # noqa: S311 - a script, no secret
    people: dict[str, str] = {}
    view, left, changed = View.CLEAR, list[str](), True
    readings = []
    for number in range(round(seconds * fps)):
        if rng.random() < 0.02:
            changed = True
            who = rng.choice("ab")
            if who in people and rng.random() < 0.3:
                del people[who]
                left = [who]
            else:
                people[who] = rng.choice(["happy", "sad", "sad", "angry", "neutral"])
            view = View.COVERED if rng.random() < 0.2 else View.CLEAR
        now = number / fps
        readings = [reading(now, label, who=who) for who, label in people.items()]
        yield replace(frame(now, readings, left=left, view=view), stands=not changed)
        left, changed = [], False


def play_resting(rule, sights):
    """As `play`, without frames in which the rule rests; and how many these were."""
    asked, rested = [], 0
    for sight in sights:
        if rule.rests(sight):
            rested += 1
        else:
            asked += play(rule, [sight])
    return asked, rested


@pytest.mark.parametrize("when", BY_FRAME)
def test_nothing_comes_later(when):
    told = resting = 0
    for seed in range(5):
        sights = list(script(seed, 120))
        always = play(rule_of(when, TIMING), sights)
        asked, rested = play_resting(rule_of(when, TIMING), sights)
        assert asked == always
        told, resting = told + len(always), resting + rested
    assert told
    assert bool(resting) is ("repeated" not in when)


@pytest.mark.parametrize("when", OVER_TIME)
def test_what_goes_by_a_window_is_as_exact_as_the_window(when):
    # a minute is kept in sums of a second
    at_once = "for: 0s, keep_firing_for: 0s, cooldown: 0s, max_uncertain: 10s"
    fired = resting = 0
    for seed in range(5):
        always, asked = rule_of(when, at_once), rule_of(when, at_once)
        differ = None
        for sight in script(seed, 300):
            always.update(sight)
            if asked.rests(sight):
                resting += 1
            else:
                asked.update(sight)
            fired += bool(state(always))
            differ = None if state(asked) == state(always) else differ or sight.at.mono
            assert differ is None or sight.at.mono - differ <= 1
    assert fired
    assert resting


def test_a_rule_does_not_rest_while_an_alert_a_schedule_or_a_silence_runs():
    stands = replace(frame(1.0, [reading(1.0, "neutral")]), stands=True)
    quiet, pending, scheduled, silenced = (
        rule_of("{emotion: [sad], score: 0.5}", TIMING + more)
        for more in ("", "", ", schedule: [mon-fri 08:00-20:00]", "")
    )
    for rule in (quiet, scheduled, silenced):
        play(rule, [frame(0.0, [reading(0.0, "neutral")])])
    play(pending, [frame(0.0, [reading(0.0, "sad")])])
    silenced.silence(60, at(0.5))
    assert quiet.rests(stands)
    assert not quiet.rests(replace(stands, stands=False))
    assert not any(rule.rests(stands) for rule in (pending, scheduled, silenced))


def test_a_rule_that_was_never_asked_does_not_rest():
    assert not rule_of("{no_face: true}").rests(replace(frame(1.0), stands=True))
