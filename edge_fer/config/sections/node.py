"""The `node` section: what this device is called."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from edge_fer.config.engine.places import default_id
from edge_fer.errors import did_you_mean
from edge_fer.values.section import Name, Section, Text
from edge_fer.values.units import refuse

__all__ = ["NodeSection"]


class NodeSection(Section):
    """What this device is called."""

    id: Name = Field(
        default_factory=default_id,
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
        if name is not None and not available_timezones():
            refuse("cannot be looked up: the system has no time zone database", "Install tzdata")
        if name is not None and name not in available_timezones():
            remedy = did_you_mean(name, available_timezones())
            refuse("is not a timezone", remedy or "Write its name in the IANA database, for example `Europe/Berlin`")
        try:
            if name is not None:
                ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            refuse("is damaged in the system's time zone database", "Install tzdata anew")
        return name
