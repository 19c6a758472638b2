"""One alert rule: what to watch for, and how long is long enough."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from edge_fer.rules.conditions.when import When, is_of_people
from edge_fer.values.hours import WrittenHours
from edge_fer.values.section import Section
from edge_fer.values.units import DURATION, Seconds, refuse

__all__ = ["AlertSection", "Silenced"]


def _silenced(value: object) -> bool | datetime:
    if isinstance(value, bool | datetime):
        return value
    until = None
    # without a time of day it would be midnight, which is not what people mean by a date
    if isinstance(value, str) and ":" in value:
        with contextlib.suppress(ValueError):
            until = datetime.fromisoformat(value)
    if until is None:
        refuse("is neither a switch nor a time", "Write `true`, or until when, for example `2026-12-24T18:00`")
    return until


def _silenced_as_written(value: bool | datetime) -> bool | str:  # noqa: FBT001 - pydantic hands it so
    return value if isinstance(value, bool) else value.isoformat()


#: Whether, or until when (local time unless it says otherwise).
Silenced: TypeAlias = Annotated[
    bool | datetime,
    PlainValidator(_silenced),
    PlainSerializer(_silenced_as_written, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d"}]}),
]


class AlertSection(Section):
    """One rule for when to raise the alarm."""

    when: When = Field(
        description="What to watch for: one of the kinds in docs/alerts.md.",
        examples=[{"emotion": ["angry", "sad"], "score": 0.6}],
    )
    scope: Literal["person", "scene"] = Field(
        default="person",
        description="Whether each person has an alert of their own, or the scene has one; conditions on the scene as a "
        "whole have scene.",
        validate_default=True,
    )
    for_: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=4.0, alias="for", description="How long the condition must hold before the alert fires."
    )
    keep_firing_for: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=5.0, description="How long the condition must be over before the alert is resolved."
    )
    cooldown: Annotated[Seconds, DURATION.within(0, 604_800)] = Field(
        default=60.0,
        description="How long after it fired, or was over, the same alert of the same camera does not fire again.",
    )
    severity: Literal["info", "warning", "critical"] = Field(
        default="warning", description="How serious it is; passed on in messages."
    )
    max_uncertain: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=10.0,
        description="How long an unreadable face or a stale signal may pause the clock of `for` before it starts over.",
    )
    schedule: tuple[WrittenHours, ...] = Field(
        default=(),
        description="The hours of the week at which it watches, in local time; empty for always.",
        examples=[["mon-fri 08:00-18:00"]],
    )
    silenced: Silenced = Field(
        default=False, description="Whether, or until when, it goes on watching but sends no alert events."
    )

    @model_validator(mode="before")
    @classmethod
    def _repeated_needs_no_for(cls, given: Any) -> Any:
        """`repeated: 5` says how long is long enough, and so does `count`, unless `for` says more."""
        if not isinstance(given, Mapping) or "for" in given or "for_" in given:
            return given
        when = given.get("when")
        counts = isinstance(when, Mapping) and (when.get("repeated", 1) != 1 or "count" in when)
        return {**given, "for": 0} if counts else given

    @field_validator("scope")
    @classmethod
    def _fits(cls, scope: str, info: ValidationInfo) -> str:
        """A condition on the scene has no people to tell apart."""
        when = info.data.get("when")
        if when is None or is_of_people(when):
            return scope
        return "scene"
