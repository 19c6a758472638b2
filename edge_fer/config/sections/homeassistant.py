"""The `homeassistant` section: how Home Assistant is told what there is."""

from __future__ import annotations

from pydantic import Field, field_validator

from edge_fer.config.section import Section, Switch
from edge_fer.config.values.topic import PlainTopic
from edge_fer.config.values.units import refuse

__all__ = ["HomeAssistantSection"]


class HomeAssistantSection(Section):
    """How Home Assistant is told what this device has."""

    enabled: Switch = Field(
        default=False,
        description="Whether Home Assistant is told of this device, so that it appears there by itself; "
        "the broker must let it publish below `prefix`.",
    )
    prefix: PlainTopic = Field(
        default="homeassistant", description="What Home Assistant's discovery topics begin with, as set there."
    )
    status_topic: PlainTopic = Field(
        default="homeassistant/status",
        description="Where Home Assistant says `online` when it starts, upon which it is told anew.",
    )

    @field_validator("prefix", "status_topic")
    @classmethod
    def _of_others(cls, topic: str) -> str:
        if topic == "edge-fer" or topic.startswith("edge-fer/"):
            refuse("is among our own topics", "Name the one that is set in Home Assistant")
        return topic
