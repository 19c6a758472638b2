"""Whether all is well with a node, or what needs somebody."""

from __future__ import annotations

from copy import deepcopy

import pytest

from edge_fer.control.verdict import needs_in
from edge_fer.notify.troubles import NodeFacts, troubles_of
from edge_fer.values.plain_words import label_texts

WELL = {
    "ts": "2030-01-01T00:00:00.000Z",
    "clock_synced": True,
    "cameras": {"front": {"online": True, "paused": False, "view": "clear", "problem": "", "rules": []}},
    "broker": {"address": "mqtt://broker", "connected": True, "problem": ""},
    "health": {
        "temperature_c": 50.0,
        "throttling": [],
        "outbox": {"depth": 3},
        "mqtt": {"broker_certificate_ends": None},
        "sinks": {"mqtt": {"working": True, "problem": ""}},
    },
}
FIRING = {"rule": "queue", "alerts": [{"state": "firing", "acknowledged": False}]}
KNOWN = {"rule": "queue", "alerts": [{"state": "firing", "acknowledged": True}, {"state": "pending"}]}


def state(**changes):
    """A state in which all is well, but for values by dotted key."""
    told = deepcopy(WELL)
    for path, value in changes.items():
        *sections, key = path.split("__")
        at = told
        for name in sections:
            at = at[name]
        at[key] = value
    return told


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"cameras__front__online": False}, [("camera_lost", "front")]),
        ({"cameras__front__online": False, "cameras__front__paused": True}, []),
        ({"cameras__front__view": "covered"}, [("camera_blind", "front")]),
        ({"cameras__front__view": None, "cameras__front__rules": None}, []),
        ({"cameras__front__view": "dark"}, []),
        ({"cameras__front__rules": [FIRING]}, [("alert", "queue")]),
        ({"cameras__front__rules": [KNOWN]}, []),
        ({"broker__connected": False}, [("broker_lost", "")]),
        ({"broker__connected": False, "broker__address": ""}, []),
        ({"health__outbox__depth": 1000}, [("outbox_grows", "")]),
        ({"health__mqtt__broker_certificate_ends": "2030-01-05T00:00:00Z"}, [("certificate_ends", "broker")]),
        ({"health__mqtt__broker_certificate_ends": "2030-02-05T00:00:00Z"}, []),
        ({"clock_synced": False}, [("clock_off", "")]),
        ({"health__throttling": ["under_voltage"]}, [("power_low", "")]),
        ({"health__throttling": ["frequency_capped"]}, [("too_warm", "")]),
        ({"health__temperature_c": 81.0, "health__throttling": None}, [("too_warm", "")]),
        ({"health__temperature_c": None}, []),
        ({"health__sinks__history": {"working": False, "problem": "disk"}}, [("sink_fails", "history")]),
    ],
)
def test_what_needs_somebody(changes, expected):
    found = needs_in(state(**changes))
    assert [(one.what, one.name) for one in found] == expected
    for need in found:
        for language in ("en", "de"):
            t = label_texts(language)
            assert "{" not in t[f"need_{need.what}"].format(name=need.name, **need.facts)
            assert t[f"remedy_{need.what}"]


def test_all_that_notifications_know_of_has_words():
    facts = NodeFacts(frozenset({"a"}), frozenset({"b"}), True, 5000, 5, {"broker": 0.0})
    kinds = {key.partition(":")[0] for key, _ in troubles_of(facts, 0.0)} | {"broker_lost"}
    assert kinds >= {"camera_lost", "camera_blind", "outbox_grows", "disk_low", "certificate_ends"}
    for language in ("en", "de"):
        assert {f"need_{kind}" for kind in kinds - {"disk_low"}} <= set(label_texts(language))
