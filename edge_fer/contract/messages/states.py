"""What is retained: what the node is, how it is doing, what its cameras see, and where its alerts stand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge_fer.contract.messages.base import (
    SIGNAL,
    SUBJECT,
    AttributeInfo,
    Count,
    ForeignMoment,
    Fraction,
    Index,
    Message,
    Moment,
    Number,
    Part,
    Seconds,
    Sparse,
)
from edge_fer.contract.trouble import Trouble
from edge_fer.types import AlertState, SignalState, View

__all__ = [
    "AlertInstance",
    "AlertStatus",
    "CameraHealth",
    "CameraInfo",
    "CameraState",
    "Dropped",
    "FrameWork",
    "Health",
    "Info",
    "MachineInfo",
    "ModelInfo",
    "MqttHealth",
    "OutboxHealth",
    "PrivacyInfo",
    "RefusedUpdate",
    "SinkStatus",
    "StageLatency",
]


class ModelInfo(Part):
    """The emotion model in use."""

    name: str = Field(description="Name of the model.")
    sha256: str = Field(description="SHA-256 of the model file, in hex.")
    runtime: str = Field(description="Name and version of the runtime that runs it.")
    labels: list[str] = Field(description="Emotions it tells apart, in the order of its output.")
    scores: dict[str, Number] = Field(description="How good it is, by measure, as its maker found; fractions of 1.")


class CameraInfo(Part):
    """One camera, as configured."""

    source: str = Field(description="Where its pictures come from, without user names and passwords.")
    kind: str = Field(description="Kind of source, such as usb, rtsp or file.")
    size: tuple[int, int] | None = Field(description="Width and height asked for, in pixels; null: as it comes.")


class PrivacyInfo(Part):
    """What leaves the device."""

    pictures_published: bool = Field(description="Whether any picture is ever published.")
    events_published: bool = Field(
        default=True, description="Whether anything but summaries is published about people."
    )
    k_minimum: Annotated[int, Field(ge=1)] = Field(
        default=1, description="A summary that fewer people made is held back; 1: none is."
    )
    live: Literal["never", "boxes", "pixelated"] = Field(
        default="never",
        description="What an operator on this device may look at for a minute: nothing, boxes of faces, or a small "
        "picture with pixelated faces. While somebody does, `sinks.control` has `pictures`.",
    )
    recent: bool = Field(
        default=False,
        description="Whether the readings of the last hour are kept in memory, as numbers, to try thresholds on them.",
    )
    sinks: dict[str, list[str]] = Field(
        default={},
        description="What about people each part of edge-fer that hears what cameras say may get at present, by its "
        "name: readings, attributes, events, alerts, scenes, summaries, pictures.",
    )


class MachineInfo(Part):
    """The device that it runs on."""

    board: str | None = Field(description="Model of the board, as its firmware says; null: it does not.")
    serial_hash: str | None = Field(
        description="16 hex digits that stay the same on a device and tell nothing of its serial number; null: none."
    )
    system: str | None = Field(description="Operating system and its version; null: nobody says.")
    kernel: str = Field(description="Release of the kernel.")
    disk_bytes: Count | None = Field(
        description="Size of the disk that keeps what must survive a restart, in bytes; null: it is not there."
    )


class RefusedUpdate(Part):
    """A version that was taken back because the daemon was not well with it, and is not installed again."""

    version: str = Field(description="Version of the package.")
    reason: str = Field(description="What was wrong, in a sentence.")
    at: ForeignMoment | None = Field(description="When it was taken back; null: nobody says.")


class Info(Message):
    """`info`: what the node is and runs. Retained."""

    version: str = Field(description="Version of edge-fer.")
    model: ModelInfo = Field(description="The emotion model in use.")
    detector: str = Field(description="Name of what finds faces.")
    cameras: dict[str, CameraInfo] = Field(description="Cameras by name.")
    privacy: PrivacyInfo = Field(description="What leaves the device.")
    commands: bool = Field(default=False, description="Whether it takes commands (`commands: on` in its config).")
    settings: dict[str, str | int | float | bool | None] = Field(
        default={},
        description="What was set by command and is in force, by key of the config; zones and hours are left out.",
    )
    machine: MachineInfo | None = Field(default=None, description="The device that it runs on; null: not told.")
    config_hash: str = Field(
        default="", description="16 hex digits that differ where the config in force does, however it came about."
    )
    starts: Count = Field(default=0, description="How often edge-fer was started on this device; 0: not known.")
    broker_certificate_ends: ForeignMoment | None = Field(
        default=None, description="When the broker's certificate ends; null: not encrypted, or no connection yet."
    )
    client_certificate_ends: ForeignMoment | None = Field(
        default=None, description="When this device's own certificate ends; null: it has none, or it cannot be read."
    )
    update_refused: RefusedUpdate | None = Field(
        default=None,
        description="The update that this device took back last (docs/update.md); null: none, or a later one is there.",
    )


class StageLatency(Part):
    """What one stage of the pipeline took over its last passes."""

    median: float = Field(ge=0, description="Median, in milliseconds.")
    p95: float = Field(ge=0, description="95th percentile, in milliseconds.")


class FrameWork(Part):
    """What was done with the frames that went through the pipeline, since the start."""

    rested: Count = Field(description="Frames left alone, because nothing had moved.")
    followed: Count = Field(description="Frames into which known people were followed.")
    detected: Count = Field(description="Frames that were searched for faces.")


class CameraHealth(Part):
    """How one camera is doing."""

    online: bool = Field(description="Whether it delivers frames.")
    paused: bool = Field(default=False, description="Whether nothing is looked at, because somebody said so.")
    paused_until: Moment | None = Field(
        default=None, description="When the pause ends by itself; null: there is none, or only `resume` ends it."
    )
    pause_reason: str | None = Field(default=None, description="Why it is paused; null: it is not, or nobody said why.")
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


class Dropped(Part):
    """How many messages were given up, over all runs, because there was no room or they were too old."""

    summary: Count = Field(description="Summaries given up.")
    event: Count = Field(description="Events given up.")
    alert_event: Count = Field(description="Alert events given up.")


class OutboxHealth(Part):
    """What waits for the broker."""

    depth: Count = Field(description="Messages waiting.")
    bytes: Count = Field(description="Space they take on disk, in bytes.")
    oldest_s: Seconds | None = Field(description="Age of the oldest one, in seconds; null: none, or not known.")
    dropped: Dropped = Field(description="Messages given up, over all runs.")
    damaged: Count = Field(
        default=0, description="Messages that could not be sent because they were damaged on disk, over all runs."
    )


class MqttHealth(Part):
    """The connection to the broker."""

    connected: bool = Field(description="Whether there is one.")
    connections: Count = Field(description="How many there have been since the start.")
    protocol: Literal["5", "3.1.1"] = Field(description="Version of MQTT last spoken or tried.")
    refusals_seen: bool = Field(
        default=True,
        description="Whether the broker can say that it refuses a message; in MQTT 3.1.1 and at QoS 0 it cannot, "
        "and such a message is lost.",
    )
    last_setback: Trouble | None = Field(
        default=None, description="Why the last connection ended, or could not be made; null: that has not happened."
    )
    broker_certificate_ends: ForeignMoment | None = Field(
        default=None,
        description="When the broker's certificate ends, told from 30 days before on; null: later, or there is none.",
    )
    client_certificate_ends: ForeignMoment | None = Field(
        default=None,
        description="When our own certificate (`mqtt.cert_file`) ends, told from 30 days before on; null: later, or "
        "there is none.",
    )


class SinkStatus(Part):
    """A part of edge-fer that hears what cameras say, such as `mqtt` or `trace`."""

    working: bool = Field(description="Whether it takes what it is told.")
    faults: Count = Field(description="Times that it failed by a fault of edge-fer, since the start.")
    problem: str = Field(
        default="", description="What keeps it from its work, in words; empty: nothing does, or nobody knows."
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
    sinks: dict[str, SinkStatus] = Field(
        default={}, description="The parts of edge-fer that hear what cameras say, by name; docs/privacy.md lists them."
    )


class CameraState(Sparse, Message):
    """`camera/<camera>/state`: what a camera sees as a whole, on change. Retained."""

    left_out = frozenset({"attributes"})

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
    paused: bool = Field(
        default=False, description="Whether nothing is looked at, because somebody said so (`command/pause`)."
    )
    attributes: dict[str, AttributeInfo] = Field(
        default={}, description="What is known of the picture as a whole, by attribute; left out where nothing is."
    )


class AlertInstance(Part):
    """One rule's condition holding for one person, or for the scene as a whole."""

    id: str = Field(description="Id of this alert, the same from firing to resolved.")
    track_id: str | None = Field(description=SUBJECT)
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
    signal: SignalState | None = Field(default=None, description=SIGNAL)
