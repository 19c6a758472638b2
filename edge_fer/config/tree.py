"""The whole config as one frozen, typed tree. Each field has a default, a unit and one sentence.

The docs, the default file and the JSON Schema are made from it. Cross-field rules stand beside the
field at which they complain, so that one wrong field never hides another.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator

from edge_fer.config.alert import Alert
from edge_fer.config.faults import did_you_mean
from edge_fer.config.kinds import WhenSignal
from edge_fer.config.link import Mqtt, Outbox
from edge_fer.config.section import Count, Section, Switch, Text
from edge_fer.config.units import DURATION, PIXELS, Fraction, Pixels, Seconds, refuse
from edge_fer.config.when import labels_in, parts_of
from edge_fer.types import LABEL_SETS

__all__ = [
    "Alert",
    "Camera",
    "Config",
    "Emotion",
    "Faces",
    "Mqtt",
    "Node",
    "Outbox",
    "Section",
    "Smoothing",
]

#: What a node, a camera or an alert may be called: names become parts of MQTT topics.
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Side: TypeAlias = Annotated[int, Field(strict=True, ge=64, le=8192)]


def _default_id() -> str:
    """The host's name and four hex digits that tell apart hosts of one name."""
    host = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in socket.gethostname())
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    return "-".join(part for part in (host.strip("-")[:59], machine[:4]) if part) or "edge-fer"


def _no_switch(value: object) -> object:
    """Python takes false for 0; here it is as wrong as any text."""
    return str(value) if isinstance(value, bool) else value


