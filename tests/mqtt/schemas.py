"""Holds a message against its schema."""

from __future__ import annotations

import json

import jsonschema

from edge_fer.contract.messages import (
    Message,
    seal,
)
from edge_fer.remote.registry import schemas
from edge_fer.types import (
    Instant,
)

SCHEMAS = schemas()


def valid(kind: str, payload: str) -> dict:
    """The payload as an object, after checking it against the schema of its kind."""
    found = json.loads(payload)
    jsonschema.validate(found, SCHEMAS[kind], format_checker=jsonschema.FormatChecker())
    return found


def sealed(message: Message, when: Instant, *, seq: int = 1, replayed: bool = False) -> str:
    return seal(message.model_dump_json(), seq=seq, replayed=replayed, at=when)
