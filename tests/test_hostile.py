"""Text, files, streams and places that are not as they should be: told in a line, and nothing hangs."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import shutil
import struct
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_fer.cli import __file__ as commands
from edge_fer.clock.zone import local_zone
from edge_fer.config import ConfigFaults, Layer, load
from edge_fer.errors import PictureError
from edge_fer.log import set_up_log
from edge_fer.pictures.records import CsvRecords
from edge_fer.support.harmless import harmless, harmless_cell, harmless_json
from edge_fer.support.keeping import Keeper
from tests.broker import Mosquitto, Subscriber
from tests.daemon import COMMAND, Daemon, edge_fer

ATTACK = "x\n2026-01-01 00:00:00,000 ERROR forged\x1b[2J\x9b1m\r\u202egnp"


def test_text_of_others_is_one_harmless_line():
    assert harmless(ATTACK).isprintable()
    assert harmless("Küche → 3 °C") == "Küche → 3 °C"
    assert harmless(os.fsdecode(b"a\xff.mp4")) == "a\\xff.mp4"
    assert json.loads(harmless_json({"a": ATTACK})) == {"a": ATTACK}
    assert "\x9b" not in harmless_json({"a": ATTACK})
    assert "\u202e" not in harmless_json({"a": ATTACK})


def test_commands_print_in_one_place_alone():
    files = [file for file in Path(commands).parent.glob("*.py") if file.name != "_say.py"]
    assert len(files) > 20
    assert [file.name for file in files if " print(" in file.read_text(encoding="utf-8")] == []


def test_what_came_over_mqtt_begins_no_line_of_the_log_and_who_asked_is_told(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        config = {"cameras": {"good": {"source": "sample", "loop": True}}, "mqtt": {"broker": broker.url}}
        config |= {"commands": "on", "log_level": "warning", "faces": {"detector": "haar"}}
        with Daemon(tmp_path, config) as daemon:
            seen.wait_for(lambda message: message.topic.endswith("/health"))
            ask = "edge-fer/test/command/"
            broker.publish(ask + "acknowledge", json.dumps({"id": "a", "alert_id": ATTACK}))
            broker.publish(ask + "x\u202egnp", json.dumps({"id": "b"}))
            broker.publish(ask + "pause", json.dumps({"id": "7f3a", "camera": "good"}))
            daemon.wait_for("command pause")
            broker.publish(ask + "set", json.dumps({"id": "7f3b", "key": "faces.min_size", "value": "80px"}))
            daemon.wait_for("command set")
            text = daemon.output
    assert not any(sign in text for sign in "\x1b\x9b\r\u202e")
    assert "\n2026-01-01" not in text
    assert "request 7f3a over MQTT, done" in text
    (line,) = [line for line in text.splitlines() if "command set" in line]
    assert all(word in line for word in ("7f3b", "faces.min_size", "48px", "80px"))


def test_a_traceback_is_indented_and_its_text_harmless(capsys):
    set_up_log("warning")
    try:
        raise ValueError(ATTACK)  # noqa: TRY301
    except ValueError:
        logging.getLogger("edge_fer.test").exception("it is %s, at rtsp://joe:s3cret@h/x", ATTACK)
    err = capsys.readouterr().err
    assert all(line.startswith("  ") for line in err.splitlines()[1:])
    assert "\x1b" not in err
    assert "s3cret" not in err


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|x", "'+cmd|x"),
        ("-a", "'-a"),
        ("-0.5", "-0.5"),
        ("+1e3", "+1e3"),
    ],
)
def test_no_cell_is_a_formula(cell, safe):
    out = io.StringIO()
    records = CsvRecords(out, ["happy"])
    records.failed(cell, PictureError("x"))
    assert harmless_cell(cell) == safe
    assert next(csv.DictReader(io.StringIO(out.getvalue())))["file"] == safe


@pytest.mark.parametrize(
    "arguments",
    [
        "config default",
        "config schema",
        "config explain",
        "config check",
        "predict --json sample",
        "predict --csv sample",
        "discovery show",
        "models list",
        "version",
        "--help",
    ],
)
@pytest.mark.parametrize(
    ("redirection", "reason"), [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_standard_output_that_cannot_be_written_is_told_in_a_line(tmp_path, arguments, redirection, reason):
    line = f'exec "$@" {redirection}'
    command = ["sh", "-c", line, "sh", *COMMAND, *arguments.split()]
    if arguments.split()[0] not in {"version", "--help"} and arguments not in {"config default", "config schema"}:
        command += ["-o", f"state_dir={tmp_path}", "-o", "faces.detector=haar"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == f"edge-fer: standard output cannot be written: {reason}"
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_holds_nobody_up(tmp_path, kind):
    def make(name: str) -> Path:
        path = tmp_path / name
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to("/dev/zero")
        return path

    for arguments in (
        ["config", "check", "--config", str(make("config.yaml"))],
        ["replay", str(make("trace.jsonl"))],
        ["analyze", str(make("clip.mp4"))],
        ["predict", "-o", f"emotion.model={make('m.tflite')}", "sample"],
        ["bench", "--source", str(make("other.mp4")), "--frames", "1"],
        ["try-faces", "--source", str(make("faces.mp4"))],
    ):
        ended = edge_fer(*arguments, timeout=60)
        assert ended.returncode in {1, 78}, arguments
        assert "Traceback" not in ended.stderr
    state = make("alerts.json")
    keeper = Keeper(tmp_path)
    keeper.keep(state.name, "x", snapshot=lambda: 1, restore=lambda _: pytest.fail("nothing is there"))
    keeper.start()
    keeper.close()


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"v":1,"kept":{"x":' + "[" * 200_000, '{"v": 1, "kept": {"x": [[1]]}}', "\xff"]
)
def test_a_file_of_state_may_hold_anything(tmp_path, caplog, text):
    (tmp_path / "sums.json").write_text(text, encoding="latin-1")
    keeper = Keeper(tmp_path)
    keeper.keep("sums.json", "x", snapshot=lambda: 1, restore=lambda kept: kept["no"])
    keeper.start()
    keeper.close()
    assert "starts anew" in caplog.text
    assert json.loads((tmp_path / "sums.json").read_text()) == {"v": 1, "kept": {"x": 1}}


def test_a_trace_that_is_nested_too_deeply_is_told(tmp_path):
    (tmp_path / "trace.jsonl").write_text("[" * 200_000 + "\n")
    ended = edge_fer("replay", str(tmp_path / "trace.jsonl"))
    assert ended.returncode == 1
    assert "is no trace" in ended.stderr


def test_a_system_without_time_zones_is_told(tmp_path):
    ended = edge_fer(
        "config", "check", "-o", "node.timezone=Europe/Berlin", env=os.environ | {"PYTHONTZPATH": str(tmp_path)}
    )
    if ended.returncode == 0:
        pytest.skip("the Python package tzdata is installed")
    assert ended.returncode == 78
    assert "the system has no time zone database. Install tzdata" in ended.stderr


def test_a_time_zone_that_there_is_none_of_is_told():
    with pytest.raises(ConfigFaults, match="is not a timezone"):
        load([Layer.setting("node.timezone=Europe/Berlinn")], settings=False)


@pytest.mark.parametrize(
    ("given", "summer", "winter"),
    [
        ("Europe/Berlin", 2, 1),
        (":Europe/Berlin", 2, 1),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 2, 1),
        ("<+03>-3", 3, 3),
        ("/usr/share/zoneinfo/Asia/Tokyo", 9, 9),
        ("", 0, 0),
        ("nonsense", 0, 0),
        ("../../../etc/passwd", 0, 0),
    ],
)
def test_the_environment_may_say_where_we_are(tmp_path, given, summer, winter):
    zone = local_zone(None, tmp_path / "none", {"TZ": given})
    offsets = [datetime(2026, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() for month in (7, 12)]
    assert [offset.total_seconds() / 3600 for offset in offsets if offset is not None] == [summer, winter]


#: A time zone file (RFC 8536) of a zone that is always two hours ahead of UTC.
TWO_HOURS = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb4s", 7200, 0, 0, b"TWO\0")
TWO_HOURS = TWO_HOURS * 2 + b"\nTWO-2\n"


@pytest.mark.parametrize(("link", "name"), [(True, "Europe/Berlin"), (False, "localtime")])
def test_the_systems_zone_has_its_own_name_where_it_is_a_link(tmp_path, link, name):
    place, file = tmp_path / "zoneinfo/Europe/Berlin", tmp_path / "localtime"
    place.parent.mkdir(parents=True)
    place.write_bytes(TWO_HOURS)
    file.symlink_to(place) if link else shutil.copy(place, file)
    zone = local_zone(None, file, {})
    assert str(zone) == name
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)


def test_a_named_zone_comes_before_the_environment():
    assert str(local_zone("Asia/Tokyo", environ={"TZ": "Europe/Berlin"})) == "Asia/Tokyo"
