"""Whether a rule watches at this hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo

from edge_fer.config.values.hours import DAYS, Hours
from edge_fer.types import Instant

__all__ = ["Schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hours of the week, in local time.

    Goes by what a clock on the wall shows: in the night when clocks go forward, hours that do not exist are left
    out; when they go back, an hour that comes twice counts twice.

    Attributes:
        hours: when it watches; none for always.
        zone: of the local time; None for the system's.
    """

    hours: tuple[Hours, ...] = ()
    zone: tzinfo | None = None

    def covers(self, at: Instant) -> bool:
        """Whether it watches at an instant. With a clock that may be wrong it does: better an alert too many."""
        if not self.hours or not at.synced:
            return True
        local = at.utc.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return _any_covers(self.hours, local.weekday(), minute)


def _any_covers(hours: Iterable[Hours], day: int, minute: int) -> bool:
    yesterday = (day - 1) % len(DAYS)
    for span in hours:
        if span.begin < span.end:
            if day in span.days and span.begin <= minute < span.end:
                return True
        elif (day in span.days and minute >= span.begin) or (yesterday in span.days and minute < span.end):
            return True
    return False
