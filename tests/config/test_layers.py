from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge_fer.config import BOOT_COPY, BOOT_FILE, SYSTEM_FILE, Config, ConfigFaults, Layer, load, standard_files
from edge_fer.config.sections.conditions import WhenEmotion, WhenMorePeople, WhenSignal
from edge_fer.config.tree import CameraSection
from tests.config.loading import load_layers, load_text

ROOT = Path(__file__).resolve().parents[2]
#: The alerts of two profiles.
COUNTER = ["unhappy-guest", "queue", "bad-quarter", "view-lost"]
WARD = ["distress", "lasting-distress", "no-face", "view-lost"]


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment\n", "---\n", "{}", "null", "faces:\nalerts:\ncameras:\nmqtt:\n"]
)
def test_a_file_that_says_nothing_gives_the_defaults(tmp_path, text):
    loaded = load_text(tmp_path, text)
    assert loaded.config == load(environ={}, settings=False).config


def test_the_defaults():
    config = load(environ={}, settings=False).config
    assert list(config.cameras) == ["camera"]
    assert config.cameras["camera"].source == "auto"
    assert config.cameras["camera"].stall_after == 10.0
    assert config.faces.min_size == 48
    assert config.mqtt.outbox.max_size == 256_000_000
    alert = config.alerts["unhappy-guest"]
    assert (alert.when.emotion, alert.when.score) == (("angry", "disgust", "sad"), 0.65)
    assert (alert.for_, alert.keep_firing_for, alert.cooldown, alert.severity) == (4, 5, 60, "warning")
    assert config.cameras["camera"].alerts == config.alerts


def test_the_ward_profile():
    config = load_layers("profile: ward").config
    assert list(config.alerts) == WARD
    assert (config.alerts["distress"].for_, config.alerts["distress"].severity) == (30, "critical")
    assert config.cameras["camera"].emotion.smoothing.time_constant == 5


def test_the_config_is_frozen():
    with pytest.raises(ValidationError):
        Config().log_level = "debug"  # type: ignore[misc]


def test_the_highest_layer_that_names_a_profile_chooses_it():
    assert list(load_layers("profile: counter", "profile: ward", "faces: {}").config.alerts) == WARD
    overrides = [Layer.setting("profile=counter")]
    config = load([Layer("file", "profile: ward")], overrides=overrides, environ={}, settings=False).config
    assert list(config.alerts) == COUNTER


def test_higher_layers_win_and_maps_merge_by_key():
    low = "faces: {min_size: 64px, confirm: 5}\nmqtt: {outbox: {max_age: 1d}}"
    high = "faces: {confirm: 7}\nmqtt: {outbox: {max_size: 1GB}}"
    config = load_layers(low, high).config
    assert (config.faces.min_size, config.faces.confirm) == (64, 7)
    assert (config.mqtt.outbox.max_age, config.mqtt.outbox.max_size) == (86_400, 10**9)


def test_lists_replace():
    config = load_layers("alerts: {unhappy-guest: {when: {emotion: [fear]}}}").config
    assert config.alerts["unhappy-guest"].when.emotion == ("fear",)
    assert config.alerts["unhappy-guest"].when.score == 0.65


def test_a_when_of_another_kind_replaces_and_one_of_the_same_kind_merges():
    config = load_layers("alerts: {unhappy-guest: {when: {more_people_than: 3}}}").config
    assert config.alerts["unhappy-guest"].when == WhenMorePeople(more_people_than=3)
    assert config.alerts["unhappy-guest"].cooldown == 60
    config = load_layers("alerts: {unhappy-guest: {when: {emotion: [fear], repeated: 5}}}").config
    assert config.alerts["unhappy-guest"].when == WhenEmotion(emotion=("fear",), score=0.65, repeated=5)
    low = "alerts: {a: {when: {signal: x, above: 1}}}"
    (part, _) = (
        load_layers(low, "alerts: {a: {when: {any: [{signal: y, below: 2}, {no_face: true}]}}}")
        .config.alerts["a"]
        .when.any
    )
    assert part == WhenSignal(signal="y", below=2)


def test_repeated_says_how_long_unless_for_does():
    text = "alerts: {a: {when: {emotion: [fear], repeated: 5}%s}}"
    assert load_layers(text % "").config.alerts["a"].for_ == 0
    assert load_layers(text % ", for: 3s").config.alerts["a"].for_ == 3


