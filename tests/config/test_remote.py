"""What may be set over MQTT, and settings that no longer fit what is below them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.config import Layer, load
from edge_fer.config.engine.settable import SETTABLE, is_settable, nested, value_at
from edge_fer.config.output.explain import explain


def loaded(folder, kept, *, text=None, **values):
    (folder / "settings.yaml").write_text(text if text is not None else json.dumps(kept), encoding="utf-8")
    return load([Layer.mapping("file", {"state_dir": str(folder), **values})], environ={})


@pytest.mark.parametrize("key", [key for key in SETTABLE if "*" not in key])
def test_every_key_that_may_be_set_is_one(key):
    config = load(environ={}, settings=False).config
    value_at(config, tuple(key.split(".")))
    section = key.split(".")[0]
    if section != "mood":
        assert is_settable(("cameras", "camera", *key.split(".")))


@pytest.mark.parametrize(
    "key",
    [
        "commands", "mqtt.broker", "mqtt.password_file", "state_dir", "models_dir", "emotion.model", "faces.model",
        "cameras.camera.source", "cameras.camera.paused", "cameras.camera.mood.over", "privacy.events",
        "privacy.k_minimum", "node.id", "metrics.port", "log_level", "profile", "cameras", "alerts", "alerts.a", "",
        "alerts.a.when", "alerts.a.when.signal", "alerts.a.silenced", "faces", "faces.quality", "cameras.camera.faces",
        "faces.min_size.x", "cameras.camera.cameras.camera.faces.min_size", "alerts..for.x",
    ],
)  # fmt: skip
def test_what_opens_doors_or_shuts_them_may_not_be_set(key):
    assert not is_settable(tuple(key.split(".")))


def test_settings_that_fit_are_in_force_and_explained(tmp_path):
    found = loaded(tmp_path, {"cameras": {"a": {"paused": True}}, "faces": {"confirm": 8}}, cameras={"a": {}})
    assert found.settings == {"cameras.a.paused": True, "faces.confirm": 8}
    assert found.set_aside == ()
    assert found.config.cameras["a"].paused
    (row,) = (row for row in explain(found) if row.path == "faces.confirm")
    assert row.origin == f"{tmp_path}/settings.yaml:1"


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"cameras": {"gone": {"faces": {"confirm": 4}}}}, "no longer there"),
        ({"cameras": {"gone": {"paused": True}}}, "no longer there"),
        ({"alerts": {"gone": {"for": "3s"}}}, "no longer there"),
        ({"alerts": {"unhappy-guest": {"when": {"more_people_than": 3}}}}, "no longer there"),
        ({"faces": {"min_sise": "64px"}}, "cannot be set over MQTT"),
        ({"mqtt": {"broker": "mqtt://evil"}}, "cannot be set over MQTT"),
        ({"cameras": {"a": {"faces": {"rotations": [90]}}}}, "cannot be set over MQTT"),
        ({"faces": "all"}, "cannot be set over MQTT"),
        ({"faces": {"min_size": "9px"}}, "16px to 4096px"),
        ({"faces": {"min_size": 64}}, "has no unit"),
        ({"faces": {"min_size": None}}, "has no value"),
    ],
)
def test_what_does_not_fit_is_set_aside_and_told_and_the_rest_holds(tmp_path, kept, told):
    section, rest = next(iter(kept.items()))
    both = {**kept, "emotion": {"min_confidence": 0.6}}
    found = loaded(tmp_path, both, cameras={"a": {}})
    assert found.config.emotion.min_confidence == 0.6
    assert found.settings == {"emotion.min_confidence": 0.6}
    (fault,) = found.set_aside
    assert told in str(fault)
    assert str(fault).startswith(f"{tmp_path}/settings.yaml:1: {section}")
    assert list(found.config.cameras) == ["a"]
    assert "gone" not in found.config.alerts
    assert rest


def test_of_two_that_do_not_go_together_the_first_holds(tmp_path):
    found = loaded(tmp_path, {"mood": {"distress": {"moderate": 0.5, "high": 0.4}}})
    assert found.settings == {"mood.distress.moderate": 0.5}
    assert len(found.set_aside) == 1


@pytest.mark.parametrize("text", ["{:", "- 1", "x: [", "\x00", "faces: !!python/object:os.system {}"])
def test_a_file_that_cannot_be_read_is_set_aside(tmp_path, text):
    found = loaded(tmp_path, None, text=text)
    assert found.settings == {}
    assert found.set_aside
    assert found.config == loaded(tmp_path, {}).config


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["64px", "3s", "x"]),
    lambda inner: st.dictionaries(
        st.sampled_from(["faces", "min_size", "cameras", "a", "paused", "alerts", "unhappy-guest", "for", "when"]),
        inner, max_size=3,
    ) | st.lists(inner, max_size=2),
    max_leaves=6,
))  # fmt: skip
def test_whatever_the_file_holds_the_config_loads(tmp_path_factory, kept):
    loaded(tmp_path_factory.getbasetemp(), kept, cameras={"a": {}})


def test_other_settings_can_be_tried_and_are_checked_strictly(tmp_path):
    layers = [Layer.mapping("file", {"state_dir": str(tmp_path)})]
    tried = Layer.mapping("tried", nested({"faces.min_size": "64px"}))
    assert load(layers, environ={}, settings=tried).config.faces.min_size == 64
    with pytest.raises(ValueError, match="out of range"):
        load(layers, environ={}, settings=Layer.mapping("tried", nested({"faces.min_size": "9px"})))
