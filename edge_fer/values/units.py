"""Values with a unit: how people write them (`5s`, `48px`, `256MB`), what the program sees, and the way back.

A file always gives the unit, so that nobody has to guess it. Python code may give the plain number, in the
unit that the type is named after.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Any, Final, NoReturn, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = [
    "ANGLE",
    "DURATION",
    "FROM_FILE",
    "PIXELS",
    "REFUSED",
    "SIZE",
    "TEMPERATURE",
    "Bytes",
    "Celsius",
    "Degrees",
    "Fraction",
    "Pixels",
    "PositiveFraction",
    "Quantity",
    "Seconds",
    "Share",
    "refuse",
]

#: The validation context under which a number must be written with its unit.
FROM_FILE: Final = "from a file"
#: The type of the errors that `refuse` raises.
REFUSED: Final = "refused"


def refuse(problem: str, remedy: str, *, at: Sequence[tuple[str | int, ...]] = ((),)) -> NoReturn:
    """Refuse the value that is being validated, in our own words.

    Args:
        problem: what is wrong, as a phrase that follows the value; never holds the value, which may be secret.
        remedy: what to do about it, as an imperative sentence.
        at: key paths of what is wrong, below the value being validated.

    Raises:
        PydanticCustomError: always.
    """
    template = "{problem}"
    raise PydanticCustomError(REFUSED, template, {"problem": problem, "remedy": remedy, "at": at})


def _refuse_nothing(value: object) -> None:
    if value is None:
        refuse("has no value", "Write one, or take the line out")


@dataclass(frozen=True)
class Quantity:
    """A number that is written with a unit; stands in `Annotated`.

    Attributes:
        name: what is measured, with its article.
        units: each unit's text and its factor, the smallest first.
        example: a value people would write, as the program sees it.
        least: the smallest value allowed.
        most: the largest value allowed; None for no bound.
        whole: whether the program sees an int.
    """

    name: str
    units: Mapping[str, Decimal] = field(hash=False)
    example: float
    least: float = 0
    most: float | None = None
    whole: bool = False

    def within(self, least: float, most: float | None = None) -> Quantity:
        """The same quantity with other bounds."""
        return replace(self, least=least, most=most)

    @property
    def range(self) -> str:
        """Which values are allowed, in words."""
        if self.most is None:
            return f"at least {self.write(self.least)}"
        return f"{self.write(self.least)} to {self.write(self.most)}"

    @property
    def pattern(self) -> str:
        """What a written value looks like, as a regular expression that Python and JSON Schema share."""
        fraction = "" if self.whole else r"(?:\.[0-9]{1,9})?"
        return rf"^[0-9]{{1,15}}{fraction} ?(?:{'|'.join(self.units)})$"

    def read(self, value: object) -> float:
        """The number behind a written value; a plain `0` needs no unit.

        Raises:
            PydanticCustomError: it is not of this quantity, or out of bounds.
        """
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            unit = value.lstrip("0123456789. ")
            return self._bounded(Decimal(value.removesuffix(unit).strip()) * self.units[unit])
        if value == 0 and not isinstance(value, bool):
            return self._bounded(Decimal(0))
        _refuse_nothing(value)
        if isinstance(value, str) and "h" in self.units and (clock := re.fullmatch(r"([0-9]{1,3}):([0-9]{2})", value)):
            refuse(f"is not {self.name}", f"Write `{int(clock[1]) * 60 + int(clock[2])}s` for minutes and seconds")
        bare = isinstance(value, int | float) and not isinstance(value, bool)
        problem = "has no unit" if bare else f"is not {self.name}"
        refuse(problem, f"Write a number and its unit ({', '.join(self.units)}), {self._such_as}")

    def write(self, number: float) -> str:
        """A number as people would write it: in the largest unit that needs no fraction."""
        exact = Decimal(repr(number))
        smallest, factor = next(iter(self.units.items()))
        if not exact:
            base = next(unit for unit, factor in self.units.items() if factor == 1)
            return f"0{base}"
        for unit, size in self.units.items():
            if exact % size == 0:
                smallest, factor = unit, size
        return f"{(exact / factor).normalize():f}{smallest}"

    def _bounded(self, number: Decimal) -> float:
        if number >= Decimal(repr(self.least)) and (self.most is None or number <= Decimal(repr(self.most))):
            return int(number) if self.whole else float(number)
        refuse(f"is out of range, which is {self.range}", f"Write {self.name} in that range, {self._such_as}")

    @property
    def _such_as(self) -> str:
        example = max(self.example, self.least)
        return f"for example `{self.write(example if self.most is None else min(example, self.most))}`"

    def _validate(self, value: object, info: ValidationInfo) -> float:
        bare = isinstance(value, int | float) and not isinstance(value, bool)
        if bare and info.context != FROM_FILE:
            return self._bounded(Decimal(repr(value)))
        return self.read(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        text = {"type": "string", "pattern": self.pattern}
        return text if self.least > 0 else {"anyOf": [text, {"const": 0}]}


@dataclass(frozen=True)
class Share:
    """A fraction of 1, written as a plain number; stands in `Annotated`.

    Attributes:
        above_zero: whether 0 itself is refused.
    """

    above_zero: bool = False

    @property
    def range(self) -> str:
        """Which values are allowed, in words."""
        return "above 0, at most 1" if self.above_zero else "0 to 1"

    def read(self, value: object) -> float:
        """The fraction.

        Raises:
            PydanticCustomError: it is not a number from 0 to 1.
        """
        _refuse_nothing(value)
        if not isinstance(value, int | float) or isinstance(value, bool):
            refuse("is not a fraction", "Write a plain number from 0 to 1, for example `0.6`")
        if not (0 <= value <= 1) or (self.above_zero and value == 0):
            refuse(f"is out of range, which is {self.range}", "Write a fraction of 1, for example `0.6`")
        return float(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "number", "exclusiveMinimum" if self.above_zero else "minimum": 0, "maximum": 1}


DURATION = Quantity(
    "a duration",
    {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86_400)},
    example=5.0,
)
PIXELS = Quantity("a length in pixels", {"px": Decimal(1)}, example=48, whole=True)
TEMPERATURE = Quantity("a temperature", {"C": Decimal(1)}, example=80)
ANGLE = Quantity("an angle", {"deg": Decimal(1)}, example=45)
SIZE = Quantity(
    "a size",
    {"B": Decimal(1), "kB": Decimal(10**3), "MB": Decimal(10**6), "GB": Decimal(10**9)},
    example=256_000_000,
    whole=True,
)

Seconds: TypeAlias = Annotated[float, DURATION]
Degrees: TypeAlias = Annotated[float, ANGLE]
Celsius: TypeAlias = Annotated[float, TEMPERATURE]
Pixels: TypeAlias = Annotated[int, PIXELS]
Bytes: TypeAlias = Annotated[int, SIZE]
Fraction: TypeAlias = Annotated[float, Share()]
PositiveFraction: TypeAlias = Annotated[float, Share(above_zero=True)]
