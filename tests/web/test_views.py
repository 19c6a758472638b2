"""What the pages make of what the control socket tells, and their texts."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import partial
from pathlib import Path

import pytest

import edge_fer.web
from edge_fer.config import Layer, load
from edge_fer.config.engine.settable import SETTABLE
from edge_fer.types import LABEL_NAMES, Doubt, QualityFault, View
from edge_fer.web.fields import settings_in
from edge_fer.web.texts import LANGUAGES, chosen_language, texts_in
from edge_fer.web.views import lasted
from edge_fer.wiring.lookout import settings_of

CONFIG = {
    "cameras": {"front": {"source": "sample", "faces": {"min_size": "64px"}}},
    "alerts": {"queue": {"when": {"more_people_than": 4}}, "crowd": {"when": {"emotion": ["sad"], "score": 0.5}}},
}


def settings():
    loader = partial(load, [Layer.mapping("file", CONFIG)], environ={})
    return {one.key: one for one in settings_in(settings_of(lambda _: loader(), schema=True))}


def test_every_key_that_may_be_set_is_shown_with_its_sentence():
    found = settings()
    for key in ("faces.min_size", "alerts.queue.for", "alerts.queue.when.more_people_than", "alerts.crowd.when.score"):
        assert key in found
    assert [key for key, one in found.items() if not one.about] == []
    assert found["faces.min_size"].value == "48px"
    assert "node.id" not in found
    assert "mqtt.broker" not in found


def test_every_key_that_may_be_set_has_a_name_and_a_sentence_in_each_language():
    for pattern in SETTABLE:
        for language in LANGUAGES:
            assert {f"set {pattern}", f"about {pattern}"} <= set(texts_in(language)), pattern
    found = settings()
    assert (found["faces.min_size"].kind, found["faces.min_size"].number) == ("pixels", "48")
    assert (found["alerts.queue.for"].kind, found["alerts.queue.for"].unit) == ("duration", "m")
    assert (found["alerts.crowd.when.score"].kind, found["faces.quality.max_yaw"].kind) == ("fraction", "angle")
    assert (found["faces.confirm"].kind, found["faces.confirm"].most) == ("whole", 30)


def test_how_long_an_alert_lasted():
    def ended(time):
        return {"since": "2030-01-01T10:00:00.000Z", "ended": f"2030-01-01T{time}.400Z"}

    assert [lasted(ended(time)) for time in ("10:00:07", "10:02:07", "12:30:00")] == ["7 s", "2 min 7 s", "2 h 30 min"]


def test_the_languages_have_the_same_texts_and_one_for_each_label_fault_doubt_and_view():
    keys = {language: set(texts_in(language)) for language in LANGUAGES}
    assert all(found == keys["en"] for found in keys.values())
    wanted = {f"label_{name}" for name in LABEL_NAMES} | {f"fault_{one.value}" for one in QualityFault}
    wanted |= {f"doubt_{one.value}" for one in Doubt} | {f"view_{one.value}" for one in View if one.value != "clear"}
    assert wanted <= keys["en"]
    assert all(text.strip() for language in LANGUAGES for text in texts_in(language).values())


def test_every_text_that_a_page_asks_for_is_there():
    folder = Path(edge_fer.web.__file__).parent / "templates"
    asked = {name for path in folder.glob("*.html") for name in re.findall(r"\bt\.(\w+)", path.read_text())}
    assert len(asked) > 30
    assert asked <= set(texts_in("en"))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, de;q=0.2", "de"),
        ("en;q=0.1,de;q=0", "en"),
        ("de;q=x", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_browsers(accepted, language):
    assert chosen_language(accepted) == language


def test_what_comes_from_others_is_as_it_came_and_has_its_licence():
    folder = Path(edge_fer.web.__file__).parent / "static" / "vendor"
    known = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    scripts = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.min.*")}
    assert scripts == known
    assert all((folder / f"{name.partition('.')[0]}.LICENSE.txt").is_file() for name in scripts)


def test_a_page_is_small():
    folder = Path(edge_fer.web.__file__).parent / "static"
    assert sum(len(gzip.compress(path.read_bytes())) for path in folder.rglob("*.*")) < 60_000
