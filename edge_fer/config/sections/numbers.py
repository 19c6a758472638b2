"""The part of the config that says what numbers are made of what is seen, and who may know them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import Field, ValidationInfo, create_model, field_validator

from edge_fer.rules.conditions.kind import Label
from edge_fer.types import LABELS
from edge_fer.values.distinct import some_and_distinct
from edge_fer.values.section import Count, Section
from edge_fer.values.units import DURATION, PositiveFraction, Seconds, refuse

__all__ = ["DistressSection", "MoodSection", "PrivacySection", "SummariesSection", "WeightsSection"]

Weight: TypeAlias = Annotated[float, Field(strict=True, ge=-1, le=1)]
Window: TypeAlias = Annotated[Seconds, DURATION.within(10, 86_400)]

_HOUR: Final = 3600
_DAY: Final = 86_400


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
    over: Window = Field(default=60.0, description="The time over which the satisfaction in a camera's state is taken.")
    min_read: Annotated[Seconds, DURATION.within(0, 3600)] = Field(
        default=5.0, description="With less time in which faces could be read, neither is told."
    )


class SummariesSection(Section):
    """What is summed up."""

    windows: tuple[Window, ...] = Field(
        default=(60.0, 900.0, 3600.0, 86_400.0),
        description="The windows that are told, each a whole part of the next: 1d, 1h, or what an hour is a multiple "
        "of; none, if the list is empty.",
        json_schema_extra={"uniqueItems": True},
    )

    @field_validator("windows")
    @classmethod
    def _nesting(cls, windows: tuple[float, ...]) -> tuple[float, ...]:
        odd = [(index,) for index, length in enumerate(windows) if length != _DAY and not _divides_an_hour(length)]
        if odd:
            remedy = "Write 1d, 1h, or whole seconds that an hour is a multiple of, such as 15m"
            refuse("is no window that is aligned to the clock", remedy, at=odd)
        ordered = sorted(windows)
        if any(longer % shorter for shorter, longer in pairwise(ordered)):
            refuse("do not lie in one another", "Let each be a whole part of the next, for example `[1m, 15m, 1h]`")
        if len(set(windows)) < len(windows):
            refuse("names a window twice", "Name each once")
        return tuple(ordered)


def _divides_an_hour(length: float) -> bool:
    return length == int(length) and length <= _HOUR and _HOUR % length == 0


class PrivacySection(Section):
    """What leaves the device about people."""

    events: Literal["on", "off"] = Field(
        default="on",
        description="With off, only summaries are published: no event, no alert, and not what is seen just now.",
    )
    k_minimum: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=1, description="A summary that fewer people made is held back; 1 holds back none."
    )
