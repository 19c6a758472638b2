"""The `mood` section: how satisfaction and distress are made of emotions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field, ValidationInfo, create_model, field_validator

from edge_fer.rules.conditions.kind import Label
from edge_fer.types import LABELS
from edge_fer.values.distinct import some_and_distinct
from edge_fer.values.section import Section
from edge_fer.values.units import DURATION, PositiveFraction, Seconds, refuse

__all__ = ["DistressSection", "MoodSection", "WeightsSection"]

Weight: TypeAlias = Annotated[float, Field(strict=True, ge=-1, le=1)]


if TYPE_CHECKING:

    class WeightsSection(Section):
        """What each emotion adds to satisfaction: a field for each of `LABELS`."""
else:
    WeightsSection = create_model(
        "WeightsSection",
        __base__=Section,
        __module__=__name__,
        __doc__="What each emotion adds to satisfaction.",
        **{
            label.name: (Weight, Field(default=label.weight, description=f"From -1 to 1{label.weight_note}."))
            for label in LABELS
        },
    )


class DistressSection(Section):
    """When people count as distressed; an indicator, never a diagnosis."""

    emotion: Annotated[tuple[Label, ...], some_and_distinct("[sad, angry, fear]", "each emotion")] = Field(
        default=tuple(label.name for label in LABELS if label.distress),
        description="The emotions that count as distress; at least one.",
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )
    moderate: PositiveFraction = Field(
        default=0.3, description="From this share of the readable time on, distress is moderate."
    )
    high: PositiveFraction = Field(default=0.6, description="And from this one on high; at least `moderate`.")

    @field_validator("high")
    @classmethod
    def _above_moderate(cls, high: float, info: ValidationInfo) -> float:
        if high < info.data.get("moderate", 0.0):
            refuse("is below `moderate`", "Write the same or more")
        return high


class MoodSection(Section):
    """How satisfaction and distress are made of the seconds that each emotion led."""

    weights: WeightsSection = Field(default=WeightsSection(), description="What each emotion adds to satisfaction.")
    distress: DistressSection = Field(default=DistressSection(), description="When people count as distressed.")
    over: Annotated[Seconds, DURATION.within(10, 86_400)] = Field(
        default=60.0, description="The time over which the satisfaction in a camera's state is taken."
    )
    min_read: Annotated[Seconds, DURATION.within(0, 3600)] = Field(
        default=5.0, description="With less time in which faces could be read, neither is told."
    )
