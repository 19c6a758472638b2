"""The wire format: every payload, field by field, and the JSON Schemas made from it.

Messages that go through the outbox are written twice: what happened is drafted at once (`EventDraft`,
`AlertEventDraft`), and `seal` adds, when it is sent, what is known only then.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from edge_fer.mqtt.reasons import Trouble
from edge_fer.types import AlertState, Distress, EventKind, Instant, QualityFault, Resolution, SignalState, View

__all__ = [
    "OFFLINE",
    "ONLINE",
    "VERSION",
    "AlertEventDraft",
    "AlertEventMessage",
    "AlertInstance",
    "AlertStatus",
    "CameraHealth",
    "CameraInfo",
    "CameraState",
    "Dropped",
    "EventDraft",
    "EventMessage",
    "FrameWork",
    "Health",
    "Info",
    "Kind",
    "Message",
    "ModelInfo",
    "MqttHealth",
    "OutboxHealth",
    "PrivacyInfo",
    "Sequenced",
    "StageLatency",
    "SummaryDraft",
    "SummaryMessage",
    "restamp",
    "rfc3339",
    "schemas",
    "seal",
]

#: The version of the contract, in every payload.
VERSION: Literal[1] = 1
#: The payloads of availability topics, which are plain text.
ONLINE, OFFLINE = "online", "offline"


class Kind(StrEnum):
    """What goes through the outbox, the most important first: sent first, and given up last."""

    ALERT_EVENT = "alert_event"
    EVENT = "event"
    SUMMARY = "summary"


def _rounded(value: Any) -> float:
    """Four decimals: more say nothing about a face and cost space on the wire."""
    return round(float(value), 4)


Number: TypeAlias = Annotated[float, BeforeValidator(_rounded)]
Fraction: TypeAlias = Annotated[float, BeforeValidator(_rounded), Field(ge=0, le=1)]
Index: TypeAlias = Annotated[float, BeforeValidator(lambda value: round(float(value), 1)), Field(ge=0, le=100)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Seconds: TypeAlias = Annotated[float, BeforeValidator(lambda value: round(float(value), 3)), Field(ge=0)]
Moment: TypeAlias = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", json_schema_extra={"format": "date-time"})
]


_SUBJECT = "The person: a random id that lives as long as they are in view; null: it is about the scene as a whole."
_SIGNAL = (
    "What is known of the rule's outside signal: fresh, stale (too old), invalid (no number), missing (none yet); "
    "null: it has none."
)


class _Part(BaseModel):
    """A part of a payload; nothing may be in it that is not described."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), json_schema_serialization_defaults_required=True
    )


class Message(_Part):
    """What every JSON payload has."""

    v: Literal[1] = Field(default=VERSION, description="Version of this contract.")
    node: str = Field(description="Name of the device that sends this.")
    site: str = Field(description="Where the device stands, in its owner's words; may be empty.")
    ts: Moment = Field(description="Time of capture: RFC 3339, UTC, milliseconds.")
    clock_synced: bool = Field(description="Whether the device's clock was known to be right, and so is `ts`.")


class Sequenced(Message):
    """What every payload has that goes through the outbox."""

    seq: int = Field(
        ge=1, description="Counts up within this topic for ever; the same number means the same message, sent again."
    )
    replayed: bool = Field(
        description="Whether this arrives long after `ts`, because the broker was away; automations may ignore it."
    )


class ModelInfo(_Part):
    """The emotion model in use."""

    name: str = Field(description="Name of the model.")
    sha256: str = Field(description="SHA-256 of the model file, in hex.")
    runtime: str = Field(description="Name and version of the runtime that runs it.")
    labels: list[str] = Field(description="Emotions it tells apart, in the order of its output.")
    scores: dict[str, Number] = Field(description="How good it is, by measure, as its maker found; fractions of 1.")


class CameraInfo(_Part):
    """One camera, as configured."""

    source: str = Field(description="Where its pictures come from, without user names and passwords.")
    kind: str = Field(description="Kind of source, such as usb, rtsp or file.")
    size: tuple[int, int] | None = Field(description="Width and height asked for, in pixels; null: as it comes.")


class PrivacyInfo(_Part):
    """What leaves the device."""

    pictures_published: bool = Field(description="Whether any picture is ever published.")
    events_published: bool = Field(
        default=True, description="Whether anything but summaries is published about people."
    )
    k_minimum: Annotated[int, Field(ge=1)] = Field(
        default=1, description="A summary that fewer people made is held back; 1: none is."
    )


