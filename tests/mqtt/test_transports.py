"""MQTT over WebSockets, with and without TLS, and over a Unix socket, with a real broker."""

from __future__ import annotations

import socket

import pytest

from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.messages import MessageKind
from edge_fer.contract.trouble import Trouble
from edge_fer.doctor.broker import broker as look
from edge_fer.doctor.finding import State
from edge_fer.mqtt.failures import explain
from edge_fer.mqtt.inbound import Inbound
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.remote.signals import Signals
from edge_fer.types import SignalKey
from tests.broker import HOST, Mosquitto, Subscriber, free_port
from tests.mqtt.kit import NODE, TOPICS, alert_event, linked, now, post_events, until

pytestmark = pytest.mark.outside
PULSE = SignalKey("bed/pulse")


def over(transport, folder, certificates):
    """A broker with a plain listener for the test, and another way in; its address, and what goes with that."""
    port, path = free_port(), folder / "mqtt.sock"
    lines = {
        "ws": [f"listener {port} {HOST}", "protocol websockets"],
        "wss": [
            *(f"listener {port} {HOST}", "protocol websockets", f"cafile {certificates.ca}"),
            *(f"certfile {certificates.server}", f"keyfile {certificates.server_key}"),
        ],
        "unix": [f"listener 0 {path}"],
    }[transport]
    url = f"unix://{path}" if transport == "unix" else f"{transport}://{HOST}:{port}"
    options = {"ca_file": certificates.ca} if transport == "wss" else {}
    return Mosquitto(folder / "broker", options=lines), url, options


@pytest.mark.parametrize("protocol", [MqttVersion.V5, MqttVersion.V311])
@pytest.mark.parametrize("transport", ["ws", "wss", "unix"])
def test_messages_go_both_ways_and_outlive_a_restart_of_the_broker(tmp_path, certificates, transport, protocol):
    server, url, options = over(transport, tmp_path, certificates)
    signals = Signals([PULSE], now)
    with (
        server as broker,
        Subscriber(broker, [TOPICS.event("front")]) as heard,
        linked(tmp_path, url, protocol=protocol, inbound=Inbound(signals), **options) as link,
    ):
        until(lambda: link.status().connected)
        post_events(link, 200)
        until(lambda: link.status().depth == 0)
        broker.publish(PULSE.topic, "72")
        until(lambda: PULSE in signals.samples())
        assert (link.status().certificates.broker is not None) == (transport == "wss")
        before = heard.subscriptions
        broker.kill()
        until(lambda: not link.status().connected)
        post_events(link, 50, first=200)
        broker.start()
        until(lambda: link.status().connected and link.status().depth == 0)
        # who listens may be back later than the link, and then does not hear what was sent meanwhile
        heard.wait_until_back(before)
        post_events(link, 20, first=250)
        wanted = {*range(1, 201), *range(251, 271)}
        # some may come twice, as with any transport
        until(lambda: wanted <= {one.json["seq"] for one in heard.of("event")} <= set(range(1, 271)))


def test_a_large_message_fits_into_frames(tmp_path, certificates):
    server, url, _ = over("ws", tmp_path, certificates)
    signals = Signals([PULSE], now)
    with server as broker, linked(tmp_path, url, inbound=Inbound(signals)) as link:
        until(lambda: link.status().connected)
        file = tmp_path / "payload"
        file.write_text("72" + " " * 60_000)
        broker.publish_file(PULSE.topic, file)
        until(lambda: PULSE in signals.samples())
        assert signals.samples()[PULSE].value == 72
        link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(now()), now())
        until(lambda: link.status().depth == 0)


def test_a_broker_without_websockets_is_told(tmp_path, broker):
    with linked(tmp_path, f"ws://{HOST}:{broker.port}") as link:
        until(lambda: link.status().setback is not None)
        assert link.status().setback.trouble in {Trouble.OTHER, Trouble.TIMED_OUT}


def test_a_certificate_that_is_not_trusted_is_refused_over_websockets_too(tmp_path, certificates, others):
    server, url, _ = over("wss", tmp_path, certificates)
    with server, linked(tmp_path, url, ca_file=others.ca) as link:
        # its listeners begin one after the other
        until(lambda: link.status().last_trouble not in {None, Trouble.REFUSED})
        assert link.status().last_trouble is Trouble.TLS_NOT_TRUSTED


@pytest.mark.parametrize("there", [True, False])
def test_a_socket_that_nobody_listens_at_is_told(tmp_path, there):
    path = tmp_path / "mqtt.sock"
    if there:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    with linked(tmp_path, f"unix://{path}") as link:
        until(lambda: link.status().setback is not None)
        told = explain(link.status().setback, BrokerSettings.from_url(f"unix://{path}", node=NODE))
    assert str(path) in told
    assert "lets this user use it" in told


@pytest.mark.parametrize("transport", ["ws", "wss", "unix"])
def test_the_doctor_tries_it(tmp_path, certificates, transport):
    server, url, options = over(transport, tmp_path, certificates)
    with server:
        settings = BrokerSettings.from_url(url, node=NODE, **options)
        with linked(tmp_path, url, **options) as link:
            until(lambda: link.status().connected)
        found = look(settings, TOPICS, ["front"], set(), daemon=False)
        assert {one.state for one in found} <= {State.GOOD, State.WARNING, State.SKIPPED}, found
        assert found[0].what.startswith(f"{settings.address} speaks MQTT")
