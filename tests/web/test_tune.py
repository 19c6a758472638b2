"""Trying a threshold on the last hour before it is set, beside a real daemon."""

from __future__ import annotations

import re

import pytest

from edge_fer.control.client import ControlClient
from edge_fer.errors import CommandError
from edge_fer.web.fields import SettingView, TypedError, in_words, plain_value, value_of
from edge_fer.web.tune import compared
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage, logged_in

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
        ("alerts.happy-guest.for", "soon", "This is no number"),
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
    assert plain_value(text) == value


def setting(kind, unit=""):
    return SettingView(
        key="k", pattern="k", camera="", rule="", value="", kind=kind, unit=unit, least=None, most=None, origin="",
        is_set=False, about="", choices=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "language", "unit", "value"),
    [
        ("0,65", "fraction", "de", "", 0.65),
        ("0.65", "fraction", "de", "", 0.65),
        ("0.65", "fraction", "en", "", 0.65),
        ("65 %", "fraction", "en", "", 0.65),
        ("4", "duration", "en", "m", "4m"),
        ("1,5", "duration", "de", "h", "1.5h"),
        ("7s", "duration", "en", "m", "7s"),
        ("2 Min", "duration", "de", "s", "2m"),
        ("64", "pixels", "en", "", "64px"),
        ("64 px", "pixels", "de", "", "64px"),
        ("30°", "angle", "en", "", "30deg"),
        ("3", "whole", "en", "", 3),
        ("-4,5", "number", "de", "", -4.5),
        ("high", "choice", "en", "", "high"),
    ],
)
def test_what_somebody_types_is_a_value(text, kind, language, unit, value):
    assert value_of(text, unit=unit, setting=setting(kind), language=language) == value


@pytest.mark.parametrize(
    ("text", "kind", "language", "why"),
    [
        ("0,65", "fraction", "en", "typed_point"),
        ("1.500", "number", "de", "typed_comma"),
        ("1.500,5", "number", "de", "typed_comma"),
        ("soon", "duration", "en", "typed_number"),
        ("4 px", "duration", "en", "typed_duration"),
        ("4 s", "pixels", "en", "typed_pixels"),
        ("4 s", "angle", "en", "typed_angle"),
        ("4 s", "whole", "en", "typed_number"),
        ("NaN", "fraction", "en", "typed_number"),
        ("9" * 70, "whole", "en", "typed_number"),
    ],
)
def test_what_is_no_value_is_refused_with_how_to_write_it(text, kind, language, why):
    with pytest.raises(TypedError, match=why):
        value_of(text, unit="", setting=setting(kind), language=language)


def test_numbers_are_shown_as_people_write_them():
    assert in_words("0.65", "de") == "0,65"
    assert in_words("1.5h", "de") == "1,5h"
    assert in_words("0.65", "en") == "0.65"
    assert in_words("unhappy.guest", "de") == "unhappy.guest"


def test_german_pages_name_settings_in_german_and_take_a_comma(tune):
    ann = logged_in(tune, "operator")
    german = {"accept_language": "de"}
    shown = ann.get("/tune", **german)[2]
    for words in ("Geringste Sicherheit", "Alarme", "Sekunden", 'value="0,45"', "<code>emotion.min_confidence</code>"):
        assert words in shown
    form = {"csrf": ann.csrf, "key": "emotion.min_confidence"}
    assert ann.post("/tune/set", form | {"value": "0,51"}, **german)[0] == 303
    assert "0,45 → <strong>0,51</strong>" in ann.get("/tune", **german)[2]
    status, _, text = ann.post("/tune/set", form | {"value": "0,5,1"}, **german)
    assert (status, 'value="0,5,1"' in text, "mit Komma" in text) == (409, True, True)
    assert ann.post("/tune/set", form | {"value": "0.45", "plain": "yes"}, **german)[0] == 303
    assert ann.post("/tune/set", form | {"default": "yes"}, **german)[0] == 303


def test_a_bad_value_keeps_the_form_also_where_it_is_tried(tune):
    ann = logged_in(tune, "operator")
    status, _, text = ann.send("/tune/try", key="alerts.happy-guest.for", value="90", unit="d")
    assert status == 409
    assert 'id="alerts.happy-guest.for" name="value" class="number" value="90"' in text
    assert '<option value="d" selected>' in text
    assert 'id="wrong"' in text
