"""What was seen in a window of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from edge_fer.types.instant import Instant

__all__ = ["Distress", "Summary", "SummaryNumbers"]


class Distress(StrEnum):
    """How much of the time people look distressed: an indicator, never a diagnosis. The lowest first."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Summary:
    """What one camera saw in a window of time. All durations in seconds.

    Attributes:
        camera: the camera's name.
        at: when it was told: the window's end, or when it was cut short.
        length: of the kind of window, nominally.
        since: when the window begins by the wall clock, UTC.
        until: when it ends, UTC.
        watched: for how long of it the camera was watched.
        numbers: what was seen; None where it is held back, because too few people made it.
    """

    camera: str
    at: Instant
    length: int
    since: datetime
    until: datetime
    watched: float
    numbers: SummaryNumbers | None


@dataclass(frozen=True, slots=True)
class SummaryNumbers:
    """What was seen in a window. All durations in seconds, added up over people.

    Attributes:
        people: visits; somebody who left and came back counts twice.
        presence: how long people were in view.
        attention: how long of that their faces could be read, which means turned toward the camera.
        seconds: how long each emotion of the label set led.
        uncertain: how long none did; with `seconds` it adds up to `presence`.
        satisfaction: index, 0 to 100; None where too little could be read.
        distress: the level; None likewise.
        distress_share: the share of readable time that a distressed emotion led, 0 to 1; None likewise.
        usual: the satisfaction usual at these hours of the week; None while that is not known.
        confidence: mean of the leading emotion's over the readable time, 0 to 1; None where nothing could be read.
    """

    people: int
    presence: float
    attention: float
    seconds: Mapping[str, float]
    uncertain: float
    satisfaction: float | None
    distress: Distress | None
    distress_share: float | None
    usual: float | None
    confidence: float | None = None
