"""What is kept of the last hour: numbers, few enough, and as they were told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edge_fer.config import Layer, load
from edge_fer.pipeline.step import Told
from edge_fer.recordings.replay.trial import try_out
from edge_fer.sinks.recent import KEPT_FOR, MOST_BYTES, RecentReadings, RecentSink
from edge_fer.sinks.registry import SINKS, Asked
from edge_fer.types import AttributeValue, View
from tests.invented import LABELS, at, reading

FAST = {"when": {"emotion": ["sad"], "score": 0.6}, "for": "4s", "cooldown": "10s", "keep_firing_for": "1s"}


def settings(text=""):
    return load(
        [Layer("x", f"cameras: {{cam: {{source: sample, emotion: {{labels: seven}}}}}}\n{text}")], settings=False
    ).config


def kept(text=""):
    recent = RecentReadings()
    recent.go_on_with(settings(text))
    return recent


def told(seconds, *readings, left=(), people=None, **more):
    return Told(
        at(seconds), tuple(readings), people=len(readings) if people is None else people, left=tuple(left), **more
    )


def test_what_is_kept_comes_back_as_it_was_told():
    recent = kept()
    seen = reading(10.0, "sad", 0.7)
    attributes = {"crowd": AttributeValue(0.25)}
    recent.tell("cam", told(10.0, seen, view=View.CLEAR, attributes=attributes))
    recent.tell("cam", Told(at(11.0), None, people=1))
    recent.tell("cam", told(12.0, left=["a"], unwatched=True))
    first, same, last = recent.steps()
    assert (first.camera, first.at.mono, first.people, first.view) == ("cam", 10.0, 1, View.CLEAR)
    assert first.attributes == attributes
    (found,) = first.readings
    assert (found.track_id, found.label, found.confidence) == ("a", "sad", 0.7)
    assert found.scores == pytest.approx(seen.scores, abs=1e-4)
    assert same.readings is None
    assert (last.left, last.unwatched) == (("a",), True)


def test_two_steps_a_second_are_kept_and_nobody_who_left_is_lost():
    recent = kept()
    for number in range(100):
        recent.tell("cam", told(number / 10, reading(number / 10), left=[str(number)] if number % 7 == 0 else []))
    steps = list(recent.steps())
    assert 18 <= len(steps) <= 21
    assert [int(who) for step in steps for who in step.left] == [number for number in range(96) if number % 7 == 0]


@pytest.mark.slow
def test_an_hour_is_kept_and_a_megabyte_at_most():
    recent = kept()
    for number in range(int(2.5 * KEPT_FOR)):
        people = [reading(number, LABELS[number % 7], who=f"{number // 60}-{index}") for index in range(4)]
        recent.tell("cam", told(float(number), *people))
        assert recent.size <= MOST_BYTES
    times = [step.at.mono for step in recent.steps()]
    assert times == sorted(times)
    assert times[-1] - times[0] <= KEPT_FOR + 120
    assert times[-1] - times[0] > KEPT_FOR / 4


@pytest.mark.slow
def test_a_crowd_is_bounded_as_well():
    recent, dice = kept(), np.random.default_rng(1)
    for number in range(2000):
        people = [reading(number / 2, "sad", dice.random(), who=f"{dice.random()}") for _ in range(40)]
        recent.tell("cam", told(number / 2, *people))
        assert recent.size <= MOST_BYTES
    assert list(recent.steps())[-1].at.mono == 999.5


@pytest.mark.parametrize("text", ["privacy: {recent: 'off'}", "privacy: {events: 'off'}"])
def test_what_is_forbidden_is_forgotten_at_once_and_not_kept_again(text):
    recent = kept()
    recent.tell("cam", told(1.0, reading(1.0)))
    recent.go_on_with(settings(text))
    recent.tell("cam", told(2.0, reading(2.0)))
    assert list(recent.steps()) == []
    assert recent.size == 0
    (row,) = [row for row in SINKS if row.name == "recent"]
    assert not row.wanted(settings(text), Asked(recent=recent))
    assert row.wanted(settings(), Asked(recent=recent))
    assert not row.wanted(settings(), Asked())


def test_it_goes_on_over_a_reload_and_begins_anew_with_other_cameras():
    recent = kept()
    sink = RecentSink(recent, settings())
    sink.open()
    sink.tell("cam", told(1.0, reading(1.0)))
    recent.go_on_with(settings("alerts: {queue: {when: {more_people_than: 3}, for: 5s}}"))
    assert len(list(recent.steps())) == 1
    recent.go_on_with(load([Layer("x", "cameras: {other: {source: sample}}")], settings=False).config)
    assert list(recent.steps()) == []


def sad_for(seconds, begin):
    return [told(begin + number / 2, reading(begin + number / 2, "sad", 0.9)) for number in range(int(2 * seconds))]


def test_other_thresholds_make_other_alerts_of_the_same_readings():
    recent = kept()
    calm = [told(second / 2, reading(second / 2)) for second in range(40)]
    for step in itertools.chain(calm, sad_for(6, 20.0), [told(26.0 + n / 2, reading(26.0 + n / 2)) for n in range(60)]):
        recent.tell("cam", step)
    before, after = (
        settings(f"alerts: {{unhappy-guest: false, gloom: {FAST | {'for': for_}}}}") for for_ in ("4s", "10s")
    )
    rests = []
    found = try_out(recent.steps(), before, after, pause=rests.append)
    assert (found["counts"], found["after"]) == ({"before": 1, "after": 0}, [])
    assert (found["before"][0]["rule"], found["before"][0]["camera"]) == ("gloom", "cam")
    assert found["before"][0]["since"] == "2026-01-01T00:00:20.000Z"
    assert found["seconds"] == pytest.approx(55.5)
    assert found["steps"] == 112
    assert len(rests) == 5, "others get their turn"
    assert try_out([], before, after)["counts"] == {"before": 0, "after": 0}


def test_rules_with_outside_numbers_are_named():
    text = "alerts: {hot: {when: {signal: room/temperature, above: 30}, for: 5s}}"
    config = settings(text)
    assert try_out([], config, config)["rules"] == ["cam.hot"]
