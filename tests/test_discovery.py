"""What Home Assistant makes of what the daemon publishes, over a real broker."""

from __future__ import annotations

import json
import signal
import time

import jinja2.sandbox
import pytest

from edge_fer.types import Distress, View
from tests.broker import Mosquitto, Subscriber, free_port
from tests.daemon import Daemon, edge_fer
from tests.discovering import EVERYBODY, ON, TOPIC
from tests.homeassistant.rules import complaints_about
from tests.running import ENDLESS, check_payloads, config, is_event

STATUS = "homeassistant/status"


def rendered(component, payload, **more):
    """A component's value of a payload, as Home Assistant renders it: sandboxed, missing values refused."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    template = environment.from_string(component.get("value_template", "{{ value }}"))
    return template.render(value=payload, value_json=json.loads(payload), **more)


def components_in(text):
    payload = json.loads(text)
    assert complaints_about(payload) == []
    return payload["components"]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a daemon announces, and everything that it published until somebody came, left, and was summed up."""
    folder = tmp_path_factory.mktemp("said")
    settings = {"alerts": {"anybody": EVERYBODY}, "summaries": {"windows": ["10s", "1m"]}, "homeassistant": ON}
    topics = ("edge-fer/#", "homeassistant/#")
    with Mosquitto(folder / "broker") as broker, Subscriber(broker, topics) as seen:
        with Daemon(folder, config(broker, ENDLESS, mood={"min_read": "100ms", "over": "10s"}, **settings)) as daemon:
            seen.wait_for(is_event("left"), timeout=180)
            seen.wait_for(
                lambda m: m.topic.endswith("/summary") and m.json["window"] == "10s" and m.json["distress"], timeout=60
            )
            seen.wait_for(lambda m: m.topic.endswith("/alert_event"), count=2)
            assert daemon.stop() == 0
        check_payloads([message for message in seen.messages if message.topic.startswith("edge-fer/")])
        return seen.messages


@pytest.fixture(scope="module")
def components(said):
    (announced,) = [message for message in said if message.topic == TOPIC]
    assert (announced.retain, announced.qos) == (True, 1)
    return components_in(announced.payload)


def payloads(said, topic):
    found = [message.payload for message in said if message.topic == topic and message.payload]
    assert found, f"nothing came on {topic}"
    return found


def test_every_entity_finds_its_value_in_every_message(said, components):
    for key, component in components.items():
        for payload in payloads(said, component["state_topic"]):
            if component["platform"] == "event" or key.endswith(".online"):
                continue
            value = rendered(component, payload, this={"state": "unknown"})
            assert value == value.strip(), key
            if "options" in component:
                assert value in {*component["options"], "None"}, key
            elif component["platform"] == "binary_sensor":
                assert value in {"ON", "OFF", "None"}, key
            elif value != "None":
                float(value)


@pytest.mark.parametrize(
    ("key", "field", "scale"),
    [
        ("front.mood", lambda m: m["mood"], None),
        ("front.people", lambda m: m["people"], 1),
        ("front.confidence", lambda m: m["confidence"], 100),
        ("front.satisfaction", lambda m: m["satisfaction"], 1),
        ("front.view", lambda m: m["view"], None),
        ("front.fps", lambda m: m["cameras"]["front"]["fps"], 1),
        ("temperature", lambda m: m["temperature_c"], 1),
        ("backlog", lambda m: m["outbox"]["depth"], 1),
        ("backlog_age", lambda m: m["outbox"]["oldest_s"], 1),
        ("given_up", lambda m: sum(m["outbox"]["dropped"].values()), 1),
        ("memory", lambda m: m["rss_bytes"], 1e-6),
        ("uptime", lambda m: m["uptime_s"], 1),
    ],
)
def test_a_sensor_shows_its_field(said, components, key, field, scale):
    found = set()
    for payload in payloads(said, components[key]["state_topic"]):
        value, expected = rendered(components[key], payload), field(json.loads(payload))
        if expected is None or scale is None:
            assert value == str(expected)
        else:
            assert float(value) == pytest.approx(expected * scale, abs=1)
        found.add(value)
    if key in {"front.mood", "front.people", "front.satisfaction"}:
        assert len(found) > 1, "it never changed"


