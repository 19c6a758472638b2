"""Outside numbers: out of payloads of any kind, and over a real broker."""

from __future__ import annotations

import logging
import socket
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.contract.link_status import MqttVersion
from edge_fer.mqtt.inbound import LARGEST_PAYLOAD
from edge_fer.remote.signals import Signals
from edge_fer.types import SignalKey, SignalValue
from edge_fer.values.json_path import steps_of
from tests.invented import at
from tests.mqtt.kit import linked, until

PULSE = SignalKey("bed/pulse", ("vitals", 0, "bpm"))
PLAIN = SignalKey("plain")


def signals(*sources, seconds=7.0):
    return Signals(sources, lambda: at(seconds))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"72", 72.0),
        (b" 72.5\n", 72.5),
        (b"-1e3", -1000.0),
        (b"true", 1.0),
        (b"false", 0.0),
        (b'"72"', 72.0),
        (b'" 21.5 "', 21.5),
        (b"+21.5", 21.5),
        (b'"1e999"', None),
        (b'"1_000"', None),
        (b'"NaN"', None),
        ("٢١".encode(), None),
        (b'"21.5 C"', None),
        (b'""', None),
        (b"null", None),
        (b"{}", None),
        (b"[72]", None),
        (b"", None),
        (b"ON", 1.0),
        (b"off", 0.0),
        (b'"Open"', 1.0),
        (b" closed\n", 0.0),
        (b"unavailable", None),
        (b"NaN", None),
        (b"-Infinity", None),
        (b"1e999", None),
        (b"9" * 400, None),
        (b"9" * 5000, None),
        (b"\xff\xfe7\x002\x00", 72.0),
        (b"\xff72", None),
        (b"[" * 60_000, None),
        (b"72" + b" " * LARGEST_PAYLOAD, None),
    ],
)
def test_a_payload_is_a_number_or_invalid(payload, expected):
    found = signals(PLAIN)
    found.take("plain", payload, retained=False)
    assert found.samples() == {PLAIN: SignalValue(expected, 7.0)}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"vitals": [{"bpm": 72}]}', 72.0),
        (b'{"vitals": [{"bpm": "72"}]}', 72.0),
        (b'{"vitals": [{"bpm": "ON"}]}', 1.0),
        (b"ON", None),
        (b'{"vitals": []}', None),
        (b'{"vitals": {"0": {"bpm": 72}}}', None),
        (b'{"vitals": [{"bpm": {"value": 72}}]}', None),
        (b'[{"bpm": 72}]', None),
        (b"72", None),
    ],
)
def test_a_path_leads_to_the_number_or_nowhere(payload, expected):
    found = signals(PULSE)
    found.take("bed/pulse", payload, retained=False)
    assert found.samples()[PULSE].value == expected


def test_a_message_serves_all_that_ask_and_others_are_left_alone():
    other = SignalKey("bed/pulse", ("battery",))
    found = signals(PULSE, other, PLAIN)
    assert sorted(found.topics) == ["bed/pulse", "plain"]
    found.take("bed/pulse", b'{"vitals": [{"bpm": 72}], "battery": 40}', retained=False)
    found.take("bed/other", b"1", retained=False)
    assert found.samples() == {PULSE: SignalValue(72, 7), other: SignalValue(40, 7)}


def test_a_retained_message_has_no_age_until_a_fresh_one_comes():
    found = signals(PLAIN)
    found.take("plain", b"300", retained=True)
    assert found.samples() == {PLAIN: SignalValue(300, None)}
    found.take("plain", b"70", retained=False)
    assert found.samples() == {PLAIN: SignalValue(70, 7)}


@given(st.binary(max_size=100) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["vitals", "bpm"]), inner, max_size=2),
).map(lambda value: repr(value).encode()))  # fmt: skip
def test_whatever_is_published_nothing_breaks(payload):
    found = signals(PULSE, PLAIN)
    found.take("bed/pulse", payload, retained=False)
    found.take("plain", payload, retained=False)
    assert all(sample.value is None or abs(sample.value) < float("inf") for sample in found.samples().values())


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$.a.b", ("a", "b")),
        ("a.b[0]", ("a", "b", 0)),
        ("[2].x", (2, "x")),
        ("$['a b'][\"c.d\"]", ("a b", "c.d")),
        ("heart-rate", ("heart-rate",)),
        ("", None),
        ("$.", None),
        ("a..b", None),
        ("$..a", None),
        ("a[-1]", None),
        ("a[*]", None),
        ("a[0", None),
        ("$a", None),
        ("a b", None),
    ],
)
def test_a_path_is_a_place_or_refused(path, steps):
    assert steps_of(path) == steps


def refuse_subscriptions(server):
    """An MQTT 3.1.1 broker that accepts one client, refuses its subscription and reads on."""
    line, _ = server.accept()
    with line:
        while packet := line.recv(65536):
            if packet[0] == 0x10:  # CONNECT
                line.sendall(b"\x20\x02\x00\x00")
            at_subscribe = packet.find(b"\x82")
            if at_subscribe >= 0:
                line.sendall(b"\x90\x03" + packet[at_subscribe + 2 : at_subscribe + 4] + b"\x80")


class TestOverABroker:
    @pytest.mark.parametrize("protocol", list(MqttVersion))
    def test_numbers_come_in_retained_ones_are_known_as_such_and_it_comes_back(self, broker, tmp_path, protocol):
        broker.publish("plain", "300", retain=True)
        found = signals(PLAIN, PULSE)
        with linked(tmp_path, broker.url, inbound=found, protocol=protocol):
            until(found.samples)
            assert found.samples() == {PLAIN: SignalValue(300, None)}
            broker.publish("plain", "71", retain=True)
            broker.publish("bed/pulse", '{"vitals": [{"bpm": 72}]}')
            until(lambda: len(found.samples()) == 2)
            assert found.samples() == {PLAIN: SignalValue(71, 7), PULSE: SignalValue(72, 7)}
            broker.stop()
            broker.start()
            until(lambda: found.samples()[PLAIN] == SignalValue(71, None))
            broker.publish("plain", "73")
            until(lambda: found.samples()[PLAIN] == SignalValue(73, 7))

    @pytest.mark.parametrize("protocol", list(MqttVersion))
    def test_a_huge_payload_is_no_number_and_ends_nothing(self, broker, tmp_path, protocol):
        found = signals(PLAIN)
        with linked(tmp_path, broker.url, inbound=found, protocol=protocol) as link:
            until(lambda: link.status().connected)
            (tmp_path / "huge").write_bytes(b"1" * 5_000_000)
            broker.publish_file("plain", tmp_path / "huge")
            broker.publish("plain", "5")
            until(lambda: found.samples().get(PLAIN) == SignalValue(5, 7))
            assert link.status().connections == 1

    def test_a_topic_that_may_not_be_read_is_told(self, tmp_path, caplog):
        # Mosquitto's access lists grant every subscription and then deliver nothing, so this broker is made up
        caplog.set_level(logging.ERROR, "edge_fer")
        with socket.create_server(("127.0.0.1", 0)) as server:
            Thread(target=refuse_subscriptions, args=[server], daemon=True).start()
            url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
            with linked(tmp_path, url, inbound=signals(PLAIN), protocol=MqttVersion.V311, close=1.0) as link:
                until(lambda: "does not let us subscribe to plain" in caplog.text)
                assert link.status().connected

    def test_without_signals_nothing_is_subscribed_to(self, broker, tmp_path):
        with linked(tmp_path, broker.url) as link:
            until(lambda: link.status().connected)
        assert "SUBSCRIBE" not in broker.log
