"""The faces of one picture, read as a camera's pipeline reads them, but for what takes time: following, smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from edge_fer.emotion.doubt import doubt_of
from edge_fer.faces.people.tracking import random_id
from edge_fer.pipeline.ports import Stages
from edge_fer.pipeline.step import read_faces
from edge_fer.types import UNCERTAIN, Doubt, Face, Image, Instant, Quality, Scores, Track

__all__ = ["FaceReading", "PictureReading", "percent", "read_picture"]

#: A picture stands for itself, at no time.
_NO_TIME = Instant(0.0, datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What one face in a picture says.

    Attributes:
        face: where it is.
        label: the leading emotion, or `uncertain` where quality or confidence does not carry it.
        confidence: the leading emotion's calibrated probability, 0 to 1, whether or not it was enough; 0 where the face
            could not be read.
        scores: of the label set; empty where the face could not be read.
        quality: how well it can be read, and what keeps it from being read.
        doubt: why the label is `uncertain` although the face could be read; None where it is not.
    """

    face: Face
    label: str
    confidence: float
    scores: Scores
    quality: Quality
    doubt: Doubt | None = None

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
    """

    name: str
    image: Image
    faces: tuple[FaceReading, ...]
    notes: tuple[str, ...] = ()


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
    seen = zip(faces, read_faces(stages, image, people), strict=True)

    def reading(face: Face, quality: Quality, scores: Scores | None) -> FaceReading:
        if scores is None:
            return FaceReading(face, UNCERTAIN, 0.0, {}, quality)
        label, confidence = max(scores.items(), key=lambda score: score[1])
        doubt = doubt_of(label, scores, min_confidence=min_confidence, min_lead=min_lead)
        return FaceReading(face, UNCERTAIN if doubt else label, confidence, scores, quality, doubt)

    return tuple(reading(face, quality, scores) for face, (quality, scores) in seen)


def percent(share: float) -> str:
    """0 to 1 as people read it."""
    return f"{100 * share:.0f} %"
