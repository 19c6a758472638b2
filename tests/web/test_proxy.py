"""Behind a reverse proxy that logs people in: who it says they are is believed from it alone."""

from __future__ import annotations

import re
from html import unescape

import pytest
from starlette.requests import Request

from edge_fer.config import load
from edge_fer.config.engine.faults import ConfigFaults
from edge_fer.config.engine.layers import Layer
from edge_fer.config.sections.web import WebProxySection, WebSection
from edge_fer.errors import ConfigError
from edge_fer.remote.asker import Role
from edge_fer.web.installed import InstalledPage, prepare
from edge_fer.web.proxy import ReverseProxy
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon, edge_fer
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage

SECRET = "a-secret-of-the-proxy-alone"  # noqa: S105 - opens nothing
HEADERS = {"x-edge-fer-user": "ann", "x-edge-fer-role": "operator", "x-edge-fer-secret": SECRET}
PROXY = ReverseProxy.at(["192.0.2.20", "2001:db8::20"], SECRET)


def session(headers, client="192.0.2.20"):
    pairs = headers if isinstance(headers, list) else list(headers.items())
    scope = {"type": "http", "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs]}
    scope["client"] = None if client is None else (client, 4711)
    return PROXY.session_of(Request(scope), 5.0)


@pytest.mark.parametrize("client", ["192.0.2.20", "::ffff:192.0.2.20", "2001:db8::20"])
def test_the_proxy_says_who_it_is(client):
    found = session(HEADERS, client)
    assert (found.name, found.role, found.begun) == ("ann", Role.OPERATOR, 5.0)
    assert found.csrf == session(HEADERS).csrf
    assert found.csrf != session(HEADERS | {"x-edge-fer-user": "bob"}).csrf


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        (HEADERS, "192.0.2.21"),
        (HEADERS, "::ffff:192.0.2.21"),
        (HEADERS, None),
        (HEADERS, "unix:"),
        (HEADERS | {"x-edge-fer-secret": SECRET[:-1]}, "192.0.2.20"),
        (HEADERS | {"x-edge-fer-secret": ""}, "192.0.2.20"),
        (HEADERS | {"x-edge-fer-secret": "\xe4" * 27}, "192.0.2.20"),
        (HEADERS | {"x-edge-fer-role": "root"}, "192.0.2.20"),
        (HEADERS | {"x-edge-fer-user": ""}, "192.0.2.20"),
        (HEADERS | {"x-edge-fer-user": "a" * 65}, "192.0.2.20"),
        (HEADERS | {"x-edge-fer-user": "a\x1bb"}, "192.0.2.20"),
        ([*HEADERS.items(), ("x-edge-fer-user", "eve")], "192.0.2.20"),
        ([*HEADERS.items(), ("x-edge-fer-role", "admin")], "192.0.2.20"),
        ({name: HEADERS[name] for name in list(HEADERS)[:2]}, "192.0.2.20"),
        ({}, "192.0.2.20"),
    ],
)
def test_nobody_else_does(headers, client):
    assert session(headers, client) is None


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxied")
    (folder / "secret").write_text(f"{SECRET}\n")
    proxy = ["--proxy", "127.0.0.1", "--proxy-secret-file", str(folder / "secret")]
    with (
        Mosquitto(folder / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(folder / "node", config(broker, ENDLESS)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock", *proxy) as page,
    ):
        daemon.wait_for("camera front is online")
        page.seen = seen
        yield page
        assert "Traceback" not in page.output + daemon.output


def headers(**more):
    return {name.replace("-", "_"): value for name, value in (HEADERS | more).items()}


def test_who_is_logged_in_at_the_proxy_needs_no_login_and_may_what_the_role_may(house):
    ann = Visitor(house)
    status, _, text = ann.get("/", **headers())
    assert status == 200
    assert "ann (operator)" in text
    assert ann.get("/accounts", **headers())[0] == 403
    csrf = unescape(re.search(r'name="csrf" value="([^"]+)"', text)[1])
    sent = ann.post("/cameras/pause", {"csrf": csrf, "camera": "front"}, **headers())
    assert sent[0] == 303
    (told,) = house.seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["command"] == "pause")
    assert "ann" in told.payload
    # neither the token of somebody else, nor none
    other = headers(**{"x-edge-fer-user": "eve"})
    assert ann.post("/cameras/resume", {"csrf": csrf, "camera": "front"}, **other)[0] == 403
    assert ann.post("/cameras/resume", {"camera": "front"}, **headers())[0] == 403
    assert (
        ann.post("/cameras/resume", {"csrf": csrf, "camera": "front"}, origin="https://evil.example", **headers())[0]
        == 403
    )
    assert ann.post("/cameras/resume", {"csrf": csrf, "camera": "front"}, **headers())[0] == 303
    assert ann.cookies == {}


def test_without_the_secret_everybody_has_to_log_in(house):
    eve = Visitor(house)
    for more in ({"x-edge-fer-secret": "guess-of-somebody-else"}, {"x-edge-fer-role": "king"}):
        assert eve.get("/", **headers(**more))[:1] == (303,)


@pytest.mark.parametrize(("arguments", "told"), [(["--proxy", "somewhere"], "address"), (["--proxy", "::1"], "secret")])
def test_what_cannot_be_is_told(tmp_path, arguments, told):
    ended = edge_fer("web", "serve", "--listen", "127.0.0.1:0", "--folder", str(tmp_path), *arguments)
    assert ended.returncode == 78
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("proxy", [{"peers": ["192.0.2.20"]}, {"peers": ["proxy"], "secret_file": "/x"}])
def test_the_config_is_checked(proxy):
    with pytest.raises(ConfigFaults, match=r"web\.proxy"):
        load([Layer.mapping("file", {"web": {"proxy": proxy}})], environ={}, settings=False)


def test_the_service_gets_the_secret_that_root_alone_may_read(tmp_path):
    page = InstalledPage(tmp_path / "lib", tmp_path / "run" / "wanted", tmp_path / "card")
    page.state.mkdir(parents=True)
    page.switch.touch()
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")

    def prepared(**proxy):
        section = WebSection(proxy=WebProxySection(**proxy))
        prepare(page, section, 1.8e9, names=["counter-1"], addresses=[], user=None)

    prepared(peers=("192.0.2.20",), secret_file=secret)
    assert page.proxy() == ReverseProxy(frozenset({"192.0.2.20"}), SECRET)
    assert page.proxy_secret.stat().st_mode & 0o777 == 0o640
    prepared()
    assert page.proxy() is None
    assert not page.proxy_secret.exists()
    for content in (b"short", b"\xff" * 30, "ä".encode() * 30):
        secret.write_bytes(content)
        with pytest.raises(ConfigError, match="secret"):
            prepared(peers=("192.0.2.20",), secret_file=secret)
