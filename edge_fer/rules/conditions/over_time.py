"""What is true of a stretch of time: of a crowd's emotions, of satisfaction and distress, of what is usual."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge_fer.rules.conditions.finding import SCENE, Finding, Findings, Subject, tested
from edge_fer.rules.conditions.kind import (
    A_LIST,
    BaselinePort,
    ConditionKind,
    ConditionSection,
    Labels,
    Number,
    Window,
)
from edge_fer.rules.past import Past
from edge_fer.rules.scene.mood import MoodScale, MoodWindow, Seconds, Stint, Stints, read_seconds
from edge_fer.rules.sight import Sight
from edge_fer.types import Distress
from edge_fer.values.section import Count
from edge_fer.values.units import PositiveFraction

__all__ = [
    "CROWD",
    "DISTRESS",
    "SATISFACTION",
    "WORSE_THAN_USUAL",
    "CrowdCondition",
    "DistressCondition",
    "SatisfactionCondition",
    "WhenCrowd",
    "WhenDistress",
    "WhenSatisfaction",
    "WhenWorseThanUsual",
    "WorseThanUsual",
]

#: The part of the time that must have been watched, or read, before anything is known of it.
_ENOUGH = 0.5


class WhenCrowd(ConditionSection):
    """A share of the people in view shows emotions of a set."""

    crowd: Labels = Field(
        description="The emotions that count, where one of them leads; at least one.",
        examples=[["angry", "fear"]],
        json_schema_extra=A_LIST,
    )
    share: PositiveFraction = Field(
        default=0.4, description="The share of the readable people, from which on it holds."
    )
    over: Window = Field(default=60.0, description="The time over which the share is taken.")
    min_people: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=5, description="With fewer people in view, on average over that time, it does not hold."
    )


class WhenDistress(ConditionSection):
    """A person looks distressed, over a time."""

    distress: Literal["moderate", "high"] = Field(
        description="The distress level from which on it holds.", examples=["high"]
    )
    over: Window = Field(default=300.0, description="The time over which the level is taken.")


class WhenSatisfaction(ConditionSection):
    """The people in view look less satisfied than a threshold, over a time."""

    satisfaction_below: Annotated[Number, Field(gt=0, le=100)] = Field(
        description="The satisfaction index below which it holds.", examples=[40]
    )
    over: Window = Field(default=900.0, description="The time over which the index is taken.")


class WhenWorseThanUsual(ConditionSection):
    """The people in view look worse than usual at this hour of the week."""

    worse_than_usual: Literal["satisfaction", "distress"] = Field(
        description="What is compared with its usual value.", examples=["satisfaction"]
    )
    by: Annotated[Number, Field(gt=0, le=10)] = Field(
        default=2.0, description="How many times the usual spread it must be off."
    )
    over: Window = Field(default=900.0, description="The time over which it is taken.")


#: A window is kept in sixty sums, so that it is exact to a sixtieth of its length. What is found over it stands for a
#: quarter of that, and no longer than this, seconds.
STANDS_AT_MOST = 0.25


def _stands_for(over: float) -> float:
    return min(over / 240, STANDS_AT_MOST)


class _Scene:
    """Everybody's seconds by label within a time, and how much of it was watched; minutes of earlier runs count."""

    def __init__(self, over: float, max_gap: float, past: Past | None) -> None:
        self.over = over
        self._past = past
        self._max_gap = max_gap
        self._stints = Stints(max_gap=max_gap)
        self._window = MoodWindow(over)
        self._watched = MoodWindow(over)
        self._seen: float | None = None

    def watch(self, sight: Sight) -> None:
        """Takes the next frame."""
        now = sight.at.mono
        if self._seen is None and self._past:
            self._recall(self._past, now)
        if self._seen is not None and now > self._seen:
            self._watched.add("", min(now - self._seen, self._max_gap), now)
        self._seen = now if self._seen is None else max(now, self._seen)
        for stint in self._stints.update(sight.readings, left=sight.left, at=sight.at):
            self._window.add(stint.label, stint.seconds, now)

    def seconds(self) -> tuple[Seconds, float]:
        """Everybody's seconds by label, and the seconds that were watched; both empty where too little was."""
        now = self._seen or 0.0
        watched = sum(self._watched.seconds(now).values())
        return ({}, 0.0) if watched < _ENOUGH * self.over else (self._window.seconds(now), watched)

    def _recall(self, past: Past, now: float) -> None:
        for minute in past.minutes(now, self.over):
            self._watched.add("", minute.watched, minute.mono)
            for label, spent in minute.seconds.items():
                self._window.add(label, spent, minute.mono)


