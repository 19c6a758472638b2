"""Asks a running daemon for something over MQTT, with a client that is not ours, and waits for the answer."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.broker import Mosquitto, Seen, Subscriber

__all__ = ["ask", "say"]

_numbers = itertools.count(1)


def ask(broker: Mosquitto, seen: Subscriber, verb: str, *, timeout: float = 60, **fields: Any) -> dict[str, Any]:
    """The answer to a request with an id of its own, unless one is given."""
    request = {"id": f"test-{next(_numbers)}"} | fields
    return say(broker, seen, verb, json.dumps(request), lambda m: m.json["id"] == request["id"], timeout=timeout)


def say(
    broker: Mosquitto, seen: Subscriber, verb: str, payload: str, wanted: Any, *, timeout: float = 60
) -> dict[str, Any]:
    """The answer to any payload that is like `wanted` and came after it was sent."""
    before = len(seen.of(f"/response/{verb}"))

    def is_it(message: Seen) -> bool:
        return (
            message.topic.endswith(f"/response/{verb}")
            and seen.of(f"/response/{verb}").index(message) >= before
            and wanted(message)
        )

    broker.publish(f"edge-fer/test/command/{verb}", payload)
    return seen.wait_for(is_it, timeout=timeout)[-1].json