def test_what_is_about_the_scene_has_its_scope():
    text = "alerts: {a: {when: %s}}"
    assert load_layers(text % "{no_face: true}").config.alerts["a"].scope == "scene"
    assert load_layers(text % "{all: [{no_face: true}, {emotion: [sad]}]}").config.alerts["a"].scope == "person"


def test_a_heading_with_nothing_under_it_says_nothing():
    config = load_layers("faces: {confirm: 7}\nalerts: {a: {when: {emotion: [sad]}}}", "faces:\nalerts:\n  a:\n").config
    assert config.faces.confirm == 7
    assert config.alerts["a"].when.emotion == ("sad",)


def test_null_takes_back_what_a_lower_layer_gave():
    assert load_layers("mqtt: {client_id: a}", "mqtt: {client_id: }").config.mqtt.client_id is None


def test_the_default_camera_goes_once_one_is_named():
    assert list(load_layers("cameras: {front: }").config.cameras) == ["front"]
    assert list(load_layers("cameras: {front: }", "cameras: {back: {fps: 5}}").config.cameras) == ["front", "back"]
    assert load_layers("cameras: {camera: {fps: 5}}").config.cameras["camera"].fps == 5


def test_false_switches_off_and_anything_else_on_again():
    off = "alerts: {unhappy-guest: false}\ncameras: {a: {fps: 3}, b: {}}"
    assert list(load_layers(off).config.alerts) == COUNTER[1:]
    assert load_layers(off, "alerts: {unhappy-guest: true}").config.alerts["unhappy-guest"].for_ == 4
    again = load_layers(off, "alerts: {unhappy-guest: {for: 9s}}").config.alerts["unhappy-guest"]
    assert (again.for_, again.cooldown) == (9, 60)
    assert list(load_layers(off, "cameras: {a: false}").config.cameras) == ["b"]
    assert load_layers(off, "cameras: {a: false}", "cameras: {a: true}").config.cameras["a"].fps == 3
    assert load_layers("cameras: {a: true}").config.cameras["a"] == load_layers("cameras: {a: {}}").config.cameras["a"]


def test_a_zone_is_switched_off_by_name_and_on_again():
    staff = "cameras: {c: {zones: {staff: {polygon: [[0, 0], [1, 0], [1, 1]]}}}}"
    off, on = "cameras: {c: {zones: {staff: false}}}", "cameras: {c: {zones: {staff: true}}}"
    include = "cameras: {c: {zones: {staff: {kind: include}}}}"
    assert load_layers(staff).config.cameras["c"].zones["staff"].kind == "exclude"
    assert load_layers(staff, off).config.cameras["c"].zones == {}
    assert load_layers(staff, off, on).config.cameras["c"].zones == load_layers(staff).config.cameras["c"].zones
    zone = load_layers(staff, include).config.cameras["c"].zones["staff"]
    assert (zone.kind, zone.polygon) == ("include", ((0, 0), (1, 0), (1, 1)))
    assert load_layers("cameras: {c: {zones: }}").config.cameras["c"].zones == {}, "a heading says nothing"


def test_what_is_switched_off_is_not_checked():
    assert load_layers("alerts: {a: {for: 3}}", "alerts: {a: false}").config.alerts.keys() == set(COUNTER)


def test_a_camera_is_filled_from_the_global_sections_and_then_overridden():
    config = load_layers("""
        faces: {min_size: 64px, confirm: 5}
        emotion: {smoothing: {method: mode, readings: 9}}
        alerts: {a: {when: {emotion: [sad]}, for: 3s}, b: {when: {emotion: [fear]}}}
        cameras:
          plain:
          special:
            faces: {min_size: 32px}
            emotion: {smoothing: {readings: 3}}
            alerts: {a: {for: 8s}, b: false, c: {when: {emotion: [happy]}}}
        """).config
    plain, special = config.cameras["plain"], config.cameras["special"]
    assert (plain.faces, plain.emotion, plain.alerts) == (config.faces, config.emotion, config.alerts)
    assert (special.faces.min_size, special.faces.confirm) == (32, 5)
    assert (special.emotion.smoothing.method, special.emotion.smoothing.readings) == ("mode", 3)
    assert list(special.alerts) == [*COUNTER, "a", "c"]
    assert special.alerts["a"].when.emotion == ("sad",)
    assert special.alerts["a"].for_ == 8


