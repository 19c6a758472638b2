"""One camera: where its pictures come from, and what of them is looked at in another way than elsewhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from edge_fer.capture.sources import sure_fault
from edge_fer.config.sections.alerts import AlertSection
from edge_fer.config.sections.attributes import Attribute, checked_attributes
from edge_fer.config.sections.emotion import EmotionSection
from edge_fer.config.sections.exposure import ExposureSection, Focus
from edge_fer.config.sections.faces import FacesSection, Rotation
from edge_fer.config.sections.view import ViewSection
from edge_fer.rules.conditions.when import labels_in
from edge_fer.support.address import take_apart
from edge_fer.types import LABEL_SETS
from edge_fer.values.polygon import Corner, checked_polygon
from edge_fer.values.section import Name, Section, Switch, Text
from edge_fer.values.units import DURATION, Seconds, refuse

__all__ = ["CameraSection", "ZoneSection"]

Side: TypeAlias = Annotated[int, Field(strict=True, ge=64, le=8192)]


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        refuse("is no moment with a time zone", "Write it like 2026-01-01T15:00:00Z")
    return text


class ZoneSection(Section):
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


class CameraSection(Section):
    """One camera or recording; `view`, `faces`, `emotion`, `attributes` and `alerts` here override the global ones."""

    source: Text = Field(
        default="auto",
        description="Where pictures come from: auto, picamera2 (a Pi camera; picamera2:1 the second one), a device "
        "(/dev/video0), an rtsp:// or http:// address, a video file, a folder of pictures, or a "
        "recording that comes with edge-fer: sample, sample:counter, sample:ward.",
    )
    username: Text | None = Field(
        default=None, description="The user name for an address in `source`.", examples=["viewer"]
    )
    password_file: Path | None = Field(
        default=None,
        description="A file that holds the password for `username` on its first line.",
        examples=["/etc/edge-fer/camera-front"],
    )
    size: tuple[Side, Side] = Field(
        default=(1280, 720), description="Width and height in pixels to ask the camera for."
    )
    aspect: Annotated[str, Field(strict=True, pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")] | None = Field(
        default=None,
        description="Width and height of the picture as the camera sees it, where faces look squeezed because its "
        "pixels are not square and it does not say so.",
        examples=["16:9"],
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
    paused_until: Annotated[str, AfterValidator(_moment)] | None = Field(
        default=None,
        description="When a pause ends by itself: RFC 3339 with a time zone; without it, only `resume` ends it.",
        examples=["2026-01-01T15:00:00Z"],
    )
    pause_reason: Text | None = Field(
        default=None,
        max_length=200,
        description="Why it is paused, for whoever looks after it; it leaves the device in `health`, so name nobody.",
        examples=["a talk with relatives"],
    )
    zones: dict[Name, ZoneSection] = Field(
        default={}, description="Parts of the picture that alone are looked at, or that never are, by name."
    )
    exposure: ExposureSection = Field(
        default=ExposureSection(), description="How pictures are exposed (Pi cameras only)."
    )
    focus: Focus = Field(
        default="auto",
        description="What the lens is focused on: auto, continuous (like auto, and a fault where the lens cannot), or "
        "a fixed 1 / distance in metres (Pi cameras only).",
    )
    view: ViewSection = Field(default=ViewSection(), description="Overrides of the global `view` for this camera.")
    faces: FacesSection = Field(default=FacesSection(), description="Overrides of the global `faces` for this camera.")
    emotion: EmotionSection = Field(
        default=EmotionSection(), description="Overrides of the global `emotion` for this camera."
    )
    alerts: dict[Name, AlertSection] = Field(
        default={}, description="Overrides of the global `alerts`, and further alerts, for this camera."
    )

    attributes: dict[Name, Attribute] = Field(
        default={}, description="Overrides of the global `attributes`, and further ones, for this camera."
    )

    @field_validator("attributes")
    @classmethod
    def _attributes_that_can_be(cls, attributes: dict[str, Attribute]) -> dict[str, Attribute]:
        return checked_attributes(attributes)

    @field_validator("source")
    @classmethod
    def _is_of_a_known_kind(cls, source: str) -> str:
        fault = None if source == "auto" else sure_fault(source)
        if fault:
            refuse(*fault)
        return source

    @field_validator("username", "password_file")
    @classmethod
    def _login_once(cls, given: str | Path | None, info: ValidationInfo) -> str | Path | None:
        if given is None or "source" not in info.data:
            return given
        address = take_apart(info.data["source"])
        if address is None:
            refuse("is given, but `source` is no address", "Take it out, or write an rtsp:// or http:// address")
        if address.login is not None:
            refuse("is given, but there is a user name in `source` already", "Take one of the two out")
        if info.field_name == "password_file" and "username" in info.data and info.data["username"] is None:
            refuse("is given, but `username` is not", "Write the name that the password belongs to")
        return given

    @field_validator("alerts")
    @classmethod
    def _emotions_in_label_set(cls, alerts: dict[str, AlertSection], info: ValidationInfo) -> dict[str, AlertSection]:
        emotion = info.data.get("emotion")
        if not isinstance(emotion, EmotionSection):
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
