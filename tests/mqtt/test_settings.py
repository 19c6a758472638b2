from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.errors import ConfigError
from edge_fer.mqtt.settings import BrokerSettings

FILE = Path("/run/somewhere")


def settings(url: str, **options) -> BrokerSettings:
    return BrokerSettings.from_url(url, node="n1", **options)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "user"),
    [
        ("mqtt://192.0.2.10", "192.0.2.10", 1883, False, None),
        ("mqtts://broker.example", "broker.example", 8883, True, None),
        ("mqtts://edge@broker.example:1234/", "broker.example", 1234, True, "edge"),
        ("mqtt://ed%40ge@[2001:db8::1]:1884", "2001:db8::1", 1884, False, "ed@ge"),
    ],
)
def test_addresses(url, host, port, tls, user):
    found = settings(url)
    assert (found.host, found.port, found.tls, found.username) == (host, port, tls, user)
    assert found.client_id == "edge-fer-n1"


@pytest.mark.parametrize(
    ("url", "port", "tls", "path", "address"),
    [
        ("ws://broker.example", 80, False, "/mqtt", "broker.example:80/mqtt"),
        ("wss://edge@broker.example", 443, True, "/mqtt", "broker.example:443/mqtt"),
        ("wss://broker.example:8084/ws?x=1", 8084, True, "/ws?x=1", "broker.example:8084/ws?x=1"),
        ("ws://[::1]:9001/", 9001, False, "/", "[::1]:9001/"),
    ],
)
def test_addresses_over_websockets(url, port, tls, path, address):
    found = settings(url)
    assert (found.port, found.tls, found.path, found.address) == (port, tls, path, address)


def test_a_socket_on_this_machine():
    found = settings("unix://edge@/run/mos%20quitto.sock", password_file=FILE)
    assert (found.unix_socket, found.address) == (Path("/run/mos quitto.sock"), "/run/mos quitto.sock")
    assert (found.host, found.username, found.tls) == ("", "edge", False)


def test_address_for_people_has_no_user_and_brackets_where_they_belong():
    assert settings("mqtt://edge@[2001:db8::1]").address == "[2001:db8::1]:1883"
    assert settings("mqtt://edge@localhost").address == "localhost:1883"


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("http://host", {}, "does not begin with mqtt://, mqtts://, ws://, wss:// or unix://"),
        ("host:1883", {}, "does not begin with mqtt://, mqtts://, ws://, wss:// or unix://"),
        ("", {}, "does not begin with mqtt://, mqtts://, ws://, wss:// or unix://"),
        ("mqtt://", {}, "names no host"),
        ("ws://", {}, "names no host"),
        ("unix://", {}, "names no socket"),
        ("unix://run/socket", {}, "names no socket"),
        ("unix:///run/socket?x", {}, "more to it"),
        ("ws://edge@192.0.2.10", {"password_file": FILE}, "unencrypted"),
        ("ws://host", {"ca_file": FILE}, "ca_file is of no use"),
        ("mqtt://host:0", {}, "between 1 and 65535"),
        ("mqtt://host:99999", {}, "cannot be right"),
        ("mqtt://[host", {}, "cannot be right"),
        ("mqtt://host/topic", {}, "more to it"),
        ("mqtt://host?x=1", {}, "more to it"),
        ("mqtt://user:hush@host", {}, "password_file"),
        ("mqtt://host", {"ca_file": FILE}, "ca_file is of no use"),
        ("mqtt://host", {"cert_file": FILE}, "cert_file is of no use"),
        ("mqtts://host", {"key_file": FILE}, "cert_file is not"),
        ("mqtts://host", {"password_file": FILE}, "no user name"),
        ("mqtt://edge@192.0.2.10", {"password_file": FILE}, "unencrypted"),
        ("mqtt://edge@localhost.example", {"password_file": FILE}, "allow_insecure"),
        ("mqtt://host", {"client_id": ""}, "client_id is empty"),
        ("mqtt://host", {"keepalive": 1}, "keepalive 1 is not between"),
    ],
)
def test_what_is_refused_is_named_with_a_remedy(url, options, words):
    with pytest.raises(ConfigError) as refused:
        settings(url, **options)
    assert words in str(refused.value)
    assert refused.value.remedy
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "broker.localhost"])
def test_a_password_may_stay_on_this_device_unencrypted(host):
    assert settings(f"mqtt://edge@{host}", password_file=FILE).password_file == FILE


def test_a_password_may_go_unencrypted_where_it_is_allowed():
    assert settings("mqtt://edge@192.0.2.10", password_file=FILE, allow_insecure=True).allow_insecure


@given(st.text(max_size=40) | st.text(max_size=40).map("mqtt://".__add__))
def test_no_address_is_worse_than_refused(url):
    try:
        settings(url)
    except ConfigError as error:
        assert error.remedy  # noqa: PT017 - most of what is made up is refused, but not all
