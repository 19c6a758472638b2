"""Which version of MQTT is spoken, with brokers that refuse, hang up or say nothing; some made of a bare socket."""

from __future__ import annotations

import logging
import socket
import threading

import pytest

from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.messages import MessageKind
from edge_fer.contract.trouble import Trouble
from edge_fer.errors import BrokerError
from edge_fer.mqtt.embedded import EmbeddedBroker
from edge_fer.support.backoff import Backoff
from tests.broker import HOST, Mosquitto, Subscriber
from tests.fakes.broker import FakeBroker
from tests.faults.proxy import Proxy
from tests.mqtt.kit import COMPOSER, NODE, TOPICS, alert_event, linked, make_link, now, post_events, scene, until
from tests.mqtt.schemas import valid


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


UNSUPPORTED_5 = b"\x20\x03\x00\x84\x00"
UNSUPPORTED_311 = b"\x20\x02\x00\x01"


@pytest.mark.parametrize("answer", [UNSUPPORTED_5, UNSUPPORTED_311], ids=["0x84", "0x01"])
def test_steps_down_where_5_is_refused_and_remembers(tmp_path, log, answer):
    with FakeBroker(answer) as broker, linked(tmp_path, broker.url, backoff=Backoff(first=30)) as link:
        post_events(link, 3)
        until(lambda: link.status().connected and link.status().depth == 0)
        assert link.status().protocol is MqttVersion.V311
        assert broker.versions == [5, 4], "at once, not after a pause"
        broker.drop()
        until(lambda: link.status().connections == 2)
        assert broker.versions == [5, 4, 4]
    assert "trying MQTT 3.1.1" in log.text


@pytest.mark.parametrize("answer", [None, b""], ids=["says nothing", "hangs up"])
def test_a_broker_that_leaves_5_unanswered_time_and_again_gets_311(tmp_path, monkeypatch, log, answer):
    monkeypatch.setattr("edge_fer.mqtt.connection._GREETING", 0.3)
    with FakeBroker(answer) as broker, linked(tmp_path, broker.url) as link:
        post_events(link, 3)
        until(lambda: link.status().connected and link.status().depth == 0)
        assert broker.versions == [5, 5, 5, 4, 5, 4], "5 is tried once more when 3.1.1 was accepted"
        assert link.status().protocol is MqttVersion.V311
    assert "cannot say that it refuses a message" in log.text


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_hang_ups_before_the_first_answer_do_not_choose_311(tmp_path, times):
    """A proxy whose broker is not up yet."""
    with Mosquitto(tmp_path / "broker") as real, Proxy(real.port) as proxy:
        proxy.greet_none(times)
        with linked(tmp_path, f"mqtt://{HOST}:{proxy.port}") as link:
            until(lambda: link.status().connected)
            assert link.status().protocol is MqttVersion.V5


@pytest.mark.parametrize("answer", [UNSUPPORTED_5, UNSUPPORTED_311])
def test_a_broker_that_speaks_neither_is_told_and_tried_again(tmp_path, log, answer):
    with FakeBroker(answer, also_311=True) as broker, linked(tmp_path, broker.url) as link:
        until(lambda: len(broker.versions) >= 4)
        assert broker.versions[:4] == [5, 4, 5, 4]
        assert link.status().setback.trouble is Trouble.PROTOCOL_REFUSED
    assert "neither MQTT 5 nor MQTT 3.1.1" in log.text


@pytest.mark.parametrize(
    "junk", [b"\xff" * 50, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x00", b"\x20\xff\xff\xff\xff\x01"]
)
def test_junk_for_an_answer_is_told_without_a_traceback(tmp_path, log, junk):
    with FakeBroker(junk, also_311=True) as broker, linked(tmp_path, broker.url) as link:
        post_events(link, 1)
        until(lambda: len(broker.versions) >= 3)
        until(lambda: link.status().setback)
        assert not link.status().connected
    assert "Traceback" not in log.text


def test_junk_in_a_session_begins_a_new_one(tmp_path, log):
    with FakeBroker(b"", then=b"\xf0\x00") as broker, linked(tmp_path, broker.url) as link:
        until(lambda: link.status().connections >= 2)
    assert "Traceback" not in log.text


def test_a_broker_killed_during_our_connect_does_not_take_5_away(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, linked(tmp_path / "node", broker.url) as link:
        for connections in range(1, 5):
            until(lambda: link.status().connections == connections)  # noqa: B023 - used at once
            assert link.status().protocol is MqttVersion.V5
            broker.kill()
            broker.start()


@pytest.fixture
def embedded():
    broker = EmbeddedBroker(0)
    port = broker.start()
    yield port
    broker.stop()


@pytest.mark.parametrize("first", MqttVersion)
def test_the_embedded_broker_serves_us_and_others(tmp_path, embedded, log, first, monkeypatch):
    monkeypatch.setattr("edge_fer.mqtt.connection._GREETING", 0.5)
    url = f"mqtt://{HOST}:{embedded}"
    with Subscriber(embedded, protocol="mqttv311") as seen:
        link = make_link(tmp_path, url, protocol=first)
        at = now()
        link.retain(TOPICS.state("front"), COMPOSER.state(scene(at)), at)
        link.start()
        post_events(link, 30)
        link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
        events = seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=30)
        assert [valid("event", message.payload)["seq"] for message in events] == list(range(1, 31))
        until(lambda: link.status().depth == 0)
        # a newcomer gets the retained ones
        with Subscriber(embedded, protocol="mqttv311") as newcomer:
            newcomer.wait_for(lambda m: m.topic == TOPICS.state("front") and m.retain)
            newcomer.wait_for(lambda m: m.topic == f"edge-fer/{NODE}/availability" and m.payload == "online")
        link.close()
        seen.wait_for(lambda m: m.payload == "offline")
    assert link.status().protocol is MqttVersion.V311
    assert "Traceback" not in log.text


def test_the_embedded_broker_ends_cleanly_with_clients_connected(tmp_path, log):
    broker = EmbeddedBroker(0)
    port = broker.start()
    with linked(tmp_path, f"mqtt://{HOST}:{port}", protocol=MqttVersion.V311) as link:
        until(lambda: link.status().connected)
        broker.stop()
        assert not [thread for thread in threading.enumerate() if thread.name == "embedded-broker"]
        until(lambda: link.status().setback)
    assert not [
        record for record in log.records if not record.name.startswith("edge_fer") and record.levelno > logging.INFO
    ]


def test_the_embedded_broker_is_on_loopback_only(embedded):
    with socket.create_connection((HOST, embedded), timeout=5):
        pass
    # whoever listened on every address of this device would answer here too
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", embedded), timeout=5)


@pytest.mark.outside
def test_a_port_that_is_taken(embedded):
    with pytest.raises(BrokerError, match=str(embedded)) as refused:
        EmbeddedBroker(embedded).start()
    assert "embedded_port" in refused.value.remedy


def test_an_embedded_broker_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "amqtt.broker", None)
    with pytest.raises(BrokerError, match="pip install amqtt"):
        EmbeddedBroker(0).start()


def test_an_embedded_broker_that_was_never_started_can_be_stopped():
    EmbeddedBroker(0).stop()
