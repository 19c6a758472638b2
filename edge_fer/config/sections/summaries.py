"""The `summaries` section: what is summed up."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, TypeAlias

from pydantic import Field, field_validator

from edge_fer.values.section import Section
from edge_fer.values.units import DURATION, Seconds, refuse

__all__ = ["SummariesSection"]

Window: TypeAlias = Annotated[Seconds, DURATION.within(10, 86_400)]

_HOUR: Final = 3600
_DAY: Final = 86_400


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
