"""What a broker says in its CONNACK that it takes: heeded by all that is sent, and what is too much is told."""

from __future__ import annotations

import logging

import pytest

from edge_fer.contract.messages import MessageKind
from tests.broker import Mosquitto, Subscriber
from tests.mqtt.kit import COMPOSER, TOPICS, alert_event, linked, now, post_events, scene, until
from tests.mqtt.strict_broker import StrictBroker

LARGE = "x" * 3000


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


def tell(link):
    """Something large and something small of each kind."""
    at = now()
    link.retain(TOPICS.info, LARGE, at)
    link.retain(TOPICS.state("front"), COMPOSER.state(scene(at)), at)
    link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
    post_events(link, 3)


@pytest.mark.parametrize("limit", ["max_packet_size 1000", "max_packet_size 2900", "message_size_limit 1000"])
def test_what_is_larger_than_the_broker_takes_is_told_and_all_else_arrives(tmp_path, log, limit):
    with Mosquitto(tmp_path / "broker", options=[limit]) as broker, Subscriber(broker) as seen:
        with linked(tmp_path, broker.url) as link:
            tell(link)
            seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=3)
            until(lambda: link.status().depth == 0)
            until(lambda: TOPICS.info in log.text)
            # with `message_size_limit`, Mosquitto 2.0 refuses what is too large, and hangs up as well
            assert link.status().connections == (1 if "packet" in limit else 2)
        assert not any(message.payload for message in seen.of("/info"))
        assert seen.of("/state")
    assert log.text.count("has closed the connection") == ("packet" not in limit)


def test_a_broker_that_ends_the_session_over_a_size_it_never_told(tmp_path, log):
    with StrictBroker(lambda _: 0, most=1000) as broker, linked(tmp_path, broker.url) as link:
        tell(link)
        until(lambda: broker.taken.count(TOPICS.event("front")) == 3 and link.status().depth == 0)
    assert f"a message to {TOPICS.info}" in log.text


@pytest.mark.parametrize("options", [["retain_available false"], ["retain_available false", "max_packet_size 1000"]])
def test_a_broker_that_retains_nothing_gets_everything_else(tmp_path, log, options):
    broker = Mosquitto(tmp_path / "broker", options=options)
    with broker, Subscriber(broker) as seen, linked(tmp_path, broker.url) as link:
        tell(link)
        seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=3)
        seen.wait_for(lambda m: m.topic == TOPICS.state("front"))
        until(lambda: link.status().depth == 0)
        assert link.status().connections == 1
    assert "keeps no retained messages" in log.text


@pytest.mark.parametrize("window", [1, 2, 3])
def test_a_narrow_window_leaves_alert_events_their_turn(tmp_path, window):
    narrow = StrictBroker(lambda _: 0, properties=bytes([0x21, 0, window]))
    with narrow as broker, linked(tmp_path, broker.url) as link:
        until(lambda: link.status().connected)
        before = len(broker.taken)
        for number in range(100):
            link.retain(f"edge-fer/n/{number}", "x", now())
        at = now()
        link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
        until(lambda: TOPICS.alert_event("front") in broker.taken and len(broker.taken) > 100)
        assert broker.taken[before:].index(TOPICS.alert_event("front")) < 90, "not behind all of them"


@pytest.mark.parametrize("options", [["max_qos 0"], ["max_qos 0", "retain_available false"]])
def test_a_broker_that_takes_qos_0_only_gets_everything_at_that(tmp_path, log, options):
    broker = Mosquitto(tmp_path / "broker", options=options)
    with broker, Subscriber(broker) as seen, linked(tmp_path, broker.url) as link:
        tell(link)
        seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=3)
        seen.wait_for(lambda m: m.topic == TOPICS.alert_event("front"))
        seen.wait_for(lambda m: m.topic == TOPICS.state("front"))
        until(lambda: link.status().depth == 0)
        assert link.status().connections == 1
        assert not link.status().acknowledges
    assert log.text.count("QoS 0 only") == 1
