"""How emotions are read from faces."""

from __future__ import annotations

from itertools import pairwise
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, create_model, model_validator

from edge_fer.types import LABEL_SETS, LABELS
from edge_fer.values.section import Count, Section
from edge_fer.values.units import DURATION, Fraction, PositiveFraction, Seconds, refuse

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


class _Shares(Section):
    """Shares by label, a field each."""

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


if TYPE_CHECKING:

    class PriorSection(_Shares):
        """How often each emotion is shown at the place: a field for each of `LABELS`."""
else:
    PriorSection = create_model(
        "PriorSection",
        __base__=_Shares,
        __module__=__name__,
        __doc__="How often each emotion is shown at the place, by anybody at any moment; what is left out shares the "
        "rest.",
        **{
            label.name: (
                PositiveFraction | None,
                Field(
                    default=None,
                    description=f"The share of all moments in which people look {label.look}.",
                    examples=[label.share],
                ),
            )
            for label in LABELS
        },
    )

if TYPE_CHECKING:
    LabelSet: TypeAlias = str
else:
    LabelSet = Literal[tuple(LABEL_SETS)]


def _left_out() -> str:
    """What each label set leaves out of the next larger one, in words."""
    names = list(LABEL_SETS)
    parts: list[str] = []
    for larger, name in pairwise(names):
        gone = [label for label in LABEL_SETS[larger] if label not in LABEL_SETS[name]]
        parts.append(f"{name} {'also' if parts else 'leaves out'} {' and '.join(gone)}")
    return ", ".join(parts)


class EmotionSection(Section):
    """How emotions are read from faces."""

    model: Path | None = Field(
        default=None,
        description="Another model than the packaged one: a .tflite file with its .json beside it.",
        examples=["/etc/edge-fer/emotion.tflite"],
    )
    labels: LabelSet = Field(default="seven", description=f"Which emotions are told apart; {_left_out()}.")
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
    read_every: Annotated[Seconds, DURATION.within(0, 2)] = Field(
        default=0.2,
        description="How long a face that is followed may go unread while its emotion is settled; 0s reads it in every "
        "picture.",
    )
    threads: Annotated[Count, Field(ge=1, le=4)] = Field(
        default=1, description="How many processor cores one camera's emotion model may use."
    )
