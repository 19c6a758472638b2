"""How a camera's lens and exposure are set, and how its view is watched."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from edge_fer.config.section import Section, Switch
from edge_fer.config.values.units import DURATION, Fraction, Seconds, refuse

__all__ = ["ExposureSection", "Focus", "FocusRange", "ViewSection"]

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


class ViewSection(Section):
    """When a camera's view is told as covered, dark, washed out or moved."""

    enabled: Switch = Field(default=True, description="Whether it is watched.")
    after: Annotated[Seconds, DURATION.within(0, 3600)] = Field(
        default=5.0, description="How long a view must be covered, dark, washed out, or clear again, before it is told."
    )
    frozen_after: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=60.0,
        description="A picture that has not changed in a single pixel for so long, while somebody is in it, is a fault "
        "of the camera, and nobody is counted; 0 for the recording of a drawing or a screen.",
    )
    dark: Fraction = Field(
        default=0.1, description="Brightness up to which the brightest tenth of a picture leaves it dark."
    )
    covered: Fraction = Field(
        default=0.004, description="Contrast between neighbouring spots, on average, below which a lens is covered."
    )
    washed_out: Fraction = Field(
        default=0.6, description="Share of a picture from which on so much pure white leaves it washed out."
    )
    moved: Fraction = Field(
        default=0.45, description="Share of what stands still below which so much found in its place means moved."
    )
    moved_after: Annotated[Seconds, DURATION.within(1, 86_400)] = Field(
        default=120.0, description="How long that must hold; people who stand before the camera hide things too."
    )
    accept_after: Annotated[Seconds, DURATION.within(60, 31_536_000)] = Field(
        default=86_400.0, description="How long a view is told as moved before it is taken for the right one."
    )
