"""Makes rows for the database of messages. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from edge_fer.contract.messages import AlertEventMessage, AuditMessage, Message, SummaryMessage
from edge_fer.contract.messages.stamping import OWN_MOMENTS
from edge_fer.support.json_text import read_json

__all__ = ["TABLES", "StoredRow", "Unreadable", "row_of"]

#: What is not of the message itself: how it was sent, and moments, which move where a clock is put right meanwhile.
_SENDING: Final = frozenset({"ts", "clock_synced", "replayed"}) | OWN_MOMENTS
#: Columns of each table that hold fields of the message, beside the first ones.
_COMMON: Final = ("node", "site", "ts", "clock_synced", "replayed")
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "alert_event": (
        *_COMMON, "camera", "event_type", "alert_id", "rule", "severity", "since", "value", "threshold", "reason"
    ),
    "summary": (*_COMMON, "camera", "window", "since", "until"),
    "audit": (*_COMMON, "actor", "via", "command", "outcome"),
}  # fmt: skip
_MODELS: Final[Mapping[str, type[Message]]] = {
    "alert_event": AlertEventMessage,
    "summary": SummaryMessage,
    "audit": AuditMessage,
}


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A message as a row.

    Attributes:
        table: which one.
        values: topic, seq, content, the columns of the table, and the whole.
    """

    table: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is none of ours."""

    topic: str
    payload: bytes
    problem: str


def row_of(topic: str, payload: bytes) -> StoredRow | Unreadable:
    """What is stored of a message."""
    table = topic.rpartition("/")[2]
    model = _MODELS.get(table)
    if model is None:
        return Unreadable(topic, payload, "its topic is none of those that are stored")
    try:
        body = read_json(payload)
        # later versions may add fields, which are kept in the body
        found = model.model_validate({key: value for key, value in body.items() if key in model.model_fields})
    except (ValueError, ValidationError, AttributeError) as error:
        return Unreadable(topic, payload, type(error).__name__)
    if not topic.endswith(_ending(found)):
        return Unreadable(topic, payload, "its node or camera is not that of its topic")
    content = {key: value for key, value in body.items() if key not in _SENDING}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    fields = [getattr(found, column) for column in TABLES[table]]
    # a zero cannot be in a text of PostgreSQL
    whole = json.dumps(body).replace("\\u0000", "�")
    return StoredRow(table, (topic, found.seq, digest, *fields, whole))  # type: ignore[attr-defined]  # all of these have it


def _ending(message: Message) -> str:
    camera = getattr(message, "camera", None)
    return f"/{message.node}/camera/{camera}/{_leaf(message)}" if camera else f"/{message.node}/{_leaf(message)}"


def _leaf(message: Message) -> str:
    return next(name for name, model in _MODELS.items() if isinstance(message, model))