def test_an_alert_is_on_while_it_fires(said, components):
    component = components["front.alert.anybody"]
    states = [(json.loads(p)["state"], rendered(component, p)) for p in payloads(said, component["state_topic"])]
    assert dict(states) == {"inactive": "OFF", "pending": "OFF", "firing": "ON"}
    assert component["json_attributes_topic"] == component["state_topic"]


def test_a_camera_is_there_or_not(said, components):
    component = components["front.online"]
    words = set(payloads(said, component["state_topic"]))
    assert words == {component["payload_on"], component["payload_off"]}
    for key, topics in {
        "front.mood": ["edge-fer/test/availability", "edge-fer/test/camera/front/availability"],
        "front.online": [],
    }.items():
        available = [one["topic"] for one in components[key].get("availability", [])]
        assert available == topics
        for topic in topics:
            assert set(payloads(said, topic)) == {"online", "offline"}, "the words that Home Assistant expects"


def test_distress_is_that_of_the_shortest_window_and_stays_between(said, components):
    component = components["front.distress"]
    summaries = [json.loads(payload) for payload in payloads(said, component["state_topic"])]
    short = next(one for one in summaries if one["window"] == "10s" and one["distress"])
    for change, before, expected in (
        ({}, "high", short["distress"]),
        ({"distress": None}, "high", "None"),
        ({"window": "1m"}, "moderate", "moderate"),
        ({"replayed": True}, "moderate", "moderate"),
        ({"window": "1m"}, "unavailable", "None"),
    ):
        assert rendered(component, json.dumps(short | change), this={"state": before}) == expected
    assert component["expire_after"] > 2 * 10


def test_events_are_told_as_they_are_but_not_long_after(said, components):
    happened, alerted = components["front.event"], components["front.alert_event"]
    for component, late in ((happened, ""), (alerted, None)):
        for payload in payloads(said, component["state_topic"]):
            event = json.loads(rendered(component, payload))
            assert event == json.loads(payload)
            assert event["event_type"] in component["event_types"]
            replayed = json.dumps(event | {"replayed": True})
            assert rendered(component, replayed) == (replayed if late is None else late)


def test_home_assistant_ignores_retained_events_so_none_is(said, components):
    events = {part["state_topic"] for part in components.values() if part["platform"] == "event"}
    assert len(events) == 2
    assert not [message for message in said if message.topic in events and message.retain]


def test_what_home_assistant_may_choose_from_is_all_there_is(components):
    assert components["front.view"]["options"] == list(View)
    assert components["front.distress"]["options"] == list(Distress)
    assert components["front.event"]["event_types"] == ["appeared", "emotion_changed", "left"]
    assert components["front.alert_event"]["event_types"] == ["firing", "resolved"]


def announcements(seen):
    return [message for message in seen.messages if message.topic == TOPIC]


def test_a_birth_message_is_answered_and_a_reload_removes_what_the_config_no_longer_has(tmp_path):
    two = {"anybody": EVERYBODY, "nobody": {"when": {"no_face": True}}}
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker, ["homeassistant/#"]) as seen:
        broker.publish(STATUS, "online", retain=True)
        with Daemon(tmp_path, config(broker, ENDLESS, alerts=two, homeassistant=ON)) as daemon:
            seen.wait_for(lambda m: m.topic == TOPIC, timeout=180)
            time.sleep(0.5)
            assert len(announcements(seen)) == 1
            broker.publish(STATUS, "offline")
            broker.publish(STATUS, "online")
            first, again = seen.wait_for(lambda m: m.topic == TOPIC, count=2, timeout=180)
            assert again.payload == first.payload
            assert "front.alert.nobody" in components_in(first.payload)

            daemon.configure(config(broker, ENDLESS, alerts={"anybody": EVERYBODY}, homeassistant=ON))
            daemon.send(signal.SIGHUP)
            (*_, fewer) = seen.wait_for(lambda m: m.topic == TOPIC, count=3, timeout=180)
            assert components_in(fewer.payload)["front.alert.nobody"] == {"platform": "binary_sensor"}
            assert daemon.stop() == 0
        assert components_in(broker.retained("homeassistant/device/#")[TOPIC]) == components_in(fewer.payload)

        # a later run still says so, for a Home Assistant that was away
        with Daemon(tmp_path, config(broker, ENDLESS, homeassistant=ON)) as daemon:
            (*_, later) = seen.wait_for(lambda m: m.topic == TOPIC, count=4, timeout=180)
            assert daemon.stop() == 0
        gone = {key: part for key, part in components_in(later.payload).items() if len(part) == 1}
        assert gone == {f"front.alert.{rule}": {"platform": "binary_sensor"} for rule in two}


