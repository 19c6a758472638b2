"""The `history` section: what is kept of the past on this device."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge_fer.values.section import Section
from edge_fer.values.units import DURATION, SIZE, Bytes, Seconds

__all__ = ["HistoryKeepSection", "HistorySection"]


class HistoryKeepSection(Section):
    """For how long the history is kept, and how much of it."""

    minutes: Annotated[Seconds, DURATION.within(0, 31_622_400)] = Field(
        default=3_024_000.0, description="For how long what was seen is kept by the minute; 0: only by the hour."
    )
    hours: Annotated[Seconds, DURATION.within(86_400, 315_360_000)] = Field(
        default=63_072_000.0, description="For how long it is kept by the hour, with alerts and the device's health."
    )
    size: Annotated[Bytes, SIZE.within(4_000_000, 4_000_000_000)] = Field(
        default=64_000_000, description="What it takes on disk at most; the oldest minutes are given up first."
    )


class HistorySection(Section):
    """What was seen, kept as sums on this device: no pictures, and nothing of single people but alerts."""

    record: Literal["on", "off"] = Field(default="off", description="Whether there is a history.")
    keep: HistoryKeepSection = Field(
        default=HistoryKeepSection(), description="For how long it is kept, and how much of it."
    )
    signals: Literal["on", "off"] = Field(
        default="off", description="Whether outside numbers that alerts ask for (`signal`) are kept in it, too."
    )
