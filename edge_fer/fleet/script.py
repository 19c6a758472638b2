"""What a simulated node says: a trace taken through the real rules once, moved in time for each node. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from edge_fer.pipeline.step import Told
from edge_fer.recordings.replay.outcome import Judge
from edge_fer.rules.events import EventTeller
from edge_fer.rules.scene.scene import SceneTeller, scene_of
from edge_fer.rules.sight import Sight
from edge_fer.trace.reader import Step
from edge_fer.types import Face, Instant, Quality, Reading, Resolution, Standing, Track

__all__ = ["Script", "ScriptLine", "moved", "passes", "written_script"]

Whole = TypeVar("Whole")


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """What one camera says at one time.

    Attributes:
        after: seconds since the beginning.
        camera: the camera's name.
        told: what it says.
    """

    after: float
    camera: str
    told: Told


@dataclass(frozen=True, slots=True)
class Script:
    """All that a trace says, again and again.

    Attributes:
        lines: in the order of time.
        start: when the trace began.
        length: seconds until it begins anew.
        rules: names of the rules, by camera.
    """

    lines: tuple[ScriptLine, ...]
    start: Instant
    length: float
    rules: Mapping[str, Sequence[str]]

    @property
    def counts(self) -> Counter[str]:
        """How many messages there are in a pass, by kind."""
        found: Counter[str] = Counter()
        for line in self.lines:
            found["event"] += len(line.told.events)
            found["alert_event"] += len(line.told.changes)
            found["summary"] += len(line.told.summaries)
        return found


def written_script(steps: Iterable[Step], judges: Mapping[str, Judge], *, uncertain_after: float) -> Script:
    """Takes a trace through alert rules and summaries, once.

    Args:
        steps: the trace.
        judges: rules and summaries, by camera.
        uncertain_after: seconds after which it is told that somebody's emotion is uncertain.

    Raises:
        ValueError: there is nothing in the trace.
    """
    tellers = {camera: EventTeller(uncertain_after=uncertain_after) for camera in judges}
    standing: dict[str, Sequence[Reading]] = {}
    scenes = {camera: SceneTeller() for camera in judges}
    lines: list[ScriptLine] = []
    first = last = None
    for step in steps:
        first, last = first or step.at, step.at
        told = _told(step, judges[step.camera], tellers[step.camera], standing, scenes)
        if told.events or told.changes or told.alerts or told.summaries or told.scene:
            lines.append(ScriptLine(step.at.mono - first.mono, step.camera, told))
    if first is None or last is None:
        msg = "the trace holds no frames"
        raise ValueError(msg)
    length = last.mono - first.mono
    for camera, judge in judges.items():
        # whoever is in view leaves, and every alert ends, before it begins anew
        ids = list(dict.fromkeys(reading.track_id for reading in standing.get(camera, ())))
        changes = [one for rule in judge.rules for one in rule.end(last, Resolution.UNWATCHED, left=tuple(ids))]
        events = tellers[camera].update((), appeared=(), left=[_track(one, last) for one in ids], at=last)
        alerts = {rule.name: rule.standing for rule in judge.rules}
        summaries = tuple(judge.summaries.finish())
        end = Told(last, events=tuple(events), changes=tuple(changes), alerts=alerts, summaries=summaries)
        lines.append(ScriptLine(length, camera, end))
    rules = {camera: [rule.name for rule in judge.rules] for camera, judge in judges.items()}
    return Script(tuple(lines), first, length + 1.0, rules)


def _told(
    step: Step,
    judge: Judge,
    teller: EventTeller,
    standing: dict[str, Sequence[Reading]],
    scenes: Mapping[str, SceneTeller],
) -> Told:
    camera, fresh = step.camera, step.readings is not None
    if step.readings is not None:
        standing[camera] = step.readings
    readings = standing.get(camera, ())
    sight = Sight(step.at, readings, step.people, step.left, step.view, fresh=fresh)
    before = {rule.name: _to_tell(rule.standing) for rule in judge.rules}
    changes = [
        change
        for rule in judge.rules
        for change in (
            rule.end(step.at, Resolution.UNWATCHED, left=step.left) if step.unwatched else rule.update(sight)
        )
    ]
    left = [_track(one, step.at) for one in step.left]
    events = teller.update(step.readings or (), appeared=(), left=left, at=step.at)
    scene = scene_of(camera, readings, step.people, step.at, step.view)
    return Told(
        step.at,
        events=tuple(events),
        changes=tuple(changes),
        alerts={rule.name: rule.standing for rule in judge.rules if _to_tell(rule.standing) != before[rule.name]},
        scene=scenes[camera].offer(scene),
        summaries=tuple(judge.summaries.update(step.readings, left=step.left, at=step.at)),
    )


def _to_tell(standing: Standing) -> tuple[object, ...]:
    """What of a standing is worth telling when it changes: not every value measured."""
    alerts = tuple((alert.id, alert.state, alert.acknowledged) for alert in standing.alerts)
    return alerts, standing.silenced, standing.silenced_until, standing.in_schedule, standing.signal


def _track(name: str, at: Instant) -> Track:
    # of somebody who has left, only the name and the time are told
    nowhere = Face.__new__(Face)
    return Track(name, nowhere, at, at)


def moved(value: Whole, *, by: float, utc: timedelta, salt: str) -> Whole:
    """What was said, as another node says it at another time.

    Args:
        value: what was said.
        by: seconds on the clock that never jumps.
        utc: by which the wall clock differs.
        salt: what ids of people and alerts are made unique with.
    """
    found: Whole = _moved(value, by, utc, salt)
    return found


def _moved(value: Any, by: float, utc: timedelta, salt: str) -> Any:
    moved: Any = value
    match value:
        case Instant():
            moved = Instant(value.mono + by, value.utc + utc, value.synced)
        case datetime():
            moved = value + utc
        case tuple() | list():
            moved = type(value)(_moved(one, by, utc, salt) for one in value)
        case Mapping():
            moved = {key: _moved(one, by, utc, salt) for key, one in value.items()}
        case Quality():
            pass
        case _ if is_dataclass(value) and not isinstance(value, type):
            moved = type(value)(
                **{
                    name: _renamed(getattr(value, name), salt)
                    if name in {"id", "track_id"}
                    else _moved(getattr(value, name), by, utc, salt)
                    for name in _names(type(value))
                }
            )
    return moved


def _renamed(name: str | None, salt: str) -> str | None:
    return None if name is None else hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[: max(8, len(name))]


@lru_cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.init)


def passes(script: Script, begin: float) -> Iterator[tuple[float, int, ScriptLine]]:
    """What is said from some time of the script on, for ever: seconds from now, number of the pass, and the line."""
    number = 0
    while True:
        for line in script.lines:
            if (after := number * script.length + line.after - begin) >= 0:
                yield after, number, line
        number += 1
