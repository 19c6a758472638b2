"""Which changes of the config are changes of rules alone, and rules changed while a camera works."""

from __future__ import annotations

from datetime import UTC

import pytest

from edge_fer.config.tree import Config
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.trend import Trend
from edge_fer.types import SignalKey
from edge_fer.wiring import alerts_alone_differ, build_rules
from edge_fer.wiring.alert_rules import sources_in
from tests.config.loading import load_layers

TREND = Trend(Calendar(UTC))
BASE = (
    "alerts: {a: {when: {emotion: [sad]}}, s: {when: {signal: x, path: $.bpm, above: 1}}}\ncameras: {front: {fps: 5}}"
)


@pytest.mark.parametrize(
    ("change", "alone"),
    [
        ("{}", True),
        ("alerts: {a: {for: 9s}}", True),
        ("alerts: {a: false}", True),
        ("alerts: {b: {when: {no_face: true}}}", True),
        ("cameras: {front: {alerts: {a: false}}}", True),
        ("alerts: {s: {when: {above: 2}}}", True),
        ("alerts: {s: {when: {signal: y}}}", False),
        ("alerts: {s: {when: {path: $.other}}}", False),
        ("cameras: {front: {fps: 6}}", False),
        ("cameras: {back: {}}", False),
        ("faces: {min_size: 64px}", False),
        ("node: {timezone: Asia/Tokyo}", False),
        ("mqtt: {keepalive: 40s}", False),
    ],
)
def test_what_is_a_change_of_rules_alone(change, alone):
    assert alerts_alone_differ(load_layers(BASE).config, load_layers(BASE, change).config) is alone


def test_the_numbers_that_alerts_ask_for():
    text = "alerts: {t: {when: {any: [{signal: y, above: 1}, {signal: x, path: 'a[0]', below: 1}]}}}"
    config = load_layers(BASE, text).config
    assert sources_in(config.cameras) == {SignalKey("x", ("bpm",)), SignalKey("y"), SignalKey("x", ("a", 0))}


def test_rules_made_twice_of_one_config_are_the_same_and_of_another_are_not():
    def settings(*texts):
        camera = load_layers(BASE, *texts).config.cameras["front"]
        return {rule.name: rule.settings for rule in build_rules("front", camera, Config(), TREND)}

    assert settings() == settings("{}")
    assert settings()["a"] != settings("alerts: {a: {for: 9s}}")["a"]
    # another frame rate changes how long a frame stands, so it is another rule
    assert settings()["a"] != settings("cameras: {front: {fps: 0.1}}")["a"]
