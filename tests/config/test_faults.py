"""Every kind of fault: its line, key path, value and remedy."""

from __future__ import annotations

import textwrap
import time

import pytest

from edge_fer.config import ConfigFaults, Layer, load
from edge_fer.errors import ConfigError, EdgeFerError
from tests.config.faulty import FAULTS
from tests.config.loading import FILE, faults_in, load_text


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_names_line_path_value_and_remedy(tmp_path, kind):
    text, line, path, value, problem, remedy = FAULTS[kind]
    (fault,) = faults_in(tmp_path, text)
    assert (fault.layer, fault.line, fault.path, fault.value) == (FILE, line, path, value)
    assert problem in fault.problem
    assert remedy in fault.remedy


def test_all_cameras_switched_off():
    with pytest.raises(ConfigFaults) as raised:
        load([Layer("low", "cameras: {a: {}, b: }"), Layer("high", "cameras: {a: false, b: false}")], settings=False)
    (fault,) = raised.value.faults
    assert (fault.layer, fault.path, fault.problem) == ("high", "cameras", "are all switched off")


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path):
    text = textwrap.dedent("""\
        profile: bar
        node: {id: "a b"}
        faces: {min_size: 48, confirm: 99}
        cameras:
          front: {fps: 100, nonsense: 1}
        alerts:
          one: {when: {emotion: [glad, sad]}, for: 3}
          two: {when: {emotion: [bored]}}
        mqtt: {broker: "mqtt://me:x@h", keepalive: 1s, outbox: {max_size: 5}}
        """)
    faults = faults_in(tmp_path, text)
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)
    assert {fault.path for fault in faults} == {
        "profile",
        "node.id",
        "faces.min_size",
        "faces.confirm",
        "cameras.front.fps",
        "cameras.front.nonsense",
        "alerts.one.when.emotion[0]",
        "alerts.one.for",
        "alerts.two.when.emotion[0]",
        "mqtt.broker",
        "mqtt.keepalive",
        "mqtt.outbox.max_size",
    }


def test_faults_of_several_layers_come_at_once(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("a: b: c", encoding="utf-8")
    layers = [
        Layer.file(wrong),
        Layer.file(tmp_path / "none.yaml", required=True),
        Layer("text", "faces: {confirm: x}"),
    ]
    with pytest.raises(ConfigFaults) as raised:
        load(layers, overrides=[Layer.setting("node.id=a/b")], settings=False)
    places = [(fault.layer, fault.line) for fault in raised.value.faults]
    assert places == [(str(wrong), 1), (str(tmp_path / "none.yaml"), None), ("text", None), ("-o node.id=a/b", None)]


def test_a_global_fault_is_told_once_however_many_cameras_take_it_over(tmp_path):
    faults = faults_in(tmp_path, "cameras: {a: {}, b: {}}\nfaces: {min_size: 1px}\nalerts: {x: 3}")
    assert [fault.path for fault in faults] == ["faces.min_size", "alerts.x"]


def test_the_error_lists_all_faults_and_says_not_to_start_again(tmp_path):
    with pytest.raises(ConfigFaults) as raised:
        load_text(tmp_path, "faces: {min_sise: 1, confirm: 31}")
    error = raised.value
    assert isinstance(error, ConfigError)
    assert isinstance(error, EdgeFerError)
    assert error.exit_code == 78
    assert str(error).splitlines() == [
        "the configuration has 2 faults:",
        "  config.yaml:1: faces.confirm: `31` is out of range. Write a number at most 30.",
        "  config.yaml:1: faces.min_sise is not a known setting. Did you mean `min_size`?",
    ]


def test_a_folder_and_an_unreadable_file(tmp_path, monkeypatch):
    with pytest.raises(ConfigFaults, match="is a folder"):
        load([Layer.file(tmp_path)], settings=False)
    with pytest.raises(ConfigFaults, match="cannot be read"):
        load([Layer.file(tmp_path / "a\0b")], settings=False)

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", forbidden)
    faults = Layer.file(tmp_path / "config.yaml").read({}).faults
    assert "cannot be read: Permission denied" in str(faults[0])


def test_files_that_need_not_be_there_need_not_be_there(tmp_path):
    file = tmp_path / "a file"
    file.touch()
    loaded = load([Layer.file(tmp_path / "no.yaml"), Layer.file(file / "no.yaml")], settings=False)
    assert loaded.layers == ("default", "profile counter")


def test_aliases_of_aliases_cannot_exhaust_the_machine(tmp_path):
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = time.perf_counter()
    assert "far too large" in faults_in(tmp_path, "\n".join(lines))[-1].problem
    assert time.perf_counter() - began < 60


def test_passwords_never_show(tmp_path):
    faults = faults_in(tmp_path, "cameras: {a: {source: [rtsp://me:secret@h]}}\nmqtt: {broker: http://me:se/cr@et@h}")
    assert len(faults) == 2
    assert not any("secret" in str(fault) or "cr@et" in str(fault) for fault in faults)


def test_values_out_of_the_environment_never_show(tmp_path):
    text = "profile: ${S}\nnode: {id: 'x/${S}'}\nfaces: {min_size: '${S}', confirm: '${S}'}\nmqtt: {broker: '${S}'}"
    faults = faults_in(tmp_path, text, S="topsecret")
    assert len(faults) == 5
    assert not any("topsecret" in str(fault) or "topsecret" in repr(fault) for fault in faults)
    assert "profile: `${S}` is not one of" in str(faults[0])


def test_long_values_are_cut(tmp_path):
    (fault,) = faults_in(tmp_path, f"profile: {'x' * 500}")
    assert len(str(fault)) < 200


@pytest.mark.parametrize(
    "prefix", ["", "/edge-fer", "edge-fer/", "a//b", "a b", "a/+/b", "a/#", "$SYS", "ä", "a" * 257]
)
def test_a_prefix_that_cannot_begin_a_topic_is_refused(prefix):
    with pytest.raises(ConfigFaults, match=r"mqtt\.topic_prefix"):
        load([Layer.mapping("test", {"mqtt": {"topic_prefix": prefix}})], settings=False)


def test_with_a_prefix_of_its_own_other_topics_are_its_own():
    def config(topic):
        alert = {"when": {"signal": topic, "above": 1}}
        node = {"node": {"id": "n"}, "mqtt": {"topic_prefix": "acme/main"}, "cameras": {"c": {"alerts": {"a": alert}}}}
        return load([Layer.mapping("test", node)], settings=False).config

    assert config("edge-fer/n/health")
    with pytest.raises(ConfigFaults, match=r"cameras\.c\.alerts\.a\.when\.signal.*what this device publishes itself"):
        config("acme/main/n/health")
    with pytest.raises(ConfigFaults, match=r"homeassistant\.prefix.*among our own topics"):
        load(
            [Layer.mapping("test", {"mqtt": {"topic_prefix": "home"}, "homeassistant": {"prefix": "home/ours"}})],
            settings=False,
        )
