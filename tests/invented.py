"""Readings, tracks and instants made up for tests of pure logic."""

from __future__ import annotations

from datetime import UTC, datetime

from edge_fer.types import UNCERTAIN, Box, Face, Instant, Quality, QualityFault, Reading, Track

MIDNIGHT = Instant(0.0, datetime(2026, 1, 1, tzinfo=UTC))
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def at(seconds: float) -> Instant:
    """The instant so many seconds after an arbitrary midnight."""
    return MIDNIGHT.later(seconds)


def scores(**given: float) -> dict[str, float]:
    """Scores of the seven; what is not given shares the rest evenly."""
    rest = (1 - sum(given.values())) / (len(LABELS) - len(given))
    return {label: given.get(label, rest) for label in LABELS}


def reading(
    seconds: float, label: str = "neutral", score: float = 0.9, *, who: str = "a", camera: str = "cam"
) -> Reading:
    """A plain reading of one emotion."""
    return Reading(camera, who, at(seconds), label, score, scores(**{label: score}), Quality(1.0))


def torn(seconds: float, *, who: str = "a", **given: float) -> Reading:
    """A readable face without a leading emotion."""
    mixed = scores(**given)
    return Reading("cam", who, at(seconds), UNCERTAIN, max(mixed.values()), mixed, Quality(1.0))


def unreadable(seconds: float, *, who: str = "a") -> Reading:
    """A face that cannot be read; smoothing still shows what it said before."""
    quality = Quality(0.1, (QualityFault.BLURRED,))
    return Reading("cam", who, at(seconds), UNCERTAIN, 0.9, scores(neutral=0.9), quality)


def track(who: str = "a", *, since: float = 0.0, seen: float = 0.0) -> Track:
    """A person in the middle of the picture."""
    return Track(who, Face(Box(100, 100, 80, 80), 0.9), at(since), at(seen))
