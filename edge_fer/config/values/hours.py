"""Hours of the week, as people write them: `mon-fri 08:00-18:00`, `sat sun 22:00-02:00`, `22:00-06:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from edge_fer.config.values.units import refuse
from edge_fer.errors import did_you_mean

__all__ = ["DAYS", "Hours", "WrittenHours"]

#: The days of the week as written, in the order of `datetime.weekday`.
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
_TIMES: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_EXAMPLE: Final = "Write days and times, for example `mon-fri 08:00-18:00`"


@dataclass(frozen=True, slots=True)
class Hours:
    """From one time of day to another, on some days of the week; local time.

    Attributes:
        days: on which it begins, 0 is Monday.
        begin: minutes after midnight, 0 to 1439.
        end: likewise, 1 to 1440; at most `begin` where it is on the day after.
    """

    days: frozenset[int]
    begin: int
    end: int

    def __str__(self) -> str:
        days = "" if len(self.days) == len(DAYS) else " ".join([*(DAYS[day] for day in sorted(self.days)), ""])
        return f"{days}{_clock(self.begin)}-{_clock(self.end)}"


def _read(value: object) -> Hours:
    if isinstance(value, Hours):
        return value
    if not isinstance(value, str):
        refuse("is not hours of the week", _EXAMPLE)
    *days, times = value.lower().split() or [""]
    found = _TIMES.fullmatch(times)
    if found is None:
        refuse("is not hours of the week", f"{_EXAMPLE}; hours have two digits, and `24:00` is the end of a day")
    begin = int(found[1]) * 60 + int(found[2])
    end = _DAY if found[3] is None else int(found[3]) * 60 + int(found[4])
    if begin == end:
        refuse("is no time at all", "Write `00:00-24:00` for whole days")
    return Hours(_days(days or ["mon-sun"]), begin, end)


def _days(parts: list[str]) -> frozenset[int]:
    """The days in `mon-wed sat`; a range may go past Sunday."""
    days: set[int] = set()
    for part in parts:
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                refuse(f"names no day with `{name[:20]}`", did_you_mean(name, DAYS) or f"Write {', '.join(DAYS)}")
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        days.update(day % len(DAYS) for day in range(begin, (end if end >= begin else end + len(DAYS)) + 1))
    return frozenset(days)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


WrittenHours: TypeAlias = Annotated[
    Hours,
    PlainValidator(_read),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\S+ +)*[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"}),
]
