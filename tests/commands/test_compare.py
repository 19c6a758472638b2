"""`edge-fer compare` as people run it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from edge_fer.recordings.analysis.outcome import as_json
from tests.browser import SCREENS, Browser
from tests.daemon import edge_fer
from tests.report.invented import outcome, timeline


def story(seed, happy):
    """Half an hour of people, of whom so many are happy."""
    random, now, people = np.random.default_rng(seed), 0, {}
    while now < 1700:
        label = "happy" if random.random() < happy else "sad"
        people[f"p{now}"] = (now, [("neutral", int(random.integers(3, 10))), (label, int(random.integers(20, 50)))])
        now += int(random.integers(20, 60))
    return people


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    for name, seed, happy in (("monday", 1, 0.3), ("tuesday", 2, 0.8), ("short", 3, 0.5)):
        people = story(seed, happy)
        if name == "short":
            people = dict(list(people.items())[:3])
        found = outcome(timeline=timeline(people), file=f"{name}.mp4", end=1800.0)
        (folder / name).mkdir()
        (folder / name / "summary.json").write_text(json.dumps(as_json(found)))
    return folder


def compare(*arguments):
    return edge_fer("compare", *map(str, arguments))


def test_it_tells_what_changed_and_how_surely(folders):
    ended = compare(folders / "monday", folders / "tuesday", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    assert [one["folder"] for one in found["recordings"]] == ["monday", "tuesday"]
    by_name = {one["measure"]: one for one in found["measures"]}
    summary = json.loads((folders / "monday" / "summary.json").read_text())
    assert by_name["satisfaction"]["values"][0]["value"] == pytest.approx(summary["satisfaction"], abs=0.1)
    assert by_name["distress"]["values"][0]["value"] == pytest.approx(100 * summary["distress_share"], abs=0.1)
    change = by_name["happy"]["changes"][0]
    assert change["sure"] is True
    assert 0 < change["by"]["low"] < change["by"]["value"] < change["by"]["high"]
    assert by_name["angry"]["values"][0] == {"value": 0.0, "low": None, "high": None}, "never seen"
    assert not by_name["angry"]["changes"][0]["sure"]
    assert found["warnings"] == []


def test_a_table_for_people(folders):
    ended = compare(folders / "monday", folders / "tuesday", folders / "short")
    assert ended.returncode == 0, ended.stderr
    row = next(line for line in ended.stdout.splitlines() if line.startswith("happy"))
    assert "*" in row
    assert "[?]" in row
    assert "short is too short" in ended.stdout


def test_a_page_for_browsers(folders, tmp_path):
    page = tmp_path / "compared.html"
    assert compare(folders / "monday", folders / "tuesday", "--report", page).returncode == 0
    with Browser() as browser:
        for screen in ("phone", "desktop"):
            browser.open(page, screen=screen)
            drawn = browser.ask(
                "return [...document.querySelectorAll('.bars rect')].map((one) => one.getBoundingClientRect())"
            )
            assert len(drawn) == 2 * (10 + 5), "marks for all measures, ranges for those that were ever seen"
            assert all(box["height"] > 3 for box in drawn)
            assert browser.ask("return document.documentElement.scrollWidth") == SCREENS[screen][0]
        assert browser.console() == []


def spoilt(folders, folder, **changes):
    shutil.copytree(folders / "monday", folder)
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"complete": False}, "was cut short"),
        ({"edge_fer_analysis": 99}, "is of version 99"),
        ({"labels": ["happy", "mad"]}, "is damaged"),
        ({"labels": ["angry", "happy", "sad"]}, "has the labels angry, happy, sad"),
        ({"timeline": None}, "is damaged"),
        ({"timeline": {"column_s": 0, "columns": []}}, "is damaged"),
        ({"timeline": {"column_s": 1, "columns": [{"happy": -1}]}}, "is damaged"),
        ({"timeline": {"column_s": 1, "columns": [{"happy": "much"}]}}, "is damaged"),
        ({"from_s": float("inf")}, "is damaged"),
        ({"mood": {}}, "is damaged"),
    ],
)
def test_what_cannot_be_compared_is_told(folders, tmp_path, changes, told):
    ended = compare(folders / "monday", spoilt(folders, tmp_path / "spoilt", **changes))
    assert ended.returncode == 1
    assert told in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr


def test_folders_of_something_else(folders, tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        ended = compare(folders / "monday", folder)
        assert ended.returncode == 1
        assert "cannot be read" in ended.stderr
    ended = compare(folders / "monday")
    assert "monday alone cannot be compared" in ended.stderr


def test_other_models_are_mentioned(folders, tmp_path):
    other = spoilt(folders, tmp_path / "other", model="newer")
    ended = compare(folders / "monday", other)
    assert "different models (monday: invented, other: newer)" in ended.stdout
