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
from edge_fer.config.distinct import some_and_distinct
from edge_fer.config.homeassistant import HomeAssistant
from edge_fer.config.kinds import WhenSignal
from edge_fer.config.link import Mqtt, Outbox
from edge_fer.config.numbers import Mood, Privacy, Summaries
from edge_fer.config.optics import Exposure, Focus, ViewWatch
from edge_fer.config.polygon import Corner, checked_polygon
from edge_fer.config.section import Count, Section, Switch, Text
from edge_fer.config.units import (
    ANGLE,
    DURATION,
    PIXELS,
    TEMPERATURE,
    Celsius,
    Degrees,
    Fraction,
    Pixels,
    PositiveFraction,
    Seconds,
    refuse,
)
from edge_fer.config.when import labels_in, parts_of
from edge_fer.errors import did_you_mean
from edge_fer.types import LABEL_SETS

__all__ = [
    "Alert",
    "Camera",
    "Config",
    "Emotion",
    "Exposure",
    "FaceQuality",
    "Faces",
    "Heat",
    "HomeAssistant",
    "Metrics",
    "Mood",
    "Mqtt",
    "Node",
    "Outbox",
    "Privacy",
    "Section",
    "Smoothing",
    "Summaries",
    "ViewWatch",
    "Zone",
]

#: What a node, a camera or an alert may be called: names become parts of MQTT topics.
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Level: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=255)]
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


#: Where services keep their state.
_SERVICES = Path("/var/lib/edge-fer")


def _given_state_dir() -> Path | None:
    """Where systemd says."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else None


def _writable(folder: Path) -> bool:
    """Whether the folder can be written, or be made in one that is there."""
    return os.access(folder if os.access(folder, os.F_OK) else folder.parent, os.W_OK)


def _default_state_dir() -> Path:
    """Where systemd says, else where services keep their state, else where users do."""
    if given := _given_state_dir():
        return given
    if _writable(_SERVICES):
        return _SERVICES
    return Path(os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser(), _SERVICES.name)


def _default_models_dir() -> Path:
    """The system's folder where it can be read or made, else one of the user's own."""
    system = (_given_state_dir() or _SERVICES) / "models"
    if _writable(system.parent) or os.access(system, os.R_OK | os.X_OK):
        return system
    return Path(os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser(), _SERVICES.name, "models")


Rotation: TypeAlias = Annotated[Literal[0, 90, 180, 270], BeforeValidator(_no_switch)]
Rotations: TypeAlias = Annotated[tuple[Rotation, ...], some_and_distinct("[0, 90, 270]", "each rotation")]


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
        description="The time zone of the place, for schedules and summaries; left out, the system's.",
        examples=["Europe/Berlin"],
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            remedy = did_you_mean(name, available_timezones())
            refuse("is not a timezone", remedy or "Write its name in the IANA database, for example `Europe/Berlin`")
        return name


class FaceQuality(Section):
    """How good a face must be to be read; a worse one is uncertain."""

    min_sharpness: Fraction = Field(
        default=0.02, description="How much of a face's contrast must be in its edges; 0 reads blurred ones too."
    )
    min_brightness: Level = Field(
        default=40, description="Grey level that the bright parts of a face must reach; 0 reads dark ones too."
    )
    max_brightness: Level = Field(
        default=230, description="Grey level above which its dark parts are overexposed; 255 reads all but white ones."
    )
    min_inside: Fraction = Field(
        default=0.9, description="How much of a face must be inside the picture; 0 reads cut off ones too."
    )
    max_yaw: Annotated[Degrees, ANGLE.within(0, 180)] = Field(
        default=45.0,
        description="How far it may be turned to the side, where the detector tells; 180deg reads all it finds.",
    )


class Faces(Section):
    """How faces are found and followed."""

    detector: Literal["auto", "blazeface", "haar", "yunet", "mtcnn"] = Field(
        default="auto",
        description="What finds faces; auto takes blazeface where `edge-fer models fetch` has fetched it, else haar.",
    )
    range: Literal["auto", "short", "full"] = Field(
        default="auto",
        description="How far away people may be (blazeface only): short for faces that fill a seventh of the picture "
        "and more, full for up to five metres; auto goes by `min_size` and the picture's size.",
    )
    rotations: Rotations = Field(
        default=(0,),
        description="Degrees clockwise by which pictures are turned to look for faces (blazeface only); "
        "[0, 90, 270] finds people who lie, and takes three times as long.",
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )
    model: Path | None = Field(
        default=None,
        description="Another model file than the fetched one (yunet only).",
        examples=["/etc/edge-fer/yunet.onnx"],
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
    detect_every: Annotated[Seconds, DURATION.within(0, 2)] = Field(
        default=0.3,
        description="How often faces are searched for while something moves, known ones being followed in between; "
        "0s searches every picture.",
    )
    rest_every: Annotated[Seconds, DURATION.within(0, 10)] = Field(
        default=2.0,
        description="How often faces are searched for while nothing moves; 0s takes everything for moving.",
    )
    quality: FaceQuality = Field(default=FaceQuality(), description="How good a face must be to be read.")
    lifeless_after: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=120.0,
        description="A face that has not changed at all for so long is a picture, and no person; 0s believes all.",
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
        default=0.15, description="How far another emotion's score must lead before it takes over (exponential only)."
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


class Zone(Section):
    """A part of a camera's picture, as it is after it was rotated and flipped."""

    kind: Literal["exclude", "include"] = Field(
        default="exclude",
        description="Whether it is never looked at, or alone is; all include zones of a camera together are one.",
    )
    polygon: tuple[Corner, ...] = Field(
        description="Its corners in order around it, each x and y in fractions of the picture, from the top left.",
        examples=[[[0, 0], [0.4, 0], [0.4, 1], [0, 1]]],
        json_schema_extra={"minItems": 3},
    )

    @field_validator("polygon")
    @classmethod
    def _an_outline(cls, polygon: tuple[Corner, ...]) -> tuple[Corner, ...]:
        return checked_polygon(polygon)


