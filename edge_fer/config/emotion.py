"""How emotions are read from faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edge_fer.config.section import Count, Section
from edge_fer.config.units import DURATION, Fraction, Seconds

__all__ = ["Emotion", "Smoothing"]


class Smoothing(Section):
    """How single readings become a steady emotion."""

    method: Literal["exponential", "mode"] = Field(
        default="exponential",
        description="How readings are combined: a fading average of scores, or the commonest of the last few.",
    )
    time_constant: Annotated[Seconds, DURATION.within(0, 600)] = Field(
        default=1.0,
        description="How slowly the fading average follows; a sure change is told after little more than half of it "
        "(exponential only).",
    )
    hysteresis: Fraction = Field(
        default=0.15, description="How far another emotion's score must lead before it takes over (exponential only)."
    )
    readings: Annotated[Count, Field(ge=1, le=100)] = Field(
        default=5, description="How many readings the commonest is taken from (mode only)."
    )


class Emotion(Section):
    """How emotions are read from faces."""

    model: Path | None = Field(
        default=None,
        description="Another model than the packaged one: a .tflite file with its .json beside it.",
        examples=["/etc/edge-fer/emotion.tflite"],
    )
    labels: Literal["seven", "five", "four", "three"] = Field(
        default="seven",
        description="Which emotions are told apart; five leaves out disgust and fear, four also surprise, "
        "three also neutral.",
    )
    min_confidence: Fraction = Field(
        default=0.45, description="A leading emotion that scores lower than this is told as uncertain."
    )
    uncertain_after: Annotated[Seconds, DURATION.within(0, 600)] = Field(
        default=1.0, description="How long a face must be unreadable before that is told as a change."
    )
    smoothing: Smoothing = Field(default=Smoothing(), description="How single readings become a steady emotion.")
    threads: Annotated[Count, Field(ge=1, le=4)] = Field(
        default=1, description="How many processor cores one camera's emotion model may use."
    )
