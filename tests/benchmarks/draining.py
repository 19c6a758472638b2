"""How fast a backlog is drained, beside a bare client of paho that publishes the same payloads to the same broker."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_fer.contract.messages import MessageKind, seal
from edge_fer.types import Instant
from tests.broker import HOST, Mosquitto
from tests.mqtt.kit import TOPICS, event, linked, now, until

__all__ = ["draining"]


def draining(passes: int) -> dict[str, float]:
    """Ratio of the rates, with 25 messages a pass: ours, as fast as the broker takes them, over paho's."""
    count = 25 * passes
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder, "broker"), remembers=False)
        rates = [
            (_ours(broker, Path(folder, str(turn)), count), _bare(broker, count)) for turn in range(3)
        ]  # by turns, because others may want the core, too
    return {"drain / bare paho": median(ours / bare for ours, bare in rates)}


def _ours(broker: Mosquitto, folder: Path, count: int) -> float:
    """Messages a second that leave the outbox, from its connection on."""
    with linked(folder, broker.url) as link:
        at = now()
        for first in range(0, count, 500):
            for number in range(first, min(count, first + 500)):
                link.post(TOPICS.event("front"), MessageKind.EVENT, event(at, duration=number), at)
            until(lambda: link.status().depth >= min(count, first + 500), timeout=60)  # noqa: B023 - used at once
        with broker:
            until(lambda: link.status().connected)
            return _rate(count, lambda: not link.status().depth)


def _bare(broker: Mosquitto, count: int) -> float:
    """Messages a second that the broker acknowledges to paho."""
    at = now()
    payloads = [_payload(number, at) for number in range(count)]
    left = count

    def acknowledged(*_: object) -> None:
        nonlocal left
        left -= 1

    with broker:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_publish = acknowledged
        client.max_queued_messages_set(0)
        client.connect(HOST, broker.port)
        client.loop_start()
        until(client.is_connected)

        def publish_all_and_wait() -> bool:
            while payloads:
                client.publish(TOPICS.event("front"), payloads.pop(), qos=1)
            return not left

        rate = _rate(count, publish_all_and_wait)
        client.disconnect()
        client.loop_stop()
    return rate


def _payload(number: int, at: Instant) -> str:
    return seal(event(at, duration=number).model_dump_json(), seq=number + 1, replayed=True, at=at)


def _rate(count: int, done: Callable[[], bool]) -> float:
    begun = time.perf_counter()
    while not done():
        time.sleep(0.002)
    return count / (time.perf_counter() - begun)
