"""Whatever is in a file, loading it gives a config or faults, never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_fer.config import ConfigFaults, Layer, load
from edge_fer.config.engine.reader import read_yaml
from edge_fer.config.output.default import default_yaml
from edge_fer.config.output.explain import explain

pytestmark = pytest.mark.slow

FULL = read_yaml(default_yaml(), layer="x", environ={}).entry.plain()
FULL["cameras"]["second"] = {
    "faces": {"min_size": "32px"},
    "emotion": {"smoothing": {"method": "mode"}},
    "alerts": {"unhappy-guest": False, "other": {"when": {"emotion": ["sad", "fear"]}, "for": "3s"}},
}
FULL["mqtt"].update(broker="mqtts://u@h:8883", ca_file="/c", cert_file="/c", key_file="/k")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["5s", "48px", "${A}", "${", "1:30", "seven", "sad", "mqtt://[", "mqtt://:99999", "embedded", "."]
    )
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
INDICATORS = [*":[]{},!?#~@`|>'\"", ": ", "? ", "- ", "|\n", ">\n", "---\n", "...\n", "%YAML 1.1\n", "<<"]
WORDS = [
    "a",
    "cameras",
    "alerts",
    "&a",
    "*a",
    "!!str",
    "\\x",
    "${",
    "0x",
    "\n",
    "\n  ",
    "\t",
    "\u2028",
    "\x85",
    "\ufeff",
]
YAML_PIECES = st.sampled_from([*INDICATORS, *WORDS])


def check(*layers: Layer) -> None:
    """Only a config or faults, each of which says what to do; and a config can be explained."""
    try:
        loaded = load(layers, environ={"A": "1"}, settings=False)
    except ConfigFaults as error:
        told = error
    else:
        assert explain(loaded)
        assert loaded.config.cameras
        return
    assert told.faults
    assert all(fault.problem and fault.remedy for fault in told.faults)
    assert str(told)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"%YAML " + b"9" * 5000 + b".1\n---\n")
@example(b'a: "\\Uffffffff"')
@example(b'a: "\\ud800"')
@example(b"a: " + b"9" * 10_000)
@example(b"a: 1e" + b"9" * 100)
@example(b"%TAG ! tag:x\n--- !a")
@example(b"a: |9999999999999999999\n b")
@example(b": ")
@example(b"? " * 5000)
@example(b"- " * 5000)
@example(b"{" * 5000)
@example(b"{? " * 2000)
@example(b"a: !<x\n")
def test_any_bytes(data):
    check(_in_file(data))


@settings(max_examples=250, deadline=None)
@given(st.lists(YAML_PIECES, max_size=15).map("".join) | st.text(max_size=60))
def test_any_text_that_looks_like_yaml(text):
    check(Layer("text", text))


@settings(max_examples=200, deadline=None)
@given(VALUES, VALUES)
def test_any_documents_as_layers(low, high):
    check(Layer("low", json.dumps(low)), Layer("high", json.dumps(high)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_mutation_of_a_config(data):
    low, high = (_mutated(FULL, data) for _ in range(2))
    check(Layer("low", json.dumps(low)), Layer("high", json.dumps(high)))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), VALUES)
def test_any_setting_on_the_command_line(path, value):
    try:
        layer = Layer.setting(f"{path}={json.dumps(value)}")
    except ValueError:
        return
    check(layer)


def _in_file(data: bytes) -> Layer:
    class Bytes(Layer):
        def read(self, environ):
            return self._read_bytes(data, environ)

    return Bytes("bytes", "")


def _mutated(value: Any, data: st.DataObject) -> Any:
    """The value with one part of it, somewhere, dropped, renamed or replaced."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 9)) == 0:
        return data.draw(VALUES)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = data.draw(st.sampled_from(keys))
    if isinstance(value, list):
        return [_mutated(item, data) if index == key else item for index, item in enumerate(value)]
    others = {name: inner for name, inner in value.items() if name != key}
    match data.draw(st.integers(0, 5)):
        case 0:
            return others
        case 1:
            return {**others, data.draw(st.text(max_size=8) | st.sampled_from(keys)): value[key]}
        case _:
            return {**value, key: _mutated(value[key], data)}
