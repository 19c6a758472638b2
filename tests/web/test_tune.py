"""Trying a threshold on the last hour before it is set, beside a real daemon."""

from __future__ import annotations

import re

import pytest

from edge_fer.control.client import ControlClient
from edge_fer.errors import CommandError
from edge_fer.web.tune import compared, value_of
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage

HAPPY = {"happy-guest": {"when": {"emotion": ["happy"], "score": 0.2}, "for": "1s", "cooldown": "0s"}}


@pytest.fixture(scope="module")
def tune(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    socket = folder / "node" / "state" / "control.sock"
    with (
        Mosquitto(folder / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(folder / "node", config(broker, ENDLESS, alerts=HAPPY | {"unhappy-guest": False})) as daemon,
    ):
        seen.wait_for(lambda m: m.topic.endswith("/alert_event"), timeout=120)
        with WebPage(folder / "web", socket) as page:
            for role in ("viewer", "operator"):
                page.account(role, role)
            page.socket, page.seen = socket, seen
            yield page
            assert "Traceback" not in page.output
        assert "Traceback" not in daemon.output


def logged_in(page, role):
    visitor = Visitor(page)
    assert visitor.log_in(role)[0] == 303
    return visitor


def test_a_threshold_is_tried_and_only_then_set(tune):
    ann = logged_in(tune, "operator")
    assert 'formaction="/tune/try"' in ann.get("/tune")[2]

    def tried(value):
        status, _, text = ann.send("/tune/try", key="alerts.happy-guest.for", value=value)
        assert status == 200
        return tuple(map(int, re.search(r"min, (\d+) alerts came .* new one, (\d+) would", text).groups())), text

    until(lambda: tried("50s")[0][0] > 0, timeout=60)
    (before, after), text = tried("50s")
    assert (before > 0, after) == (True, 0)
    assert "No more</strong> happy-guest, front" in text
    assert tried("1s")[0][0] == tried("1s")[0][1]
    with ControlClient([tune.socket], timeout=60) as client:
        assert client.ask("settings")["set"] == {}, "nothing is set by trying"
    assert ann.send("/tune/set", key="alerts.happy-guest.for", value="50s")[0] == 303
    assert "Undo" in ann.get("/tune")[2]


def test_what_cannot_be_tried_says_so(tune):
    ann = logged_in(tune, "operator")
    assert "This cannot be tried" in ann.send("/tune/try", key="emotion.min_confidence", value="0.7")[2]
    for key, value, words in (
        ("alerts.happy-guest.for", "soon", "alerts.happy-guest.for"),
        ("mqtt.broker", "mqtt://elsewhere", "nothing that can be set"),
        ("privacy.live", "boxes", "nothing that can be set"),
        ("alerts.nobody.for", "1s", "alerts.nobody"),
    ):
        status, _, text = ann.send("/tune/try", key=key, value=value)
        assert (status, words in text) == (409, True), text


def test_a_viewer_tries_nothing(tune):
    assert logged_in(tune, "viewer").send("/tune/try", key="alerts.happy-guest.for", value="1s")[0] == 403
    with ControlClient([tune.socket], timeout=60) as client, pytest.raises(CommandError, match="needs the role"):
        client.ask("try", set={"alerts.happy-guest.for": "1s"}, as_={"name": "bob", "role": "viewer"})
    assert Visitor(tune).post("/tune/try", {})[1]["location"] == "/login"


def test_info_says_that_readings_are_kept(tune):
    private = tune.seen.of("/info")[-1].json["privacy"]
    assert private["recent"] is True
    assert private["sinks"]["recent"] == ["readings", "attributes"]


def test_where_nothing_is_kept_nothing_can_be_tried(tmp_path, broker):
    with Daemon(tmp_path, config(broker, ENDLESS, privacy={"recent": "off"})) as daemon:
        daemon.wait_for("camera front is online")
        with ControlClient([tmp_path / "state" / "control.sock"], timeout=60, patience=60) as client:
            with pytest.raises(CommandError, match="readings of the last hour are not kept"):
                client.ask("try", set={"alerts.unhappy-guest.for": "1s"})
            assert client.ask("state")["privacy"]["recent"] is False


def test_alerts_are_the_same_where_they_began_at_the_same_time():
    def alert(since, fired, rule="a"):
        return {"camera": "c", "rule": rule, "since": since, "fired": fired}

    before = [alert("1", "2"), alert("5", "6")]
    after = [alert("1", "3"), alert("8", "9"), alert("5", "7", "b")]
    assert [(row[0]["fired"], row[1:]) for row in compared(before, after)] == [
        ("2", (True, True)),
        ("6", (True, False)),
        ("7", (False, True)),
        ("9", (False, True)),
    ]


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), ("true", True), ("6s", "6s"), ("NaN", "NaN"), ("1e999", "1e999"), ("[1]", "[1]")]
)
def test_a_value_is_a_number_a_switch_or_text(text, value):
    assert value_of(text) == value
