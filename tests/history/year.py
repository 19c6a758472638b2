"""A year at an invented counter in Berlin: its frames, and what other code than ours makes of them.

Frames come every minute while it is open, on whole minutes, so that no frame stands over the end of an hour.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from edge_fer.history.file import HistoryFile
from edge_fer.history.recorder import Recorder
from edge_fer.history.records import Keep
from edge_fer.history.tables import insert, prune
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.summaries import Summaries
from edge_fer.rules.scene.trend import Trend
from edge_fer.types import (
    EMOTION,
    Alert,
    AlertChange,
    AlertState,
    AttributeValue,
    Event,
    EventKind,
    Instant,
    Quality,
    Reading,
    Resolution,
)
from tests.rules.kit import SCALE

BERLIN = ZoneInfo("Europe/Berlin")
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
#: Seconds between frames.
STEP = 60
#: On these Sundays the clocks change, and it is open day and night.
SPRING, AUTUMN = date(2026, 3, 29), date(2025, 10, 26)
KEEP = Keep(minutes=35 * 86_400, hours=730 * 86_400, size=64_000_000)


class FrameSeen(NamedTuple):
    """One frame: seconds since 1970, who shows what, who came, who left, and alerts: id and whether over."""

    at: int
    people: dict[str, str]
    came: tuple[str, ...]
    left: tuple[str, ...]
    alerts: tuple[tuple[str, bool], ...]
    closes: bool = False


def frames(first: date, days: int, *, seed: int = 1) -> Iterator[FrameSeen]:
    """All frames of so many days."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    number, alerts = 0, 0
    for offset in range(days):
        day = first + timedelta(days=offset)
        begin, end = _open(day)
        people: dict[str, str] = {}
        firing: tuple[str, int] | None = None
        grumpy = chance.random() < 0.15
        for at in range(begin, end, STEP):
            left = tuple(who for who in people if chance.random() < 0.2)
            for who in left:
                del people[who]
            came: tuple[str, ...] = ()
            if chance.random() < _busy(at):
                number += 1
                came = (f"guest-{number}",)
                people[came[0]] = ""
            for who in people:
                people[who] = _mood(chance, grumpy=grumpy)
            told: tuple[tuple[str, bool], ...] = ()
            if firing is None and people and chance.random() < (0.01 if grumpy else 0.002):
                alerts += 1
                firing = f"alert-{alerts}", at + STEP * chance.randrange(1, 6)
                told = ((firing[0], False),)
            elif firing and at >= firing[1]:
                told = ((firing[0], True),)
                firing = None
            yield FrameSeen(at, dict(people), came, left, told)
        if end:
            yield FrameSeen(end, {}, (), tuple(people), ((firing[0], True),) if firing else (), closes=True)


def _open(day: date) -> tuple[int, int]:
    if day in {SPRING, AUTUMN}:
        return _seconds(day, 0), _seconds(day + timedelta(days=1), 0)
    if day.weekday() == 6:
        return 0, 0
    return _seconds(day, 9), _seconds(day, 14 if day.weekday() == 5 else 18)


def _seconds(day: date, hour: int) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN).timestamp())


def _busy(at: int) -> float:
    hour = datetime.fromtimestamp(at, BERLIN).hour
    return {12: 0.7, 13: 0.6, 17: 0.5}.get(hour, 0.2)


def _mood(chance: random.Random, *, grumpy: bool) -> str:
    weights = [4, 1, 1, 3, 3, 1, 6] if grumpy else [1, 1, 1, 6, 1, 2, 8]
    return "uncertain" if chance.random() < 0.15 else chance.choices(LABELS, weights)[0]


def confidence_of(label: str) -> float:
    """How sure each emotion is."""
    return 0.5 + len(label) / 20


@dataclass
class Live:
    """Takes the frames through our own objects, as the daemon does."""

    path: Path
    k_minimum: int = 1
    by_minute: bool = True
    keep: Keep = KEEP
    calendar: Calendar = field(default_factory=lambda: Calendar(BERLIN))
    camera: str = "counter"

    def __post_init__(self) -> None:
        lengths = [60, 3600] if self.by_minute else [3600]
        self.summaries = Summaries(
            self.camera,
            lengths,
            labels=LABELS,
            calendar=self.calendar,
            scale=SCALE,
            trend=Trend(self.calendar),
            k_minimum=self.k_minimum,
            max_gap=STEP,
        )
        self.recorder = Recorder(self.calendar, by_minute=self.by_minute, k_minimum=self.k_minimum, signals={})
        self.file = HistoryFile(self.path, max_size=self.keep.size)
        self._alerts: dict[str, Alert] = {}

    def play(self, seen: Iterator[FrameSeen], *, at_once: int = 2000) -> None:
        """Takes all frames, and writes many records at once."""
        records = []
        last = None
        for frame in seen:
            at = Instant(float(frame.at), datetime.fromtimestamp(frame.at, UTC), synced=True)
            readings = [self._reading(who, label, at) for who, label in frame.people.items()]
            summaries = self.summaries.update(readings, left=frame.left, at=at)
            events = [Event(EventKind.APPEARED, self._reading(who, "uncertain", at), at, 0.0) for who in frame.came]
            changes = [self._change(number, over, at) for number, over in frame.alerts]
            records += self.recorder.tell(self.camera, at, summaries=summaries, changes=changes, events=events)
            if frame.closes:
                # the counter closes, and time goes on without frames
                later = at.later(2 * 3600)
                records += self.recorder.tell(self.camera, later, summaries=self.summaries.pass_time(later))
            last = at
            if len(records) >= at_once:
                self._write(records, at)
                records = []
        if last:
            self._write(records, last)

    def _write(self, records: list, at: Instant) -> None:
        self.file.run(lambda connection: insert(connection, records))
        self.file.run(lambda connection: prune(connection, self.keep, at.utc))

    def _reading(self, who: str, label: str, at: Instant) -> Reading:
        return Reading(self.camera, who, at, Quality(1.0), {EMOTION: AttributeValue(label, confidence_of(label), {})})

    def _change(self, number: str, over: bool, at: Instant) -> AlertChange:  # noqa: FBT001
        if not over:
            self._alerts[number] = Alert(
                number,
                self.camera,
                "unhappy-guest",
                "warning",
                "someone",
                AlertState.FIRING,
                at,
                0.8,
                0.6,
                labels=("angry", "sad"),
            )
        return AlertChange(over, self._alerts[number], at, Resolution.OVER if over else None)
