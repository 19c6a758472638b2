"""What goes through the outbox: events, alert events and summaries.

They are written twice: what happened is drafted at once (`EventDraft`, `AlertEventDraft`, `SummaryDraft`), and `seal`
adds, when it is sent, what is known only then.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edge_fer.contract.messages.base import (
    SIGNAL,
    SUBJECT,
    AttributeInfo,
    Count,
    Fraction,
    Index,
    Message,
    Moment,
    Number,
    Seconds,
    Sequenced,
    Sparse,
)
from edge_fer.types import Distress, Doubt, EventKind, QualityFault, Resolution, SignalState

__all__ = [
    "AlertEventDraft",
    "AlertEventMessage",
    "EventDraft",
    "EventMessage",
    "SummaryDraft",
    "SummaryMessage",
]


class EventDraft(Sparse, Message):
    """Something that happened to one person in view, before it is sent."""

    left_out = frozenset({"attribute", "value", "attributes"})

    camera: str = Field(description="Name of the camera.")
    event_type: EventKind = Field(description="What happened.")
    track_id: str = Field(description="The person: a random id that lives as long as they are in view.")
    emotion: str = Field(description="Leading emotion, or `uncertain`; for left, the last one.")
    previous: str | Number | None = Field(
        description="For emotion_changed, the emotion before; for changed, the value before, a number where `value` is "
        "one, null where there was none; else null."
    )
    confidence: Fraction | None = Field(
        description="Score of the leading emotion, certain or not, 0 to 1; for changed, that of `value`, null where "
        "that is a number."
    )
    scores: dict[str, Fraction] = Field(description="Score of each emotion, adding up to 1; empty: nothing read yet.")
    quality: Fraction = Field(description="How well the face can be read, 0 to 1.")
    quality_faults: list[QualityFault] = Field(description="What keeps it from being read; empty: nothing.")
    duration_s: Seconds = Field(description="Time in view so far, in seconds.")
    doubt: Doubt | None = Field(
        default=None,
        description="Why a face that can be read is `uncertain`: unclear (the leading emotion is below "
        "`emotion.min_confidence`), torn (it is less than `emotion.min_lead` ahead of another); null: it is not, or "
        "`quality_faults` says why.",
    )
    attribute: str | None = Field(
        default=None, description="For changed, the attribute that did (`attributes` in the config); else left out."
    )
    value: str | Number | None = Field(default=None, description="For changed, its value now; else left out.")
    attributes: dict[str, AttributeInfo] = Field(
        default={}, description="What else is known of the person, by attribute; left out where nothing is."
    )


class EventMessage(EventDraft, Sequenced):
    """`camera/<camera>/event`: something that happened to one person in view."""


class AlertEventDraft(Message):
    """An alert that fired or was resolved, before it is sent."""

    camera: str = Field(description="Name of the camera.")
    event_type: Literal["firing", "resolved"] = Field(description="What happened.")
    alert_id: str = Field(description="Id of this alert, the same from firing to resolved.")
    rule: str = Field(description="Name of the rule.")
    severity: str = Field(description="As the rule says.")
    track_id: str | None = Field(description=SUBJECT)
    since: Moment = Field(description="When the condition began to hold.")
    value: Number = Field(description="What was measured last, in the threshold's unit.")
    threshold: Number = Field(description="What it is compared with.")
    reason: Resolution | None = Field(
        default=None,
        description="Why it was resolved: over (the condition), unclear (nothing was known for too long), left "
        "(the person), unwatched (the camera was lost, or the device ended), schedule (its hours are over), reload "
        "(the rule was changed); null: it fires.",
    )
    acknowledged: bool = Field(default=False, description="Whether somebody has said that they know of it.")
    signal: SignalState | None = Field(default=None, description=SIGNAL)


class AlertEventMessage(AlertEventDraft, Sequenced):
    """`camera/<camera>/alert_event`: an alert that fired or was resolved."""


class SummaryDraft(Message):
    """What one camera saw in a window of time, before it is sent."""

    camera: str = Field(description="Name of the camera.")
    window: str = Field(description="Length of this kind of window, such as 1m, 15m, 1h or 1d.")
    since: Moment = Field(description="When the window begins.")
    until: Moment = Field(description="When it ends; a day may have 23 or 25 hours.")
    watched_s: Seconds = Field(description="How long of it the camera was watched, in seconds.")
    held_back: bool = Field(
        description="Whether too few people made it, or a shorter window within it that was held back could be worked "
        "out from it; all below is null then."
    )
    people: Count | None = Field(description="Visits; somebody who left and came back counts twice.")
    presence_s: Seconds | None = Field(description="How long people were in view, added up over them, in seconds.")
    attention_s: Seconds | None = Field(
        description="How long of that their faces could be read, which means turned toward the camera, in seconds."
    )
    seconds: dict[str, Seconds] | None = Field(description="How long each emotion led, in seconds.")
    shares: dict[str, Fraction] | None = Field(description="The same as shares of their sum; all 0 where nothing led.")
    uncertain_share: Fraction | None = Field(description="The share of `presence_s` in which none led.")
    satisfaction: Index | None = Field(description="How content people looked, 0 to 100; null: too little was read.")
    distress: Distress | None = Field(
        description="How much of the time people looked distressed, an indicator and no diagnosis; null: likewise."
    )
    distress_share: Fraction | None = Field(description="The share of the readable time behind it; null: likewise.")
    usual: Index | None = Field(
        description="The satisfaction usual at these hours of the week; null: not known, before three weeks."
    )
    difference: Number | None = Field(description="`satisfaction` less `usual`; null where either is.")


class SummaryMessage(SummaryDraft, Sequenced):
    """`camera/<camera>/summary`: what one camera saw in a window of time."""
