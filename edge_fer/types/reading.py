"""What faces say, and what happens to the people they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from edge_fer.types.instant import Instant
from edge_fer.types.picture import Box, Keypoints, Quality, View

__all__ = [
    "EMOTION",
    "AttributeValue",
    "Doubt",
    "Event",
    "EventKind",
    "Reading",
    "Scene",
    "Scores",
]

#: The attribute that every reading has.
EMOTION = "emotion"
#: Label to calibrated probability, in the model's order; sums to 1.
Scores: TypeAlias = Mapping[str, float]


class Doubt(StrEnum):
    """Why a face that could be read is told as `UNCERTAIN`: the leading emotion scores too low, or leads by too little.

    It is no fault of the quality: the scores are good, go on being smoothed, and may confirm an alert about several
    emotions.
    """

    UNCLEAR = "unclear"
    TORN = "torn"


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """What is known of one attribute of a person or of a scene, after smoothing.

    Attributes:
        value: the leading label, `UNCERTAIN`, or a number, as the attribute's model tells labels or numbers.
        confidence: the leading label's score, 0 to 1, whether or not it was enough; 0 where nothing was read yet;
            None for a number, which has none.
        scores: smoothed scores of the labels; empty where nothing was read yet, and for a number.
        doubt: why the value is `UNCERTAIN` although the model was asked; None where it is not.
    """

    value: str | float
    confidence: float | None = None
    scores: Scores = field(default_factory=dict)
    doubt: Doubt | None = None


class Attributed:
    """Has attributes, `EMOTION` always; its properties are short for the parts of that one."""

    __slots__ = ()
    attributes: Mapping[str, AttributeValue]

    @property
    def emotion(self) -> AttributeValue:
        """The value of `EMOTION`."""
        return self.attributes[EMOTION]

    @property
    def label(self) -> str:
        """The leading emotion, or `UNCERTAIN`."""
        return str(self.attributes[EMOTION].value)

    @property
    def confidence(self) -> float:
        """The leading emotion's score, 0 to 1, whether or not it was enough; 0 where nothing was read yet."""
        return self.attributes[EMOTION].confidence or 0.0

    @property
    def scores(self) -> Scores:
        """Smoothed scores of the emotions of the label set; empty where nothing was read yet."""
        return self.attributes[EMOTION].scores

    @property
    def doubt(self) -> Doubt | None:
        """Why the label is `UNCERTAIN` although the face could be read; None where it is not, or `quality` says why."""
        return self.attributes[EMOTION].doubt


@dataclass(frozen=True, slots=True)
class Reading(Attributed):
    """What one person's face said at one instant, after smoothing.

    Attributes:
        camera: the camera's name.
        track_id: the person.
        at: when the frame was captured.
        quality: of the face in this frame.
        attributes: what is known of the person by attribute: `EMOTION` always, others once they were read.
        box: where the face is, in pixels of the picture; None where that is not known, as in old traces.
        keypoints: points of the face in pixels of the picture, where the detector gives them.
        size: width and height of the picture in pixels; None where `box` is.
    """

    camera: str
    track_id: str
    at: Instant
    quality: Quality
    attributes: Mapping[str, AttributeValue]
    box: Box | None = None
    keypoints: Keypoints | None = None
    size: tuple[int, int] | None = None


class EventKind(StrEnum):
    """What happened to a person in view."""

    APPEARED = "appeared"
    EMOTION_CHANGED = "emotion_changed"
    CHANGED = "changed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one person in view.

    Attributes:
        kind: what happened.
        reading: the person's reading then; for `left`, their last.
        at: when it happened.
        previous: for `emotion_changed` and `changed`, the value before; None where there was none.
        duration: seconds in view so far.
        attribute: for `changed`, the attribute that did; its value is in the reading.
    """

    kind: EventKind
    reading: Reading
    at: Instant
    duration: float
    previous: str | float | None = None
    attribute: str | None = None


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
        attributes: what is known of the picture as a whole, by attribute.
    """

    camera: str
    at: Instant
    people: int
    mood: str | None
    confidence: float
    view: View | None = None
    satisfaction: float | None = None
    paused: bool = False
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
