"""One camera's pipeline: a frame in, things to tell out. No threads and no clock; it is handed its stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from edge_fer.emotion.smoothing import Smoothed
from edge_fer.faces.attention import Work
from edge_fer.faces.port import FaceDetector
from edge_fer.faces.tracking import TrackingStep
from edge_fer.types import (
    UNCERTAIN,
    Alert,
    AlertChange,
    AlertState,
    Box,
    Event,
    Face,
    Frame,
    Image,
    Instant,
    Quality,
    Reading,
    Scene,
    Scores,
    Track,
)

__all__ = ["Pipeline", "Stages", "Told"]

#: Overlap (IoU) from which on a face that was found is surely the one expected there.
CLOSE = 0.5


class MotionGate(Protocol):
    """Sees whether anything moved since the frame it was told to remember."""

    def moved(self, image: Image, /) -> bool: ...
    def remember(self) -> None: ...
    def forget(self) -> None: ...


class Attention(Protocol):
    """Decides how much work a frame is worth."""

    @property
    def counts(self) -> Mapping[Work, int]: ...
    def decide(self, mono: float, *, moved: bool) -> Work: ...
    def done(self, work: Work, mono: float, tracks: TrackingStep | None = None) -> None: ...
    def reset(self) -> None: ...


class Follower(Protocol):
    """Follows known faces from frame to frame by what they look like."""

    def follow(self, image: Image, expected: Mapping[str, Box], /) -> Mapping[str, Face]: ...
    def learn(self, image: Image, people: Iterable[Track], /) -> None: ...
    def forget(self) -> None: ...


class LifelessFilter(Protocol):
    """Leaves out faces that are no living person's."""

    def sift(self, image: Image, faces: Sequence[Face], mono: float, /) -> Sequence[Face]: ...
    def forget(self) -> None: ...


class Tracker(Protocol):
    """Keeps each person's id while they are in view."""

    def expected(self, at: Instant) -> Mapping[str, Box]: ...
    def update(self, faces: Sequence[Face] | None, at: Instant, followed: Mapping[str, Face], /) -> TrackingStep: ...
    def rest(self, at: Instant, /) -> None: ...
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


@dataclass(frozen=True, slots=True)
class Stages:
    """What a pipeline is made of.

    Attributes:
        motion: sees whether anything moves.
        attention: decides whether a frame is left alone, or people are followed or searched for in it.
        follower: follows faces between two searches.
        detector: finds faces.
        lifeless: leaves out those that are pictures.
        tracker: makes people of faces.
        crop: cuts a face out of an image as the canonical crop.
        judge: says how well a face can be read, from the image, the face and its crop.
        classifier: reads emotions from crops.
        reduce: takes the model's scores to the label set in use.
        smoother: steadies the scores of each person.
        events: tells what happened to people.
        rules: the camera's alert rules.
        scenes: tells what the camera sees as a whole.
        sum_up: makes a scene of readings.
    """

    motion: MotionGate
    attention: Attention
    follower: Follower
    detector: FaceDetector
    lifeless: LifelessFilter
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


@dataclass(frozen=True, slots=True)
class Told:
    """What one step has to tell.

    Attributes:
        at: when the step's frame was captured.
        readings: of everybody found in the frame; for displays and records, not for the broker. None where the frame
            was left alone because nothing moved: then nothing has changed either.
        events: what happened to people.
        changes: alerts that began to fire or were resolved.
        alerts: the pending and firing alerts of those rules for which they changed.
        scene: the scene, where it is worth telling.
    """

    at: Instant
    readings: tuple[Reading, ...] = ()
    events: tuple[Event, ...] = ()
    changes: tuple[AlertChange, ...] = ()
    alerts: Mapping[str, tuple[Alert, ...]] = field(default_factory=dict)
    scene: Scene | None = None


def _untimed(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


def _all_found(expected: Mapping[str, Box], faces: Sequence[Face]) -> bool:
    """Whether everybody's own face was found about where it should be, so that nobody need be followed."""
    taken = set()
    for box in expected.values():
        near = [index for index, face in enumerate(faces) if box.iou(face.box) > CLOSE]
        if len(near) != 1:
            return False
        taken.add(near[0])
    return len(taken) == len(expected)


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

    @property
    def work(self) -> Mapping[Work, int]:
        """How many frames were left alone, followed and searched so far."""
        return self._stages.attention.counts

    def step(self, frame: Frame) -> Told:
        """Takes one frame through all stages, or as far as it is worth."""
        stages, time = self._stages, self._time
        with time("motion"):
            moved = stages.motion.moved(frame.image)
        work = stages.attention.decide(frame.at.mono, moved=moved)
        if work is Work.REST:
            stages.attention.done(work, frame.at.mono)
            stages.tracker.rest(frame.at)
            return Told(frame.at)
        tracks = self._find(frame, work)
        readings = self._read(frame, tracks.visible)
        with time("rules"):
            people = len(tracks.visible) + len(tracks.coasting)
            return self._tell(readings, tracks.appeared, tracks.left, people, frame.at)

    def finish(self, at: Instant) -> Told:
        """Gives up everybody in view, because there will be no frames for now, and ends their alerts.

        The pipeline can go on with later frames afterwards.
        """
        for stage in (self._stages.motion, self._stages.follower, self._stages.lifeless):
            stage.forget()
        self._stages.attention.reset()
        return self._tell((), (), self._stages.tracker.clear(), 0, at, last=True)

    def _find(self, frame: Frame, work: Work) -> TrackingStep:
        """Who is in the frame: known people followed into it; searched for where that is due, or somebody is missed."""
        stages, time = self._stages, self._time
        image, at = frame.image, frame.at
        expected = stages.tracker.expected(at)
        followed: Mapping[str, Face] = {}
        faces: Sequence[Face] | None = None
        if work is not Work.DETECT:
            with time("follow"):
                followed = stages.follower.follow(image, expected)
            work = Work.DETECT if len(followed) < len(expected) else work
        if work is Work.DETECT:
            with time("detect"):
                found = stages.detector.detect(image)
            with time("sift"):
                stages.motion.remember()
                faces = stages.lifeless.sift(image, found, at.mono)
            if not followed and not _all_found(expected, faces):
                with time("follow"):
                    followed = stages.follower.follow(image, expected)
        with time("track"):
            tracks = stages.tracker.update(faces, at, followed)
            stages.follower.learn(image, tracks.visible + tracks.coasting)
        stages.attention.done(work, at.mono, tracks)
        return tracks

    def _read(self, frame: Frame, tracks: Sequence[Track]) -> tuple[Reading, ...]:
        """One reading for each person found; all readable faces go through the model together."""
        stages, time = self._stages, self._time
        with time("crop"):
            crops = [stages.crop(frame.image, track.face) for track in tracks]
        with time("quality"):
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
        scene = stages.scenes.offer(stages.sum_up(self.camera, readings, people, at), last=last)
        return Told(at, readings, tuple(events), tuple(changes), self._changed_alerts(), scene)

    def _changed_alerts(self) -> dict[str, tuple[Alert, ...]]:
        """The alerts of the rules for which one came, went, or changed its state since the last step."""
        changed = {}
        for rule in self._stages.rules:
            states = tuple((alert.id, alert.state) for alert in rule.alerts)
            if states != self._alert_states[rule.name]:
                self._alert_states[rule.name] = states
                changed[rule.name] = rule.alerts
        return changed