class Info(Message):
    """`info`: what the node is and runs. Retained."""

    version: str = Field(description="Version of edge-fer.")
    model: ModelInfo = Field(description="The emotion model in use.")
    detector: str = Field(description="Name of what finds faces.")
    cameras: dict[str, CameraInfo] = Field(description="Cameras by name.")
    privacy: PrivacyInfo = Field(description="What leaves the device.")


class StageLatency(_Part):
    """What one stage of the pipeline took over its last passes."""

    median: float = Field(ge=0, description="Median, in milliseconds.")
    p95: float = Field(ge=0, description="95th percentile, in milliseconds.")


class FrameWork(_Part):
    """What was done with the frames that went through the pipeline, since the start."""

    rested: Count = Field(description="Frames left alone, because nothing had moved.")
    followed: Count = Field(description="Frames into which known people were followed.")
    detected: Count = Field(description="Frames that were searched for faces.")


class CameraHealth(_Part):
    """How one camera is doing."""

    online: bool = Field(description="Whether it delivers frames.")
    fps: Annotated[Number, Field(ge=0)] = Field(description="Frames a second that went through the pipeline.")
    fps_limit: Number | None = Field(
        description="Frames a second that are taken at most at present: fewer while the device is hot; null: all."
    )
    frames: Count = Field(description="Frames delivered since the start.")
    skipped: Count = Field(description="Frames not taken since the start, because they were more than wanted.")
    dropped: Count = Field(description="Frames dropped since the start, because a newer one came first.")
    work: FrameWork = Field(description="What was done with the frames.")
    stalls: Count = Field(description="Times that it delivered nothing for too long, since the start.")
    losses: Count = Field(description="Times that it was lost, since the start.")
    latency_ms: dict[str, StageLatency] = Field(description="What each stage of the pipeline takes, in milliseconds.")


class Dropped(_Part):
    """How many messages were given up, over all runs, because there was no room or they were too old."""

    summary: Count = Field(description="Summaries given up.")
    event: Count = Field(description="Events given up.")
    alert_event: Count = Field(description="Alert events given up.")


class OutboxHealth(_Part):
    """What waits for the broker."""

    depth: Count = Field(description="Messages waiting.")
    bytes: Count = Field(description="Space they take on disk, in bytes.")
    oldest_s: Seconds | None = Field(description="Age of the oldest one, in seconds; null: none, or not known.")
    dropped: Dropped = Field(description="Messages given up, over all runs.")


class MqttHealth(_Part):
    """The connection to the broker."""

    connected: bool = Field(description="Whether there is one.")
    connections: Count = Field(description="How many there have been since the start.")
    protocol: Literal["5", "3.1.1"] = Field(description="Version of MQTT last spoken or tried.")
    last_setback: Trouble | None = Field(
        default=None, description="Why the last connection ended, or could not be made; null: that has not happened."
    )


class Health(Message):
    """`health`: how the node is doing, told regularly. Retained."""

    uptime_s: Seconds = Field(description="Time since the daemon started, in seconds.")
    rss_bytes: Count = Field(description="Memory the daemon holds, in bytes.")
    temperature_c: Number | None = Field(description="Temperature of the processor, in degrees Celsius; null: unknown.")
    throttling: list[str] | None = Field(
        description="Why the firmware slows the processor down at present, of under_voltage, frequency_capped, "
        "throttled and soft_temperature_limit; empty: it does not; null: unknown."
    )
    cameras: dict[str, CameraHealth] = Field(description="Cameras by name.")
    outbox: OutboxHealth = Field(description="What waits for the broker.")
    mqtt: MqttHealth = Field(description="The connection to the broker.")


class CameraState(Message):
    """`camera/<camera>/state`: what a camera sees as a whole, on change. Retained."""

    camera: str = Field(description="Name of the camera.")
    people: Count = Field(description="How many people are in view.")
    mood: str | None = Field(
        description="Leading emotion over all of them; `uncertain`: none can be read; null: nobody is in view."
    )
    confidence: Fraction = Field(description="The mood's mean score over those who could be read, 0 to 1.")
    view: View | None = Field(
        description="What the camera gets to see at all; moved: it no longer looks where it did. null: not watched, "
        "or not known yet."
    )
    satisfaction: Index | None = Field(
        default=None,
        description="How content people looked over the last while (`mood.over`), 0 to 100; null: too little was read.",
    )


