"""Why a face that could be read is told as uncertain. Pure."""

from __future__ import annotations

from edge_fer.types import Doubt, Scores

__all__ = ["doubt_of", "lead_of"]


def lead_of(label: str, scores: Scores) -> float:
    """How far a label's score is ahead of the best other one, -1 to 1; below 0 where another leads."""
    return scores[label] - max((score for other, score in scores.items() if other != label), default=0.0)


def doubt_of(label: str, scores: Scores, *, min_confidence: float, min_lead: float) -> Doubt | None:
    """What speaks against telling an emotion.

    Args:
        label: the emotion that would be told; after smoothing not always the one with the highest score.
        scores: of the label set.
        min_confidence: what the emotion must score, 0 to 1.
        min_lead: how far it must be ahead of every other, 0 to 1; 0 asks for nothing.
    """
    if scores[label] < min_confidence:
        return Doubt.UNCLEAR
    return Doubt.TORN if min_lead and lead_of(label, scores) < min_lead else None
