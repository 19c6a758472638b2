"""How many people are in view, and whether the camera gets to see anything."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge_fer.rules.conditions.finding import ALWAYS, SCENE, Findings, tested
from edge_fer.rules.conditions.kind import A_LIST, ConditionKind, ConditionSection
from edge_fer.rules.sight import Sight
from edge_fer.types import View
from edge_fer.values.distinct import some_and_distinct
from edge_fer.values.section import Count, Switch
from edge_fer.values.units import refuse

__all__ = [
    "MORE_PEOPLE",
    "NO_FACE",
    "VIEW",
    "MorePeopleCondition",
    "NoFaceCondition",
    "ViewCondition",
    "WhenMorePeople",
    "WhenNoFace",
    "WhenView",
]


class WhenNoFace(ConditionSection):
    """No face is in view."""

    no_face: Switch = Field(description="Write `true`; how long is said by `for`.", examples=[True])

    @field_validator("no_face")
    @classmethod
    def _on(cls, value: bool) -> bool:  # noqa: FBT001 - pydantic hands it so
        if not value:
            refuse("watches for nothing", "Write `true`, or `false` in place of the whole alert to switch it off")
        return value


class WhenMorePeople(ConditionSection):
    """More people are in view than so many."""

    more_people_than: Annotated[Count, Field(ge=0, le=1000)] = Field(
        description="It holds for more people than this.", examples=[10]
    )


class WhenView(ConditionSection):
    """The camera does not get to see what it should."""

    view: Annotated[
        tuple[Literal["dark", "covered", "washed_out", "moved"], ...], some_and_distinct("[covered, moved]")
    ] = Field(
        description="What is wrong with the picture as a whole; at least one.",
        examples=[["covered", "moved"]],
        json_schema_extra=A_LIST,
    )


class NoFaceCondition:
    """No face is in view. Says so of a dark picture too: why there is none, `ViewCondition` may tell."""

    stands_for = ALWAYS

    def find(self, sight: Sight) -> Findings:
        """About the scene: the people in view, and 1 as the threshold that they stay below."""
        return {SCENE: tested(sight.people < 1, sight.people, 1)}


class MorePeopleCondition:
    """More people are in view than so many."""

    stands_for = ALWAYS

    def __init__(self, most: int) -> None:
        self._most = most

    def find(self, sight: Sight) -> Findings:
        """About the scene: the people in view."""
        return {SCENE: tested(sight.people > self._most, sight.people, self._most)}


class ViewCondition:
    """The picture as a whole is one of several things."""

    stands_for = ALWAYS

    def __init__(self, views: frozenset[View]) -> None:
        self._views = views

    def find(self, sight: Sight) -> Findings:
        """About the scene: 1 where it is, 0 where not."""
        if sight.view is None:
            return {SCENE: tested(None, None, 1)}
        bad = sight.view in self._views
        return {SCENE: tested(bad, float(bad), 1)}


NO_FACE = ConditionKind(
    key="no_face",
    section=WhenNoFace,
    make=lambda *_: NoFaceCondition(),
    of_person=False,
    settable=frozenset(),
    labels=None,
    signal=None,
    of_faces=False,
)

MORE_PEOPLE = ConditionKind(
    key="more_people_than",
    section=WhenMorePeople,
    make=lambda when, _: MorePeopleCondition(when.more_people_than),
    of_person=False,
    settable=frozenset({"more_people_than"}),
    labels=None,
    signal=None,
    of_faces=False,
)

VIEW = ConditionKind(
    key="view",
    section=WhenView,
    make=lambda when, _: ViewCondition(frozenset(map(View, when.view))),
    of_person=False,
    settable=frozenset(),
    labels=None,
    signal=None,
    of_faces=False,
)
