"""Stamps messages with what is known only when they are sent: their number, and the time as the clock has it now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue

from edge_fer.contract.messages.base import rfc3339
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
        if key in {"since", "until", "silenced_until"} and isinstance(item, str)
        else _moved(item, shift)
        for key, item in value.items()
    }
