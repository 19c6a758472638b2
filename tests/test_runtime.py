"""The adapter over TFLite's runtimes, and what it says of files and runtimes that are no good."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import process_time
from types import SimpleNamespace

import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier, packaged_model
from edge_fer.errors import ModelError, RuntimeMissingError
from edge_fer.inference.runtime import RUNTIMES, Model, available, loaded_runtime, seconds_in_runtime, timed_runs


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module", params=RUNTIMES)
def model(request):
    if request.param not in available():
        pytest.skip(f"{request.param} cannot be imported here")
    return Model.load(packaged_model(), sha256=sha256_of(packaged_model()), runtime=request.param)


def test_describes_itself(model):
    assert model.runtime in RUNTIMES
    assert model.version[0].isdigit()
    assert model.input.shape == (1, 48, 48, 1)
    assert model.output.shape == (1, 7)
    assert model.input.dtype == model.output.dtype == "int8"
    assert model.input.scale > 0
    assert model.output.scale > 0


def test_takes_values_of_any_shape(model):
    values = np.arange(48 * 48, dtype=np.int32).astype(np.int8)
    assert np.array_equal(model.invoke(values), model.invoke(values.reshape(1, 48, 48, 1)))


def test_results_are_the_callers_own(model):
    random = np.random.default_rng(0)
    first = model.invoke(random.integers(-128, 128, (48, 48)).astype(np.int8))
    before = first.copy()
    model.invoke(np.full((48, 48), 127, np.int8))
    assert np.array_equal(first, before)
    first[:] = 0  # writable, and not the runtime's memory
    assert not np.array_equal(model.invoke(np.full((48, 48), -128, np.int8)), first)


@pytest.mark.parametrize("values", [np.zeros((47, 48), np.int8), np.zeros((48, 48), np.float32)])
def test_refuses_other_values(model, values):
    with pytest.raises(ValueError, match=r"reshape|type"):
        model.invoke(values)


def test_runtimes_agree_within_a_step_or_two():
    if len(available()) < 2:
        pytest.skip("needs both runtimes")
    models = [Model.load(packaged_model(), sha256=sha256_of(packaged_model()), runtime=name) for name in available()]
    random = np.random.default_rng(0)
    for _ in range(20):
        values = random.integers(-128, 128, (48, 48)).astype(np.int8)
        one, other = (model.invoke(values).astype(int) for model in models)
        assert np.abs(one - other).max() <= 4


def test_takes_the_best_runtime_by_itself():
    assert Model.load(packaged_model(), sha256=sha256_of(packaged_model())).runtime == available()[0]


@pytest.mark.parametrize("runtime", available())
def test_loads_without_chatting(runtime):
    """In a process of its own: the runtimes introduce themselves only once."""
    program = (
        "import sys; from edge_fer.emotion.classifier import EmotionClassifier;"
        f"EmotionClassifier.load(runtime={runtime!r}); print('loaded'); print('still heard', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("loaded\n", "still heard\n")


def test_says_what_native_code_said_when_it_fails(monkeypatch, capfd):
    def fails(**_options):
        os.write(2, b"native words\n")
        msg = "no such operation\n"
        raise ValueError(msg)

    module = SimpleNamespace(__name__=f"{available()[0]}.interpreter", Interpreter=fails)
    monkeypatch.setattr("edge_fer.inference.runtime._import_runtime", lambda _: module)
    with pytest.raises(ModelError, match=r"x: \w+ .* refuses it: no such operation\. Copy"):
        Model(packaged_model().read_bytes(), name="x")
    assert capfd.readouterr().err == "native words\n"


def test_missing_file(tmp_path):
    with pytest.raises(ModelError, match=r"emotion\.tflite: cannot read the model: No such file") as caught:
        Model.load(tmp_path / "emotion.tflite", sha256="0" * 64)
    assert caught.value.remedy


def test_folder_for_a_file(tmp_path):
    with pytest.raises(ModelError, match="cannot read the model"):
        Model.load(tmp_path, sha256="0" * 64)


DAMAGE = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "cut to its head": lambda content: content[:8],
    "one byte changed": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_damaged_file_never_reaches_the_runtime(tmp_path, monkeypatch, damage, runtime):
    monkeypatch.setattr("edge_fer.inference.runtime._import_runtime", lambda _: pytest.fail("the runtime was asked"))
    path = tmp_path / "emotion.tflite"
    path.write_bytes(DAMAGE[damage](packaged_model().read_bytes()))
    with pytest.raises(
        ModelError, match=rf"{path}: {path.stat().st_size} bytes with sha256 .* but its sidecar expects"
    ):
        Model.load(path, sha256=sha256_of(packaged_model()), runtime=runtime)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"not a model at all"])
def test_what_is_no_model(tmp_path, content):
    path = tmp_path / "emotion.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"not a TFLite model \({len(content)} bytes"):
        Model.load(path, sha256=sha256_of(path))


def test_what_the_runtime_refuses(tmp_path, capfd):
    if "ai_edge_litert" not in available():
        pytest.skip("only ai_edge_litert verifies what it is given")
    with pytest.raises(ModelError, match=r"x: ai_edge_litert .* refuses it: "):
        Model(packaged_model().read_bytes()[:5000], name="x", runtime="ai_edge_litert")


@pytest.mark.parametrize("wanted", [None, *RUNTIMES])
def test_missing_runtime(monkeypatch, wanted):
    for name in RUNTIMES:
        monkeypatch.setitem(sys.modules, f"{name}.interpreter", None)
    assert available() == ()
    with pytest.raises(RuntimeMissingError, match=wanted or "ai_edge_litert.*tflite_runtime") as caught:
        Model.load(packaged_model(), sha256=sha256_of(packaged_model()), runtime=wanted)
    assert "pip install" in caught.value.remedy


def test_unknown_runtime():
    with pytest.raises(RuntimeMissingError, match="'torch' is none of ai_edge_litert, tflite_runtime"):
        Model.load(packaged_model(), sha256=sha256_of(packaged_model()), runtime="torch")


def test_packaged_model_is_a_file():
    assert packaged_model().is_file()
    assert isinstance(packaged_model(), Path)


def test_it_tells_how_long_this_thread_was_in_the_runtime():
    classifier = EmotionClassifier.load()
    crop = np.zeros((48, 48, 3), np.uint8)
    before, begin = seconds_in_runtime(), process_time()
    classifier.classify([crop] * 5)
    assert seconds_in_runtime() == before
    with timed_runs():
        classifier.classify([crop] * 5)
    assert 0 < seconds_in_runtime() - before < process_time() - begin
    elsewhere = []
    thread = Thread(target=lambda: elsewhere.append(seconds_in_runtime()))
    thread.start()
    thread.join()
    assert elsewhere == [0]


def test_it_tells_which_runtime_there_is():
    assert loaded_runtime().split()[0] == available()[0]
