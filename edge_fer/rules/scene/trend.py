"""What is usual at this hour of the week: a running mean and spread for each of its 168 hours.

Each hour that was watched is one observation of its bin. Its weight is 1 / n at first and never less than 1 / 8, so
that the baseline follows about the last eight weeks. An observation further off than three spreads counts as three,
so that one bad day does not become usual (winsorising; Tukey, 1962). The spread is the running mean of absolute
deviations, which one outlier moves less than a standard deviation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

from edge_fer.rules.scene.calendar import WEEK_HOURS, Calendar

__all__ = ["MEASURES", "Baseline", "Trend", "Usual"]

#: Weeks that a bin must have been watched before it says what is usual.
MIN_WEEKS = 3
#: Weeks that the baseline looks back over, about.
MEMORY_WEEKS = 8
#: So many spreads off, an observation counts as no further off.
OUTLIER = 3.0

#: What is compared with its usual value, with the largest value it can have, and the least spread that is believed:
#: an hour that was always alike is no reason to take the smallest change for unusual.
MEASURES: Mapping[str, tuple[float, float]] = {"satisfaction": (100.0, 2.0), "distress": (1.0, 0.02)}


class Usual(NamedTuple):
    """What is usual at an hour of the week.

    Attributes:
        mean: of the measure.
        spread: mean absolute deviation from it, in the same unit; above 0.
        weeks: how many weeks this was learned from, at least `MIN_WEEKS`.
    """

    mean: float
    spread: float
    weeks: int


@dataclass(slots=True)
class _Bin:
    weeks: int = 0
    mean: float = 0.0
    spread: float = 0.0


class Baseline:
    """The 168 bins of one measure.

    Args:
        most: the largest value of the measure; the least is 0.
        least_spread: the least spread that is believed.
    """

    def __init__(self, most: float, least_spread: float) -> None:
        self._most = most
        self._least_spread = least_spread
        self._bins = [_Bin() for _ in range(WEEK_HOURS)]

    def learn(self, hour: int, value: float) -> None:
        """Takes one hour's value."""
        known = self._bins[hour]
        known.weeks += 1
        weight = max(1 / known.weeks, 1 / MEMORY_WEEKS)
        off = value - known.mean
        if known.weeks > MIN_WEEKS:
            furthest = OUTLIER * max(known.spread, self._least_spread)
            off = min(furthest, max(-furthest, off))
        known.mean += weight * off
        # the first observation is no deviation from anything
        if known.weeks > 1:
            known.spread += max(1 / (known.weeks - 1), 1 / MEMORY_WEEKS) * (abs(off) - known.spread)

    def usual(self, hour: int) -> Usual | None:
        """What is usual in that hour; None while too few weeks are known."""
        known = self._bins[hour]
        if known.weeks < MIN_WEEKS:
            return None
        return Usual(known.mean, max(known.spread, self._least_spread), known.weeks)

    def snapshot(self) -> list[list[float]]:
        """All bins, as numbers."""
        return [[known.weeks, round(known.mean, 5), round(known.spread, 5)] for known in self._bins]

    def restore(self, bins: Any) -> None:
        """Goes on from a snapshot.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(bins, list) or len(bins) != WEEK_HOURS:
            msg = f"a baseline has {WEEK_HOURS} hours"
            raise ValueError(msg)
        self._bins = [self._restored(found) for found in bins]

    def _restored(self, found: Any) -> _Bin:
        match found:
            case [int(weeks), float() | int() as mean, float() | int() as spread] if (
                weeks >= 0 and 0 <= mean <= self._most and spread >= 0 and isfinite(spread)
            ):
                return _Bin(weeks, float(mean), float(spread))
        msg = f"{found!r} is no hour of a baseline"
        raise ValueError(msg)


class Trend:
    """One camera's own baseline, and what is usual now.

    For "worse than usual", a rule compares the measure over its window with `usual`, for example:

        usual = trend.usual("satisfaction", at.utc)
        worse = usual is not None and value < usual.mean - by * usual.spread   # distress: value > mean + by * spread

    and treats None as not known: neither usual nor worse.

    Args:
        calendar: knows the hour of the week.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._baselines = {name: Baseline(*limits) for name, limits in MEASURES.items()}
        #: counts up with every hour learned, for whoever keeps it on disk
        self.version = 0

    def learn(self, utc: datetime, values: Mapping[str, float]) -> None:
        """Takes one hour's value of each measure; `utc` lies within that hour."""
        hour = self._calendar.hour_of_week(utc)
        for name, value in values.items():
            self._baselines[name].learn(hour, value)
        self.version += 1

    def usual(self, measure: str, utc: datetime) -> Usual | None:
        """What is usual at this hour of the week; None while that is not known.

        Args:
            measure: one of `MEASURES`: satisfaction (0 to 100) or distress (the share of time, 0 to 1).
            utc: now, in UTC.
        """
        return self._baselines[measure].usual(self._calendar.hour_of_week(utc))

    def snapshot(self) -> dict[str, Any]:
        """All that is known, as numbers."""
        return {name: baseline.snapshot() for name, baseline in self._baselines.items()}

    def restore(self, known: Any) -> None:
        """Goes on from a snapshot; without change where it is none.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(known, dict) or known.keys() != self._baselines.keys():
            msg = f"a trend has {' and '.join(self._baselines)}"
            raise ValueError(msg)
        fresh = {name: Baseline(*limits) for name, limits in MEASURES.items()}
        for name, baseline in fresh.items():
            baseline.restore(known[name])
        self._baselines = fresh
