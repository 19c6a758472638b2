"""The faces of one picture, read as a camera's pipeline reads them, but for what takes time: following, smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from edge_fer.faces.tracking import random_id
from edge_fer.pipeline import read_faces
from edge_fer.stages import Stages
from edge_fer.types import UNCERTAIN, Face, Image, Instant, Quality, Scores, Track

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
    """

    face: Face
    label: str
    confidence: float
    scores: Scores
    quality: Quality

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


def read_picture(stages: Stages, image: Image, *, min_confidence: float) -> tuple[FaceReading, ...]:
    """Finds and reads the faces of one picture, with no memory of others.

    Args:
        stages: of which those are used that need no time.
        image: RGB uint8 (height, width, 3).
        min_confidence: a leading emotion that scores lower makes the reading uncertain, 0 to 1.

    Returns:
        The faces, largest first.
    """
    faces = stages.detector.detect(image)
    # each a person never seen before, so that the quality gate has nothing to hold steady
    people = [Track(random_id(), face, _NO_TIME, _NO_TIME) for face in faces]
    seen = zip(faces, read_faces(stages, image, people), strict=True)
    return tuple(_reading(face, quality, scores or {}, min_confidence) for face, (quality, scores) in seen)


def percent(share: float) -> str:
    """0 to 1 as people read it."""
    return f"{100 * share:.0f} %"


def _reading(face: Face, quality: Quality, scores: Scores, min_confidence: float) -> FaceReading:
    label, confidence = max(scores.items(), key=lambda score: score[1], default=(UNCERTAIN, 0.0))
    return FaceReading(face, label if confidence >= min_confidence else UNCERTAIN, confidence, scores, quality)
