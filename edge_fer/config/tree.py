"""The whole config as one frozen, typed tree. Each field has a default, a unit and one sentence.

The docs, the default file and the JSON Schema are made from it. Cross-field rules stand beside the
field at which they complain, so that one wrong field never hides another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from edge_fer.config.engine.places import default_models_dir, default_state_dir
from edge_fer.config.sections.alerts import AlertSection
from edge_fer.config.sections.attributes import Attribute
from edge_fer.config.sections.cameras import CameraSection, ZoneSection
from edge_fer.config.sections.emotion import EmotionSection, SmoothingSection
from edge_fer.config.sections.exposure import ExposureSection
from edge_fer.config.sections.faces import FaceQualitySection, FacesSection
from edge_fer.config.sections.fleet import FleetSection
from edge_fer.config.sections.heat import HeatSection
from edge_fer.config.sections.history import HistorySection
from edge_fer.config.sections.homeassistant import HomeAssistantSection
from edge_fer.config.sections.metrics import MetricsSection
from edge_fer.config.sections.mood import MoodSection
from edge_fer.config.sections.mqtt import MqttSection, OutboxSection
from edge_fer.config.sections.node import NodeSection
from edge_fer.config.sections.notify import NotifySection
from edge_fer.config.sections.privacy import PrivacySection
from edge_fer.config.sections.summaries import SummariesSection
from edge_fer.config.sections.view import ViewSection
from edge_fer.config.sections.web import WebSection
from edge_fer.contract.topics import Topics
from edge_fer.errors import did_you_mean
from edge_fer.rules.conditions.counts import WhenCount
from edge_fer.rules.conditions.when import parts_of, signals_in
from edge_fer.values.destination import leads_outside
from edge_fer.values.section import Name, Section
from edge_fer.values.units import refuse

__all__ = [
    "AlertSection",
    "Attribute",
    "CameraSection",
    "Config",
    "EmotionSection",
    "ExposureSection",
    "FaceQualitySection",
    "FacesSection",
    "FleetSection",
    "HeatSection",
    "HistorySection",
    "HomeAssistantSection",
    "MetricsSection",
    "MoodSection",
    "MqttSection",
    "NodeSection",
    "NotifySection",
    "OutboxSection",
    "PrivacySection",
    "Section",
    "SmoothingSection",
    "SummariesSection",
    "ViewSection",
    "WebSection",
    "ZoneSection",
]


class Config(Section):
    """Everything that can be set."""

    profile: Literal["counter", "ward", "crowd"] = Field(
        default="counter", description="The place it is made for, which sets defaults for all below."
    )
    node: NodeSection = Field(default_factory=NodeSection, description="What this device is called.")
    cameras: dict[Name, CameraSection] = Field(
        default={"camera": CameraSection()},
        description="The cameras by name; where none is named, there is one called `camera`.",
    )
    view: ViewSection = Field(default=ViewSection(), description="When a camera's view is told as covered or moved.")
    faces: FacesSection = Field(default=FacesSection(), description="How faces are found and followed.")
    emotion: EmotionSection = Field(default=EmotionSection(), description="How emotions are read from faces.")
    attributes: dict[Name, Attribute] = Field(
        default={},
        description="What else is read of faces or pictures by name, each with a model of its own; nothing by default.",
    )
    alerts: dict[Name, AlertSection] = Field(
        default={}, description="The alerts by name; the profile brings some, `false` switches one off."
    )
    heat: HeatSection = Field(default=HeatSection(), description="What is done when the machine gets hot.")
    mood: MoodSection = Field(default=MoodSection(), description="How satisfaction and distress are made of emotions.")
    summaries: SummariesSection = Field(default=SummariesSection(), description="What is summed up.")
    privacy: PrivacySection = Field(default=PrivacySection(), description="What leaves the device about people.")
    mqtt: MqttSection = Field(default=MqttSection(), description="Where messages go.")
    homeassistant: HomeAssistantSection = Field(
        default=HomeAssistantSection(), description="How Home Assistant is told what this device has."
    )
    commands: Literal["on", "off"] = Field(
        default="off",
        description="Whether the node takes commands over MQTT; it leaves it to the broker who may send them.",
    )
    fleet: FleetSection = Field(
        default=FleetSection(), description="What an operator of many nodes may do with this one."
    )
    metrics: MetricsSection = Field(default=MetricsSection(), description="Numbers for Prometheus.")
    history: HistorySection = Field(default=HistorySection(), description="What is kept of the past on this device.")
    notify: NotifySection = Field(default=NotifySection(), description="Who is told of alerts and troubles.")
    web: WebSection = Field(default=WebSection(), description="The page, where edge-fer is installed as a service.")
    state_dir: Path = Field(
        default_factory=default_state_dir,
        description="The folder for what must survive a restart; left out, /var/lib/edge-fer where that can be "
        "written, else a folder of the user's own.",
        examples=["/var/lib/edge-fer"],
    )
    models_dir: Path = Field(
        default_factory=default_models_dir,
        description="The folder for fetched model files; left out, the first of these that has some: "
        "share/edge-fer/models in the program's environment, /var/lib/edge-fer/models, ~/.local/share/edge-fer/models.",
        examples=["/var/lib/edge-fer/models"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="How much is written to the log."
    )

    @field_validator("cameras")
    @classmethod
    def _at_least_one(cls, cameras: dict[str, CameraSection]) -> dict[str, CameraSection]:
        if not cameras:
            refuse("are all switched off", "Leave at least one camera on")
        return cameras

    @model_validator(mode="after")
    def _listens_to_others_alone(self) -> Self:
        topics = Topics(self.node.id, self.mqtt.topic_prefix)
        own = [
            ("cameras", camera, "alerts", name, "when", *path, "signal")
            for camera, given in self.cameras.items()
            for name, alert in given.alerts.items()
            for path, signal in signals_in(alert.when)
            if topics.is_of_node(signal.topic)
        ]
        if own:
            refuse("is what this device publishes itself", "Name a topic of another device", at=own)
        ours = [
            ("homeassistant", key)
            for key in ("prefix", "status_topic")
            if topics.is_of_us(getattr(self.homeassistant, key))
        ]
        if ours:
            refuse("is among our own topics", "Name the one that is set in Home Assistant", at=ours)
        return self

    @model_validator(mode="after")
    def _counts_alerts_that_there_are(self) -> Self:
        for camera, given in self.cameras.items():
            for name, alert in given.alerts.items():
                for path, part in parts_of(alert.when):
                    others = [other for other in given.alerts if other != name]
                    if isinstance(part, WhenCount) and part.count not in others:
                        place = ("cameras", camera, "alerts", name, "when", *path, "count")
                        remedy = did_you_mean(part.count, others) or "Name another alert of this camera"
                        refuse("is no other alert of this camera", remedy, at=[place])
        return self

    @model_validator(mode="after")
    def _history_fits(self) -> Self:
        if self.history.record == "off":
            return self
        if self.profile == "ward" and self.history.keep.minutes > 0:
            remedy = "Write `0s`: on a ward, history is kept by the hour alone (docs/privacy.md)"
            refuse("is too exact for the profile `ward`", remedy, at=[("history", "keep", "minutes")])
        odd = [
            ("summaries", "windows", index)
            for index, length in enumerate(self.summaries.windows)
            if self.history.keep.minutes > 0 and length % 60 and 60 % length
        ]
        if odd:
            remedy = "Write 1m, or what it is a whole part or a multiple of; or set `history.keep.minutes: 0s`"
            refuse("does not go together with the history, which is kept by the minute", remedy, at=odd)
        return self

    @model_validator(mode="after")
    def _notifies_of_what_there_is(self) -> Self:
        rules = {name for camera in self.cameras.values() for name in camera.alerts}
        for name, route in self.notify.routes.items():
            for key, given, known in (("rules", route.rules, rules), ("cameras", route.cameras, set(self.cameras))):
                strange = [("notify", "routes", name, key, i) for i, one in enumerate(given) if one not in known]
                if strange:
                    one = given[int(strange[0][-1])]
                    remedy = did_you_mean(one, known) or f"Choose from {', '.join(sorted(known)) or 'none'}"
                    refuse(f"is none of the {key}", remedy, at=strange)
        return self

    @model_validator(mode="after")
    def _no_page_leaves_where_events_are_off(self) -> Self:
        if self.privacy.events == "off" and self.notify.week_page:
            remedy = "Take it out, or write `privacy.events: on`"
            what = "would get a page with alerts, which `privacy.events: off` keeps on this device"
            refuse(what, remedy, at=[("notify", "week_page")])
        return self

    @model_validator(mode="after")
    def _a_ward_tells_nobody_outside(self) -> Self:
        if self.profile == "ward":
            outside = [
                ("notify", "targets", name, "url")
                for name, target in self.notify.targets.items()
                if target.url and leads_outside(target.url) and not target.outside
            ]
            if outside:
                remedy = "Name a server inside, such as an ntfy of your own, or write `outside: true` beside it"
                refuse("is a public service, to which nothing may go from a ward", remedy, at=outside)
        return self