class CrowdCondition:
    """A share of the people in view shows emotions of a set, over a time.

    Each person counts for the seconds in which a face could be read; the emotion that leads counts.

    Args:
        emotions: labels of the set.
        share: threshold, above 0 to 1.
        over: seconds.
        min_people: with fewer in view, on average, it does not hold; with fewer that can be read, nothing is known.
        max_gap: seconds that a frame stands without a next one; beyond that it counts as not watched.
        past: knows the minutes of earlier runs.
    """

    def __init__(
        self,
        emotions: frozenset[str],
        share: float,
        *,
        over: float,
        min_people: int,
        max_gap: float,
        past: Past | None = None,
    ) -> None:
        self._emotions = emotions
        self._share = share
        self._min_people = min_people
        self._scene = _Scene(over, max_gap, past)
        self.stands_for = _stands_for(over)

    def find(self, sight: Sight) -> Findings:
        """About the scene: the share."""
        self._scene.watch(sight)
        seconds, watched = self._scene.seconds()
        needed, read = self._min_people * watched, read_seconds(seconds)
        if not watched or sum(seconds.values()) >= needed > read:
            return {SCENE: tested(None, None, self._share)}
        showing = sum(spent for label, spent in seconds.items() if label in self._emotions)
        share = min(1.0, showing / read) if read else 0.0
        return {SCENE: tested(read >= needed and share >= self._share, share, self._share)}


class DistressCondition:
    """A person's distress reaches a level, over a time.

    Args:
        scale: makes a level of seconds by emotion.
        level: moderate or high.
        over: seconds; nothing is known until a face could be read for half of them.
        max_gap: seconds that a frame stands without a next one; beyond that it counts as not watched.
    """

    def __init__(self, scale: MoodScale, level: Distress, *, over: float, max_gap: float) -> None:
        self._scale = scale
        self._threshold = scale.high if level is Distress.HIGH else scale.moderate
        self._over = over
        self._stints = Stints(max_gap=max_gap)
        self._windows: dict[str, MoodWindow] = {}
        self.stands_for = _stands_for(over)

    def find(self, sight: Sight) -> Findings:
        """About each person in view: the share of time in which a distressed emotion led."""
        for stint in self._stints.update(sight.readings, left=sight.left, at=sight.at):
            self._add(stint, sight.at.mono)
        for track_id in sight.left:
            self._windows.pop(track_id, None)
        found: dict[Subject, Finding] = {reading.track_id: self._unknown for reading in sight.readings}
        for track_id, window in self._windows.items():
            found[track_id] = self._judge(window.seconds(sight.at.mono))
        return found

    @property
    def _unknown(self) -> Finding:
        return tested(None, None, self._threshold)

    def _add(self, stint: Stint, mono: float) -> None:
        if stint.track_id not in self._windows:
            self._windows[stint.track_id] = MoodWindow(self._over)
        self._windows[stint.track_id].add(stint.label, stint.seconds, mono)

    def _judge(self, seconds: Seconds) -> Finding:
        share = self._scale.distress_share(seconds)
        if share is None or read_seconds(seconds) < _ENOUGH * self._over:
            return self._unknown
        return tested(share >= self._threshold, share, self._threshold)


