from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from edge_fer.config.engine.profile import _PROFILES
from edge_fer.config.engine.reader import read_yaml
from edge_fer.config.output.default import default_yaml
from edge_fer.config.output.schema import json_schema
from tests.config.examples import EXAMPLES
from tests.config.faulty import FAULTS

VALIDATOR = Draft202012Validator(json_schema())

#: Faults of YAML itself, of several values together, or of what an address means: no schema sees them.
UNSEEN = {
    "emotion of another label set", "switched off in vain", "camera switched off in vain", "password in the address",
    "no broker address", "no host", "bad port", "more than an address", "password without a user",
    "password in the clear", "certificate in the clear", "certificate without key", "key without certificate",
    "variable not set", "no variable", "key twice", "tag", "key that is a list", "undefined alias", "control character",
    "second document", "required key", "bad node name", "required key of a kind", "no kind", "kind switched off",
    "list of one", "topic with a wildcard", "topic that is none", "topic of our own", "path that is none",
    "no threshold", "two thresholds", "day that is none", "no time at all", "timezone",
    "zone that crosses itself", "zone that touches itself", "zone without an inside", "zone closed by hand",
    "zone without corners", "zone switched off in vain", "word for a source", "nearly a source",
    "address that is not read", "picture for a source",
}  # fmt: skip


def _plain(text):
    reading = read_yaml(text, layer="x", environ={})
    return reading.entry.plain() if reading.entry else None


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(json_schema())


def test_it_accepts_the_default_the_profiles_and_the_examples_on_the_page():
    texts = [default_yaml(), default_yaml(commented=True), "", *EXAMPLES]
    texts += [file.read_text(encoding="utf-8") for file in _PROFILES.glob("*.yaml")]
    for text in texts:
        assert [error.message for error in VALIDATOR.iter_errors(_plain(text.replace("${", "$${")))] == []


@pytest.mark.parametrize(
    "text",
    [
        "alerts: {a: false, b: true, c: {for: 0}, d: }",
        "cameras: {a: {faces: {min_size: 32px}, alerts: {a: {when: {score: 1}}, b: false}}, b: }",
        "faces:\nmqtt: {outbox: , password_file: }",
        "faces: {confirm: '$${N}', min_size: '$${N}', detector: '$${N}'}\ncameras: {a: {loop: '$${N}'}}",
    ],
)
def test_it_accepts_what_people_write(text):
    assert [error.message for error in VALIDATOR.iter_errors(_plain(text))] == []


@pytest.mark.parametrize(
    "kind", [kind for kind in FAULTS if kind not in UNSEEN and isinstance(FAULTS[kind][0], str) and FAULTS[kind][2]]
)
def test_it_refuses_what_the_loader_refuses(kind):
    assert not VALIDATOR.is_valid(_plain(FAULTS[kind][0]))


def test_defaults_are_told_as_people_write_them():
    parts = json_schema()["$defs"]
    assert parts["AlertSection"]["properties"]["for"]["default"] == "4s"
    assert parts["FacesSection"]["properties"]["min_size"]["default"] == "48px"
    assert "description" in parts["OutboxSection"]["properties"]["max_size"]
    assert parts["EmotionSection"]["properties"]["labels"]["anyOf"][0]["enum"] == ["seven", "five", "four", "three"]
