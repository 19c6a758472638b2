"""One camera's pipeline: a frame in, things to tell out. No threads and no clock; it is handed its stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

from edge_fer.emotion.smoothing import Smoothed
from edge_fer.faces.port import FaceDetector
from edge_fer.faces.tracking import TrackingStep
from edge_fer.types import (
    UNCERTAIN,
    Alert,
    AlertChange,
    AlertState,
    Event,
    Face,
    Frame,
    Image,
    Instant,
    Quality,
    Reading,
    Scene,
    Scores,
    Summary,
    Track,
)

__all__ = ["NoSummaries", "Pipeline", "Stages", "Told"]


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


class Rule(Protocol):
    """One alert rule."""

    @property
    def name(self) -> str: ...
    @property
    def alerts(self) -> tuple[Alert, ...]: ...
    def update(self, readings: Iterable[Reading], *, left: Iterable[str], at: Instant) -> list[AlertChange]: ...


class SceneTeller(Protocol):
    """Decides which scenes are worth telling."""

    def offer(self, scene: Scene, /, *, last: bool = False) -> Scene | None: ...


class Summaries(Protocol):
    """Sums up what is seen, in windows of time."""

    def update(self, readings: Iterable[Reading] | None, *, left: Sequence[str], at: Instant) -> list[Summary]: ...
    def pass_time(self, at: Instant, /) -> list[Summary]: ...
    def finish(self) -> list[Summary]: ...
    def satisfaction(self, at: Instant, /) -> float | None: ...


class NoSummaries:
    """Sums up nothing."""

    def update(self, readings: Iterable[Reading] | None, *, left: Sequence[str], at: Instant) -> list[Summary]:  # noqa: ARG002
        """Nothing is over."""
        return []

    def pass_time(self, _at: Instant, /) -> list[Summary]:
        """Nothing is over."""
        return []

    def finish(self) -> list[Summary]:
        """Nothing was begun."""
        return []

    def satisfaction(self, _at: Instant, /) -> float | None:
        """Not known."""
        return None


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
        summaries: sums up what is seen, in windows of time.
    """

    detector: FaceDetector
    tracker: Tracker
    crop: Callable[[Image, Face], Image]
    judge: Callable[[Image, Face, Image], Quality]
    classifier: Classifier
    reduce: Callable[[Scores], Scores]
    smoother: Smoother
    events: EventTeller
    rules: Sequence[Rule]
    scenes: SceneTeller
    sum_up: Callable[[str, Sequence[Reading], int, Instant], Scene]
    summaries: Summaries = field(default_factory=NoSummaries)


@dataclass(frozen=True, slots=True)
class Told:
    """What one step has to tell.

    Attributes:
        at: when the step's frame was captured.
        readings: of everybody found in the frame; for displays and records, not for the broker. None where no frame
            was looked at.
        events: what happened to people.
        changes: alerts that began to fire or were resolved.
        alerts: the pending and firing alerts of those rules for which they changed.
        scene: the scene, where it is worth telling.
        summaries: windows of time that are over.
        people: how many are in view, None where there was no frame; with `readings` and `left`, what a trace records.
        left: ids of the people given up.
    """

    at: Instant
    readings: tuple[Reading, ...] | None = None
    events: tuple[Event, ...] = ()
    changes: tuple[AlertChange, ...] = ()
    alerts: Mapping[str, tuple[Alert, ...]] = field(default_factory=dict)
    scene: Scene | None = None
    summaries: tuple[Summary, ...] = ()
    people: int | None = None
    left: tuple[str, ...] = ()


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
        self._alert_states: dict[str, tuple[tuple[str, AlertState], ...]] = {rule.name: () for rule in stages.rules}

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

    def pass_time(self, at: Instant) -> Told:
        """Tells what time alone brings about, while there are no frames."""
        return Told(at, summaries=tuple(self._stages.summaries.pass_time(at)))

    def end(self, at: Instant) -> Told:
        """Tells what was begun, because there will be no more frames at all; call `finish` before."""
        return Told(at, summaries=tuple(self._stages.summaries.finish()))

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
        changes = [change for rule in stages.rules for change in rule.update(readings, left=gone, at=at)]
        summaries = stages.summaries.update(readings, left=gone, at=at)
        seen = stages.sum_up(self.camera, readings, people, at)
        scene = stages.scenes.offer(replace(seen, satisfaction=stages.summaries.satisfaction(at)), last=last)
        return Told(
            at,
            readings,
            tuple(events),
            tuple(changes),
            self._changed_alerts(),
            scene,
            tuple(summaries),
            people,
            tuple(gone),
        )

    def _changed_alerts(self) -> dict[str, tuple[Alert, ...]]:
        """The alerts of the rules for which one came, went, or changed its state since the last step."""
        changed = {}
        for rule in self._stages.rules:
            states = tuple((alert.id, alert.state) for alert in rule.alerts)
            if states != self._alert_states[rule.name]:
                self._alert_states[rule.name] = states
                changed[rule.name] = rule.alerts
        return changed
