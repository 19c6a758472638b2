"""Alerts after Prometheus: a condition is pending until it has held `for` so long, then fires, then is resolved.

Source of the life cycle: the alerting rules of Prometheus (`for`, `keep_firing_for`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from edge_fer.types import UNCERTAIN, Alert, AlertChange, AlertState, Instant, Reading

__all__ = ["EmotionCondition", "EmotionRule", "Timing", "Verdict"]


class Verdict(Enum):
    """What one reading says about a condition."""

    HOLDS = auto()
    FAILS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class EmotionCondition:
    """A person's scores for a set of emotions, added up, reach a threshold.

    Attributes:
        emotions: labels of the set.
        score: threshold of the sum, above 0 to 1.
    """

    emotions: frozenset[str]
    score: float

    def measure(self, reading: Reading) -> float:
        """The set's summed score, 0 to 1."""
        return sum(score for label, score in reading.scores.items() if label in self.emotions)

    def judge(self, reading: Reading) -> Verdict:
        """Whether the reading confirms the condition, denies it, or says nothing.

        A face that cannot be read says nothing. One that is merely torn between emotions cannot deny the
        condition, but confirms it when the set as a whole is clear: angry 0.4 and sad 0.4 is `uncertain`
        as an emotion and yet plainly unhappy.
        """
        if reading.quality.faults or not reading.scores:
            return Verdict.UNKNOWN
        if self.measure(reading) >= self.score:
            return Verdict.HOLDS
        return Verdict.UNKNOWN if reading.label == UNCERTAIN else Verdict.FAILS


@dataclass(frozen=True, slots=True)
class Timing:
    """How long is long enough. All in seconds.

    Attributes:
        for_: the condition must hold this long before the alert fires.
        keep_firing_for: it must fail this long before the alert is resolved.
        cooldown: after an alert of the rule began or was resolved, none begins on that camera for this long,
            whoever it is about: the same person may have got a new track id.
        max_uncertain: how long readings that say nothing may pause the clocks; then the condition counts as failed.
    """

    for_: float
    keep_firing_for: float
    cooldown: float
    max_uncertain: float


@dataclass(slots=True)
class _Instance:
    """One person's alert with its clocks, in seconds."""

    alert: Alert
    judged: float
    last: Verdict = Verdict.HOLDS
    held: float = 0.0
    failed: float = 0.0
    paused: float = 0.0

    def run_clocks(self, verdict: Verdict, at: Instant, max_uncertain: float) -> bool:
        """Credits the time since the last verdict to the clock of that verdict, which stood until now.

        Returns:
            Whether nothing has been known for longer than `max_uncertain`.
        """
        passed = max(0.0, at.mono - self.judged)
        if self.last is Verdict.HOLDS:
            self.held += passed
        elif self.last is Verdict.FAILS:
            self.failed += passed
        else:
            self.paused += passed
        in_the_dark = self.paused > max_uncertain
        if in_the_dark and self.last is Verdict.UNKNOWN:
            self.failed += passed
        if verdict is Verdict.HOLDS:
            self.failed = 0.0
        if verdict is not Verdict.UNKNOWN:
            self.paused = 0.0
        self.judged, self.last = max(self.judged, at.mono), verdict
        return in_the_dark


class EmotionRule:
    """One alert rule on one camera: an instance for each person for whom its condition holds.

    Args:
        camera: the camera's name.
        name: the rule's name in the config.
        severity: handed on as it is.
        condition: what must hold.
        timing: how long.
        new_id: makes alert ids.
    """

    def __init__(
        self,
        camera: str,
        name: str,
        *,
        severity: str,
        condition: EmotionCondition,
        timing: Timing,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.camera = camera
        self.name = name
        self._severity = severity
        self._condition = condition
        self._timing = timing
        self._new_id = new_id
        self._instances: dict[str, _Instance] = {}
        self._quiet_until = float("-inf")

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The pending and firing alerts, oldest first."""
        return tuple(instance.alert for instance in self._instances.values())

    def update(self, readings: Iterable[Reading], *, left: Iterable[str], at: Instant) -> list[AlertChange]:
        """What the readings of one frame do to the rule's alerts.

        Args:
            readings: one for each person found in this frame; a person without one is treated as unreadable.
            left: ids of the people given up with this frame; their alerts end.
            at: when the frame was captured.
        """
        ended = [self._end(track_id, at) for track_id in left]
        verdicts = dict.fromkeys(self._instances, (Verdict.UNKNOWN, 0.0))
        for reading in readings:
            verdicts[reading.track_id] = self._condition.judge(reading), self._condition.measure(reading)
        moved = [self._judge(track_id, verdict, value, at) for track_id, (verdict, value) in verdicts.items()]
        return [change for change in ended + moved if change]

    def _judge(self, track_id: str, verdict: Verdict, value: float, at: Instant) -> AlertChange | None:
        """Lets one verdict about one person move their alert."""
        change = self._advance(track_id, verdict, value, at) if track_id in self._instances else None
        if change is None and track_id not in self._instances and verdict is Verdict.HOLDS:
            self._begin(track_id, value, at)
            change = self._advance(track_id, verdict, value, at)
        return change

    def _begin(self, track_id: str, value: float, at: Instant) -> None:
        alert = Alert(
            id=self._new_id(),
            camera=self.camera,
            rule=self.name,
            severity=self._severity,
            track_id=track_id,
            state=AlertState.PENDING,
            since=at,
            value=value,
            threshold=self._condition.score,
        )
        self._instances[track_id] = _Instance(alert, judged=at.mono)

    def _advance(self, track_id: str, verdict: Verdict, value: float, at: Instant) -> AlertChange | None:
        instance = self._instances[track_id]
        over = instance.run_clocks(verdict, at, self._timing.max_uncertain) or verdict is Verdict.FAILS
        if verdict is not Verdict.UNKNOWN:
            instance.alert = replace(instance.alert, value=value)
        if instance.alert.state is AlertState.FIRING:
            return self._end(track_id, at) if instance.failed >= self._timing.keep_firing_for and over else None
        if over:
            return self._end(track_id, at)
        if verdict is Verdict.HOLDS and instance.held >= self._timing.for_ and at.mono >= self._quiet_until:
            return self._fire(instance, at)
        return None

    def _fire(self, instance: _Instance, at: Instant) -> AlertChange:
        instance.alert = replace(instance.alert, state=AlertState.FIRING)
        self._quiet_until = at.mono + self._timing.cooldown
        return AlertChange(resolved=False, alert=instance.alert, at=at)

    def _end(self, track_id: str, at: Instant) -> AlertChange | None:
        instance = self._instances.pop(track_id, None)
        if instance is None or instance.alert.state is not AlertState.FIRING:
            return None
        self._quiet_until = at.mono + self._timing.cooldown
        return AlertChange(resolved=True, alert=instance.alert, at=at)
