"""Everything that a pipeline can say at once."""

from __future__ import annotations

from dataclasses import replace

from edge_fer.pipeline.step import Told
from edge_fer.sinks.policy import Content
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
