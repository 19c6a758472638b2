from __future__ import annotations

import re

import pytest

from edge_fer.config import Layer, load
from edge_fer.config.engine.layers import PER_CAMERA
from edge_fer.config.output.explain import explain
from edge_fer.config.output.writing import written

FILE = """\
faces:
  min_size: 64px
node: {site: '${SITE}'}
cameras:
  front:
    source: rtsp://me:secret@host/1
    emotion:
      labels: five
    alerts:
      unhappy-guest: false
  back: {fps: 5.5}
alerts:
  mine:
    when:
      emotion: [sad]
"""


@pytest.fixture
def rows(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(FILE, encoding="utf-8")
    layers = [Layer.file(file, name="FILE"), Layer.mapping("--demo", {"mqtt": {"broker": "embedded"}})]
    overrides = [Layer.setting("faces.confirm=9")]
    loaded = load(layers, overrides=overrides, environ={"SITE": "hidden"}, settings=False)
    return {row.path: (row.value, row.origin) for row in explain(loaded)}


@pytest.mark.parametrize(
    ("path", "value", "origin"),
    [
        ("profile", "counter", "default"),
        ("faces.min_size", "64px", "FILE:2"),
        ("faces.confirm", "9", "-o faces.confirm=9"),
        ("faces.keep_lost_for", "1s", "default"),
        ("node.site", "${SITE}", "FILE:3"),
        ("mqtt.broker", "embedded", "--demo"),
        ("mqtt.password_file", "null", "default"),
        ("mqtt.outbox.max_age", "14d", "default"),
        ("cameras.front.source", "rtsp://***@host/1", "FILE:6"),
        ("cameras.front.size", "[1280, 720]", "default"),
        ("cameras.front.emotion.labels", "five", "FILE:8"),
        ("cameras.front.alerts.unhappy-guest", "false", "FILE:10"),
        ("cameras.back.fps", "5.5", "FILE:11"),
        ("alerts.mine.when.emotion", "[sad]", "FILE:15"),
        ("alerts.mine.for", "4s", "default"),
        ("alerts.unhappy-guest.when.emotion", "[angry, disgust, sad]", "profile counter:4"),
        ("alerts.unhappy-guest.cooldown", "1m", "profile counter:7"),
        ("alerts.unhappy-guest.max_uncertain", "10s", "default"),
    ],
)
def test_a_setting_shows_its_value_and_where_it_came_from(rows, path, value, origin):
    assert rows[path] == (value, origin)


def test_of_a_camera_only_what_differs_is_listed(rows):
    below = [path for path in rows if path.startswith("cameras.back.") and path.split(".")[2] in PER_CAMERA]
    assert below == []
    assert "cameras.front.faces.min_size" not in rows


def test_no_secret_shows(rows):
    assert not any("hidden" in value or "secret" in value for value, _ in rows.values())


def test_an_alert_that_is_off_shows_who_switched_it_off():
    loaded = load([Layer("A", "alerts: {unhappy-guest: false}")], environ={}, settings=False)
    off = [(row.path, row.value, row.origin) for row in explain(loaded) if "unhappy" in row.path]
    assert off == [("alerts.unhappy-guest", "false", "A")]


def test_every_setting_of_every_section_is_listed():
    loaded = load(environ={}, settings=False)
    paths = [row.path for row in explain(loaded)]
    everything = set(_paths(written(loaded.config)))
    taken_over = {path for path in everything if re.match(rf"cameras\.camera\.({'|'.join(PER_CAMERA)})", path)}
    assert sorted(paths) == sorted(everything - taken_over)


def _paths(values, above=""):
    for key, value in values.items():
        yield from _paths(value, f"{above}{key}.") if isinstance(value, dict) and value else [f"{above}{key}"]
