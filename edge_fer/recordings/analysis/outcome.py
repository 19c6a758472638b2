"""What an analysis found, as figures and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge_fer.contract.messages import rfc3339
from edge_fer.recordings.analysis.cut import Cut
from edge_fer.recordings.analysis.folder import MARK, VERSION
from edge_fer.recordings.analysis.key_frames import KeyFrame
from edge_fer.recordings.analysis.timeline import AnalysisTimeline, Columns, Person
from edge_fer.recordings.replay.outcome import Firing
from edge_fer.rules.scene.mood import MoodScale
from edge_fer.types import UNCERTAIN, Instant

__all__ = ["AnalysisOutcome", "as_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOutcome:
    """What was found in a recording. Times in seconds of the recording unless they are instants.

    Attributes:
        version: of edge-fer.
        file: the recording's name, without its folder.
        camera: whose part of the config was used.
        profile: of the config.
        detector: what found faces.
        model: the emotion model's name.
        labels: of the label set.
        cut: the part of the recording that was looked at.
        size: width and height of the pictures in pixels, as they were looked at.
        first: when the recording began; of the first frame.
        begin: time of the first frame that was looked at.
        end: time of the last frame that was looked at.
        frames: how many were looked at.
        promised: how long the file says it is; None where it does not.
        interrupted: whether somebody ended the analysis early.
        timeline: who showed what.
        scale: makes satisfaction and distress.
        over: seconds over which the config takes satisfaction.
        rules: names of the alert rules.
        firings: the alerts that fired, the first of many.
        firings_left_out: how many more there were.
        events: how many events there were.
        key_frames: the strongest moments, in the order of time.
        faces_shown: whether faces are to be seen in them.
    """

    version: str
    file: str
    camera: str
    profile: str
    detector: str
    model: str
    labels: Sequence[str]
    cut: Cut
    size: tuple[int, int]
    first: Instant
    begin: float
    end: float
    frames: int
    promised: float | None
    interrupted: bool
    timeline: AnalysisTimeline
    scale: MoodScale
    over: float
    rules: Sequence[str]
    firings: Sequence[Firing]
    firings_left_out: int
    events: int
    key_frames: Sequence[KeyFrame]
    faces_shown: bool

    @property
    def seconds(self) -> float:
        """How long the part was that was looked at."""
        return self.end - self.begin

    @property
    def cut_off(self) -> bool:
        """Whether the file ended long before it said it would; some only guess, so a tenth is allowed for."""
        wanted = min(self.promised or 0.0, self.cut.end)
        return not self.interrupted and self.end < 0.9 * wanted - max(1.0, self.cut.every)

    def since(self, at: Instant) -> float:
        """The time of an instant in the recording."""
        return at.mono - self.first.mono


def as_json(found: AnalysisOutcome) -> dict[str, Any]:
    """The contents of `summary.json`: bounded, however long the recording was."""
    totals, scale = found.timeline.totals(), found.scale
    share = scale.distress_share(totals)
    satisfaction = scale.satisfaction(totals)
    return {
        MARK: VERSION,
        "complete": True,
        "version": found.version,
        "file": found.file,
        "camera": found.camera,
        "profile": found.profile,
        "detector": found.detector,
        "model": found.model,
        "began": rfc3339(found.first.utc),
        "size": list(found.size),
        "from_s": round(found.begin, 3),
        "to_s": round(found.end, 3),
        "every_s": found.cut.every,
        "frames": found.frames,
        "promised_s": None if found.promised is None else round(found.promised, 3),
        "cut_off": found.cut_off,
        "interrupted": found.interrupted,
        "labels": list(found.labels),
        "people": found.timeline.count,
        "seconds": _rounded({label: totals.get(label, 0.0) for label in (*found.labels, UNCERTAIN)}),
        "satisfaction": None if satisfaction is None else round(satisfaction, 1),
        "distress": None if share is None else scale.level(share),
        "distress_share": None if share is None else round(share, 4),
        "mood": {"weights": dict(scale.weights), "distress": sorted(scale.distressed)},
        "events": found.events,
        "alerts": [_firing(found, firing) for firing in found.firings],
        "alerts_left_out": found.firings_left_out,
        "persons": [_person(person) for person in found.timeline.people.values()],
        "persons_left_out": found.timeline.left_out,
        "timeline": {"column_s": found.timeline.width, "columns": _columns(found.timeline.scene)},
    }


def _firing(found: AnalysisOutcome, firing: Firing) -> dict[str, Any]:
    return {
        "rule": firing.rule,
        "severity": firing.severity,
        "since_s": round(found.since(firing.since), 3),
        "fired_s": round(found.since(firing.fired), 3),
        "resolved_s": round(found.since(firing.resolved), 3) if firing.resolved else None,
    }


def _person(person: Person) -> dict[str, Any]:
    return {
        "person": person.number,
        "track_id": person.track_id,
        "since_s": round(person.since, 3),
        "until_s": round(person.until, 3),
        "seconds": _rounded(person.totals()),
    }


def _columns(columns: Columns) -> list[dict[str, float]]:
    return [_rounded(columns.get(index, {})) for index in range(max(columns, default=-1) + 1)]


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {label: round(spent, 3) for label, spent in seconds.items()}
