"""Alerts over a reload: a real daemon, a real broker, and the signal that `systemctl reload` sends."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.running import ENDLESS, check_payloads, config

#: No recording has to be read for these: a number from elsewhere fires the one, and nothing the others.
PULSE = {
    "when": {"signal": "bed/pulse", "path": "$.bpm", "above": 120, "max_age": "1h"},
    "for": "0s",
    "keep_firing_for": "0s",
    "cooldown": "1s",
}
QUEUE = {"when": {"more_people_than": 5}}
BEFORE = {"pulse": PULSE, "queue": QUEUE, "removed": QUEUE}


def status_of(rule):
    return lambda m: m.topic.endswith(f"/camera/front/alert/{rule}")


def is_alert_event(message):
    return message.topic.endswith("/alert_event")


@contextmanager
def firing(tmp_path):
    """A daemon whose alert `pulse` fires: the daemon, its broker, what is seen there, and the alert event."""
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, ENDLESS, alerts=BEFORE)) as daemon:
            seen.wait_for(status_of("pulse"), timeout=180)
            broker.publish("bed/pulse", '{"bpm": 130}')
            (fired,) = seen.wait_for(is_alert_event, timeout=180)
            yield daemon, broker, seen, fired.json
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.output
        check_payloads(seen.messages)


def reload(daemon, broker, alerts, **more):
    daemon.configure(config(broker, ENDLESS, alerts=alerts, **more))
    daemon.send(signal.SIGHUP)


def standing(broker, rule):
    return json.loads(broker.retained("edge-fer/#")[f"edge-fer/test/camera/front/alert/{rule}"])


def test_an_alert_goes_on_while_other_rules_change_come_and_go(tmp_path):
    with firing(tmp_path) as (daemon, broker, seen, fired):
        seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["event_type"] == "appeared", timeout=180)
        seen.clear()
        new = {"pulse": PULSE, "queue": {"when": {"more_people_than": 6}}, "added": {"when": {"no_face": True}}}
        reload(daemon, broker, new)
        seen.wait_for(status_of("added"))
        (cleared,) = seen.wait_for(status_of("removed"))
        assert (cleared.payload, cleared.retain) == ("", True)
        (alert,) = standing(broker, "pulse")["alerts"]
        assert (alert["id"], alert["since"], alert["state"]) == (fired["alert_id"], fired["since"], "firing")
        assert seen.of("/alert_event") == []
        assert seen.of("/availability") == [], "neither the node nor the camera was away"
        broker.publish("bed/pulse", '{"bpm": 80}')
        (resolved,) = (m.json for m in seen.wait_for(is_alert_event))
        assert (resolved["event_type"], resolved["alert_id"], resolved["reason"]) == (
            "resolved",
            fired["alert_id"],
            "over",
        )
        daemon.wait_for("the cameras went on meanwhile")


def test_a_changed_threshold_resolves_the_alert_and_the_new_rule_begins_anew(tmp_path):
    with firing(tmp_path) as (daemon, broker, seen, fired):
        seen.clear()
        reload(daemon, broker, BEFORE | {"pulse": PULSE | {"when": PULSE["when"] | {"above": 150}}})
        (resolved,) = (m.json for m in seen.wait_for(is_alert_event))
        assert (resolved["event_type"], resolved["alert_id"], resolved["reason"]) == (
            "resolved",
            fired["alert_id"],
            "reload",
        )
        seen.wait_for(lambda m: status_of("pulse")(m) and m.json["state"] == "inactive")
        broker.publish("bed/pulse", '{"bpm": 160}')
        again = seen.wait_for(is_alert_event, count=2)[1].json
        assert (again["event_type"], again["threshold"], again["value"]) == ("firing", 150, 160)
        assert again["alert_id"] != fired["alert_id"]


def test_a_wrong_config_is_refused_and_the_alert_goes_on(tmp_path):
    with firing(tmp_path) as (daemon, broker, seen, fired):
        seen.clear()
        reload(daemon, broker, BEFORE | {"pulse": PULSE | {"cooldown": "soon"}})
        daemon.wait_for("the old one stays in force")
        assert "cooldown" in daemon.output
        broker.publish("bed/pulse", '{"bpm": 80}')
        (resolved,) = (m.json for m in seen.wait_for(is_alert_event))
        assert (resolved["alert_id"], resolved["reason"]) == (fired["alert_id"], "over")


def test_silencing_an_alert_by_the_config_does_not_end_it(tmp_path):
    with firing(tmp_path) as (daemon, broker, seen, fired):
        seen.clear()
        reload(daemon, broker, BEFORE | {"pulse": PULSE | {"silenced": True}})
        seen.wait_for(lambda m: status_of("pulse")(m) and m.json["silenced"])
        (alert,) = standing(broker, "pulse")["alerts"]
        assert (alert["id"], alert["state"]) == (fired["alert_id"], "firing")
        assert seen.of("/alert_event") == []


@pytest.mark.parametrize("again", [1, 5])
def test_any_number_of_reloads_of_the_same_config_change_nothing(tmp_path, again):
    with firing(tmp_path) as (daemon, broker, seen, fired):
        seen.clear()
        for _ in range(again):
            reload(daemon, broker, BEFORE)
        daemon.wait_for("the cameras went on meanwhile")
        assert standing(broker, "pulse")["alerts"][0]["id"] == fired["alert_id"]
        assert seen.of("/alert_event") == seen.of("/availability") == []


def test_whatever_else_changes_starts_over_and_ends_alerts_as_unwatched(tmp_path):
    with firing(tmp_path) as (daemon, broker, seen, fired):
        seen.clear()
        reload(daemon, broker, BEFORE, faces={"min_size": "64px"})
        (resolved,) = (m.json for m in seen.wait_for(is_alert_event))
        assert (resolved["alert_id"], resolved["reason"]) == (fired["alert_id"], "unwatched")
        seen.wait_for(lambda m: m.topic.endswith("/front/availability") and m.payload == "online")