def _default_state_dir() -> Path:
    """Where systemd says, else where services keep their state, else where users do."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    services = Path("/var/lib/edge-fer")
    if os.access(services if services.exists() else services.parent, os.W_OK):
        return services
    return Path(os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser(), services.name)


class Node(Section):
    """What this device is called."""

    id: Name = Field(
        default_factory=_default_id,
        description="Name of this device in every topic; left out, it is the host's name and four hex digits.",
        examples=["counter-1a2b"],
    )
    site: str = Field(default="", description="Where the device stands, in your own words; passed on in messages.")
    timezone: Text | None = Field(
        default=None,
        description="The timezone of schedules and summaries; left out, that of the system.",
        examples=["Europe/Berlin"],
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            remedy = did_you_mean(name, available_timezones())
            refuse("is not a timezone", remedy or "Write its name in the IANA database, for example `Europe/Berlin`")
        return name


class Faces(Section):
    """How faces are found and followed."""

    detector: Literal["auto", "haar"] = Field(
        default="auto", description="What finds faces; auto takes the best one that is installed."
    )
    min_size: Annotated[Pixels, PIXELS.within(16, 4096)] = Field(
        default=48, description="Faces narrower than this are left alone; smaller finds people farther away, slower."
    )
    confirm: Annotated[Count, Field(ge=1, le=30)] = Field(
        default=3, description="How many times a face must be found before it counts as a person."
    )
    keep_lost_for: Annotated[Seconds, DURATION.within(0, 60)] = Field(
        default=1.0, description="How long a person whose face is not found is still waited for."
    )


class Smoothing(Section):
    """How single readings become a steady emotion."""

    method: Literal["exponential", "mode"] = Field(
        default="exponential",
        description="How readings are combined: a fading average of scores, or the commonest of the last few.",
    )
    time_constant: Annotated[Seconds, DURATION.within(0, 600)] = Field(
        default=1.0, description="How slowly the fading average follows; longer is steadier (exponential only)."
    )
    hysteresis: Fraction = Field(
        default=0.1, description="How far another emotion's score must lead before it takes over (exponential only)."
    )
    readings: Annotated[Count, Field(ge=1, le=100)] = Field(
        default=5, description="How many readings the commonest is taken from (mode only)."
    )


class Emotion(Section):
    """How emotions are read from faces."""

    model: Path | None = Field(
        default=None,
        description="Another model than the packaged one: a .tflite file with its .json beside it.",
        examples=["/etc/edge-fer/emotion.tflite"],
    )
    labels: Literal["seven", "five", "four", "three"] = Field(
        default="seven",
        description="Which emotions are told apart; five leaves out disgust and fear, four also surprise, "
        "three also neutral.",
    )
    min_confidence: Fraction = Field(
        default=0.45, description="A leading emotion that scores lower than this is told as uncertain."
    )
    uncertain_after: Annotated[Seconds, DURATION.within(0, 600)] = Field(
        default=1.0, description="How long a face must be unreadable before that is told as a change."
    )
    smoothing: Smoothing = Field(default=Smoothing(), description="How single readings become a steady emotion.")
    threads: Annotated[Count, Field(ge=1, le=4)] = Field(
        default=1, description="How many processor cores one camera's emotion model may use."
    )


class Camera(Section):
    """One camera or recording; `faces`, `emotion` and `alerts` here override the global ones for it."""

    source: Text = Field(
        default="auto",
        description="Where pictures come from: auto, a device (/dev/video0), an rtsp:// or http:// address, "
        "a video file, a folder of pictures, or sample (a recording that comes with edge-fer).",
    )
    size: tuple[Side, Side] = Field(
        default=(1280, 720), description="Width and height in pixels to ask the camera for."
    )
    fps: Annotated[float, Field(strict=True, gt=0, le=60)] = Field(
        default=10.0, description="How many pictures a second to look at; recordings are looked at in full."
    )
    rotate: Annotated[Literal[0, 90, 180, 270], BeforeValidator(_no_switch)] = Field(
        default=0, description="Degrees by which pictures are turned clockwise, for a camera mounted sideways."
    )
    flip: Literal["none", "horizontal", "vertical"] = Field(
        default="none", description="How pictures are mirrored, after they were turned."
    )
    loop: Switch = Field(default=False, description="Whether a recording starts over at its end.")
    speed: Literal["realtime", "fast"] = Field(
        default="realtime", description="How fast a recording plays; fast is as fast as the processor can."
    )
    stall_after: Annotated[Seconds, DURATION.within(1, 600)] = Field(
        default=10.0, description="A camera that gives no picture for so long counts as stalled."
    )
    faces: Faces = Field(default=Faces(), description="Overrides of the global `faces` for this camera.")
    emotion: Emotion = Field(default=Emotion(), description="Overrides of the global `emotion` for this camera.")
    alerts: dict[Name, Alert] = Field(
        default={}, description="Overrides of the global `alerts`, and further alerts, for this camera."
    )

    @field_validator("alerts")
    @classmethod
    def _emotions_in_label_set(cls, alerts: dict[str, Alert], info: ValidationInfo) -> dict[str, Alert]:
        emotion = info.data.get("emotion")
        if not isinstance(emotion, Emotion):
            return alerts  # its own fault is told already
        known = LABEL_SETS[emotion.labels]
        unknown = [
            (name, "when", *path)
            for name, alert in alerts.items()
            for path, label in labels_in(alert.when)
            if label not in known
        ]
        if unknown:
            remedy = f"Choose from {', '.join(known)}, or another set with `emotion.labels`"
            refuse(f"is not in the label set `{emotion.labels}`", remedy, at=unknown)
        return alerts


class Config(Section):
    """Everything that can be set."""

    profile: Literal["counter", "ward", "crowd"] = Field(
        default="counter", description="The place it is made for, which sets defaults for all below."
    )
    node: Node = Field(default_factory=Node, description="What this device is called.")
    cameras: dict[Name, Camera] = Field(
        default={"camera": Camera()},
        description="The cameras by name; where none is named, there is one called `camera`.",
    )
    faces: Faces = Field(default=Faces(), description="How faces are found and followed.")
    emotion: Emotion = Field(default=Emotion(), description="How emotions are read from faces.")
    alerts: dict[Name, Alert] = Field(
        default={}, description="The alerts by name; the profile brings some, `false` switches one off."
    )
    mqtt: Mqtt = Field(default=Mqtt(), description="Where messages go.")
    state_dir: Path = Field(
        default_factory=_default_state_dir,
        description="The folder for what must survive a restart; left out, /var/lib/edge-fer where that can be "
        "written, else a folder of the user's own.",
        examples=["/var/lib/edge-fer"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="How much is written to the log."
    )

    @field_validator("cameras")
    @classmethod
    def _at_least_one(cls, cameras: dict[str, Camera]) -> dict[str, Camera]:
        if not cameras:
            refuse("are all switched off", "Leave at least one camera on")
        return cameras

    @field_validator("cameras")
    @classmethod
    def _signals_of_others(cls, cameras: dict[str, Camera], info: ValidationInfo) -> dict[str, Camera]:
        node = info.data.get("node")
        if not isinstance(node, Node):
            return cameras  # its own fault is told already
        own = [
            (camera, "alerts", name, "when", *path, "signal")
            for camera, given in cameras.items()
            for name, alert in given.alerts.items()
            for path, part in parts_of(alert.when)
            if isinstance(part, WhenSignal) and part.signal.startswith(f"edge-fer/{node.id}/")
        ]
        if own:
            refuse("is what this device publishes itself", "Name a topic of another device", at=own)
        return cameras
