"""What Home Assistant is told, and when: by its published rules, and with invented time."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge_fer.homeassistant.announcer import Announcer
from edge_fer.homeassistant.discovery import discovery_payload, discovery_topic
from edge_fer.homeassistant.entities import Announced, Watching, components_of
from edge_fer.mqtt.inbound import Inbound
from tests.homeassistant.rules import complaints_about
from tests.mqtt.announced import announced

STATUS = "homeassistant/status"
NODE = Announced(
    name="counter-1",
    site="main-street",
    version="1.2.3",
    cameras={"front": Watching(["happy", "sad"], ["unhappy-guest", "queue"]), "back": Watching(["happy", "sad"])},
)


def test_home_assistant_is_told_of_changes_of_attributes_where_faces_have_some():
    def kinds(camera):
        return components_of(replace(NODE, cameras={"front": camera}))["front.event"]["event_types"]

    assert kinds(Watching(["happy"])) == ["appeared", "emotion_changed", "left"]
    assert kinds(Watching(["happy"], attributes=True)) == ["appeared", "emotion_changed", "changed", "left"]
    model = "{model: a.tflite, looks_at: %s}"
    for looks_at, known in (("face", True), ("picture", False)):
        told = announced(f"cameras: {{front: {{attributes: {{mask: {model % looks_at}}}}}}}")
        assert ("changed" in told["components"]["front.event"]["event_types"]) is known


@pytest.mark.parametrize(
    "config",
    [
        "profile: counter",
        "profile: ward",
        "profile: crowd",
        "cameras: {front: {}, a_b: {}, a: {alerts: {b_mood: {when: {no_face: true}}}}}",
        "profile: ward\nprivacy: {events: 'off'}",
        "summaries: {windows: []}",
        "summaries: {windows: [90s, 1h]}",
        "cameras: {front: {emotion: {labels: four}, alerts: {unhappy-guest: false}}}",
    ],
)
def test_it_is_as_home_assistant_wants_it(config):
    payload = announced(config)
    assert complaints_about(payload) == []
    keys = {"platform", "unique_id", "name", "state_topic"}
    assert all(keys <= component.keys() for component in payload["components"].values())


@pytest.mark.parametrize(
    ("key", "change", "complaint"),
    [
        ("temperature", {"unit_of_measurement": "MB"}, "temperature: MB does not go with temperature"),
        ("front.mood", {"state_class": "measurement"}, "front.mood: enum has no state_class"),
        ("front.mood", {"options": []}, "front.mood: options go with enum"),
        ("front.event", {"expire_after": 5}, "front.event: expire_after is not known"),
        ("front.online", {"state_topic": "a/+"}, "front.online: state_topic is no topic"),
        ("front.people", {"unique_id": "edge-fer.counter-1.front.mood"}, "is no unique id"),
    ],
)
def test_the_rules_find_what_is_wrong(key, change, complaint):
    payload = discovery_payload(NODE, announced={})
    payload["components"][key] |= change
    assert any(complaint in found for found in complaints_about(payload))


def test_it_is_retained_where_home_assistant_looks_for_devices():
    assert discovery_topic("homeassistant", "counter-1") == "homeassistant/device/counter-1/config"


def test_the_device_and_its_origin_are_named():
    payload = discovery_payload(NODE, announced={})
    assert payload["device"]["identifiers"] == ["edge-fer.counter-1"]
    assert (payload["device"]["name"], payload["device"]["suggested_area"]) == ("counter-1", "main-street")
    assert payload["origin"] == {"name": "edge-fer", "sw_version": "1.2.3"}


def test_everything_of_a_camera_needs_node_and_camera():
    payload = discovery_payload(NODE, announced={})
    assert payload["availability_mode"] == "all"
    node = {"topic": "edge-fer/counter-1/availability"}
    assert payload["availability"] == [node]
    camera = {"topic": "edge-fer/counter-1/camera/front/availability"}
    for key, component in payload["components"].items():
        expected = [node, camera] if key.startswith("front.") and key != "front.online" else None
        if not key.startswith("back."):
            assert component.get("availability") == expected, key


def test_each_alert_has_an_entity_and_each_camera_its_own():
    found = components_of(NODE)
    alerts = {key for key in found if ".alert." in key}
    assert alerts == {"front.alert.unhappy-guest", "front.alert.queue"}
    assert {key.partition(".")[2] for key in found if key.startswith("back.")} == {
        key.partition(".")[2] for key in found if key.startswith("front.")
    } - {"alert.unhappy-guest", "alert.queue"}


def test_without_events_nothing_is_announced_that_is_not_published():
    quiet = announced("privacy: {events: 'off'}")["components"]
    topics = {component["state_topic"].rpartition("/")[2] for component in quiet.values()}
    assert topics == {"health", "availability", "summary"}
    assert {"camera.satisfaction", "camera.visits", "camera.distress"} <= quiet.keys()


def test_a_component_keeps_its_platform_whatever_the_config():
    loud, quiet = announced("")["components"], announced("privacy: {events: 'off'}")["components"]
    for key in loud.keys() & quiet.keys():
        assert loud[key]["platform"] == quiet[key]["platform"]
        assert loud[key]["unique_id"] == quiet[key]["unique_id"]


def test_names_that_look_alike_stay_apart():
    cameras = {"a": Watching([], ["b_mood", "x"]), "a_alert_b": Watching([]), "alert": Watching([], ["x"])}
    found = components_of(Announced(name="n", version="1", cameras=cameras))
    assert len({component["unique_id"] for component in found.values()}) == len(found)


def test_it_is_small():
    """Some brokers take no more than 128 kB; eight cameras with ten alerts each are below it."""
    cameras = {f"camera-{n}": Watching(["happy"] * 7, [f"alert-number-{m}" for m in range(10)]) for n in range(8)}
    payload = discovery_payload(Announced(name="n" * 30, version="1.2.3", cameras=cameras), announced={})
    assert len(json.dumps(payload)) < 110_000
    assert len(json.dumps(announced(""))) < 10_000


class Told:
    """An announcer with a clock that stands still until it is told to."""

    def __init__(self, node=NODE, chance=0.5):
        self.texts, self.mono = [], 100.0
        self.announcer = Announcer(
            node, status_topic=STATUS, publish=self.texts.append, now=lambda: self.mono, chance=lambda: chance
        )

    def birth(self, payload=b"online", *, topic=STATUS, retained=False):
        self.announcer.take(topic, payload, retained=retained)

    def look(self, mono):
        self.announcer.look(mono)
        return len(self.texts)

    @property
    def components(self):
        return json.loads(self.texts[-1])["components"]


def test_it_is_announced_again_some_time_after_home_assistant_started():
    told = Told(chance=0.5)
    assert told.look(1000) == 0, "nobody has asked"
    told.birth()
    assert [told.look(mono) for mono in (100, 104.9, 105, 105.1, 1000)] == [0, 0, 1, 1, 1]


def test_no_two_nodes_answer_at_the_same_time_and_none_keeps_it_waiting():
    for chance, due in ((0.0, 100.0), (0.999, 109.99)):
        told = Told(chance=chance)
        told.birth()
        assert told.look(due - 0.1) == 0
        assert told.look(due) == 1


@pytest.mark.parametrize(
    "message",
    [{"payload": b"offline"}, {"payload": b""}, {"payload": b"\xff"}, {"topic": "other"}, {"retained": True}],
)
def test_anything_else_is_no_birth(message):
    told = Told()
    told.birth(**message)
    assert told.look(1000) == 0


def without(node, rule):
    camera = node.cameras["front"]
    fewer = Watching(camera.labels, [alert for alert in camera.alerts if alert != rule])
    return Announced(name=node.name, version=node.version, cameras={**node.cameras, "front": fewer})


def test_what_is_gone_is_named_with_its_platform_alone_from_then_on():
    before = Told()
    before.announcer.announce()
    after = Told(without(NODE, "queue"))
    after.announcer.restore(json.loads(json.dumps(before.announcer.snapshot())))
    for _ in range(3):
        after.announcer.announce()
        assert after.components["front.alert.queue"] == {"platform": "binary_sensor"}
        assert complaints_about(json.loads(after.texts[-1])) == []
    again = Told()
    again.announcer.restore(after.announcer.snapshot())
    again.announcer.announce()
    assert again.components["front.alert.queue"]["unique_id"] == "edge-fer.counter-1.front.alert.queue"


def test_a_change_is_announced_at_once():
    told = Told()
    told.announcer.announce()
    told.announcer.change(without(NODE, "queue"))
    assert told.components["front.alert.queue"] == {"platform": "binary_sensor"}
    told.birth()
    told.look(1000)
    assert told.texts[1] == told.texts[2]


def test_what_is_remembered_does_not_grow_without_end_and_what_is_there_is_never_forgotten():
    told = Told()
    told.announcer.restore({f"old-{n}": "sensor" for n in range(2000)})
    told.announcer.announce()
    kept = told.announcer.snapshot()
    assert len(kept) == 1000
    assert kept.items() >= {key: part["platform"] for key, part in components_of(NODE).items()}.items()
    assert "old-1999" in kept
    assert "old-0" not in kept


@pytest.mark.parametrize("kept", [[], "x", 1, {"a": 1}, {"a": None}])
def test_a_damaged_memory_is_refused(kept):
    with pytest.raises(ValueError, match="no platforms"):
        Told().announcer.restore(kept)


def test_listeners_side_by_side_get_every_message_and_each_topic_is_asked_for_once():
    first, second = Told(), Told()
    both = Inbound(first.announcer, second.announcer)
    assert [wanted.topic for wanted in both.subscriptions] == [STATUS]
    both.take(STATUS, b"online", retained=False)
    assert (first.look(1000), second.look(1000)) == (1, 1)
