"""What one config makes of a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_fer.pipeline.ports import SummariesPort
from edge_fer.recordings.trace.reader import Step
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.sight import Sight
from edge_fer.types import AlertChange, Instant, Reading, Resolution, Summary

__all__ = ["Firing", "Firings", "Judge", "ReplayOutcome", "replay"]


@dataclass(slots=True)
class Firing:
    """An alert that fired.

    Attributes:
        camera: the camera's name.
        rule: the rule's name.
        severity: as the rule says.
        since: when its condition began to hold.
        fired: when it fired.
        resolved: when it was resolved; None where it still fires at the end of the trace.
    """

    camera: str
    rule: str
    severity: str
    since: Instant
    fired: Instant
    resolved: Instant | None = None

    def seconds(self, end: Instant) -> float:
        """How long it fired, until the end of the trace at most."""
        return (self.resolved or end).mono - self.fired.mono


class Firings:
    """Makes firings of alerts' changes.

    Args:
        most: so many are kept, the first ones; of more, only how many there were.

    Attributes:
        kept: in the order in which they fired.
        left_out: how many more there were.
    """

    def __init__(self, most: int | None = None) -> None:
        self.kept: list[Firing] = []
        self.left_out = 0
        self._most = most
        self._active: dict[str, Firing] = {}

    def note(self, change: AlertChange) -> None:
        """Takes an alert that began to fire, or was resolved."""
        alert = change.alert
        if change.resolved:
            fired = self._active.pop(alert.id, None)
            if fired:
                fired.resolved = change.at
        elif self._most is not None and len(self.kept) >= self._most:
            self.left_out += 1
        else:
            firing = Firing(alert.camera, alert.rule, alert.severity, alert.since, change.at)
            self._active[alert.id] = firing
            self.kept.append(firing)


@dataclass(frozen=True, slots=True)
class Judge:
    """What judges one camera's readings: the rules, and what sums up."""

    rules: Sequence[AlertRule]
    summaries: SummariesPort


@dataclass(slots=True)
class ReplayOutcome:
    """What one config made of a trace.

    Attributes:
        name: of the config.
        judges: by camera.
        shortest: shorter windows are not kept, in seconds.
        summaries: the windows that were told and kept.
    """

    name: str
    judges: Mapping[str, Judge]
    shortest: int = 0
    summaries: list[Summary] = field(default_factory=list)
    _firings: Firings = field(default_factory=Firings)
    _standing: dict[str, Sequence[Reading]] = field(default_factory=dict)

    @property
    def firings(self) -> Sequence[Firing]:
        """The alerts that fired, in the order in which they did."""
        return self._firings.kept

    def take(self, step: Step) -> None:
        """Takes one step of the trace; where nothing has changed, the readings stand. Outside signals are not in it."""
        judge = self.judges[step.camera]
        fresh = step.readings is not None
        if step.readings is not None:
            self._standing[step.camera] = step.readings
        readings = self._standing.get(step.camera, ())
        sight = Sight(step.at, readings, step.people, step.left, step.view, fresh=fresh)
        for rule in judge.rules:
            ended = step.unwatched
            for change in rule.end(step.at, Resolution.UNWATCHED, left=step.left) if ended else rule.update(sight):
                self._firings.note(change)
        self._keep(judge.summaries.update(step.readings, left=step.left, at=step.at))

    def finish(self) -> None:
        """The trace is over."""
        for judge in self.judges.values():
            self._keep(judge.summaries.finish())

    def _keep(self, summaries: Iterable[Summary]) -> None:
        self.summaries += [summary for summary in summaries if summary.length >= self.shortest]


def replay(steps: Iterable[Step], outcomes: Sequence[ReplayOutcome]) -> tuple[int, int]:
    """Takes a trace through several configs at once.

    Returns:
        How many steps and readings there were.
    """
    count = readings = 0
    for step in steps:
        count += 1
        readings += len(step.readings or ())
        for outcome in outcomes:
            outcome.take(step)
    for outcome in outcomes:
        outcome.finish()
    return count, readings
