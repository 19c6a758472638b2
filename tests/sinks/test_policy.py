"""Which contents may go to which sink, and that the filter takes away all the others."""

from __future__ import annotations

from dataclasses import fields

import pytest

from edge_fer.config import Layer, load
from edge_fer.pipeline.step import Told
from edge_fer.sinks.policy import Content, Policy, Right, only
from edge_fer.sinks.registry import SINKS, make_policy
from edge_fer.types import (
    EventKind,
    View,
)
from tests.invented import at
from tests.sinks.outputs import contents_of, everything

OUTSIDE = Right(frozenset({Content.EVENTS, Content.SUMMARIES}), leaves=True)
INSIDE = Right(frozenset({Content.EVENTS, Content.READINGS}), leaves=False)
ON_REQUEST = Right(frozenset({Content.SCENES}), leaves=True, on_request=frozenset({Content.PICTURES}))


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


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("{}", "pixelated"),
        ("privacy: {live: boxes}", "boxes"),
        ("privacy: {live: never}", "never"),
        ("privacy: {live: pixelated, events: 'off'}", "never"),
        ("profile: ward", "never"),
        ("profile: ward\nprivacy: {live: boxes}", "boxes"),
    ],
)
def test_what_a_live_view_may_show(text, live):
    assert make_policy(load([Layer("x", text)], settings=False).config).live == live


def test_the_control_socket_alone_may_be_granted_pictures():
    assert {row.name for row in SINKS if Content.PICTURES in row.right.on_request} == {"control"}
