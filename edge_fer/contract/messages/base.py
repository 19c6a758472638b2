"""What all payloads are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from edge_fer.outbox.kind import MessageKind

__all__ = [
    "OFFLINE",
    "ONLINE",
    "SIGNAL",
    "SUBJECT",
    "VERSION",
    "Count",
    "Fraction",
    "Index",
    "Message",
    "MessageKind",
    "Moment",
    "Number",
    "Part",
    "Seconds",
    "Sequenced",
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
Moment: TypeAlias = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", json_schema_extra={"format": "date-time"})
]


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
