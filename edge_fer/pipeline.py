"""One camera's pipeline: a frame in, things to tell out. No threads and no clock; it is handed its stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

from edge_fer.emotion.smoothing import Smoothed
from edge_fer.faces.port import FaceDetector
from edge_fer.faces.tracking import TrackingStep
from edge_fer.rules.alerts import AlertRule
from edge_fer.rules.handover import hand_over
from edge_fer.rules.sight import Sight
from edge_fer.types import (
    UNCERTAIN,
    AlertChange,
    Event,
    Face,
    Frame,
    Image,
    Instant,
    Quality,
    Reading,
    Resolution,
    Sample,
    Scene,
    Scores,
    Source,
    Standing,
    Track,
)

__all__ = ["Pipeline", "Stages", "Told"]


class Tracker(Protocol):
    """Follows faces from frame to frame."""

    def update(self, faces: Sequence[Face], at: Instant) -> TrackingStep: ...
    def clear(self) -> tuple[Track, ...]: ...


class Classifier(Protocol):
    """Reads emotions from RGB uint8 face crops of any size."""

    def classify(self, crops: Sequence[Image], /) -> list[Scores]: ...


class Smoother(Protocol):
    """Makes a steady emotion of single readings; None is a face that could not be read."""

    def update(self, track_id: str, scores: Scores | None, mono: float, /) -> Smoothed | None: ...
    def forget(self, track_id: str, /) -> None: ...


class EventTeller(Protocol):
    """Tells what happened to people."""

    def update(
        self, readings: Iterable[Reading], *, appeared: Iterable[Track], left: Iterable[Track], at: Instant
    ) -> list[Event]: ...


class SceneTeller(Protocol):
    """Decides which scenes are worth telling."""

    def offer(self, scene: Scene, /, *, last: bool = False) -> Scene | None: ...


@dataclass(frozen=True, slots=True)
class Stages:
    """What a pipeline is made of.

    Attributes:
        detector: finds faces.
        tracker: follows them.
        crop: cuts a face out of an image as the canonical crop.
        judge: says how well a face can be read, from the image, the face and its crop.
        classifier: reads emotions from crops.
        reduce: takes the model's scores to the label set in use.
        smoother: steadies the scores of each person.
        events: tells what happened to people.
        rules: the camera's alert rules.
        scenes: tells what the camera sees as a whole.
        sum_up: makes a scene of readings.
        samples: gives the newest of each outside number that a rule asks for.
    """

    detector: FaceDetector
    tracker: Tracker
    crop: Callable[[Image, Face], Image]
    judge: Callable[[Image, Face, Image], Quality]
    classifier: Classifier
    reduce: Callable[[Scores], Scores]
    smoother: Smoother
    events: EventTeller
    rules: Sequence[AlertRule]
    scenes: SceneTeller
    sum_up: Callable[[str, Sequence[Reading], int, Instant], Scene]
    samples: Callable[[], Mapping[Source, Sample]] = dict


@dataclass(frozen=True, slots=True)
class Told:
    """What one step has to tell.

    Attributes:
        at: when the step's frame was captured.
        readings: of everybody found in the frame; for displays and records, not for the broker.
        events: what happened to people.
        changes: alerts that began to fire or were resolved.
        alerts: how those rules stand for which that changed; None for one that is gone.
        scene: the scene, where it is worth telling.
    """

    at: Instant
    readings: tuple[Reading, ...] = ()
    events: tuple[Event, ...] = ()
    changes: tuple[AlertChange, ...] = ()
    alerts: Mapping[str, Standing | None] = field(default_factory=dict)
    scene: Scene | None = None


def _untimed(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


class Pipeline:
    """One camera's pipeline.

    Args:
        camera: the camera's name.
        stages: what it is made of.
        min_confidence: a leading emotion that scores lower makes the reading uncertain, 0 to 1.
        time: called with each stage's name, returns a context in which the stage runs.
    """

    def __init__(
        self,
        camera: str,
        stages: Stages,
        *,
        min_confidence: float,
        time: Callable[[str], AbstractContextManager[None]] = _untimed,
    ) -> None:
        self.camera = camera
        self._stages = stages
        self._min_confidence = min_confidence
        self._time = time
        self._rules: Sequence[AlertRule] = stages.rules
        self._stood: dict[str, Standing] = {rule.name: _to_tell(rule.standing) for rule in self._rules}

    def step(self, frame: Frame) -> Told:
        """Takes one frame through all stages."""
        stages, time = self._stages, self._time
        with time("detect"):
            faces = stages.detector.detect(frame.image)
        with time("track"):
            tracks = stages.tracker.update(faces, frame.at)
        readings = self._read(frame, tracks.visible)
        with time("rules"):
            people = len(tracks.visible) + len(tracks.coasting)
            return self._tell(readings, tracks.appeared, tracks.left, people, frame.at)

    def finish(self, at: Instant) -> Told:
        """Gives up everybody in view, because there will be no frames for now, and ends their alerts.

        The pipeline can go on with later frames afterwards.
        """
        return self._tell((), (), self._stages.tracker.clear(), 0, at, last=True)

    def change_rules(self, rules: Sequence[AlertRule], at: Instant) -> Told:
        """Puts others in the place of its alert rules; the alerts of those that stay the same go on."""
        self._rules, changes = hand_over(self._rules, rules, at, people_stay=True)
        gone = self._stood.keys() - {rule.name for rule in self._rules}
        self._stood = {name: stood for name, stood in self._stood.items() if name not in gone}
        return Told(at, changes=tuple(changes), alerts=dict.fromkeys(gone) | self._changed_standings())

    def _read(self, frame: Frame, tracks: Sequence[Track]) -> tuple[Reading, ...]:
        """One reading for each person found; all readable faces go through the model together."""
        stages, time = self._stages, self._time
        with time("crop"):
            crops = [stages.crop(frame.image, track.face) for track in tracks]
            qualities = [stages.judge(frame.image, track.face, crop) for track, crop in zip(tracks, crops, strict=True)]
        with time("classify"):
            readable = [crop for crop, quality in zip(crops, qualities, strict=True) if not quality.faults]
            fresh = iter(stages.classifier.classify(readable))
        with time("smooth"):
            return tuple(
                self._reading(track, quality, None if quality.faults else next(fresh), frame.at)
                for track, quality in zip(tracks, qualities, strict=True)
            )

    def _reading(self, track: Track, quality: Quality, scores: Scores | None, at: Instant) -> Reading:
        reduced = None if scores is None else self._stages.reduce(scores)
        smoothed = self._stages.smoother.update(track.id, reduced, at.mono)
        if smoothed is None:
            return Reading(self.camera, track.id, at, UNCERTAIN, 0.0, {}, quality)
        confidence = smoothed.scores[smoothed.label]
        unsure = bool(quality.faults) or confidence < self._min_confidence
        label = UNCERTAIN if unsure else smoothed.label
        return Reading(self.camera, track.id, at, label, confidence, smoothed.scores, quality)

    def _tell(
        self,
        readings: tuple[Reading, ...],
        appeared: Sequence[Track],
        left: Sequence[Track],
        people: int,
        at: Instant,
        *,
        last: bool = False,
    ) -> Told:
        stages = self._stages
        gone = [track.id for track in left]
        for track_id in gone:
            stages.smoother.forget(track_id)
        events = stages.events.update(readings, appeared=appeared, left=left, at=at)
        sight = Sight(at, readings, people, gone, samples=stages.samples())
        changes = [
            change
            for rule in self._rules
            for change in (rule.end(at, Resolution.UNWATCHED, left=gone) if last else rule.update(sight))
        ]
        scene = stages.scenes.offer(stages.sum_up(self.camera, readings, people, at), last=last)
        return Told(at, readings, tuple(events), tuple(changes), self._changed_standings(), scene)

    def _changed_standings(self) -> dict[str, Standing]:
        """How those rules stand of which an alert came, went or changed its state, or that changed otherwise."""
        changed = {}
        for rule in self._rules:
            standing = rule.standing
            if self._stood.get(rule.name) != (to_tell := _to_tell(standing)):
                self._stood[rule.name] = to_tell
                changed[rule.name] = standing
        return changed


def _to_tell(standing: Standing) -> Standing:
    """What of a standing is worth telling when it changes: not every value measured."""
    return replace(standing, alerts=tuple(replace(alert, value=0.0, threshold=0.0) for alert in standing.alerts))
