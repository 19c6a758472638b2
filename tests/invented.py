"""Readings, tracks and instants made up for tests of pure logic."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from edge_fer.types import EMOTION, UNCERTAIN, AttributeValue, Box, Face, Instant, Quality, QualityFault, Reading, Track

MIDNIGHT = Instant(0.0, datetime(2026, 1, 1, tzinfo=UTC))
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def at(seconds: float) -> Instant:
    """The instant so many seconds after an arbitrary midnight."""
    return MIDNIGHT.later(seconds)


def scores(**given: float) -> dict[str, float]:
    """Scores of the seven; what is not given shares the rest evenly."""
    rest = (1 - sum(given.values())) / (len(LABELS) - len(given))
    return {label: given.get(label, rest) for label in LABELS}


def emotion_reading(camera, track_id, at, label, confidence, scores, quality, doubt=None) -> Reading:
    """A reading of the emotion alone, without a place."""
    return Reading(camera, track_id, at, quality, {EMOTION: AttributeValue(label, confidence, scores, doubt)})


def reading(
    seconds: float,
    label: str = "neutral",
    score: float = 0.9,
    *,
    who: str = "a",
    camera: str = "cam",
    box: Box | None = None,
) -> Reading:
    """A plain reading of one emotion."""
    told = emotion_reading(camera, who, at(seconds), label, score, scores(**{label: score}), Quality(1.0))
    return replace(told, box=box)


def torn(seconds: float, *, who: str = "a", **given: float) -> Reading:
    """A readable face without a leading emotion."""
    mixed = scores(**given)
    return emotion_reading("cam", who, at(seconds), UNCERTAIN, max(mixed.values()), mixed, Quality(1.0))


def unreadable(seconds: float, *, who: str = "a") -> Reading:
    """A face that cannot be read; smoothing still shows what it said before."""
    quality = Quality(0.1, (QualityFault.BLURRED,))
    return emotion_reading("cam", who, at(seconds), UNCERTAIN, 0.9, scores(neutral=0.9), quality)


def track(who: str = "a", *, since: float = 0.0, seen: float = 0.0) -> Track:
    """A person in the middle of the picture."""
    return Track(who, Face(Box(100, 100, 80, 80), 0.9), at(since), at(seen))
