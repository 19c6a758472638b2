"""How emotions are read from faces."""

from __future__ import annotations

from math import fsum
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from edge_fer.config.section import Count, Section
from edge_fer.config.values.units import DURATION, Fraction, PositiveFraction, Seconds, refuse

__all__ = ["EmotionSection", "PriorSection", "SmoothingSection"]

#: How far the sum of all shares may be from 1, since they are written with few decimals.
TOLERANCE: Final = 1e-3


class SmoothingSection(Section):
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


class PriorSection(Section):
    """How often each emotion is shown at the place, by anybody at any moment; what is left out shares the rest."""

    angry: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look angry.", examples=[0.05]
    )
    disgust: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look disgusted.", examples=[0.02]
    )
    fear: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look afraid.", examples=[0.03]
    )
    happy: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look happy.", examples=[0.2]
    )
    sad: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look sad.", examples=[0.05]
    )
    surprise: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look surprised.", examples=[0.05]
    )
    neutral: PositiveFraction | None = Field(
        default=None, description="The share of all moments in which people look neutral.", examples=[0.6]
    )

    @property
    def given(self) -> dict[str, float]:
        """The shares that were given."""
        return {label: share for label, share in self if share is not None}

    @model_validator(mode="after")
    def _leaves_the_others_their_share(self) -> Self:
        total, given = fsum(self.given.values()), self.given
        largest = max(given, key=given.__getitem__, default="")
        if len(given) == len(type(self).model_fields):
            if abs(total - 1) > TOLERANCE:
                refuse(
                    f"makes a sum of {total:g}, and not of 1", "Change the shares, or leave one out", at=((largest,),)
                )
        elif total >= 1 - TOLERANCE:
            problem = f"makes a sum of {total:g}, which leaves nothing for the other emotions"
            refuse(problem, "Write smaller shares, which add up to less than 1", at=((largest,),))
        return self


class EmotionSection(Section):
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
    prior: PriorSection = Field(
        default=PriorSection(),
        description="How often each emotion is shown at the place; where nothing is said, as the model's file says.",
    )
    min_confidence: Fraction = Field(
        default=0.45, description="A leading emotion that scores lower than this is told as uncertain."
    )
    min_lead: Fraction = Field(
        default=0.05,
        description="A leading emotion that is less than this ahead of all others is told as uncertain; 0: none.",
    )
    uncertain_after: Annotated[Seconds, DURATION.within(0, 600)] = Field(
        default=1.0, description="How long a face must be unreadable before that is told as a change."
    )
    smoothing: SmoothingSection = Field(
        default=SmoothingSection(), description="How single readings become a steady emotion."
    )
    threads: Annotated[Count, Field(ge=1, le=4)] = Field(
        default=1, description="How many processor cores one camera's emotion model may use."
    )
