"""What the history holds: one record each, as it goes into the file and comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from edge_fer.types import UNCERTAIN

__all__ = [
    "HOURLY",
    "MINUTELY",
    "AlertBegan",
    "AlertEnded",
    "HealthHour",
    "HistoryWindow",
    "Keep",
    "Record",
    "SignalWindow",
]

#: Lengths of the windows that are kept, in seconds.
MINUTELY, HOURLY = 60, 3600


@dataclass(frozen=True, slots=True)
class Keep:
    """For how long, and how much, is kept.

    Attributes:
        minutes: seconds for which records by the minute are kept.
        hours: seconds for which everything else is.
        size: bytes that all of it may take on disk.
    """

    minutes: float
    hours: float
    size: int


@dataclass(frozen=True, slots=True)
class HistoryWindow:
    """What one camera saw in a minute or an hour. All durations in seconds, added up over people.

    Attributes:
        camera: the camera's name.
        length: `MINUTELY` or `HOURLY`, nominally.
        since: when it begins, UTC.
        until: when it ends, UTC.
        watched: for how long of it the camera was watched.
        synced: whether the clock was known to be right.
        people: visits; somebody who left and came back counts twice. None: held back, and so are all numbers below.
        arrived: how many people came into view in it.
        attention: how long faces could be read.
        seconds: how long each emotion led, and under `UNCERTAIN` how long none did.
        sure: the seconds in which one led, each weighted by its confidence, 0 to 1.
    """

    camera: str
    length: int
    since: datetime
    until: datetime
    watched: float
    synced: bool
    people: int | None
    arrived: int = 0
    attention: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    sure: float = 0.0

    @property
    def presence(self) -> float:
        """How long people were in view."""
        return sum(self.seconds.values())

    @property
    def uncertain(self) -> float:
        """How long no emotion led."""
        return self.seconds.get(UNCERTAIN, 0.0)


@dataclass(frozen=True, slots=True)
class AlertBegan:
    """An alert that began to fire. There is nothing in it of the person.

    Attributes:
        id: of the alert.
        camera: the camera's name.
        rule: the rule's name.
        severity: as the rule says.
        labels: the emotions that the rule watches for.
        of_faces: whether the rule goes by what faces show.
        began: when it began to fire, UTC; only the hour, where history is kept by the hour alone.
        ended: when it was resolved, UTC, likewise; None: that is not known.
        seconds: how long it fired; None: that is not known.
        reason: why it was resolved.
    """

    id: str
    camera: str
    rule: str
    severity: str
    labels: tuple[str, ...]
    of_faces: bool
    began: datetime
    ended: datetime | None = None
    seconds: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AlertEnded:
    """That an alert was resolved; see `AlertBegan`."""

    id: str
    camera: str
    ended: datetime
    seconds: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class SignalWindow:
    """What was known of an outside number in a minute or an hour.

    Attributes:
        camera: whose rules ask for it.
        signal: topic and path.
        since: when it begins, UTC.
        until: when it ends, UTC.
        count: how many values came.
        low: the lowest.
        mean: their mean.
        high: the highest.
    """

    camera: str
    signal: str
    since: datetime
    until: datetime
    count: int
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class HealthHour:
    """How the device was in an hour.

    Attributes:
        since: when the hour begins, UTC.
        looks: how often it was looked at.
        connected: how often there was a connection to the broker then.
        losses: how often a camera was lost.
        temperature: the highest of the processor, in degrees Celsius; None: not known.
        memory: the most that the daemon held, in bytes.
        waiting: the most messages that waited for the broker.
    """

    since: datetime
    looks: int
    connected: int
    losses: int
    temperature: float | None
    memory: int
    waiting: int


Record: TypeAlias = HistoryWindow | AlertBegan | AlertEnded | SignalWindow | HealthHour
