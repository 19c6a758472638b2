"""The keys `exposure` and `focus` of a camera."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from edge_fer.values.section import Section
from edge_fer.values.units import DURATION, Seconds, refuse

__all__ = ["ExposureSection", "Focus", "FocusRange"]

_WORDS: Final = ("auto", "continuous")
#: A lens that is focused nearer than at 3 cm is none of a camera's.
_NEAREST: Final = 32.0


class FocusRange:
    """What a lens may be focused on; stands in `Annotated`."""

    range = f"auto, continuous, or 0 to {_NEAREST:g}"

    def read(self, value: object) -> float | str:
        """The focus.

        Raises:
            PydanticCustomError: it is neither a word that is known nor a distance in dioptres.
        """
        if isinstance(value, str) and value in _WORDS:
            return value
        problem = "is no focus"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if 0 <= value <= _NEAREST:
                return float(value)
            problem = f"is out of range, which is 0 to {_NEAREST:g} dioptres"
        return refuse(problem, "Write auto, continuous, or 1 / the distance in metres, for example `0.5` for 2 metres")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"enum": list(_WORDS)}, {"type": "number", "minimum": 0, "maximum": _NEAREST}]}


Focus: TypeAlias = Annotated[float | str, FocusRange()]


class ExposureSection(Section):
    """How a Pi camera exposes its pictures; other cameras decide for themselves."""

    time: Annotated[Seconds, DURATION.within(0, 0.5)] = Field(
        default=0.0, description="How long each picture is exposed; 0: the camera decides."
    )
    gain: Annotated[float, Field(strict=True, ge=0, le=64)] = Field(
        default=0.0, description="How much the sensor's signal is amplified, from 1 on; 0: the camera decides."
    )
    compensation: Annotated[float, Field(strict=True, ge=-8, le=8)] = Field(
        default=0.0, description="How many stops brighter than the camera would; below 0, darker."
    )
    motion: Literal["sharp", "smooth"] = Field(
        default="sharp",
        description="What gives where light is short: sharp keeps times short and lets noise come up, smooth the "
        "other way round.",
    )
