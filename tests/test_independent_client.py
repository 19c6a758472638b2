"""Everything that the daemon publishes, read by another library than the one it publishes with: gmqtt, in MQTT 5."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import gmqtt

from edge_fer.sample import sample_path
from tests.broker import HOST, Mosquitto
from tests.daemon import Daemon, edge_fer
from tests.running import VALIDATORS, kind_of

#: Played as fast as can be, again and again, it soon fills the minute that a summary needs.
CAMERA = {"source": str(sample_path()), "speed": "fast", "loop": True}
RULE = {"anybody": {"when": {"emotion": ["happy", "neutral"], "score": 0.2}, "for": "500ms"}}
CONFIG = {"cameras": {"front": CAMERA}, "alerts": RULE, "summaries": {"windows": ["10s"]}}
BASE = "edge-fer/test/"


@asynccontextmanager
async def listening(port, take):
    """A client of gmqtt that hands on what it gets."""
    client = gmqtt.Client("independent")
    client.on_message = take
    subscribed = asyncio.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    await client.connect(HOST, port, version=gmqtt.constants.MQTTv50)
    try:
        client.subscribe(gmqtt.Subscription("edge-fer/#", qos=1, retain_as_published=True))
        await asyncio.wait_for(subscribed.wait(), 10)
        yield
    finally:
        await client.disconnect()


async def everything(tmp_path):
    """Topic, payload, QoS and `retain` of each message, from before the daemon starts until after it has ended."""
    came, news = [], asyncio.Condition()

    async def take(_client, topic, payload, qos, properties):
        async with news:
            came.append((topic.removeprefix(BASE), payload.decode(), qos, bool(properties["retain"])))
            news.notify_all()
        return 0

    async def wait_for(condition, seconds):
        async with asyncio.timeout(seconds), news:
            await news.wait_for(condition)

    with Mosquitto(tmp_path / "broker") as broker:
        async with listening(broker.port, take):
            with Daemon(tmp_path, CONFIG | {"mqtt": {"broker": broker.url}}) as daemon:
                await wait_for(lambda: {kind_of(topic) for topic, *_ in came} >= VALIDATORS.keys() - {"audit"}, 300)
                # audited, and changes nothing
                socket = str(tmp_path / "state" / "control.sock")
                asked = await asyncio.to_thread(edge_fer, "resume", "--socket", socket)
                assert asked.returncode == 0, asked.stderr
                await wait_for(lambda: any(topic == "audit" for topic, *_ in came), 60)
                assert daemon.stop() == 0, daemon.output
            await wait_for(lambda: ("availability", "offline", 1, True) in came, 60)
    return came


def test_an_independent_client_reads_everything(tmp_path):
    came = asyncio.run(everything(tmp_path))
    for topic, payload, qos, retain in came:
        assert qos == 1
        assert retain == (topic.rpartition("/")[2] not in {"event", "alert_event", "summary", "audit"}), topic
        if topic.endswith("availability"):
            assert payload in {"online", "offline"}
        elif payload:
            VALIDATORS[kind_of(topic)].validate(json.loads(payload))
    for kind in ("camera/front/event", "camera/front/alert_event", "camera/front/summary", "audit"):
        numbers = [json.loads(payload)["seq"] for topic, payload, *_ in came if topic == kind]
        assert numbers == list(range(1, len(numbers) + 1)), kind
        assert numbers, kind
