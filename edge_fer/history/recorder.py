"""Makes records of what cameras tell. Pure: it is given the time, and knows no file.

Where few people must not be told apart (`k_minimum`), an hour that was held back has no numbers, and alerts that go by
faces wait until their hour has been told. Those of an hour that was held back, or that was never told, are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from edge_fer.history.records import (
    HOURLY,
    MINUTELY,
    AlertBegan,
    AlertEnded,
    HealthHour,
    HistoryWindow,
    Record,
    SignalWindow,
)
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.mood import read_seconds
from edge_fer.types import UNCERTAIN, AlertChange, Event, EventKind, Instant, SignalKey, SignalValue, Summary

__all__ = ["DeviceLook", "Recorder", "signal_name"]

#: Alerts that wait for the end of their hour, and alerts of which it is known when they began; the oldest go first.
MOST_WAITING, MOST_FIRING = 500, 500


@dataclass(frozen=True, slots=True)
class DeviceLook:
    """How the device is just now; see `HealthHour`."""

    connected: bool
    temperature: float | None
    memory: int
    waiting: int


class Recorder:
    """Makes records of what all cameras of a node tell. For one thread at a time.

    Args:
        calendar: says which minute and hour a moment is in.
        by_minute: whether there are records by the minute; else nothing is more exact than an hour.
        k_minimum: alerts of an hour that fewer people made are not recorded.
        signals: by camera, the outside numbers that are recorded.

    Attributes:
        withheld: alerts that were not recorded because too few people made their hour, or nobody told it.
    """

    def __init__(
        self, calendar: Calendar, *, by_minute: bool, k_minimum: int, signals: Mapping[str, Iterable[SignalKey]]
    ) -> None:
        self._calendar = calendar
        self._lengths = (MINUTELY, HOURLY) if by_minute else (HOURLY,)
        self._shortest = self._lengths[0]
        self._by_minute = by_minute
        self._waits = k_minimum > 1
        self._signals = {camera: tuple(keys) for camera, keys in signals.items()}
        self._taken: dict[tuple[str, SignalKey], float] = {}
        self._numbers: dict[tuple[str, SignalKey], SignalWindow] = {}
        self._arrived: dict[tuple[str, int], int] = {}
        #: of alerts that fire, when they began to, in monotonic seconds
        self._fired: dict[str, float] = {}
        #: alerts whose hour is not over, with when that hour begins
        self._waiting: dict[str, tuple[datetime, AlertBegan]] = {}
        self._hour: HealthHour | None = None
        self._losses = 0
        self.withheld = 0

    @property
    def wants_signals(self) -> bool:
        """Whether any outside number is recorded."""
        return any(self._signals.values())

    def tell(
        self,
        camera: str,
        at: Instant,
        *,
        summaries: Iterable[Summary] = (),
        changes: Iterable[AlertChange] = (),
        events: Iterable[Event] = (),
        samples: Mapping[SignalKey, SignalValue] | None = None,
    ) -> list[Record]:
        """What is to be written of one step of a camera's pipeline.

        Args:
            camera: its name.
            at: when.
            summaries: windows that are over.
            changes: alerts that began to fire, or were resolved.
            events: of which people who came into view are counted, and nothing else.
            samples: the newest of outside numbers.
        """
        found: list[Record] = []
        for summary in summaries:
            if summary.length in self._lengths:
                found.append(self._window(summary))
                if summary.length == HOURLY:
                    found += self._release(summary)
        arrived = sum(event.kind is EventKind.APPEARED for event in events)
        if arrived:
            for length in self._lengths:
                self._arrived[camera, length] = self._arrived.get((camera, length), 0) + arrived
        for change in changes:
            found += self._change(change)
        if samples:
            found += self._sample(camera, at, samples)
        return found

    def lost(self) -> None:
        """A camera was lost."""
        self._losses += 1

    def look(self, device: DeviceLook, at: Instant) -> list[Record]:
        """Takes how the device is now; returns the hour before, once it is over."""
        since, _ = self._calendar.window(at.utc, HOURLY)
        over = [self._hour] if self._hour and self._hour.since != since else []
        before = self._hour if self._hour and not over else HealthHour(since, 0, 0, 0, None, 0, 0)
        known = [one for one in (before.temperature, device.temperature) if one is not None]
        self._hour = HealthHour(
            since=since,
            looks=before.looks + 1,
            connected=before.connected + device.connected,
            losses=before.losses + self._losses,
            temperature=max(known, default=None),
            memory=max(before.memory, device.memory),
            waiting=max(before.waiting, device.waiting),
        )
        self._losses = 0
        return list(over)

    def finish(self) -> list[Record]:
        """What has been begun; nothing will follow. Alerts whose hour is not over are not among it."""
        begun: list[Record] = [*self._numbers.values(), *([self._hour] if self._hour else [])]
        self._numbers.clear()
        self._hour = None
        self.withheld += len(self._waiting)
        self._waiting.clear()
        return begun

    def _window(self, summary: Summary) -> HistoryWindow:
        numbers, arrived = summary.numbers, self._arrived.pop((summary.camera, summary.length), 0)
        common = (summary.camera, summary.length, summary.since, summary.until, summary.watched, summary.at.synced)
        if numbers is None:
            return HistoryWindow(*common, people=None)
        seconds = {label: spent for label, spent in numbers.seconds.items() if spent > 0}
        if numbers.uncertain > 0:
            seconds[UNCERTAIN] = numbers.uncertain
        sure = (numbers.confidence or 0.0) * read_seconds(seconds)
        return HistoryWindow(*common, numbers.people, arrived, numbers.attention, seconds, sure)

    def _release(self, summary: Summary) -> Iterator[AlertBegan]:
        """The alerts that waited for an hour; those of earlier hours were told of by nobody."""
        for number, (since, alert) in list(self._waiting.items()):
            if alert.camera == summary.camera and since <= summary.since:
                del self._waiting[number]
                if since == summary.since and summary.numbers is not None:
                    yield alert
                else:
                    self.withheld += 1

    def _change(self, change: AlertChange) -> Iterator[Record]:
        alert, moment = change.alert, self._moment(change.at.utc)
        if not change.resolved:
            _bounded(self._fired, MOST_FIRING)
            self._fired[alert.id] = change.at.mono
            named = (alert.id, alert.camera, alert.rule, str(alert.severity), alert.labels, alert.of_faces)
            began = AlertBegan(*named, moment)
            if not (self._waits and alert.of_faces):
                yield began
                return
            self.withheld += _bounded(self._waiting, MOST_WAITING)
            self._waiting[alert.id] = self._calendar.window(change.at.utc, HOURLY)[0], began
            return
        fired = self._fired.pop(alert.id, None)
        seconds = None if fired is None else max(0.0, change.at.mono - fired)
        reason = None if change.reason is None else str(change.reason)
        if alert.id in self._waiting:
            since, began = self._waiting[alert.id]
            self._waiting[alert.id] = since, replace(began, ended=moment, seconds=seconds, reason=reason)
        else:
            yield AlertEnded(alert.id, alert.camera, moment, seconds, reason)

    def _moment(self, utc: datetime) -> datetime:
        return utc if self._by_minute else self._calendar.window(utc, HOURLY)[0]

    def _sample(self, camera: str, at: Instant, samples: Mapping[SignalKey, SignalValue]) -> Iterator[SignalWindow]:
        since, until = None, None
        for key in self._signals.get(camera, ()):
            sample, place = samples.get(key), (camera, key)
            if sample is None or sample.value is None or sample.mono is None or sample.mono == self._taken.get(place):
                continue
            self._taken[place] = sample.mono
            if since is None or until is None:
                since, until = self._calendar.window(at.utc, self._shortest)
            value, before = sample.value, self._numbers.get(place)
            if before and before.since != since:
                yield before
                before = None
            count = before.count + 1 if before else 1
            self._numbers[place] = SignalWindow(
                camera,
                signal_name(key),
                since,
                until,
                count,
                min(before.low, value) if before else value,
                before.mean + (value - before.mean) / count if before else value,
                max(before.high, value) if before else value,
            )


def signal_name(key: SignalKey) -> str:
    """Topic and path of an outside number, such as `ward/bed-3 $.vitals[0].bpm`."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in key.steps)
    return f"{key.topic} ${path}" if path else key.topic


def _bounded(known: dict[str, Any], most: int) -> int:
    """Makes room for one more; the oldest goes first. Returns how many went."""
    if len(known) < most:
        return 0
    del known[next(iter(known))]
    return 1
