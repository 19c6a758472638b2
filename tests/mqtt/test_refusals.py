"""What a broker says no to, told apart: with a broker that gives the reasons of MQTT 5 which Mosquitto never gives."""

from __future__ import annotations

import logging

import pytest

from edge_fer.backoff import Backoff
from edge_fer.doctor import broker as doctor
from edge_fer.mqtt.holds import Holds
from edge_fer.mqtt.reasons import Trouble
from edge_fer.mqtt.settings import BrokerSettings
from tests.mqtt.kit import NODE, TOPICS, linked, post_events, until
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

    with StrictBroker(answer) as broker, linked(tmp_path, broker.url, holds=Holds(pause=0.2, longest=0.2)) as link:
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

    options = {"backoff": Backoff(first=0.05, most=0.3), "holds": Holds(pause=0.3, longest=0.3)}
    with StrictBroker(answer) as broker, linked(tmp_path, broker.url, **options) as link:
        post_events(link, 1)
        until(lambda: link.status().last_trouble is trouble)
        until(lambda: words in log.text)
        ends.clear()
        until(lambda: link.status().connected and link.status().depth == 0)
        assert broker.taken.count(TOPICS.event("front")) == 1
