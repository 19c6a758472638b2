"""What the control socket tells of the node as it is now."""

from __future__ import annotations

from pydantic import Field, JsonValue

from edge_fer.contract.composer import told_attributes
from edge_fer.contract.messages import AlertInstance, Health, PrivacyInfo
from edge_fer.contract.messages.base import AttributeInfo, Count, Fraction, Index, Moment, Part, Seconds
from edge_fer.types import AlertState, Doubt, QualityFault, Reading, Resolution, SignalState, View

__all__ = ["BrokerNow", "CameraNow", "EndedAlert", "NodeNow", "PersonNow", "RuleNow", "person_now"]


class PersonNow(Part):
    """Somebody in view."""

    track_id: str = Field(description="The person: a random id that lives as long as they are in view.")
    emotion: str = Field(description="Leading emotion, or `uncertain`.")
    confidence: Fraction = Field(description="Score of the leading emotion, 0 to 1.")
    quality: Fraction = Field(description="How well the face can be read, 0 to 1.")
    quality_faults: list[QualityFault] = Field(description="What keeps it from being read; empty: nothing.")
    doubt: Doubt | None = Field(description="Why a face that can be read is `uncertain`; null: it is not.")
    attributes: dict[str, AttributeInfo] = Field(description="What else is known of them, by attribute.")


class RuleNow(Part):
    """An alert rule of a camera."""

    rule: str = Field(description="Its name.")
    state: AlertState = Field(description="inactive, or the furthest state of its alerts: pending, firing.")
    when: dict[str, JsonValue] = Field(description="What it watches for, as in the config.")
    for_: str = Field(
        alias="for",
        serialization_alias="for",
        description="How long that must hold before it fires, as in the config.",
    )
    alerts: list[AlertInstance] = Field(description="Its alerts that are pending or fire, with what was measured.")
    silenced: bool = Field(description="Whether it sends no alert events for now.")
    silenced_until: Moment | None = Field(description="When that ends; null: it is not silenced, or without an end.")
    in_schedule: bool = Field(description="Whether it watches at this hour.")
    signal: SignalState | None = Field(description="What is known of its outside signal; null: it has none.")


class EndedAlert(Part):
    """An alert that is over."""

    alert_id: str = Field(description="The alert.")
    rule: str = Field(description="Whose it was.")
    severity: str = Field(description="As in the config.")
    since: Moment = Field(description="When its condition began to hold: RFC 3339, UTC.")
    ended: Moment = Field(description="When it was resolved: RFC 3339, UTC.")
    reason: Resolution = Field(description="Why it was resolved.")
    acknowledged: bool = Field(description="Whether somebody had said that they know.")


class CameraNow(Part):
    """A camera as it is now."""

    source: str = Field(description="Its source as in the config, without passwords; `sample:…`: invented people.")
    online: bool = Field(description="Whether it delivers frames.")
    paused: bool = Field(description="Whether nothing is looked at, because somebody said so.")
    paused_until: Moment | None = Field(
        description="When the pause ends by itself; null: there is none, or only `resume` ends it."
    )
    pause_reason: str | None = Field(description="Why it is paused; null: it is not, or nobody said why.")
    problem: str = Field(description="Why it delivers nothing; empty: it does, or is paused.")
    watchers: list[str] = Field(description="Who has a live view of it now.")
    view: View | None = Field(description="What it gets to see at all; null: not watched, not known, or not told.")
    people: Count | None = Field(description="How many are in view; null: not told (`privacy.events: off`).")
    mood: str | None = Field(description="Leading emotion over all of them; null: nobody, or not told.")
    satisfaction: Index | None = Field(description="How content people looked over the last while; null: not known.")
    seen: list[PersonNow] | None = Field(description="Those found in the newest frame; null: not told.")
    rules: list[RuleNow] | None = Field(description="Its alert rules, those that fire first; null: not told.")
    ended: list[EndedAlert] | None = Field(
        description="Its newest alerts that were resolved in the last hour, 16 at most; null: not told."
    )


class BrokerNow(Part):
    """The broker."""

    address: str = Field(description="Where it is, without a password; empty: nothing is published.")
    connected: bool = Field(description="Whether it has accepted us.")
    problem: str = Field(description="Why there is no connection; empty: there is one, or the first try goes on.")


class NodeNow(Part):
    """The node as it is now. Nothing is in it that may not leave the device: see `privacy`."""

    node: str = Field(description="Name of the device.")
    site: str = Field(description="Where it stands, in its owner's words; may be empty.")
    version: str = Field(description="Version of edge-fer.")
    timezone: str = Field(description="Time zone of the place, such as `Europe/Berlin`.")
    ts: Moment = Field(description="Time of this state: RFC 3339, UTC, milliseconds.")
    clock_synced: bool = Field(description="Whether the device's clock is known to be right.")
    uptime_s: Seconds = Field(description="Time since the service started, in seconds.")
    commands_over_mqtt: bool = Field(description="Whether the node takes commands over MQTT, too.")
    set: list[str] = Field(description="Keys that were set by command, now or before a restart, and are in force.")
    privacy: PrivacyInfo = Field(description="What leaves the device.")
    cameras: dict[str, CameraNow] = Field(description="Cameras by name.")
    broker: BrokerNow = Field(description="The broker.")
    health: Health = Field(description="How the node is doing, as the topic `health` tells it, the outbox included.")


def person_now(reading: Reading) -> PersonNow:
    """What is told of somebody in view."""
    return PersonNow(
        track_id=reading.track_id,
        emotion=reading.label,
        confidence=reading.confidence,
        quality=reading.quality.value,
        quality_faults=list(reading.quality.faults),
        doubt=reading.doubt,
        attributes=told_attributes(reading.attributes),
    )