def test_an_alert_off_everywhere_may_be_on_for_one_camera():
    text = "alerts: {unhappy-guest: false}\ncameras: {a: {alerts: {unhappy-guest: %s}}, b: {}}"
    for on in ("true", "{}", "{for: 2s}"):
        config = load_layers(text % on).config
        assert (set(config.cameras["a"].alerts), list(config.cameras["b"].alerts)) == (set(COUNTER), COUNTER[1:])
    assert load_layers(text % "{for: 2s}").config.cameras["a"].alerts["unhappy-guest"].for_ == 2
    assert load_layers(text % "false").config.cameras["a"].alerts.keys() == set(COUNTER[1:])


def test_an_overridden_camera_keeps_its_overrides_when_the_global_section_changes_higher_up():
    config = load_layers("cameras: {a: {faces: {confirm: 9}}}", "faces: {confirm: 2, min_size: 99px}").config
    assert (config.cameras["a"].faces.confirm, config.cameras["a"].faces.min_size) == (9, 99)


@pytest.mark.parametrize("labels", ["five", "four", "three"])
def test_a_profiles_alerts_adapt_to_the_label_set(labels):
    config = load_layers(f"emotion: {{labels: {labels}}}").config
    assert config.alerts["unhappy-guest"].when.emotion == ("angry", "sad")
    config = load_layers(f"cameras: {{a: {{emotion: {{labels: {labels}}}}}, b: {{}}}}").config
    assert config.cameras["a"].alerts["unhappy-guest"].when.emotion == ("angry", "sad")
    assert config.cameras["b"].alerts["unhappy-guest"].when.emotion == ("angry", "disgust", "sad")
    assert load_layers(f"profile: ward\nemotion: {{labels: {labels}}}").config.alerts["distress"].when.emotion == (
        "sad",
        "angry",
    )


def test_the_state_folder_is_systemds_else_that_of_services_else_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    assert Config().state_dir == Path("/var/lib/one")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    assert Config().state_dir == Path("/var/lib/edge-fer")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Config().state_dir == tmp_path / "edge-fer"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/pi")
    assert Config().state_dir == Path("/home/pi/.local/state/edge-fer")


def test_variables_are_filled_in_and_can_be_escaped(tmp_path):
    text = "node: {site: 'a ${X} b $${X} $X'}\nfaces:\n  confirm: ${N}\nmqtt:\n  keepalive: ${T}"
    config = load_text(tmp_path, text, X="12", N="4", T="1m").config
    assert config.node.site == "a 12 b ${X} $X"
    assert (config.faces.confirm, config.mqtt.keepalive) == (4, 60)
    assert load_text(tmp_path, "node:\n  site: ${X}", X="").config.node.site == ""
    assert load_text(tmp_path, "node:\n  site: ${X}", X="${Y}").config.node.site == "${Y}"


def test_the_process_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("EDGE_FER_TEST_SITE", "here")
    assert load([Layer("x", "node: {site: '${EDGE_FER_TEST_SITE}'}")], settings=False).config.node.site == "here"


def test_aliases_stand_for_what_they_name(tmp_path):
    text = "cameras:\n  a: &a {fps: 3, faces: {confirm: 4}}\n  b: *a\n"
    config = load_text(tmp_path, text).config
    assert config.cameras["b"] == config.cameras["a"]


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbffaces: {confirm: 4}", b"faces:\r\n  confirm: 4\r\n", b"faces: {confirm: 04}"]
)
def test_what_editors_and_people_do_to_files(tmp_path, data):
    assert load_text(tmp_path, data).config.faces.confirm == 4


def test_words_are_words():
    config = load_layers("cameras: {on: {}, off: {}, 1: {}}\nnode: {site: no}").config
    assert list(config.cameras) == ["on", "off", "1"]
    assert config.node.site == "no"