class AlertInstance(_Part):
    """One rule's condition holding for one person, or for the scene as a whole."""

    id: str = Field(description="Id of this alert, the same from firing to resolved.")
    track_id: str | None = Field(description=_SUBJECT)
    severity: str = Field(description="As the rule says.")
    state: Literal[AlertState.PENDING, AlertState.FIRING] = Field(
        description="pending: not for long enough yet; firing: for long enough."
    )
    since: Moment = Field(description="When the condition began to hold.")
    value: Number = Field(description="What was measured last, in the threshold's unit.")
    threshold: Number = Field(description="What it is compared with.")
    acknowledged: bool = Field(default=False, description="Whether somebody has said that they know of it.")


class AlertStatus(Message):
    """`camera/<camera>/alert/<rule>`: where a rule's alerts stand, on change. Retained."""

    camera: str = Field(description="Name of the camera.")
    rule: str = Field(description="Name of the rule.")
    state: AlertState = Field(description="inactive: it holds for nobody; else the furthest state of its alerts.")
    alerts: list[AlertInstance] = Field(description="The people for whom it holds, or the scene, and since when.")
    silenced: bool = Field(default=False, description="Whether it sends no alert events for now.")
    silenced_until: Moment | None = Field(
        default=None, description="When that ends; null: it is not silenced, or without an end."
    )
    in_schedule: bool = Field(default=True, description="Whether it watches at this hour.")
    signal: SignalState | None = Field(default=None, description=_SIGNAL)


class EventDraft(Message):
    """Something that happened to one person in view, before it is sent."""

    camera: str = Field(description="Name of the camera.")
    event_type: EventKind = Field(description="What happened.")
    track_id: str = Field(description="The person: a random id that lives as long as they are in view.")
    emotion: str = Field(description="Leading emotion, or `uncertain`; for left, the last one.")
    previous: str | None = Field(description="For emotion_changed, the emotion before; else null.")
    confidence: Fraction = Field(description="Score of the leading emotion, certain or not, 0 to 1.")
    scores: dict[str, Fraction] = Field(description="Score of each emotion, adding up to 1; empty: nothing read yet.")
    quality: Fraction = Field(description="How well the face can be read, 0 to 1.")
    quality_faults: list[QualityFault] = Field(description="What keeps it from being read; empty: nothing.")
    duration_s: Seconds = Field(description="Time in view so far, in seconds.")


class EventMessage(EventDraft, Sequenced):
    """`camera/<camera>/event`: something that happened to one person in view."""


class AlertEventDraft(Message):
    """An alert that fired or was resolved, before it is sent."""

    camera: str = Field(description="Name of the camera.")
    event_type: Literal["firing", "resolved"] = Field(description="What happened.")
    alert_id: str = Field(description="Id of this alert, the same from firing to resolved.")
    rule: str = Field(description="Name of the rule.")
    severity: str = Field(description="As the rule says.")
    track_id: str | None = Field(description=_SUBJECT)
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
    signal: SignalState | None = Field(default=None, description=_SIGNAL)


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


_KINDS: dict[str, type[Message]] = {
    "info": Info,
    "health": Health,
    "state": CameraState,
    "alert": AlertStatus,
    "event": EventMessage,
    "alert_event": AlertEventMessage,
    "summary": SummaryMessage,
}


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of payload, by the name that its topic ends in."""
    return {kind: model.model_json_schema(mode="serialization") for kind, model in _KINDS.items()}


def rfc3339(utc: datetime) -> str:
    """The wire's form of a moment in UTC: `2026-01-31T12:00:00.000Z`."""
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def restamp(body: str, at: Instant) -> str:
    """The message with the time of capture `at`, where the clock has been put right since it was written.

    Every other moment in it moves along, because it was read from the same clock.
    """
    return json.dumps(_restamped(json.loads(body), at), separators=(",", ":"), ensure_ascii=False)


def seal(body: str, *, seq: int, replayed: bool, at: Instant) -> str:
    """The draft as it is sent, with the time of capture as known now."""
    message = _restamped(json.loads(body), at) | {"seq": seq, "replayed": replayed}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _restamped(message: dict[str, Any], at: Instant) -> dict[str, Any]:
    if message["clock_synced"] == at.synced:
        return message
    shift = at.utc - datetime.fromisoformat(message["ts"])
    moved: dict[str, Any] = _moved(message, shift)
    return moved | {"ts": rfc3339(at.utc), "clock_synced": at.synced}


def _moved(value: JsonValue, shift: timedelta) -> Any:
    """The value with each moment of our clock in it moved by `shift`."""
    if isinstance(value, list):
        return [_moved(item, shift) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: rfc3339((datetime.fromisoformat(item) + shift).astimezone(UTC))
        if key in {"since", "until", "silenced_until"} and isinstance(item, str)
        else _moved(item, shift)
        for key, item in value.items()
    }
