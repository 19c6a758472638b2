"""What flows from the camera to the broker. Frozen, slotted, and importing nothing of ours.

Invariants are checked once, where a value is made; everything downstream may rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LABEL_SETS",
    "UNCERTAIN",
    "Alert",
    "AlertChange",
    "AlertState",
    "Box",
    "CropFrame",
    "Distress",
    "Event",
    "EventKind",
    "Face",
    "Frame",
    "Image",
    "Instant",
    "Keypoints",
    "Point",
    "Quality",
    "QualityFault",
    "Reading",
    "Resolution",
    "Sample",
    "Scene",
    "Scores",
    "SignalState",
    "Source",
    "Standing",
    "Summary",
    "SummaryNumbers",
    "Track",
    "View",
]

#: RGB uint8 (height, width, 3), everywhere inside; sources convert.
Image: TypeAlias = NDArray[np.uint8]
#: Label to calibrated probability, in the model's order; sums to 1.
Scores: TypeAlias = Mapping[str, float]
#: (x, y) in pixels of the frame, x to the right, y down.
Point: TypeAlias = tuple[float, float]

#: The emotions by label set, each in the model's order: fewer of them for places where some only confuse.
LABEL_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "seven": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
        "five": ("angry", "happy", "sad", "surprise", "neutral"),
        "four": ("angry", "happy", "sad", "neutral"),
        "three": ("angry", "happy", "sad"),
    }
)
#: The label of a reading that quality or confidence does not carry.
UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment, made once where a frame is captured and passed along.

    Attributes:
        mono: seconds on a clock that never jumps; for durations.
        utc: the wall clock, timezone-aware UTC; for messages and schedules.
        synced: whether the wall clock was known to be right.
    """

    mono: float
    utc: datetime
    synced: bool = True

    def __post_init__(self) -> None:
        if self.utc.tzinfo is not UTC:
            msg = f"utc must be in datetime.UTC, not {self.utc!r}"
            raise ValueError(msg)

    def later(self, seconds: float) -> Instant:
        """The instant `seconds` (may be negative) from this one."""
        return Instant(self.mono + seconds, self.utc + timedelta(seconds=seconds), self.synced)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera.

    Attributes:
        camera: the camera's name in the config.
        index: counts the frames the source delivered, from 0.
        image: RGB uint8 (height, width, 3).
        at: when it was captured; for recordings, the start of the run plus the presentation time.
        small: the same picture in fewer pixels, RGB uint8 too, where the camera makes one at no cost of ours; for
            whoever looks at all of it and needs no detail.
    """

    camera: str
    index: int
    image: Image
    at: Instant
    small: Image | None = None

    def __post_init__(self) -> None:
        for image in (self.image,) if self.small is None else (self.image, self.small):
            shape, dtype = image.shape, image.dtype
            if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != np.uint8:
                msg = f"a frame is RGB uint8 (height, width, 3), not {dtype} {shape}"
                raise ValueError(msg)

    @property
    def overview(self) -> Image:
        """The picture with the fewest pixels that shows everything."""
        return self.image if self.small is None else self.small


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box in pixels of the frame; may reach beyond its edges."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0):
            msg = f"a box has a positive size, not {self.width} x {self.height}"
            raise ValueError(msg)

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """The middle of the box."""
        return self.x + self.width / 2, self.y + self.height / 2

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if across <= 0 or down <= 0:
            return 0.0
        shared = across * down
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Points of a face in pixels of the frame; left and right are the person's own."""

    right_eye: Point
    left_eye: Point
    nose: Point
    mouth: Point


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in one frame.

    Attributes:
        box: the detector's box, brought to the common convention of a tight square face (brows to chin).
        confidence: the detector's own, 0 to 1; not comparable between detectors.
        keypoints: where the detector gives them.
    """

    box: Box
    confidence: float
    keypoints: Keypoints | None = None


@dataclass(frozen=True, slots=True)
class CropFrame:
    """The canonical crop: where a face sits in the emotion model's input, whatever detector found it.

    Attributes:
        eyes: middle between the eyes, (x, y) as fractions of the input's side.
        mouth: middle of the mouth, likewise.
        box_scale: side of the crop over the side of the face box, where there are no keypoints.
        box_shift: offset of the crop's centre from the box's, as fractions of the box's side.
    """

    eyes: Point
    mouth: Point
    box_scale: float = 1.0
    box_shift: Point = (0.0, 0.0)


class Distress(StrEnum):
    """How much of the time people look distressed: an indicator, never a diagnosis. The lowest first."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class QualityFault(StrEnum):
    """Why a face cannot be read."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be read.

    Attributes:
        value: 0 (not at all) to 1 (nothing better to wish for).
        faults: what keeps it from being read; empty when it can be.
    """

    value: float
    faults: tuple[QualityFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """A person followed from frame to frame, for as long as they are in view.

    Attributes:
        id: random, never linked to a later visit.
        face: as last found.
        since: when first found.
        seen: when last found; earlier than now while the detector misses them.
    """

    id: str
    face: Face
    since: Instant
    seen: Instant


@dataclass(frozen=True, slots=True)
class Reading:
    """What one person's face said at one instant, after smoothing.

    Attributes:
        camera: the camera's name.
        track_id: the person.
        at: when the frame was captured.
        label: the leading emotion, or `UNCERTAIN`.
        confidence: the leading emotion's score, 0 to 1, whether or not it was enough; 0 where nothing was read yet.
        scores: smoothed scores of the label set; empty where nothing was read yet.
        quality: of the face in this frame.
    """

    camera: str
    track_id: str
    at: Instant
    label: str
    confidence: float
    scores: Scores
    quality: Quality


class EventKind(StrEnum):
    """What happened to a person in view."""

    APPEARED = "appeared"
    EMOTION_CHANGED = "emotion_changed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one person in view.

    Attributes:
        kind: what happened.
        reading: the person's reading then; for `left`, their last.
        at: when it happened.
        previous: for `emotion_changed`, the label before.
        duration: seconds in view so far.
    """

    kind: EventKind
    reading: Reading
    at: Instant
    duration: float
    previous: str | None = None


class AlertState(StrEnum):
    """Where an alert is in its life, after Prometheus."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule's condition holding for one person, or for the scene as a whole.

    Attributes:
        id: random; the same from `firing` to `resolved`.
        camera: the camera's name.
        rule: the rule's name in the config.
        severity: as the rule says.
        track_id: the person; None for the scene.
        state: pending or firing.
        since: when the condition began to hold.
        value: what was measured last, in the threshold's unit.
        threshold: what it is compared with.
        acknowledged: whether somebody has said that they know.
    """

    id: str
    camera: str
    rule: str
    severity: str
    track_id: str | None
    state: AlertState
    since: Instant
    value: float
    threshold: float
    acknowledged: bool = False


class Resolution(StrEnum):
    """Why an alert was resolved."""

    OVER = "over"
    UNCLEAR = "unclear"
    LEFT = "left"
    UNWATCHED = "unwatched"
    SCHEDULE = "schedule"
    RELOAD = "reload"


class SignalState(StrEnum):
    """What is known of a number that something else publishes."""

    FRESH = "fresh"
    STALE = "stale"
    INVALID = "invalid"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert that began to fire, or was resolved.

    Attributes:
        resolved: which of the two.
        alert: the alert, as it then was.
        at: when.
        reason: why it was resolved; None where it began to fire.
        signal: what was known of the rule's outside signal; None where it has none.
    """

    resolved: bool
    alert: Alert
    at: Instant
    reason: Resolution | None = None
    signal: SignalState | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands on one camera.

    Attributes:
        alerts: the pending and firing ones, oldest first.
        silenced: whether it sends no alert events for now.
        silenced_until: when that ends; None where it is not silenced, or without an end.
        in_schedule: whether it watches at this hour.
        signal: what is known of its outside signals, the worst of them; None where it has none.
    """

    alerts: tuple[Alert, ...] = ()
    silenced: bool = False
    silenced_until: datetime | None = None
    in_schedule: bool = True
    signal: SignalState | None = None


class Source(NamedTuple):
    """Where an outside number comes from.

    Attributes:
        topic: of the messages.
        steps: keys and indices on the way to the number in their payload; none, where the payload is the number.
    """

    topic: str
    steps: tuple[str | int, ...] = ()


class Sample(NamedTuple):
    """The newest of an outside number.

    Attributes:
        value: the number; None where the message had none in that place.
        mono: when it came, in monotonic seconds; None where that is not known, as for a retained message.
    """

    value: float | None
    mono: float | None


class View(StrEnum):
    """What a camera gets to see at all."""

    CLEAR = "clear"
    DARK = "dark"
    COVERED = "covered"
    WASHED_OUT = "washed_out"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Scene:
    """What one camera sees as a whole.

    Attributes:
        camera: the camera's name.
        at: when.
        people: how many are in view.
        mood: the leading emotion over all of them, `UNCERTAIN` where none can be read, None where nobody is.
        confidence: the mood's mean score over those who could be read, 0 to 1.
        view: what the camera gets to see at all; None where that is not watched, or not known yet.
        satisfaction: index over the last while, 0 to 100; None where too little could be read.
        paused: whether nothing is looked at, because somebody said so.
    """

    camera: str
    at: Instant
    people: int
    mood: str | None
    confidence: float
    view: View | None = None
    satisfaction: float | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What one camera saw in a window of time. All durations in seconds.

    Attributes:
        camera: the camera's name.
        at: when it was told: the window's end, or when it was cut short.
        length: of the kind of window, nominally.
        since: when the window begins by the wall clock, UTC.
        until: when it ends, UTC.
        watched: for how long of it the camera was watched.
        numbers: what was seen; None where it is held back, because too few people made it.
    """

    camera: str
    at: Instant
    length: int
    since: datetime
    until: datetime
    watched: float
    numbers: SummaryNumbers | None


@dataclass(frozen=True, slots=True)
class SummaryNumbers:
    """What was seen in a window. All durations in seconds, added up over people.

    Attributes:
        people: visits; somebody who left and came back counts twice.
        presence: how long people were in view.
        attention: how long of that their faces could be read, which means turned toward the camera.
        seconds: how long each emotion of the label set led.
        uncertain: how long none did; with `seconds` it adds up to `presence`.
        satisfaction: index, 0 to 100; None where too little could be read.
        distress: the level; None likewise.
        distress_share: the share of readable time that a distressed emotion led, 0 to 1; None likewise.
        usual: the satisfaction usual at these hours of the week; None while that is not known.
    """

    people: int
    presence: float
    attention: float
    seconds: Mapping[str, float]
    uncertain: float
    satisfaction: float | None
    distress: Distress | None
    distress_share: float | None
    usual: float | None
