"""Which contents may go to which sink, and that the filter takes away all the others."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from edge_fer.config import Layer, load
from edge_fer.pipeline.step import Told
from edge_fer.sinks.policy import Content, Policy, Right, only
from edge_fer.sinks.registry import SINKS, make_policy
from edge_fer.types import (
    EMOTION,
    AlertChange,
    AlertState,
    AttributeValue,
    Box,
    Event,
    EventKind,
    Face,
    Scene,
    Standing,
    Summary,
    Track,
    View,
)
from tests.invented import at, reading
from tests.mqtt.kit import alert

OUTSIDE = Right(frozenset({Content.EVENTS, Content.SUMMARIES}), leaves=True)
INSIDE = Right(frozenset({Content.EVENTS, Content.READINGS}), leaves=False)
ON_REQUEST = Right(frozenset({Content.SCENES}), leaves=True, on_request=frozenset({Content.PICTURES}))


def everything():
    mask = AttributeValue("mask", 0.8, {"mask": 0.8, "none": 0.2})
    one = reading(1, "happy", 0.9)
    one = replace(one, attributes={**one.attributes, "mask": mask})
    return Told(
        at(1),
        readings=(one,),
        events=(
            Event(EventKind.APPEARED, one, at(1), 0.0),
            Event(EventKind.CHANGED, one, at(1), 0.0, "none", attribute="mask"),
        ),
        changes=(AlertChange(False, alert(at(1)), at(1)),),
        alerts={"rule": Standing((alert(at(1), state=AlertState.PENDING),))},
        scene=Scene("front", at(1), 1, "happy", 0.9, attributes={"light": AttributeValue(0.4)}),
        summaries=(Summary("front", at(60), 60, at(0).utc, at(60).utc, 60.0, None),),
        people=1,
        left=("a",),
        view=View.CLEAR,
        unwatched=True,
        missed=(Track("b", Face(Box(0, 0, 9, 9), 0.9), at(0), at(1)),),
        attributes={"light": AttributeValue(0.4)},
    )


def contents_of(told):
    """Which contents there are in an output, told from its fields alone."""
    of_people = (told.readings, told.people, told.left or None, told.missed or None)
    found = set() if of_people == (None,) * 4 else {Content.READINGS}
    people = [*(told.readings or ()), *(event.reading for event in told.events)]
    if (
        told.attributes
        or (told.scene and told.scene.attributes)
        or any(reading.attributes.keys() != {EMOTION} for reading in people)
        or any(event.kind is EventKind.CHANGED for event in told.events)
    ):
        found |= {Content.ATTRIBUTES}
    found |= {Content.EVENTS} if told.events else set()
    found |= {Content.ALERTS} if told.changes or told.alerts else set()
    found |= {Content.SCENES} if told.scene else set()
    return found | ({Content.SUMMARIES} if told.summaries else set())


def test_the_invented_output_has_something_in_every_field():
    empty = Told(at(1))
    assert all(getattr(everything(), f.name) != getattr(empty, f.name) for f in fields(Told) if f.name != "at")


@pytest.mark.parametrize(
    "content", [Content.READINGS, Content.EVENTS, Content.ALERTS, Content.SCENES, Content.SUMMARIES]
)
def test_the_filter_lets_through_what_is_allowed_and_nothing_else(content):
    filtered = only(everything(), {content})
    assert Content.ATTRIBUTES not in contents_of(filtered)
    assert contents_of(filtered) == {content}
    assert (filtered.at, filtered.view, filtered.unwatched) == (at(1), View.CLEAR, True), "these are about the camera"
    assert contents_of(only(everything(), set(Content) - {content})) == contents_of(everything()) - {content}


def test_without_attributes_the_emotion_is_told_all_the_same():
    filtered = only(everything(), set(Content) - {Content.ATTRIBUTES})
    assert contents_of(filtered) == contents_of(everything()) - {Content.ATTRIBUTES}
    assert [event.kind for event in filtered.events] == [EventKind.APPEARED]
    assert filtered.readings[0].label == "happy"
    assert filtered.scene.mood == "happy"


def test_what_is_allowed_as_a_whole_is_not_copied():
    told = everything()
    assert only(told, set(Content)) is told


def test_with_events_off_what_leaves_the_device_is_summaries_alone():
    rights = {"outside": OUTSIDE, "inside": INSIDE}
    policy = Policy(rights, events=False, k_minimum=5)
    assert policy.allowed("outside", 0.0) == {Content.SUMMARIES}
    assert policy.allowed("inside", 0.0) == INSIDE.always
    assert Policy(rights).allowed("outside", 0.0) == OUTSIDE.always
    assert policy.k_minimum == 5


def test_a_sink_that_is_not_known_gets_nothing():
    assert Policy({}).allowed("nobody", 0.0) == set()
    assert Policy({}).grant("nobody", {Content.PICTURES}, 100.0) == set()


def test_more_may_be_granted_for_a_time_and_never_beyond_what_a_sink_may_get_on_request():
    policy = Policy({"live": ON_REQUEST, "outside": OUTSIDE})
    assert policy.grant("outside", {Content.PICTURES, Content.READINGS}, 60.0) == set()
    assert policy.grant("live", {Content.PICTURES, Content.READINGS}, 60.0) == {Content.PICTURES}
    assert policy.allowed("live", 59.9) == {Content.SCENES, Content.PICTURES}
    assert policy.allowed("live", 60.0) == {Content.SCENES}
    assert policy.allowed("outside", 0.0) == OUTSIDE.always
    assert policy.until("live", Content.PICTURES, 0.0) == 60.0
    assert policy.until("live", Content.PICTURES, 60.0) is None
    assert policy.until("live", Content.SCENES, 0.0) == float("inf")
    policy.withdraw("live")
    assert policy.allowed("live", 0.0) == {Content.SCENES}


@pytest.mark.parametrize("events", ["on", "off"])
def test_the_config_decides_for_every_sink_in_the_registry(events):
    settings = load([Layer("x", f"privacy: {{events: {events!r}, k_minimum: 3}}")], settings=False).config
    policy = make_policy(settings)
    assert policy.k_minimum == 3
    for row in SINKS:
        allowed = policy.allowed(row.name, 0.0)
        assert Content.PICTURES not in allowed
        assert allowed <= row.right.always
        assert allowed == row.right.always or (events == "off" and row.right.leaves)
        assert not (row.right.leaves and events == "off" and allowed - {Content.SUMMARIES})
