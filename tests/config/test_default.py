"""The default file, the installed file and the page on the config are what the types say."""

from __future__ import annotations

import re

import pytest

from edge_fer.config import load
from edge_fer.config.engine.reader import read_yaml
from edge_fer.config.engine.walk import inner_section, keys_of, kinds_of
from edge_fer.config.output.default import default_yaml
from edge_fer.config.output.writing import inline
from edge_fer.config.tree import Config
from edge_fer.rules.conditions.when import KINDS
from tests.config.examples import EXAMPLES
from tests.config.generated import INSTALLED, PAGE, page
from tests.config.loading import load_text


def test_the_default_file_loads_to_the_defaults(tmp_path):
    assert load_text(tmp_path, default_yaml()).config == load(environ={}, settings=False).config


def test_the_commented_file_says_nothing(tmp_path):
    loaded = load_text(tmp_path, default_yaml(commented=True))
    assert loaded.config == load(environ={}, settings=False).config
    assert not [
        line for line in default_yaml(commented=True).splitlines() if re.match(r" *[^#]*:.*\S", line.split("#")[0])
    ]


def test_one_setting_of_the_installed_file_can_be_uncommented(tmp_path):
    text = INSTALLED.read_text(encoding="utf-8").replace("  #min_size: 48px", "  min_size: 64px")
    assert load_text(tmp_path, text).config.faces.min_size == 64


def test_all_of_the_installed_file_can_be_uncommented(tmp_path):
    text = re.sub(r"^( *)#(?! )", r"\1", INSTALLED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("broker: mqtt://127.0.0.1:1883", "broker: mqtts://user@host")
    text = text.replace("source: auto", "source: rtsp://host/live")
    assert load_text(tmp_path, text).config.mqtt.client_id == "edge-fer-counter-1a2b"


def test_every_line_fits_a_terminal():
    assert max(map(len, default_yaml().splitlines())) <= 120


def _sections(section=Config):
    yield section
    for info in keys_of(section).values():
        if inner := inner_section(info)[0]:
            yield from _sections(inner)
        yield from kinds_of(info).values()


@pytest.mark.parametrize("section", sorted(set(_sections()), key=lambda section: section.__name__))
def test_every_setting_has_one_sentence_and_a_default(section):
    for key, info in keys_of(section).items():
        assert re.fullmatch(r"[^.]+(\.\w+[^.]*)*\.", info.description), key
        # which emotions an alert is about, where a zone is, and what reads an attribute, only its maker can say
        assert not info.is_required() or key in {"when", "polygon", "model", *KINDS}


def test_the_installed_file_is_what_the_types_say():
    assert INSTALLED.read_text(encoding="utf-8") == default_yaml(commented=True), "python -m tests.config.generated"


def test_the_table_on_the_page_is_what_the_types_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.config.generated"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_on_the_page_load(tmp_path, example):
    assert load_text(tmp_path, example, CAMERA_LOGIN="me:secret").config


def test_the_page_has_examples():
    assert len(EXAMPLES) >= 5


WORDS = [
    "a",
    "5s",
    "",
    "ü",
    "mqtt://h:1",
    "a: b",
    "a:",
    "a #b",
    "- a",
    "[a]",
    "${A}",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a`",
]
MISTAKABLE = ["no", "true", "null", "12", "1e3", "0o7", "~", "-", ".", "/", "#a", '"', "'", "\\"]
VALUES = [*WORDS, *MISTAKABLE, 1, 1.5, 10.0, True, None, [1, "2"], {"a": [1]}]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_on_one_line_reads_the_same(value):
    text = f"key: {inline(value)}\nlist: [{inline(value)}]"
    reading = read_yaml(text, layer="x", environ={"A": "${A}"})
    assert reading.entry.plain() == {"key": value, "list": [value]}
