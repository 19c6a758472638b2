"""The `privacy` section: what leaves the device about people."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from edge_fer.values.section import Count, Section, Text

__all__ = ["PrivacySection"]


class PrivacySection(Section):
    """What leaves the device about people."""

    events: Literal["on", "off"] = Field(
        default="on",
        description="With off, only summaries are published: no event, no alert, and not what is seen just now.",
    )
    live: Literal["never", "boxes", "pixelated"] = Field(
        default="pixelated",
        description="What an operator may look at on the page for a minute: nothing, boxes of faces without a picture, "
        "or a small picture with pixelated faces; only a config file can change it.",
    )
    recent: Literal["on", "off"] = Field(
        default="on",
        description="Whether the readings of the last hour are kept in memory, as numbers, so that thresholds can be "
        "tried on them.",
    )
    own_pictures: Literal["on", "off"] = Field(
        default="on",
        description="Whether operators may have pictures of their own read on the page; nothing of them is kept; "
        "only a config file can change it.",
    )
    k_minimum: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=1, description="A summary that fewer people made is held back; 1 holds back none."
    )
    pause_passcode: Annotated[str, StringConstraints(min_length=6, max_length=64)] | None = Field(
        default=None,
        description="With it, people who are watched can pause all cameras for 15 minutes, on the notice of the page, "
        "without an account; write it on the notice in the room.",
        examples=["quiet-table-7"],
    )
    purpose: Text | None = Field(
        default=None,
        max_length=500,
        description="What it is for, in words for people who are watched; on the notice of the page.",
        examples=["how content guests are at which hours"],
    )
    contact: Text | None = Field(
        default=None,
        max_length=500,
        description="Whom people who are watched can ask, likewise.",
        examples=["Anna Schmidt, privacy@example.org, +49 30 1234567"],
    )