def test_switched_off_or_moved_the_old_announcement_is_cleared(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        for section, expected in (
            (ON, {TOPIC}),
            (ON | {"prefix": "ha/test"}, {"ha/test/device/test/config"}),
            ({"enabled": False}, set()),
        ):
            with Daemon(tmp_path, config(broker, ENDLESS, homeassistant=section)) as daemon:
                daemon.wait_for("connected to the broker")
                deadline = time.monotonic() + 60
                while {t for t in broker.retained() if t.endswith("/config")} != expected:
                    assert time.monotonic() < deadline
                assert daemon.stop() == 0


def test_left_out_home_assistant_is_told_nothing_and_not_listened_to(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        with Daemon(tmp_path, config(broker, ENDLESS)) as daemon:
            daemon.wait_for("connected to the broker")
            time.sleep(0.5)
            assert daemon.stop() == 0
        assert "SUBSCRIBE" not in broker.log
        assert set(broker.retained()) == set(broker.retained("edge-fer/#"))


class TestTheCommand:
    def options(self, broker, tmp_path, *more):
        given = (f"mqtt.broker={broker}", f"state_dir={tmp_path}", "node.id=test", *more)
        return [part for option in given for part in ("-o", option)]

    def test_it_shows_what_would_be_announced(self, tmp_path):
        ended = edge_fer("discovery", "show", *self.options("mqtt://127.0.0.1:1", tmp_path))
        assert ended.returncode == 0, ended.stderr
        topic, _, payload = ended.stdout.partition("\n")
        assert topic == TOPIC
        assert "camera.mood" in components_in(payload)

    def test_it_removes_the_announcement_and_nothing_else(self, tmp_path):
        with Mosquitto(tmp_path / "broker") as broker:
            broker.publish(TOPIC, "{}", retain=True)
            broker.publish(TOPIC.replace("test", "other"), "{}", retain=True)
            ended = edge_fer("discovery", "remove", *self.options(broker.url, tmp_path))
            assert ended.returncode == 0, ended.stderr
            assert TOPIC in ended.stdout
            assert "comes back" not in ended.stdout
            assert set(broker.retained()) == {TOPIC.replace("test", "other")}

    def test_it_says_when_the_daemon_would_bring_it_back(self, tmp_path):
        with Mosquitto(tmp_path / "broker") as broker:
            options = self.options(broker.url, tmp_path, "homeassistant.enabled=true")
            assert "comes back" in edge_fer("discovery", "remove", *options).stdout

    def test_a_running_daemon_is_not_disturbed(self, tmp_path):
        broker = Mosquitto(tmp_path / "broker")
        with broker, Subscriber(broker) as seen, Daemon(tmp_path, config(broker, ENDLESS)) as daemon:
            seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online")
            edge_fer("discovery", "remove", *self.options(broker.url, tmp_path))
            time.sleep(0.5)
            assert [m.payload for m in seen.of("test/availability")] == ["online"]
            assert daemon.stop() == 0

    def test_it_says_why_it_could_not(self, tmp_path):
        nobody = edge_fer("discovery", "remove", *self.options(f"mqtt://127.0.0.1:{free_port()}", tmp_path))
        assert nobody.returncode == 1
        assert "Traceback" not in nobody.stderr
        with Mosquitto(tmp_path / "broker", acl=["topic write edge-fer/#"]) as broker:
            refused = edge_fer("discovery", "remove", *self.options(broker.url, tmp_path))
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        assert f"hangs up when {TOPIC}" in refused.stderr
        assert "access list" in refused.stderr
