"""How often something happened in a time: alerts of another rule that began to fire, and visits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge_fer.rules.conditions.finding import SCENE, Findings, tested
from edge_fer.rules.conditions.kind import ConditionKind, ConditionSection, Window
from edge_fer.rules.past import MOST_FIRINGS, Past
from edge_fer.rules.scene.mood import MoodWindow
from edge_fer.rules.sight import Sight
from edge_fer.values.section import Count, Name

__all__ = ["COUNT", "VISITS", "AlertCountCondition", "VisitsCondition", "WhenCount", "WhenVisits"]

#: The part of the time that must have been watched before visits can be called few.
_ENOUGH = 0.9


class WhenCount(ConditionSection):
    """Several alerts of another rule began to fire within a time."""

    count: Name = Field(description="The rule whose alerts on the same camera are counted.", examples=["unhappy-guest"])
    at_least: Annotated[Count, Field(ge=1, le=MOST_FIRINGS)] = Field(
        default=3, description="It holds from so many alerts on."
    )
    over: Window = Field(default=600.0, description="The time over which they are counted.")


class WhenVisits(ConditionSection):
    """Fewer people than so many came into view within a time."""

    visits_fewer_than: Annotated[Count, Field(ge=1, le=100_000)] = Field(
        description="It holds for fewer visits than this.", examples=[5]
    )
    over: Window = Field(default=3600.0, description="The time over which visits are counted.")


class AlertCountCondition:
    """Alerts of another rule began to fire at least so often within a time.

    Args:
        rule: its name.
        at_least: how often.
        over: seconds.
        past: knows when alerts began to fire.
    """

    stands_for = 0.0

    def __init__(self, rule: str, at_least: int, *, over: float, past: Past) -> None:
        self._rule = rule
        self._at_least = at_least
        self._over = over
        self._past = past

    def find(self, sight: Sight) -> Findings:
        """About the scene: how many alerts began to fire."""
        count = self._past.firings(self._rule, sight.at.mono, self._over)
        return {SCENE: tested(count >= self._at_least, count, self._at_least)}


class VisitsCondition:
    """Fewer people than so many came into view within a time.

    Nobody is recognised: who leaves and comes back counts twice.

    Args:
        fewer_than: the threshold.
        over: seconds; nothing is known until nine tenths of them were watched, by this run or an earlier one.
        max_gap: seconds that a frame stands without a next one; beyond that it counts as not watched.
        past: knows the minutes of earlier runs.
    """

    stands_for = 0.0

    def __init__(self, fewer_than: int, *, over: float, max_gap: float, past: Past) -> None:
        self._fewer_than = fewer_than
        self._over = over
        self._max_gap = max_gap
        self._past = past
        self._visits, self._watched = MoodWindow(over), MoodWindow(over)
        self._in_view: set[str] = set()
        self._seen: float | None = None

    def find(self, sight: Sight) -> Findings:
        """About the scene: how many people came into view."""
        now = sight.at.mono
        if self._seen is None:
            self._recall(now)
        elif now > self._seen:
            self._watched.add("", min(now - self._seen, self._max_gap), now)
        self._seen = now if self._seen is None else max(now, self._seen)
        for reading in sight.readings:
            if reading.track_id not in self._in_view:
                self._in_view.add(reading.track_id)
                self._visits.add("", 1, now)
        self._in_view.difference_update(sight.left)
        visits = round(sum(self._visits.seconds(now).values()))
        if visits >= self._fewer_than:
            return {SCENE: tested(False, visits, self._fewer_than)}
        known = sum(self._watched.seconds(now).values()) >= _ENOUGH * self._over
        return {SCENE: tested(True if known else None, visits, self._fewer_than)}

    def _recall(self, now: float) -> None:
        for minute in self._past.minutes(now, self._over):
            self._watched.add("", minute.watched, minute.mono)
            self._visits.add("", minute.arrived, minute.mono)


COUNT = ConditionKind(
    key="count",
    section=WhenCount,
    make=lambda when, means: AlertCountCondition(when.count, when.at_least, over=when.over, past=means.past),
    of_person=False,
    settable=frozenset({"at_least", "over"}),
    labels=None,
    signal=None,
    of_faces=True,
)

VISITS = ConditionKind(
    key="visits_fewer_than",
    section=WhenVisits,
    make=lambda when, means: VisitsCondition(
        when.visits_fewer_than, over=when.over, max_gap=means.max_gap, past=means.past
    ),
    of_person=False,
    settable=frozenset({"visits_fewer_than", "over"}),
    labels=None,
    signal=None,
    of_faces=False,
)