def test_layers_made_by_the_program_say_what_they_say():
    values = {
        "node": {"site": "${HOME} ü \N{GRINNING FACE}"},
        "cameras": {"a": {"loop": True}},
        "mqtt": {"client_id": None},
    }
    config = load([Layer.mapping("demo", values)], environ={}, settings=False).config
    assert config.node.site == "${HOME} ü \N{GRINNING FACE}"
    assert config.cameras["a"].loop


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("faces.min_size=64px", 64),
        ("faces.min_size = 64px", 64),
        ("faces={min_size: 64px}", 64),
        ("faces.min_size=0x", None),
    ],
)
def test_settings_on_the_command_line(setting, value):
    try:
        assert load(overrides=[Layer.setting(setting)], environ={}, settings=False).config.faces.min_size == value
    except ConfigFaults as error:
        (fault,) = error.faults
        assert value is None
        assert (fault.layer, fault.path) == (f"-o {setting}", "faces.min_size")


def test_settings_on_the_command_line_name_entries_too():
    overrides = [Layer.setting("alerts.unhappy-guest=false"), Layer.setting("cameras.a.source=clip.mp4")]
    config = load(overrides=overrides, environ={}, settings=False).config
    assert list(config.alerts) == COUNTER[1:]
    assert config.cameras["a"].source == "clip.mp4"


@pytest.mark.parametrize("text", ["faces.min_size", "", "=3", "faces.=3", ".=3"])
def test_what_is_no_setting_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"write `key.path=value`, for example `faces.min_size=64px`"):
        Layer.setting(text)


def test_settings_made_over_mqtt_are_above_files_and_below_the_command_line(tmp_path):
    (tmp_path / "settings.yaml").write_text("faces: {confirm: 8, min_size: 80px}", encoding="utf-8")
    layers = [Layer.mapping("file", {"state_dir": str(tmp_path), "faces": {"confirm": 4}})]
    loaded = load(layers, overrides=[Layer.setting("faces.min_size=99px")], environ={})
    assert (loaded.config.faces.confirm, loaded.config.faces.min_size) == (8, 99)
    assert loaded.layers == (
        "default",
        "profile counter",
        "file",
        str(tmp_path / "settings.yaml"),
        "-o faces.min_size=99px",
    )
    assert load(layers, environ={}, settings=False).config.faces.confirm == 4


def test_a_wrong_state_dir_is_one_fault():
    with pytest.raises(ConfigFaults) as raised:
        load([Layer("file", "state_dir: [a]")], environ={})
    assert [fault.path for fault in raised.value.faults] == ["state_dir"]


def test_the_standard_files(tmp_path):
    # what was taken over is read, and what people wrote is named
    assert standard_files()[1].name == str(BOOT_FILE)
    assert [(layer.content, layer.required) for layer in standard_files()] == [(SYSTEM_FILE, False), (BOOT_COPY, False)]
    mine = tmp_path / "mine.yaml"
    assert [(layer.content, layer.required) for layer in standard_files(mine)] == [(mine, True), (BOOT_COPY, False)]


def test_the_node_is_called_after_host_and_machine(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "café.lan")
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: "1a2b3c4d\n")
    assert Config().node.id == "caf--lan-1a2b"

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.read_text", missing)
    monkeypatch.setattr("socket.gethostname", lambda: "!")
    assert Config().node.id == "edge-fer"


def test_python_code_may_build_a_part_from_plain_numbers():
    assert CameraSection(stall_after=5.0, size=(640, 480)).stall_after == 5.0


HEADINGS = "node:\n  #id: a\ncameras:\n  #camera:\nfaces:\n  #min_size: 48px\n  quality:\n    #min_sharpness: 0.02\n"


@pytest.mark.parametrize("after", [True, False])
def test_a_heading_with_nothing_under_it_leaves_room_for_another_of_the_same_name(tmp_path, after):
    own = "node: {id: counter-1}\ncameras: {front: {source: sample}}\nfaces: {min_size: 64px}\n"
    file = tmp_path / "config.yaml"
    file.write_text(HEADINGS + own if after else own + HEADINGS)
    config = load([Layer.file(file, required=True)], settings=False).config
    assert (config.node.id, list(config.cameras), config.faces.min_size) == ("counter-1", ["front"], 64)


def test_two_that_say_something_are_a_fault(tmp_path):
    with pytest.raises(ConfigFaults, match="node is given twice, first in line 1"):
        load_text(tmp_path, "node: {id: a}\nfaces:\nnode: {id: b}\n")


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_what_the_pages_show_can_be_added_to_the_installed_file(tmp_path, page):
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        file = tmp_path / "config.yaml"
        file.write_text((ROOT / "deploy" / "config.yaml").read_text() + block)
        load([Layer.file(file, required=True)], settings=False)
