"""Every kind of fault: its line, key path, value and remedy."""

from __future__ import annotations

import textwrap
import time

import pytest

from edge_fer.config import ConfigFaults, Layer, load
from edge_fer.errors import ConfigError, EdgeFerError
from tests.config.loading import FILE, faults_in, load_text

#: What was written; then the fault's line, path and value, and parts of the problem and the remedy.
FAULTS = {
    "unknown key": (
        "faces:\n  min_sise: 48px",
        2,
        "faces.min_sise",
        None,
        "no key of ours",
        "Did you mean `min_size`?",
    ),
    "unknown section": ("camera: {}", 1, "camera", None, "no key of ours", "Did you mean `cameras`?"),
    "key of another section": ("min_size: 48px", 1, "min_size", None, "no key of ours", "It belongs under `faces`"),
    "unlike any key": ("zzz: 1", 1, "zzz", None, "no key of ours", "Choose from profile, node, cameras"),
    "python's name of a key": (
        "alerts: {unhappy-guest: {for_: 3s}}",
        1,
        "alerts.unhappy-guest.for_",
        None,
        "no key of ours",
        "Did you mean `for`?",
    ),
    "no unit": ("faces: {min_size: 48}", 1, "faces.min_size", "48", "has no unit", "for example `48px`"),
    "wrong unit": ("mqtt: {keepalive: 30px}", 1, "mqtt.keepalive", "30px", "is not a duration", "ms, s, m, h, d"),
    "sexagesimal": ("mqtt: {keepalive: 1:30}", 1, "mqtt.keepalive", "1:30", "is not a duration", "Write `90s`"),
    "quantity out of range": (
        "cameras: {c: {stall_after: 0}}",
        1,
        "cameras.c.stall_after",
        "0",
        "out of range, which is 1s to 10m",
        "for example `5s`",
    ),
    "fraction out of range": (
        "emotion:\n\n  min_confidence: 45",
        3,
        "emotion.min_confidence",
        "45",
        "out of range, which is 0 to 1",
        "for example `0.6`",
    ),
    "number out of range": ("faces: {confirm: 0}", 1, "faces.confirm", "0", "out of range", "at least 1"),
    "number too small": ("cameras: {c: {fps: 0}}", 1, "cameras.c.fps", "0", "out of range", "above 0"),
    "word for a source": (
        "cameras:\n  c: {source: webcam}",
        2,
        "cameras.c.source",
        "webcam",
        "is nothing that is known",
        "Write picamera2, /dev/video0",
    ),
    "nearly a source": (
        "cameras: {c: {source: picamera}}",
        1,
        "cameras.c.source",
        "picamera",
        "is nothing that is known",
        "Write picamera2",
    ),
    "address that is not read": (
        "cameras: {c: {source: 'udp://192.0.2.1:1234'}}",
        1,
        "cameras.c.source",
        "udp://192.0.2.1:1234",
        "an address of a kind that is not read",
        "begins with rtsp, rtsps, http, https",
    ),
    "picture for a source": (
        "cameras: {c: {source: holiday/beach.jpg}}",
        1,
        "cameras.c.source",
        "holiday/beach.jpg",
        "is one picture",
        "Name the folder",
    ),
    "no focus": ("cameras: {c: {focus: near}}", 1, "cameras.c.focus", "near", "is no focus", "`0.5` for 2 metres"),
    "focus too near": ("cameras: {c: {focus: 50}}", 1, "cameras.c.focus", "50", "0 to 32 dioptres", "Write auto"),
    "switch for a focus": ("cameras: {c: {focus: true}}", 1, "cameras.c.focus", "true", "is no focus", "Write auto"),
    "not whole": ("faces: {confirm: 2.5}", 1, "faces.confirm", "2.5", "not a whole number", "for example `3`"),
    "switch for a number": ("faces: {confirm: true}", 1, "faces.confirm", "true", "not a whole number", "`3`"),
    "text for a number": ("cameras: {c: {fps: '10'}}", 1, "cameras.c.fps", "10", "not a number", "`10`"),
    "number for text": ("node: {site: 12}", 1, "node.site", "12", "is not text", '`"12"`'),
    "list for text": ("node: {site: [a]}", 1, "node.site", "[a]", "not a single text", "on the same line"),
    "number for a path": ("state_dir: 1", 1, "state_dir", "1", "is not text", '`"1"`'),
    "yaml 1.1 switch": (
        "cameras: {c: {loop: on}}",
        1,
        "cameras.c.loop",
        "on",
        "neither true nor false",
        "Write `true`",
    ),
    "number for a switch": (
        "cameras: {c: {loop: 1}}",
        1,
        "cameras.c.loop",
        "1",
        "neither true nor false",
        "or `false`",
    ),
    "near a choice": ("profile: wards", 1, "profile", "wards", "not one of counter, ward", "Did you mean `ward`?"),
    "no choice": (
        "cameras: {c: {rotate: 45}}",
        1,
        "cameras.c.rotate",
        "45",
        "not one of 0, 90, 180, 270",
        "one of these",
    ),
    "switch for a choice": ("cameras: {c: {rotate: false}}", 1, "cameras.c.rotate", "false", "not one of 0", "one of"),
    "choice in quotes": ("cameras: {c: {rotate: '90'}}", 1, "cameras.c.rotate", "90", "text in quotes", "quotes away"),
    "heading without a value": ("faces:\n  confirm:", 2, "faces.confirm", "null", "has no value", "take the line out"),
    "unit without a value": ("faces:\n  min_size:", 2, "faces.min_size", "null", "has no value", "take the line out"),
    "camera without its name": (
        "cameras:\n  source: /dev/video0",
        2,
        "cameras.source",
        "/dev/video0",
        "stands where the name of the camera belongs",
        "cameras: {front: {source: /dev/video0}}",
    ),
    "value for a section": ("node: counter", 1, "node", "counter", "is not a section", "id, site"),
    "list for a map by name": ("cameras: [front]", 1, "cameras", "[front]", "not a map by name", "a colon"),
    "value for a list": ("cameras: {c: {size: 640x480}}", 1, "cameras.c.size", "640x480", "not a list", "[1280, 720]"),
    "short list": ("cameras: {c: {size: [640]}}", 1, "cameras.c.size[1]", None, "is missing", "[1280, 720]"),
    "long list": (
        "cameras: {c: {size: [640, 480, 3]}}",
        1,
        "cameras.c.size",
        "[640, 480, 3]",
        "too many",
        "[1280, 720]",
    ),
    "in a list": ("cameras: {c: {size: [640, 4]}}", 1, "cameras.c.size[1]", "4", "out of range", "at least 64"),
    "empty list": (
        "alerts: {a: {when: {emotion: []}}}",
        1,
        "alerts.a.when.emotion",
        "[]",
        "is empty",
        "[angry, sad]",
    ),
    "emotion unknown": (
        "alerts:\n  a:\n    when:\n      emotion:\n        - sad\n        - hapy",
        6,
        "alerts.a.when.emotion[1]",
        "hapy",
        "not one of angry",
        "Did you mean `happy`?",
    ),
    "emotion twice": (
        "alerts: {a: {when: {emotion: [sad, happy, sad]}}}",
        1,
        "alerts.a.when.emotion[2]",
        "sad",
        "in the list twice",
        "once",
    ),
    "emotion of another label set": (
        "emotion: {labels: three}\nalerts: {a: {when: {emotion: [sad, fear]}}}",
        2,
        "alerts.a.when.emotion[1]",
        "fear",
        "not in the label set `three`",
        "Choose from angry, happy, sad",
    ),
    "zone of two corners": (
        "cameras: {c: {zones: {z: {polygon: [[0, 0], [1, 1]]}}}}",
        1,
        "cameras.c.zones.z.polygon",
        "[[0, 0], [1, 1]]",
        "too few corners",
        "from 3 to 100",
    ),
    "zone beyond the picture": (
        "cameras: {c: {zones: {z: {polygon: [[0, 0], [1.5, 1], [0, 1]]}}}}",
        1,
        "cameras.c.zones.z.polygon[1][0]",
        "1.5",
        "out of range, which is 0 to 1",
        "a fraction of 1",
    ),
    "zone that crosses itself": (
        "cameras: {c: {zones: {z: {polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]}}}}",
        1,
        "cameras.c.zones.z.polygon",
        "[[0, 0], [1, 1], [1, 0], [0, 1]]",
        "between its corners 1 and 3",
        "in order around",
    ),
    "zone that touches itself": (
        "cameras: {c: {zones: {z: {polygon: [[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]]}}}}",
        1,
        "cameras.c.zones.z.polygon",
        "[[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]]",
        "crosses or touches itself",
        "in order around",
    ),
    "zone without an inside": (
        "cameras: {c: {zones: {z: {polygon: [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]}}}}",
        1,
        "cameras.c.zones.z.polygon",
        "[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]",
        "crosses or touches itself",
        "in order around",
    ),
    "zone closed by hand": (
        "cameras:\n  c:\n    zones:\n      z: {polygon: [[0, 0], [1, 0], [1, 1], [0, 0]]}",
        4,
        "cameras.c.zones.z.polygon[0]",
        "[0, 0]",
        "same as the corner before",
        "closes by itself",
    ),
    "zone without corners": (
        "cameras:\n  c:\n    zones:\n      z: {}",
        4,
        "cameras.c.zones.z.polygon",
        None,
        "missing",
        "[0.4, 0]",
    ),
    "zone switched off in vain": (
        "cameras: {c: {zones: {staf: false, staff: {polygon: [[0, 0], [1, 0], [1, 1]]}}}}",
        1,
        "cameras.c.zones.staf",
        "false",
        "switches off what does not exist",
        "staff",
    ),
    "required key": ("alerts:\n  a:\n    for: 3s", 2, "alerts.a.when", None, "is missing", "emotion: [angry, sad]"),
    "required key of a kind": (
        "alerts: {a: {when: {score: 0.7}}}",
        1,
        "alerts.a.when.emotion",
        None,
        "is missing",
        "[angry, sad]",
    ),
    "kind unknown": (
        "alerts: {a: {when: {emotoin: [sad]}}}",
        1,
        "alerts.a.when.emotoin",
        "[sad]",
        "is no key of ours",
        "Did you mean `emotion`?",
    ),
    "key of another kind": (
        "alerts: {a: {when: {no_face: true, share: 0.4}}}",
        1,
        "alerts.a.when.share",
        None,
        "is no key of ours",
        "Choose from no_face",
    ),
    "two kinds": (
        "alerts: {a: {when: {emotion: [sad], no_face: true}}}",
        1,
        "alerts.a.when.no_face",
        "true",
        "does not go together with `emotion`",
        "`all` or `any`",
    ),
    "no kind": ("alerts: {a: {when: {}}}", 1, "alerts.a.when", "{}", "names nothing to watch for", "emotion, crowd"),
    "when that is text": ("alerts: {a: {when: angry}}", 1, "alerts.a.when", "angry", "is not a section", "{emotion:"),
    "kind switched off": (
        "alerts: {a: {when: {no_face: false}}}",
        1,
        "alerts.a.when.no_face",
        "false",
        "watches for nothing",
        "`true`",
    ),
    "fault in a list of conditions": (
        "alerts: {a: {when: {all: [{no_face: true}, {emotion: [sad, hapy]}]}}}",
        1,
        "alerts.a.when.all[1].emotion[1]",
        "hapy",
        "not one of angry",
        "Did you mean `happy`?",
    ),
    "list in a list": (
        "alerts: {a: {when: {all: [{no_face: true}, {any: [{no_face: true}, {view: [dark]}]}]}}}",
        1,
        "alerts.a.when.all[1].any",
        "[{no_face: true}, {view: [dark]}]",
        "cannot stand in such a list",
        "plain conditions",
    ),
    "list of one": (
        "alerts: {a: {when: {any: [{no_face: true}]}}}",
        1,
        "alerts.a.when.any",
        "[{no_face: true}]",
        "two or more",
        "2 to",
    ),
    "topic with a wildcard": (
        "alerts: {a: {when: {signal: ward/+/pulse, above: 1}}}",
        1,
        "alerts.a.when.signal",
        "ward/+/pulse",
        "has a wildcard",
        "one topic",
    ),
    "topic that is none": (
        "alerts: {a: {when: {signal: $SYS/load, above: 1}}}",
        1,
        "alerts.a.when.signal",
        "$SYS/load",
        "no topic to subscribe to",
        "level/level",
    ),
    "topic of our own": (
        "node: {id: me}\nalerts: {a: {when: {any: [{no_face: true}, {signal: edge-fer/me/health, above: 1}]}}}",
        2,
        "alerts.a.when.any[1].signal",
        "edge-fer/me/health",
        "publishes itself",
        "another device",
    ),
    "path that is none": (
        "alerts: {a: {when: {signal: a, path: '$..x', above: 1}}}",
        1,
        "alerts.a.when.path",
        "$..x",
        "is not a path",
        "$.vitals[0]",
    ),
    "no threshold": (
        "alerts: {a: {when: {signal: a}}}",
        1,
        "alerts.a.when.below",
        None,
        "is missing, and so is `above`",
        "above: 120",
    ),
    "two thresholds": (
        "alerts: {a: {when: {signal: a, above: 1, below: 0}}}",
        1,
        "alerts.a.when.below",
        "0",
        "and so is `above`",
        "Keep one",
    ),
    "hours that are none": (
        "alerts: {unhappy-guest: {schedule: [mon-fri 8:00-18:00]}}",
        1,
        "alerts.unhappy-guest.schedule[0]",
        "mon-fri 8:00-18:00",
        "is not hours",
        "two digits",
    ),
    "day that is none": (
        "alerts: {unhappy-guest: {schedule: [mo 08:00-18:00]}}",
        1,
        "alerts.unhappy-guest.schedule[0]",
        "mo 08:00-18:00",
        "names no day with `mo`",
        "Did you mean `mon`?",
    ),
    "no time at all": (
        "alerts: {unhappy-guest: {schedule: ['08:00-08:00']}}",
        1,
        "alerts.unhappy-guest.schedule[0]",
        "08:00-08:00",
        "no time at all",
        "00:00-24:00",
    ),
    "silenced by a word": (
        "alerts: {unhappy-guest: {silenced: tomorrow}}",
        1,
        "alerts.unhappy-guest.silenced",
        "tomorrow",
        "neither a switch nor a time",
        "2026-12-24T18:00",
    ),
    "timezone": (
        "node: {timezone: Europe/Berln}",
        1,
        "node.timezone",
        "Europe/Berln",
        "is not a timezone",
        "Did you mean `Europe/Berlin`?",
    ),
    "bad name": ("cameras:\n  'a b': {}", 2, "cameras.a b", None, "is not a name", "letters, digits"),
    "bad node name": ("node: {id: a/b}", 1, "node.id", "a/b", "is not a name", "letters, digits"),
    "switched off in vain": (
        "alerts:\n  unhapy-guest: false",
        2,
        "alerts.unhapy-guest",
        "false",
        "switches off what does not exist",
        "Did you mean `unhappy-guest`?",
    ),
    "camera switched off in vain": (
        "cameras:\n  a: {}\n  b: false",
        3,
        "cameras.b",
        "false",
        "not exist",
        "the line out",
    ),
    "password in the address": (
        "mqtt:\n  broker: mqtt://me:secret@host",
        2,
        "mqtt.broker",
        "mqtt://me:secret@host",
        "holds a password",
        "`password_file`",
    ),
    "no broker address": ("mqtt: {broker: host}", 1, "mqtt.broker", "host", "does not begin", "`embedded`"),
    "no host": ("mqtt: {broker: 'mqtt://'}", 1, "mqtt.broker", "mqtt://", "names no host", "mqtt://192.0.2.10:1883"),
    "bad port": ("mqtt: {broker: mqtt://h:99999}", 1, "mqtt.broker", "mqtt://h:99999", "not an address", "192.0.2.10"),
    "more than an address": (
        "mqtt: {broker: mqtt://h/topic}",
        1,
        "mqtt.broker",
        "mqtt://h/topic",
        "has more to it",
        "",
    ),
    "password without a user": (
        "mqtt: {broker: mqtts://h, password_file: /x}",
        1,
        "mqtt.password_file",
        "/x",
        "names no user",
        "mqtts://user@host",
    ),
    "password in the clear": (
        "mqtt: {broker: mqtt://me@h, password_file: /x}",
        1,
        "mqtt.password_file",
        "/x",
        "over an unencrypted link",
        "`allow_insecure: true`",
    ),
    "certificate in the clear": (
        "mqtt: {broker: mqtt://h, ca_file: /x}",
        1,
        "mqtt.ca_file",
        "/x",
        "of no use on an unencrypted link",
        "`mqtts://`",
    ),
    "certificate without key": (
        "\nmqtt:\n  broker: mqtts://h\n  cert_file: /x",
        2,
        "mqtt.key_file",
        None,
        "is missing, but `cert_file` is given",
        "private key",
    ),
    "key without certificate": (
        "mqtt: {broker: mqtts://h, key_file: /x}",
        1,
        "mqtt.key_file",
        "/x",
        "`cert_file` is not",
        "certificate",
    ),
    "variable not set": (
        "\nnode: {site: 'a ${NOPE}'}",
        2,
        "node.site",
        None,
        "variable NOPE, which is not set",
        "Set NOPE",
    ),
    "no variable": ("node: {site: '${a b}'}", 1, "node.site", None, "names no variable", "`$${`"),
    "key twice": (
        "faces:\n  confirm: 2\n  confirm: 3",
        3,
        "faces.confirm",
        None,
        "twice, first in line 2",
        "one of the",
    ),
    "tag": ("node: !!python/object:os.system {}", 1, "node", None, "has a tag", "Take the tag out"),
    "key that is a list": ("[a]: 1", 1, "", None, "not a plain word", "plain words"),
    "undefined alias": ("node: *a", 1, "node", None, "undefined alias, *a", "`&`"),
    "control character": (r'node: {site: "a\0"}', 1, "node.site", None, "control characters", "plain text"),
    "second document": ("---\nnode: {}\n---\nnode: {}", 3, "", None, "second document", "`---`"),
    "tab": ("faces:\n\tconfirm: 2", 2, "", None, "not YAML", "Indent with spaces"),
    "colon in a value": ("node: a: b", 1, "", None, "not YAML", "with quotes if the value holds"),
    "no colon": ("faces:\n  confirm 2\n  min_size: 2px", 3, "", None, "not YAML", "`key: value`"),
    "open bracket": ("node: {id: a", 1, "", None, "not YAML", "bracket"),
    "open quote": ("node: {id: 'a", 1, "", None, "not YAML", "Close every quote"),
    "indentation": ("node:\n  id: a\n site: b", 3, "", None, "not YAML", "indentation"),
    "list of settings": ("- a\n- b", 1, "", None, "not a config", "`key: value`"),
    "text alone": ("hello", 1, "", None, "not a config", "`key: value`"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff\xfe", 1, "", None, "not UTF-8", "UTF-8"),
    "nul": (b"node: {}\n\x00", 2, "", None, "a character that text does not have", "UTF-8"),
    "utf-16": ("node: {}".encode("utf-16"), None, "", None, "UTF-16", "UTF-8"),
    "too large": ("# " + "x" * 300_000, None, "", None, "far too large", "256 KiB"),
    "too deep": ("node: " + "[" * 5000, 1, "", None, "nested too deeply", "20 levels"),
    "too many": ("a: [" + "1," * 20_000 + "]", 1, "", None, "far too large", "entries"),
}


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
        "  config.yaml:1: faces.min_sise is no key of ours. Did you mean `min_size`?",
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
