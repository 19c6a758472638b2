"""The sidecar: every fault is named, with file, field, value and remedy."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.emotion.classifier import EmotionClassifier, packaged_model
from edge_fer.emotion.sidecar import Sidecar, beside
from edge_fer.errors import ModelError
from edge_fer.types import CropFrame

GOOD = json.loads(beside(packaged_model()).read_text(encoding="utf-8"))
GONE = object()


def changed(path, value):
    """The packaged sidecar with one field changed or gone."""
    whole = json.loads(json.dumps(GOOD))
    *way, last = path.split(".")
    part = whole
    for key in way:
        part = part[key]
    if value is GONE:
        del part[last]
    else:
        part[last] = value
    return whole


@pytest.fixture
def model(tmp_path):
    """A copy of the packaged model, whose sidecar the test writes."""
    path = tmp_path / "emotion.tflite"
    path.write_bytes(packaged_model().read_bytes())
    return path


def write(model, content):
    text = content if isinstance(content, str) else json.dumps(content)
    beside(model).write_text(text, encoding="utf-8")


def test_packaged_sidecar():
    sidecar = Sidecar.load(beside(packaged_model()))
    assert sidecar.labels == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    frame = sidecar.crop_frame
    assert isinstance(frame, CropFrame)
    assert frame.eyes[1] < frame.mouth[1]
    assert 0.5 < frame.box_scale < 2


FAULTS = [
    ("format", 2, "format: input should be 1, not 2"),
    ("format", GONE, "format: field required"),
    ("name", "", "name: "),
    ("labels", ["happy"], "labels: "),
    ("labels", "happy", "labels: "),
    ("labels", [1, 2], "labels.0: input should be a valid string, not 1"),
    ("input.width", "48", "input.width: input should be a valid integer, not '48'"),
    ("input.width", -48, "input.width: "),
    ("input.channels", 3, "input.channels: input should be 1, not 3"),
    ("input.range", [1, -1], "input: black must be below white"),
    ("input.range", [1], "input.range"),
    ("crop.eyes", [0.5, 38.8], "crop.eyes.1: input should be less than or equal to 1, not 38.8"),
    ("crop.box.scale", 0, "crop.box.scale: "),
    ("crop.box", GONE, "crop.box: field required"),
    ("quantisation.input.scale", 0.0, "quantisation.input.scale: input should be greater than 0, not 0.0"),
    ("quantisation.output.zero_point", 128, "quantisation.output.zero_point: "),
    ("temperature", 0, "temperature: input should be greater than 0, not 0"),
    ("temperature", "warm", "temperature: input should be a valid number, not 'warm'"),
    ("sha256", "abc", "sha256: "),
    ("temprature", 1.0, "temprature: extra inputs are not permitted, not 1.0"),
]


@pytest.mark.parametrize(("field", "value", "told"), FAULTS, ids=[f"{fault[0]}={fault[1]!r:.12}" for fault in FAULTS])
def test_wrong_field(model, field, value, told):
    write(model, changed(field, value))
    with pytest.raises(ModelError) as caught:
        EmotionClassifier.load(model)
    assert str(beside(model)) in caught.value.message
    assert told in caught.value.message
    assert caught.value.remedy


def test_all_faults_at_once(model):
    write(model, changed("temperature", -1) | {"format": 7, "name": ""})
    with pytest.raises(ModelError, match=r"format.*name.*temperature"):
        EmotionClassifier.load(model)


def test_missing(model):
    with pytest.raises(ModelError, match=r"emotion\.json: cannot read the model's sidecar: No such file"):
        EmotionClassifier.load(model)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"format": 1,}'])
def test_not_json(model, text):
    write(model, text)
    with pytest.raises(ModelError, match=r"emotion\.json: not JSON"):
        EmotionClassifier.load(model)


def test_not_text(model):
    beside(model).write_bytes(packaged_model().read_bytes()[:100] + b"\xff")
    with pytest.raises(ModelError, match=r"emotion\.json: not "):
        EmotionClassifier.load(model)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(GOOD)), inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_json_gives_anything_but_a_model_error(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ModelError):
        Sidecar.load(path)


def test_model_of_another_sidecar(model):
    write(model, changed("sha256", "0" * 64))
    with pytest.raises(ModelError, match=rf"emotion\.tflite: .* sha256 {GOOD['sha256']}, but its sidecar expects 0000"):
        EmotionClassifier.load(model)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("input.width", 64, r"input makes a tensor of shape \(1, 48, 64, 1\), but the model's is \(1, 48, 48, 1\)"),
        ("labels", ["happy", "sad"], r"labels makes a tensor of shape \(1, 2\), but the model's is \(1, 7\)"),
        ("quantisation.input.scale", 0.5, r"quantisation\.input is scale 0\.5 and zero point"),
        ("quantisation.output.zero_point", -127, r"quantisation\.output is scale .* zero point -127, but the model's"),
    ],
)
def test_sidecar_of_another_model(model, field, value, told):
    other = changed(field, value)
    other.pop("prior", None)  # which would be of other labels, too
    write(model, other)
    with pytest.raises(ModelError, match=rf"emotion\.json: {told}") as caught:
        EmotionClassifier.load(model)
    assert caught.value.remedy
