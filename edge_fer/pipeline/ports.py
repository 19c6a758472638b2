"""What a pipeline is made of: its stages, each as the least that the pipeline wants of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge_fer.capture.view.freeze import FreezeWatch, StillPicture
from edge_fer.emotion.pace import ReadingPace
from edge_fer.emotion.smoothing import Smoothed
from edge_fer.faces.detectors.port import FaceDetector, FaceLooker
from edge_fer.faces.people.attention import Work
from edge_fer.faces.people.tracking import TrackingStep
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.types import (
    AttributeValue,
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
    SignalKey,
    SignalValue,
    Summary,
    Track,
    View,
)

__all__ = [
    "ClassifierPort",
    "FreezePort",
    "NoSummaries",
    "NoWatch",
    "SmootherPort",
    "Stages",
    "SummariesPort",
    "TrackerPort",
    "WatchPort",
]


class MotionGatePort(Protocol):
    """Sees whether anything moved since the frame it was told to remember."""

    def moved(self, image: Image, /) -> bool: ...
    def moved_beyond(self, parts: Iterable[Box], /) -> bool: ...
    def remember(self) -> None: ...
    def forget(self) -> None: ...


class AttentionPort(Protocol):
    """Decides how much work a frame is worth."""

    @property
    def counts(self) -> Mapping[Work, int]: ...
    def decide(self, mono: float, *, moved: bool) -> Work: ...
    def may_look(self, mono: float, /) -> bool: ...
    def done(self, work: Work, mono: float, tracks: TrackingStep | None = None, *, looked: bool = False) -> None: ...
    def reset(self) -> None: ...


class FollowerPort(Protocol):
    """Follows known faces from frame to frame by what they look like."""

    def follow(self, image: Image, expected: Mapping[str, Box], /) -> Mapping[str, Face]: ...
    def learn(self, image: Image, people: Iterable[Track], /) -> None: ...
    def forget(self) -> None: ...


class LifelessFilterPort(Protocol):
    """Leaves out faces that are no living person's."""

    def sift(self, image: Image, faces: Sequence[Face], mono: float, /) -> Sequence[Face]: ...
    def forget(self) -> None: ...


class TrackerPort(Protocol):
    """Keeps each person's id while they are in view."""

    def expected(self, at: Instant) -> Mapping[str, Box]:
        """Where the face of everybody known should be, by id."""
        ...

    def update(self, faces: Sequence[Face] | None, at: Instant, followed: Mapping[str, Face], /) -> TrackingStep:
        """Takes in the faces of a frame, None where none were searched, and those of people followed into it, by id."""
        ...

    def rest(self, at: Instant, /) -> None:
        """Takes in a frame in which nothing has moved."""
        ...

    def clear(self) -> tuple[Track, ...]:
        """Gives up everybody, and returns those who were confirmed."""
        ...


class ClassifierPort(Protocol):
    """Reads emotions from RGB uint8 face crops of any size."""

    def read(self, crops: Sequence[Image], /) -> list[Scores | None]:
        """The calibrated probability of each label, for each crop; None where it is unlike anything learned."""
        ...


class SmootherPort(Protocol):
    """Makes a steady emotion of single readings; None is a face that could not be read."""

    def update(self, track_id: str, scores: Scores | None, mono: float, /) -> Smoothed | None:
        """Takes one reading of one person; None as long as there is nothing to tell."""
        ...

    def forget(self, track_id: str, /) -> None:
        """Forgets a person who left."""
        ...


class FaceAttributePort(Protocol):
    """Reads an attribute of people from their faces, now and then, and keeps what it read."""

    @property
    def name(self) -> str: ...
    def observe(self, image: Image, people: Sequence[Track], mono: float, /) -> None: ...
    def value(self, track_id: str, /) -> AttributeValue | None: ...
    def forget(self, track_id: str, /) -> None: ...


