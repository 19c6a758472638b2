"""What all payloads are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from edge_fer.outbox.kind import MessageKind

__all__ = [
    "OFFLINE",
    "ONLINE",
    "SIGNAL",
    "SUBJECT",
    "VERSION",
    "AttributeInfo",
    "Count",
    "ForeignMoment",
    "Fraction",
    "Index",
    "Message",
    "MessageKind",
    "Moment",
    "Number",
    "OwnClock",
    "Part",
    "Seconds",
    "Sequenced",
    "Sparse",
    "rfc3339",
]

#: The version of the contract, in every payload.
VERSION: Literal[1] = 1
#: The payloads of availability topics, which are plain text.
ONLINE, OFFLINE = "online", "offline"


def _rounded(value: Any) -> float:
    """Four decimals: more say nothing about a face and cost space on the wire."""
    return round(float(value), 4)


Number: TypeAlias = Annotated[float, BeforeValidator(_rounded)]
Fraction: TypeAlias = Annotated[float, BeforeValidator(_rounded), Field(ge=0, le=1)]
Index: TypeAlias = Annotated[float, BeforeValidator(lambda value: round(float(value), 1)), Field(ge=0, le=100)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Seconds: TypeAlias = Annotated[float, BeforeValidator(lambda value: round(float(value), 3)), Field(ge=0)]
#: A moment that somebody else named, such as the end of a certificate.
ForeignMoment: TypeAlias = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", json_schema_extra={"format": "date-time"})
]


class OwnClock:
    """Marks a moment that was read from this device's clock, and is put right with it."""


#: A moment by this device's clock.
Moment: TypeAlias = Annotated[ForeignMoment, OwnClock()]


SUBJECT = "The person: a random id that lives as long as they are in view; null: it is about the scene as a whole."
SIGNAL = (
    "What is known of the rule's outside signal: fresh, stale (too old), invalid (no number), missing (none yet); "
    "null: it has none."
)


class Part(BaseModel):
    """A part of a payload; nothing may be in it that is not described."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), json_schema_serialization_defaults_required=True
    )


class Sparse(Part):
    """A part whose newer fields are left out where they say nothing, so that readers of before find what they know."""

    left_out: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            key: value for key, value in handler(self).items() if key not in self.left_out or value not in (None, {})
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the fields, in which those that may be left out are not required."""
        plain = cast("CoreSchema", {key: value for key, value in core.items() if key != "serialization"})
        schema = handler(plain)
        whole = handler.resolve_ref_schema(schema)
        whole["required"] = [name for name in whole.get("required", []) if name not in cls.left_out]
        return schema


class AttributeInfo(Part):
    """What is known of one attribute."""

    value: str | Number = Field(description="The leading label, or `uncertain`; or a number.")
    confidence: Fraction | None = Field(description="Score of the leading label, 0 to 1; null: it is a number.")
    scores: dict[str, Fraction] = Field(description="Score of each label, adding up to 1; empty: it is a number.")


class Message(Part):
    """What every JSON payload has."""

    v: Literal[1] = Field(default=VERSION, description="Version of this contract.")
    node: str = Field(description="Name of the device that sends this.")
    site: str = Field(description="Where the device stands, in its owner's words; may be empty.")
    ts: Moment = Field(description="Time of capture: RFC 3339, UTC, milliseconds.")
    clock_synced: bool = Field(description="Whether the device's clock was known to be right, and so is `ts`.")


class Sequenced(Message):
    """What every payload has that goes through the outbox."""

    seq: int = Field(
        ge=1, description="Counts up within this topic for ever; the same number means the same message, sent again."
    )
    replayed: bool = Field(
        description="Whether this arrives long after `ts`, because the broker was away; automations may ignore it."
    )


def rfc3339(utc: datetime) -> str:
    """The wire's form of a moment in UTC: `2026-01-31T12:00:00.000Z`."""
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
