"""Stamps messages with what is known only when they are sent: their number, and the time as the clock has it now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from pydantic import BaseModel, JsonValue

from edge_fer.contract.messages import audit, events, states
from edge_fer.contract.messages.base import Message, OwnClock, rfc3339
from edge_fer.types import Instant

__all__ = ["restamp", "seal"]


def restamp(body: str, at: Instant) -> str:
    """The message with the time of capture `at`, where the clock has been put right since it was written.

    Every other moment in it moves along, because it was read from the same clock.
    """
    return json.dumps(_restamped(json.loads(body), at), separators=(",", ":"), ensure_ascii=False)


def seal(body: str, *, seq: int, replayed: bool, at: Instant) -> str:
    """The draft as it is sent, with the time of capture as known now."""
    message = _restamped(json.loads(body), at) | {"seq": seq, "replayed": replayed}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _restamped(message: dict[str, Any], at: Instant) -> dict[str, Any]:
    if message["clock_synced"] == at.synced:
        return message
    shift = at.utc - datetime.fromisoformat(message["ts"])
    moved: dict[str, Any] = _moved(message, shift)
    return moved | {"ts": rfc3339(at.utc), "clock_synced": at.synced}


def _moved(value: JsonValue, shift: timedelta) -> Any:
    """The value with each moment of our clock in it moved by `shift`."""
    if isinstance(value, list):
        return [_moved(item, shift) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: rfc3339((datetime.fromisoformat(item) + shift).astimezone(UTC))
        if key in OWN_MOMENTS and isinstance(item, str)
        else _moved(item, shift)
        for key, item in value.items()
    }


def _moments(model: type[BaseModel], *, own: bool) -> Iterator[str]:
    """The fields of a payload, and of its parts, that hold a moment by our clock, or all other fields."""
    for name, info in model.model_fields.items():
        inner = list(_within(info.annotation, info.metadata))
        if any(isinstance(part, OwnClock) for part in inner) is own:
            yield name
        for part in inner:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _moments(part, own=own)


def _within(annotation: Any, metadata: list[Any]) -> Iterator[Any]:
    """What an annotation is made of."""
    yield annotation
    yield from metadata
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _within(part, [])


_MESSAGES: Final = [
    kind
    for module in (audit, events, states)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Message)
]
#: The names of all fields that hold a moment by our clock, but for that of the message itself.
OWN_MOMENTS: Final = frozenset(name for kind in _MESSAGES for name in _moments(kind, own=True)) - {"ts"}

if odd := OWN_MOMENTS & {name for kind in _MESSAGES for name in _moments(kind, own=False)}:
    # which of them is meant cannot be told from the text of a message
    message = f"the fields {sorted(odd)} are a moment by our clock in one message, and something else in another"
    raise TypeError(message)
