"""The faces of one picture, read as a camera's pipeline reads them, but for what takes time: following, smoothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from edge_fer.emotion.doubt import doubt_of
from edge_fer.faces.people.tracking import random_id
from edge_fer.pipeline.ports import Stages
from edge_fer.pipeline.step import look_at_faces, read_faces, values_of
from edge_fer.types import (
    EMOTION,
    UNCERTAIN,
    Attributed,
    AttributeValue,
    Face,
    Image,
    Instant,
    Quality,
    Scores,
    Track,
)

__all__ = ["FaceReading", "PictureReading", "percent", "read_picture", "read_whole", "value_in_words"]

#: A picture stands for itself, at no time.
_NO_TIME = Instant(0.0, datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True, slots=True)
class FaceReading(Attributed):
    """What one face in a picture says; `label`, `confidence`, `scores` and `doubt` are those of the emotion.

    Attributes:
        face: where it is.
        quality: how well it can be read, and what keeps it from being read.
        attributes: what is known of the person by attribute: `EMOTION` always, others where the face could be read.
    """

    face: Face
    quality: Quality
    attributes: Mapping[str, AttributeValue]

    @property
    def leading(self) -> str | None:
        """The emotion with the highest score, enough or not; None where the face could not be read."""
        return max(self.scores, key=self.scores.__getitem__, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class PictureReading:
    """What was read in one picture.

    Attributes:
        name: of the picture, for people.
        image: RGB uint8 (height, width, 3), upright; the boxes of the faces are in its pixels.
        faces: the largest first.
        notes: what is worth knowing of how the file was read, each a short phrase.
        attributes: what is known of the picture as a whole, by attribute.
    """

    name: str
    image: Image
    faces: tuple[FaceReading, ...]
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


def read_picture(stages: Stages, image: Image, *, min_confidence: float, min_lead: float) -> tuple[FaceReading, ...]:
    """Finds and reads the faces of one picture, with no memory of others.

    Args:
        stages: of which those are used that need no time.
        image: RGB uint8 (height, width, 3).
        min_confidence: a leading emotion that scores lower makes the reading uncertain, 0 to 1.
        min_lead: so does one that is not so far ahead of every other, 0 to 1; 0 asks for nothing.

    Returns:
        The faces, largest first.
    """
    faces = stages.detector.detect(image)
    # each a person never seen before, so that the quality gate has nothing to hold steady
    people = [Track(random_id(), face, _NO_TIME, _NO_TIME) for face in faces]
    seen = read_faces(stages, image, people)
    look_at_faces(stages, image, people, seen, 0.0)

    def reading(person: Track, quality: Quality, scores: Scores | None) -> FaceReading:
        emotion = AttributeValue(UNCERTAIN, 0.0)
        if scores is not None:
            label, confidence = max(scores.items(), key=lambda score: score[1])
            doubt = doubt_of(label, scores, min_confidence=min_confidence, min_lead=min_lead)
            emotion = AttributeValue(UNCERTAIN if doubt else label, confidence, scores, doubt)
        others = values_of(stages, person.id)
        for attribute in stages.attributes:
            attribute.forget(person.id)
        return FaceReading(person.face, quality, {EMOTION: emotion} | others)

    return tuple(reading(person, *read) for person, read in zip(people, seen, strict=True))


def read_whole(stages: Stages, image: Image) -> dict[str, AttributeValue]:
    """What is known of the picture as a whole, with no memory of others."""
    found = {}
    for attribute in stages.picture_attributes:
        attribute.observe(image, 0.0)
        if attribute.value is not None:
            found[attribute.name] = attribute.value
        attribute.forget()
    return found


def percent(share: float) -> str:
    """0 to 1 as people read it."""
    return f"{100 * share:.0f} %"


def value_in_words(known: AttributeValue) -> str:
    """A value as people read it: the label and its score, or the number."""
    if not isinstance(known.value, str):
        return f"{known.value:g}"
    return known.value if known.confidence is None else f"{known.value} {percent(known.confidence)}"