class PictureAttributePort(Protocol):
    """Reads an attribute of whole pictures, now and then, and keeps what it read."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> AttributeValue | None: ...
    def observe(self, image: Image, mono: float, /) -> None: ...
    def forget(self) -> None: ...


class PacePort(Protocol):
    """Says whose face is to be read in a frame."""

    def frame(self, mono: float, /) -> None: ...
    def is_due(self, track_id: str, /) -> bool: ...
    def read(self, track_id: str, /, *, settled: bool | None) -> None: ...
    def forget(self, track_id: str, /) -> None: ...


class EventTellerPort(Protocol):
    """Tells what happened to people."""

    def update(
        self, readings: Iterable[Reading], *, appeared: Iterable[Track], left: Iterable[Track], at: Instant
    ) -> list[Event]: ...


class SceneTellerPort(Protocol):
    """Decides which scenes are worth telling."""

    def offer(self, scene: Scene, /, *, last: bool = False) -> Scene | None: ...


class WatchPort(Protocol):
    """Watches what the camera gets to see at all."""

    @property
    def view(self) -> View | None:
        """What it gets to see; None as long as that is not known."""
        ...

    def look(self, image: Image, at: Instant, /) -> View | None:
        """Looks at a picture, if it is time for that."""
        ...


class FreezePort(Protocol):
    """Says when pictures have been the same for too long."""

    @property
    def picture(self) -> StillPicture | None:
        """That which has frozen; None where none has."""
        ...

    def observe(self, frame: Frame, /, *, counted: bool) -> bool:
        """Takes a frame; whether it is frozen. `counted`: whether anybody was counted in those before."""
        ...


class NoWatch:
    """Watches nothing."""

    view = None

    def look(self, _image: Image, _at: Instant, /) -> None:
        """Sees nothing."""


class SummariesPort(Protocol):
    """Sums up what is seen, in windows of time."""

    def update(self, readings: Iterable[Reading] | None, *, left: Sequence[str], at: Instant) -> list[Summary]:
        """Takes in a frame, None where nothing has changed, and returns the windows that are over."""
        ...

    def is_due(self, at: Instant, /) -> bool:
        """Whether a frame must be taken in, although nothing has changed, because windows begin or end with it."""
        ...

    def pass_time(self, at: Instant, /) -> list[Summary]:
        """The windows that ended while there were no frames."""
        ...

    def finish(self) -> list[Summary]:
        """All windows as far as they are, because there will be no more frames."""
        ...

    def satisfaction(self, at: Instant, /) -> float | None:
        """The index over the last while, 0 to 100; None where it is not known."""
        ...


class NoSummaries:
    """Sums up nothing."""

    def update(self, readings: Iterable[Reading] | None, *, left: Sequence[str], at: Instant) -> list[Summary]:  # noqa: ARG002
        """Nothing is over."""
        return []

    def is_due(self, _at: Instant, /) -> bool:
        """No window begins or ends."""
        return False

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
        motion: sees whether anything moves.
        attention: decides whether a frame is left alone, or people are followed or searched for in it.
        follower: follows faces between two searches.
        detector: finds faces.
        looker: finds faces where they are expected; None where the detector has to search whole pictures.
        lifeless: leaves out those that are pictures.
        tracker: makes people of faces.
        crop: cuts a face out of an image, RGB or a codec's luma, as the canonical crop.
        judge: says how well a person's face can be read, from the image, the person and the face's crop.
        classifier: reads emotions from crops.
        reduce: takes the model's scores to the label set in use.
        smoother: steadies the scores of each person.
        events: tells what happened to people.
        rules: the camera's alert rules.
        scenes: tells what the camera sees as a whole.
        sum_up: makes a scene of readings.
        watch: watches what the camera gets to see at all.
        summaries: sums up what is seen, in windows of time.
        freeze: says when pictures have been the same for too long.
        samples: gives the newest of each outside number that a rule asks for.
        pace: says whose face is to be read in a frame.
        attributes: read further attributes of people.
        picture_attributes: read attributes of what the camera sees as a whole.
    """

    motion: MotionGatePort
    attention: AttentionPort
    follower: FollowerPort
    detector: FaceDetector
    lifeless: LifelessFilterPort
    tracker: TrackerPort
    crop: Callable[[Image, Face], Image]
    judge: Callable[[Image, Track, Image], Quality]
    classifier: ClassifierPort
    reduce: Callable[[Scores], Scores]
    smoother: SmootherPort
    events: EventTellerPort
    rules: Sequence[AlertRule]
    scenes: SceneTellerPort
    sum_up: Callable[[str, Sequence[Reading], int, Instant, View | None], Scene]
    watch: WatchPort = field(default_factory=NoWatch)
    summaries: SummariesPort = field(default_factory=NoSummaries)
    freeze: FreezePort = field(default_factory=lambda: FreezeWatch(0))
    samples: Callable[[], Mapping[SignalKey, SignalValue]] = dict
    pace: PacePort = field(default_factory=lambda: ReadingPace(0))
    attributes: Sequence[FaceAttributePort] = ()
    picture_attributes: Sequence[PictureAttributePort] = ()
    looker: FaceLooker | None = None
