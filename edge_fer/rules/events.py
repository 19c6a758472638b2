"""Tells what happened to each person in view: appeared, emotion changed, left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_fer.types import EMOTION, UNCERTAIN, Event, EventKind, Instant, Reading, Track

__all__ = ["EventTeller"]


@dataclass(slots=True)
class _Visit:
    """What has been told of one person so far."""

    since: Instant
    reading: Reading
    told: str
    uncertain_since: float | None = None
    attributes: dict[str, str | float] = field(default_factory=dict)


class EventTeller:
    """Turns one camera's readings into events.

    A new emotion is told as soon as the smoothed label changes. `uncertain` is told only once it has
    lasted, because a face turned away for a moment has not changed its emotion. Of other attributes, what is
    `uncertain` is never told as a change.

    Args:
        uncertain_after: seconds that `uncertain` must last before it is told as a change.
    """

    def __init__(self, *, uncertain_after: float) -> None:
        self._uncertain_after = uncertain_after
        self._visits: dict[str, _Visit] = {}

    def update(
        self, readings: Iterable[Reading], *, appeared: Iterable[Track], left: Iterable[Track], at: Instant
    ) -> list[Event]:
        """What the readings of one frame add to what is known.

        Args:
            readings: one for each person found in this frame.
            appeared: people who became known with this frame; each has a reading.
            left: people given up with this frame.
            at: when the frame was captured.

        Returns:
            Events in the order they should be told.
        """
        events = [event for track in left if (event := self._left(track, at))]
        since = {track.id: track.since for track in appeared}
        for reading in readings:
            visit = self._visits.get(reading.track_id)
            if visit is None:
                events.append(self._appeared(reading, since.get(reading.track_id, at)))
                continue
            if event := self._changed(visit, reading):
                events.append(event)
            if len(reading.attributes) > 1:
                events += self._attributes_changed(visit, reading)
        return events

    def _appeared(self, reading: Reading, since: Instant) -> Event:
        self._visits[reading.track_id] = _Visit(since, reading, reading.label, attributes=_sure(reading))
        return Event(EventKind.APPEARED, reading, reading.at, _seconds(since, reading.at))

    def _changed(self, visit: _Visit, reading: Reading) -> Event | None:
        visit.reading = reading
        if reading.label == visit.told:
            visit.uncertain_since = None
            return None
        if reading.label == UNCERTAIN:
            if visit.uncertain_since is None:
                visit.uncertain_since = reading.at.mono
            if reading.at.mono - visit.uncertain_since < self._uncertain_after:
                return None
        previous, visit.told, visit.uncertain_since = visit.told, reading.label, None
        duration = _seconds(visit.since, reading.at)
        return Event(EventKind.EMOTION_CHANGED, reading, reading.at, duration, previous)

    def _attributes_changed(self, visit: _Visit, reading: Reading) -> Iterable[Event]:
        for name, value in _sure(reading).items():
            previous = visit.attributes.get(name)
            if value != previous:
                visit.attributes[name] = value
                duration = _seconds(visit.since, reading.at)
                yield Event(EventKind.CHANGED, reading, reading.at, duration, previous, name)

    def _left(self, track: Track, at: Instant) -> Event | None:
        visit = self._visits.pop(track.id, None)
        if visit is None:
            return None
        return Event(EventKind.LEFT, visit.reading, at, _seconds(visit.since, track.seen))


def _sure(reading: Reading) -> dict[str, str | float]:
    """The values of attributes other than the emotion, without those that are uncertain."""
    others = ((name, told.value) for name, told in reading.attributes.items() if name != EMOTION)
    return {name: value for name, value in others if value != UNCERTAIN}


def _seconds(since: Instant, until: Instant) -> float:
    return max(0.0, until.mono - since.mono)
