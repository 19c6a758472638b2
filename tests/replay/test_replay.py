"""Replaying traces: each profile's own against its stored outcome, configs side by side, pictures, wrong ones."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import datetime

import cv2
import pytest

from edge_fer.recordings.trace.reader import TraceReader
from edge_fer.recordings.trace.writer import TraceWriter
from edge_fer.types import LABEL_SETS, View
from tests.daemon import edge_fer
from tests.invented import at, reading
from tests.traces.make import FOLDER, PLACE, outcome, profiles

WARD = FOLDER / "ward.jsonl.gz"


@pytest.mark.parametrize("profile", profiles())
def test_a_profile_makes_of_its_trace_what_it_always_did(profile):
    stored = json.loads((FOLDER / f"{profile}.json").read_text())
    assert outcome(profile) == stored, "if this is meant: make outcomes, and look at the difference"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl.gz")), ids=lambda path: path.name)
def test_the_traces_can_be_read(path):
    with TraceReader(path) as trace:
        assert sum(len(step.readings or ()) for step in trace) > 400
        assert not trace.cut_off


def test_readings_stand_where_nothing_changed_and_the_view_is_judged(tmp_path):
    """As in the daemon: an alert whose `for` ends while frames are left alone fires then."""
    path = tmp_path / "still.jsonl"
    file = TraceWriter(path, {"camera": LABEL_SETS["seven"]}, made_by="test", most_bytes=10**6)
    for tick in range(100):
        told = [reading(tick / 10, "sad")] if tick == 0 else None
        file.step("camera", at(tick / 10), told, people=1, left=(), view=View.COVERED if tick >= 50 else View.CLEAR)
    file.close()
    alerts = {"sad": {"when": {"emotion": ["sad"]}, "for": "3s"}, "seen": {"when": {"view": ["covered"]}, "for": "1s"}}
    told = edge_fer("replay", str(path), "--config", str(config(tmp_path, "still", alerts=alerts)), "--json")
    fired = json.loads(told.stdout)["configs"][0]["alerts"]
    began = {alert["rule"]: datetime.fromisoformat(alert["fired"]) - at(0).utc for alert in fired}
    assert {rule: seconds.total_seconds() for rule, seconds in began.items()} == pytest.approx({"sad": 3, "seen": 6})


def config(tmp_path, name, **settings):
    path = tmp_path / f"{name}.yaml"
    path.write_text(json.dumps(PLACE | {"profile": "ward", "cameras": {"camera": {}}} | settings))
    return path


def test_two_configs_are_shown_side_by_side(tmp_path):
    old = config(tmp_path, "old")
    new = config(tmp_path, "new", alerts={"distress": {"for": "5s"}, "joy": {"when": {"emotion": ["happy"]}}})
    told = edge_fer("replay", str(WARD), "--config", str(new), "--against", str(old))
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    (row,) = (line for line in lines if line.startswith("camera distress"))
    assert row.split()[2:] == ["2", "times,", "0:03:24", "in", "all", "once,", "0:02:00", "in", "all"], row
    (row,) = (line for line in lines if line.startswith("camera joy"))
    assert row.endswith("no such alert")
    assert any(line.startswith("2026-01-05 10:05:") and "after 5.0 s" in line for line in lines), "local time"


def test_json_tells_everything(tmp_path):
    told = edge_fer("replay", str(WARD), "--config", str(config(tmp_path, "new")), "--json")
    found = json.loads(told.stdout)
    (alert,) = found["configs"][0]["alerts"]
    assert (alert["rule"], alert["severity"]) == ("distress", "critical")
    minutes = [s for s in found["configs"][0]["summaries"] if s["window"] == "1m"]
    assert len(minutes) == 30
    assert sum(s["seconds"]["sad"] for s in minutes) == pytest.approx(130, abs=5)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_timeline_is_drawn(tmp_path, ending):
    picture = tmp_path / f"timeline.{ending}"
    told = edge_fer("replay", str(WARD), "--config", str(config(tmp_path, "new")), "--plot", str(picture))
    assert told.returncode == 0, told.stderr
    if ending == "png":
        image = cv2.imread(str(picture))
        assert image.shape[1] > 900
        assert ((image == (0x00, 0x5E, 0xD5)).all(axis=2)).sum() > 500, "the alert's colour"
    else:
        shapes = list(ET.fromstring(picture.read_text()))  # noqa: S314 - it is ours
        texts = {shape.text for shape in shapes if shape.tag.endswith("text")}
        assert {"happy", "distress", "10:00", "10:15"} <= texts
        alerts = [s for s in shapes if s.get("fill") == "#d55e00" and s.get("height") == "12.0"]
        # the first is the legend's; two minutes out of thirty are a fifteenth of the width
        assert [float(s.get("width")) for s in alerts[1:]] == [pytest.approx(720 / 15, abs=2)]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["missing.jsonl"], 1, "missing.jsonl cannot be read"),
        ([__file__], 1, "test_replay.py:1: is no trace"),
        ([str(WARD), "-o", "emotion.labels=three"], 78, "recorded with seven"),
        ([str(WARD), "--plot", "picture.jpg"], 1, "neither .svg nor .png"),
        ([str(WARD), "--plot", "/proc/nowhere/picture.svg"], 1, "cannot be written"),
        ([str(WARD), "--config", "missing.yaml"], 78, "missing.yaml"),
        ([str(WARD), "--against", "missing.yaml"], 78, "missing.yaml"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, arguments, code, told):
    ended = edge_fer("replay", *arguments, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