class Camera(Section):
    """One camera or recording; `view`, `faces`, `emotion` and `alerts` here override the global ones for it."""

    source: Text = Field(
        default="auto",
        description="Where pictures come from: auto, picamera2 (a Pi camera; picamera2:1 the second one), a device "
        "(/dev/video0), an rtsp:// or http:// address, a video file, a folder of pictures, or sample (a recording "
        "that comes with edge-fer).",
    )
    size: tuple[Side, Side] = Field(
        default=(1280, 720), description="Width and height in pixels to ask the camera for."
    )
    fps: Annotated[float, Field(strict=True, gt=0, le=60)] = Field(
        default=10.0, description="How many pictures a second to look at; recordings are looked at in full."
    )
    rotate: Rotation = Field(
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
    paused: Switch = Field(
        default=False, description="Whether nothing is looked at, as after the command `pause`; `resume` ends it."
    )
    zones: dict[Name, Zone] = Field(
        default={}, description="Parts of the picture that alone are looked at, or that never are, by name."
    )
    exposure: Exposure = Field(default=Exposure(), description="How pictures are exposed (Pi cameras only).")
    focus: Focus = Field(
        default="auto",
        description="What the lens is focused on: auto, continuous (like auto, and a fault where the lens cannot), or "
        "a fixed 1 / distance in metres (Pi cameras only).",
    )
    view: ViewWatch = Field(default=ViewWatch(), description="Overrides of the global `view` for this camera.")
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


class Heat(Section):
    """What is done when the machine gets hot, or its firmware slows it down."""

    limit: Annotated[Celsius, TEMPERATURE.within(30, 110)] = Field(
        default=80.0, description="From this temperature of the processor on, cameras are looked at less often."
    )
    slowest: PositiveFraction = Field(
        default=0.25, description="The lowest share of `fps` that is left to a camera then; 1 never takes less."
    )


class Metrics(Section):
    """Numbers for Prometheus, which fetches them from this device alone."""

    port: Annotated[Count, Field(ge=0, le=65535)] = Field(
        default=0, description="The port of 127.0.0.1 on which they can be fetched; 0: they cannot."
    )


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
    view: ViewWatch = Field(default=ViewWatch(), description="When a camera's view is told as covered or moved.")
    faces: Faces = Field(default=Faces(), description="How faces are found and followed.")
    emotion: Emotion = Field(default=Emotion(), description="How emotions are read from faces.")
    alerts: dict[Name, Alert] = Field(
        default={}, description="The alerts by name; the profile brings some, `false` switches one off."
    )
    heat: Heat = Field(default=Heat(), description="What is done when the machine gets hot.")
    mood: Mood = Field(default=Mood(), description="How satisfaction and distress are made of emotions.")
    summaries: Summaries = Field(default=Summaries(), description="What is summed up.")
    privacy: Privacy = Field(default=Privacy(), description="What leaves the device about people.")
    mqtt: Mqtt = Field(default=Mqtt(), description="Where messages go.")
    homeassistant: HomeAssistant = Field(
        default=HomeAssistant(), description="How Home Assistant is told what this device has."
    )
    commands: Literal["on", "off"] = Field(
        default="off",
        description="Whether the node takes commands over MQTT; it leaves it to the broker who may send them.",
    )
    metrics: Metrics = Field(default=Metrics(), description="Numbers for Prometheus.")
    state_dir: Path = Field(
        default_factory=_default_state_dir,
        description="The folder for what must survive a restart; left out, /var/lib/edge-fer where that can be "
        "written, else a folder of the user's own.",
        examples=["/var/lib/edge-fer"],
    )
    models_dir: Path = Field(
        default_factory=_default_models_dir,
        description="The folder for fetched model files; left out, /var/lib/edge-fer/models where that is there or can "
        "be made, else a folder of the user's own.",
        examples=["/var/lib/edge-fer/models"],
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
