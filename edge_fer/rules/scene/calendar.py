"""Where windows begin and end: aligned to the clock on the wall, in one time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

__all__ = ["DAY", "HOUR", "WEEK_HOURS", "Calendar"]

#: Seconds; a day has 23 or 25 hours where the clocks change.
HOUR, DAY = 3600, 86_400
WEEK_HOURS = 7 * 24


class Calendar:
    """The windows of one time zone.

    A day is from local midnight to the next. Shorter windows count from local midnight, so that they are aligned to
    the local clock, never reach over midnight, and always nest: each lies in one of any longer kind.

    Args:
        zone: the time zone.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    @property
    def zone(self) -> tzinfo:
        """The time zone."""
        return self._zone

    def window(self, utc: datetime, length: int) -> tuple[datetime, datetime]:
        """When the window begins and ends that holds a moment, in UTC; its end belongs to the next.

        Args:
            utc: the moment, in UTC.
            length: of the window in seconds: `DAY`, or a divisor of an hour, or the hour.
        """
        today = utc.astimezone(self._zone).date()
        midnight, next_midnight = self.midnight(today), self.midnight(today + timedelta(days=1))
        if length == DAY:
            return midnight, next_midnight
        since = midnight + timedelta(seconds=(utc - midnight) // timedelta(seconds=length) * length)
        # where a day is no whole number of windows long (Lord Howe's clocks change by half an hour), the last is short
        return since, min(since + timedelta(seconds=length), next_midnight)

    def hour_of_week(self, utc: datetime) -> int:
        """The local hour: 0 is Monday from midnight to one o'clock, 167 Sunday's last."""
        local = utc.astimezone(self._zone)
        return local.weekday() * 24 + local.hour

    def midnight(self, day: date) -> datetime:
        """When a local day begins, in UTC."""
        # a midnight that the clocks leap over is the moment of the leap; of one that comes twice, the first counts
        return datetime.combine(day, time(), self._zone).astimezone(UTC)
