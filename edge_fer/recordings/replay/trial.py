"""Trying a config on the readings of the last hour, before it is set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from edge_fer.config.tree import Config
from edge_fer.contract.messages import rfc3339
from edge_fer.recordings.replay.outcome import Firing, Judge, ReplayOutcome
from edge_fer.rules.conditions.when import signals_in
from edge_fer.trace.reader import Step
from edge_fer.types import Instant
from edge_fer.wiring import build_rules, build_summaries

__all__ = ["MOST_TOLD", "try_out"]

#: Alerts of each config that are told at most, the latest.
MOST_TOLD: Final = 100
#: After so many steps, those who watch cameras get their turn: Python runs one thread at a time.
_STEPS: Final = 20
_PAUSE: Final = 0.002
#: A day has more seconds, so that no window of a summary is kept.
_NO_SUMMARY: Final = 1 << 30


def try_out(
    steps: Iterable[Step], before: Config, after: Config, *, pause: Callable[[float], None] = time.sleep
) -> Mapping[str, Any]:
    """What alerts two configs make of the same readings.

    Args:
        steps: the readings.
        before: the config in force.
        after: the one to be tried.
        pause: lets others work for so many seconds.

    Returns:
        How many `seconds` and `steps` there were; the alerts `before` and `after`, and how many in all (`counts`); the
        `rules` that go by outside numbers, which nobody has kept, so that they cannot be tried.
    """
    outcomes = [ReplayOutcome(name, _judges(config), _NO_SUMMARY) for name, config in (("b", before), ("a", after))]
    first: Instant | None = None
    last: Instant | None = None
    number = 0
    for number, step in zip(count(1), _in_order(steps), strict=False):
        first, last = first or step.at, step.at
        for outcome in outcomes:
            if step.camera in outcome.judges:
                outcome.take(step)
        if number % _STEPS == 0:
            pause(_PAUSE)
    told = [[_told(firing, last) for firing in outcome.firings] if last else [] for outcome in outcomes]
    return {
        "seconds": round(last.mono - first.mono, 1) if first and last else 0.0,
        "steps": number,
        "before": told[0][-MOST_TOLD:],
        "after": told[1][-MOST_TOLD:],
        "counts": {"before": len(told[0]), "after": len(told[1])},
        "rules": sorted(_rules_with_signals(after)),
    }


def _in_order(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of each camera in order of time; what goes back, as when a recording began anew, is left out."""
    last: dict[str, float] = {}
    for step in steps:
        if step.at.mono >= last.get(step.camera, float("-inf")):
            last[step.camera] = step.at.mono
            yield step


def _judges(settings: Config) -> Mapping[str, Judge]:
    judges = {}
    for name, camera in settings.cameras.items():
        summaries = build_summaries(name, camera, settings)
        judges[name] = Judge(build_rules(name, camera, settings, summaries.trend), summaries)
    return judges


def _told(firing: Firing, end: Instant) -> Mapping[str, Any]:
    return {
        "camera": firing.camera,
        "rule": firing.rule,
        "severity": firing.severity,
        "since": rfc3339(firing.since.utc),
        "fired": rfc3339(firing.fired.utc),
        "resolved": rfc3339(firing.resolved.utc) if firing.resolved else None,
        "seconds": round(firing.seconds(end), 1),
    }


def _rules_with_signals(settings: Config) -> Sequence[str]:
    return [
        f"{name}.{rule}"
        for name, camera in settings.cameras.items()
        for rule, alert in camera.alerts.items()
        if any(True for _ in signals_in(alert.when))
    ]
