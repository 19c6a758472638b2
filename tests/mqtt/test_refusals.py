"""What a broker says no to, told apart: with a broker that gives the reasons of MQTT 5 which Mosquitto never gives."""

from __future__ import annotations

import json
import logging
import time

import pytest

from edge_fer.contract.messages import MessageKind
from edge_fer.contract.trouble import Trouble
from edge_fer.doctor import broker as doctor
from edge_fer.mqtt.refusals import Refusals
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.support.backoff import Backoff
from tests.mqtt.kit import NODE, TOPICS, event, linked, now, open_outbox, post_events, until
from tests.mqtt.strict_broker import StrictBroker


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0x87, "Allow this user to publish to the topic"),
        (0x97, "Raise the broker's quota"),
        (0x90, "does not take topics of this name"),
    ],
)
def test_a_message_that_is_refused(tmp_path, log, code, words):
    """What may pass later is kept, what never will is given up, and others get through."""
    refuses = [True]
    forbidden = TOPICS.event("front")

    def answer(topic):
        return code if topic in {forbidden, TOPICS.camera_doctor("front")} and refuses else 0

    with (
        StrictBroker(answer) as broker,
        linked(tmp_path, broker.url, refusals=Refusals(pause=0.2, longest=0.2)) as link,
    ):
        post_events(link, 3)
        until(lambda: f"0x{code:02X}" in log.text)
        assert words in log.text
        settings = BrokerSettings.from_url(broker.url, node=NODE)
        found = {finding.name: finding for finding in doctor.broker(settings, TOPICS, ["front"], daemon=True)}
        assert str(found["publishing"].state) == "fault"
        assert words in found["publishing"].remedy
        if code != 0x90:
            assert link.status().depth == 3
            refuses.clear()
            until(lambda: broker.taken.count(forbidden) == 3)
        until(lambda: link.status().depth == 0)
        assert sum(link.status().dropped.values()) == (3 if code == 0x90 else 0)
        assert link.status().connections == 1


@pytest.mark.parametrize(
    ("code", "trouble", "words"),
    [
        (0x87, Trouble.TOPIC_REFUSED, "over a topic that it does not allow"),
        (0x8E, Trouble.TAKEN_OVER, "has taken our place"),
        (0x97, Trouble.QUOTA, "we send too much"),
        (0x98, Trouble.OTHER, "Look into the broker's log"),
    ],
)
def test_a_session_that_is_ended_with_a_reason(tmp_path, log, code, trouble, words):
    ends = [True]

    def answer(topic):
        return -code if topic == TOPICS.event("front") and ends else 0

    options = {"backoff": Backoff(first=0.05, most=0.3), "refusals": Refusals(pause=0.3, longest=0.3)}
    with StrictBroker(answer) as broker, linked(tmp_path, broker.url, **options) as link:
        post_events(link, 1)
        until(lambda: link.status().last_trouble is trouble)
        until(lambda: words in log.text)
        ends.clear()
        until(lambda: link.status().connected and link.status().depth == 0)
        assert broker.taken.count(TOPICS.event("front")) == 1


@pytest.mark.parametrize("every", [2, 5, 13])
def test_refusals_of_some_keep_the_order_within_each_topic(tmp_path, every, monkeypatch):
    """A broker over its quota now and then refuses one message and takes the next."""
    # it looks more often than once a second whether a topic is held no longer, and need not wait whether this broker,
    # which never does, hangs up
    monkeypatch.setattr("edge_fer.mqtt.engine._TICK", 0.02)
    monkeypatch.setattr("edge_fer.mqtt.sender._VERDICT", 0.01)
    came: list[int] = []

    def answer(topic):
        if topic not in {TOPICS.event("front"), TOPICS.event("back")}:
            return 0
        came.append(1)
        return 0x97 if len(came) % every == 0 else 0

    outbox = open_outbox(tmp_path / "outbox.db", boot="a boot")
    for number in range(60):
        camera = "back" if number % 3 == 0 else "front"
        at = now()
        outbox.put(TOPICS.event(camera), MessageKind.EVENT, event(at, duration=number).model_dump_json(), at)
    outbox.close()
    refusals = Refusals(pause=0.02, longest=0.02)
    with StrictBroker(answer) as broker, linked(tmp_path, broker.url, refusals=refusals) as link:
        until(lambda: link.status().depth == 0 and link.status().connected, timeout=120)
        for camera, count in (("front", 40), ("back", 20)):
            seqs = [json.loads(payload)["seq"] for topic, payload in broker.payloads if topic == TOPICS.event(camera)]
            assert seqs == list(range(1, count + 1))


@pytest.mark.parametrize("code", [0x97, 0x87, 0x83])
def test_a_burst_of_refusals_holds_a_topic_once(tmp_path, code):
    refuses = [True]
    refused_at = []

    def answer(topic):
        if refuses and topic == TOPICS.event("front"):
            refused_at.append(time.monotonic())
            return code
        return 0

    with (
        StrictBroker(answer) as broker,
        linked(tmp_path, broker.url, refusals=Refusals(pause=2.0, longest=600.0)) as link,
    ):
        post_events(link, 30)
        until(lambda: refused_at)
        refuses.clear()
        until(lambda: TOPICS.event("front") in broker.taken, timeout=20)
        assert time.monotonic() - refused_at[-1] < 10, "two seconds, and not ten minutes"