class SatisfactionCondition:
    """The satisfaction of the people in view is below a threshold, over a time.

    Args:
        scale: makes an index of seconds by emotion.
        below: the threshold, above 0 to 100.
        over: seconds; nothing is known until half of them were watched.
        max_gap: seconds that a frame stands without a next one; beyond that it counts as not watched.
        past: knows the minutes of earlier runs.
    """

    def __init__(
        self, scale: MoodScale, below: float, *, over: float, max_gap: float, past: Past | None = None
    ) -> None:
        self._scale = scale
        self._below = below
        self._scene = _Scene(over, max_gap, past)
        self.stands_for = _stands_for(over)

    def find(self, sight: Sight) -> Findings:
        """About the scene: the index."""
        self._scene.watch(sight)
        index = self._scale.satisfaction(self._scene.seconds()[0])
        return {SCENE: tested(None if index is None else index < self._below, index, self._below)}


class WorseThanUsual:
    """Satisfaction or distress, over a time, is worse than usual at this hour of the week.

    Args:
        scale: makes the measure of seconds by emotion.
        baseline: knows what is usual.
        measure: satisfaction or distress.
        by: how many spreads it must be off.
        over: seconds; nothing is known until half of them were watched.
        max_gap: seconds that a frame stands without a next one; beyond that it counts as not watched.
        past: knows the minutes of earlier runs.
    """

    def __init__(
        self,
        scale: MoodScale,
        baseline: BaselinePort,
        measure: str,
        *,
        by: float,
        over: float,
        max_gap: float,
        past: Past | None = None,
    ) -> None:
        self._scale = scale
        self._baseline = baseline
        self._measure = measure
        self._by = by
        self._scene = _Scene(over, max_gap, past)
        self.stands_for = _stands_for(over)

    def find(self, sight: Sight) -> Findings:
        """About the scene: the measure, and from where on it is unusual."""
        self._scene.watch(sight)
        seconds = self._scene.seconds()[0]
        low_is_bad = self._measure == "satisfaction"
        value = self._scale.satisfaction(seconds) if low_is_bad else self._scale.distress_share(seconds)
        # which hour it is, only a clock that is right knows
        usual = self._baseline.usual(self._measure, sight.at.utc) if sight.at.synced else None
        if usual is None or value is None:
            return {SCENE: tested(None, value, 0.0 if usual is None else usual.mean)}
        threshold = usual.mean + (-1 if low_is_bad else 1) * self._by * usual.spread
        return {SCENE: tested(value < threshold if low_is_bad else value > threshold, value, threshold)}


CROWD = ConditionKind(
    key="crowd",
    section=WhenCrowd,
    make=lambda when, means: CrowdCondition(
        frozenset(when.crowd),
        when.share,
        over=when.over,
        min_people=when.min_people,
        max_gap=means.max_gap,
        past=means.past,
    ),
    of_person=False,
    settable=frozenset({"share", "over", "min_people"}),
    labels="crowd",
    signal=None,
    of_faces=True,
)

DISTRESS = ConditionKind(
    key="distress",
    section=WhenDistress,
    make=lambda when, means: DistressCondition(
        means.scale, Distress(when.distress), over=when.over, max_gap=means.max_gap
    ),
    of_person=True,
    settable=frozenset({"over"}),
    labels=None,
    signal=None,
    of_faces=True,
)

SATISFACTION = ConditionKind(
    key="satisfaction_below",
    section=WhenSatisfaction,
    make=lambda when, means: SatisfactionCondition(
        means.scale, when.satisfaction_below, over=when.over, max_gap=means.max_gap, past=means.past
    ),
    of_person=False,
    settable=frozenset({"satisfaction_below", "over"}),
    labels=None,
    signal=None,
    of_faces=True,
)

WORSE_THAN_USUAL = ConditionKind(
    key="worse_than_usual",
    section=WhenWorseThanUsual,
    make=lambda when, means: WorseThanUsual(
        means.scale,
        means.baseline,
        when.worse_than_usual,
        by=when.by,
        over=when.over,
        max_gap=means.max_gap,
        past=means.past,
    ),
    of_person=False,
    settable=frozenset({"by", "over"}),
    labels=None,
    signal=None,
    of_faces=True,
)
