"""What a camera saw in a day, a week or a year, hour by hour, and summed up. Pure.

Hours are local hours of the site. A week in which the clocks change has its true number of hours; where an hour of the
clock comes twice, both are in the same field of the table of a week.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from edge_fer.history.records import HOURLY, AlertBegan, HistoryWindow
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.mood import read_seconds

__all__ = ["Digest", "Hour", "Period", "day_of", "digest", "hours_in", "leading", "summed", "week_of"]


@dataclass(frozen=True, slots=True)
class Period:
    """A time, from a local midnight to another, in UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a camera.

    Attributes:
        since: when it begins, in local time.
        until: when it ends, UTC.
        seen: what was seen in it; None: it was not watched, or may not be shown.
        held_back: whether it was watched but too few people made it.
        alerts: those that began to fire in it.
    """

    since: datetime
    until: datetime
    seen: HistoryWindow | None
    held_back: bool
    alerts: Sequence[AlertBegan]


@dataclass(frozen=True)
class Digest:
    """What one camera saw in a period.

    Attributes:
        camera: its name.
        period: when.
        hours: all there are in it, watched or not, the earliest first.
    """

    camera: str
    period: Period
    hours: Sequence[Hour]

    @cached_property
    def seen(self) -> Sequence[HistoryWindow]:
        """The hours that were watched and may be shown."""
        return [hour.seen for hour in self.hours if hour.seen]

    @cached_property
    def visits(self) -> int:
        """People in them, added up; who is in view when an hour ends counts in both."""
        return sum(seen.people or 0 for seen in self.seen)

    @cached_property
    def watched(self) -> float:
        """Seconds that were watched and may be shown."""
        return sum(seen.watched for seen in self.seen)

    @cached_property
    def seconds(self) -> Mapping[str, float]:
        """Seconds by label."""
        return summed(seen.seconds for seen in self.seen)

    @cached_property
    def confidence(self) -> float | None:
        """Mean confidence of the leading emotion, 0 to 1; None where nothing could be read."""
        read = read_seconds(self.seconds)
        return min(1.0, sum(seen.sure for seen in self.seen) / read) if read else None

    @cached_property
    def alerts(self) -> Sequence[AlertBegan]:
        """Those that began to fire."""
        return [alert for hour in self.hours for alert in hour.alerts]

    @cached_property
    def held_back(self) -> int:
        """How many hours were watched and may not be shown."""
        return sum(hour.held_back for hour in self.hours)

    def days(self) -> Iterator[tuple[date, Digest]]:
        """The same for each local day."""
        by_day: dict[date, list[Hour]] = {}
        for hour in self.hours:
            by_day.setdefault(hour.since.date(), []).append(hour)
        for day, hours in by_day.items():
            period = Period(hours[0].since.astimezone(UTC), hours[-1].until)
            yield day, Digest(self.camera, period, hours)


def summed(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Seconds by label, added up."""
    whole: dict[str, float] = {}
    for part in parts:
        for label, spent in part.items():
            whole[label] = whole.get(label, 0.0) + spent
    return whole


def leading(seconds: Mapping[str, float], labels: Iterable[str]) -> str | None:
    """The emotion that led for longest; None where nothing could be read."""
    return max(labels, key=lambda label: seconds.get(label, 0.0), default=None) if read_seconds(seconds) else None


def day_of(calendar: Calendar, day: date, *, days: int = 1) -> Period:
    """A local day, or several from it on."""
    return Period(calendar.midnight(day), calendar.midnight(day + timedelta(days=days)))


def week_of(calendar: Calendar, day: date) -> Period:
    """The week that a day is in, from Monday to Sunday."""
    return day_of(calendar, day - timedelta(days=day.weekday()), days=7)


def hours_in(calendar: Calendar, period: Period) -> Iterator[tuple[datetime, datetime]]:
    """When each local hour of a period begins and ends, in UTC."""
    since = period.since
    while since < period.until:
        _, until = calendar.window(since, HOURLY)
        yield since, until
        since = until


def digest(
    calendar: Calendar,
    camera: str,
    period: Period,
    *,
    hours: Iterable[HistoryWindow],
    alerts: Iterable[AlertBegan],
    k_minimum: int,
) -> Digest:
    """What a camera saw in a period.

    Args:
        calendar: knows the hours of the place.
        camera: its name.
        period: when.
        hours: of the history, some of which may be of other cameras or times.
        alerts: likewise.
        k_minimum: an hour that fewer people made is not shown, nor are its alerts that go by faces.
    """
    known = {hour.since: hour for hour in hours if hour.camera == camera}
    began: dict[datetime, list[AlertBegan]] = {}
    for alert in alerts:
        if alert.camera == camera:
            began.setdefault(calendar.window(alert.began, HOURLY)[0], []).append(alert)
    found = []
    for since, until in hours_in(calendar, period):
        seen = known.get(since)
        held_back = seen is not None and (seen.people is None or (k_minimum > 1 and seen.people < k_minimum))
        shown = [
            alert for alert in began.get(since, ()) if k_minimum <= 1 or (seen and not held_back) or not alert.of_faces
        ]
        local = since.astimezone(calendar.zone)
        found.append(Hour(local, until, None if held_back else seen, held_back, shown))
    return Digest(camera, period, found)
