"""What the docs show is true: examples load, generated parts are up to date, links lead somewhere."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_fer.config import Layer, load
from edge_fer.config.sections.faces import FacesSection
from edge_fer.contract.messages import Message, SummaryDraft
from edge_fer.emotion.attributes import AttributeSidecar
from edge_fer.remote.registry import schemas
from edge_fer.rules.conditions.when import KINDS, kind_in
from edge_fer.types import EMOTION, Reading
from edge_fer.values.units import DURATION
from tests import mqtt_page, privacy_page, timelines, tuning_page

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/**/*.md")])
#: Pages that are about alerts: every YAML in them is a config.
ON_ALERTS = [ROOT / "docs" / "alerts.md", *sorted(ROOT.glob("docs/profiles/*.md"))]


def test_the_page_of_messages_is_up_to_date():
    assert mqtt_page.page() == mqtt_page.PAGE.read_text(encoding="utf-8"), "run: python -m tests.mqtt_page"


def test_the_page_on_privacy_has_every_sink():
    assert privacy_page.page() == privacy_page.PAGE.read_text(encoding="utf-8"), "run: python -m tests.privacy_page"


@pytest.mark.outside
def test_the_page_on_tuning_shows_what_a_replay_prints_and_draws():
    text, picture = tuning_page.page()
    assert text == tuning_page.PAGE.read_text(encoding="utf-8"), "run: python -m tests.tuning_page"
    assert picture == tuning_page.PICTURE.read_text(encoding="utf-8"), "run: python -m tests.tuning_page"


@pytest.mark.parametrize("page", ["summaries", "privacy", "broker", "history", "notifications"])
def test_the_configs_on_the_pages_load(page):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        load([Layer(page, block)], settings=False)


def test_the_notice_is_one_page_of_its_own_that_fetches_nothing():
    notice = (ROOT / "docs" / "notice.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=|url\(|@import|<script", notice)


@pytest.mark.parametrize("kind", list(schemas()))
def test_the_examples_of_messages_follow_their_schemas(kind):
    Draft202012Validator(schemas()[kind]).validate(mqtt_page.examples()[kind])


def test_the_configs_in_the_readme_load():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- tested: config -->\n```yaml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        load([Layer("README", block)], settings=False)


def test_the_config_on_the_page_of_cameras_loads():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/camera.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        load([Layer("camera.md", block)], settings=False)


def test_the_pixels_on_a_face_are_as_the_formula_says():
    text = (ROOT / "docs/hardware.md").read_text(encoding="utf-8")
    assert "pixels = picture width x 0.14 m / (2 x distance x tan(horizontal field of view / 2))" in text
    rows = re.findall(r"^\| ([^|]+) \| ([\d.]+)° \| ([^°\n]+) \|$", text, re.MULTILINE)
    assert len(rows) == 6
    for camera, field, cells in rows:
        at_a_metre = 0.14 / (2 * math.tan(math.radians(float(field)) / 2))
        pixels = [str(round(1280 * at_a_metre / metres)) for metres in (1, 2, 3, 4)]
        farthest = [f"{width * at_a_metre / FacesSection().min_size:.1f} m" for width in (1280, 1920)]
        assert cells.split(" | ") == pixels + farthest, camera


@pytest.mark.parametrize("page", ON_ALERTS, ids=lambda page: page.stem)
def test_every_example_of_an_alert_loads(page):
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        load([Layer(page.name, block)], settings=False)


def test_every_kind_of_alert_has_an_example():
    text = ON_ALERTS[0].read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    alerts = [alert for block in blocks for alert in load([Layer("x", block)], settings=False).config.alerts.values()]
    assert {kind_in(alert.when) for alert in alerts} == KINDS.keys()
    assert all(f"### `{kind}`" in text for kind in KINDS.keys() - {"all", "any"})


@pytest.mark.parametrize("profile", timelines.STORIES)
def test_the_timelines_are_what_the_rules_do(profile):
    drawn = (timelines.FOLDER / f"{profile}.svg").read_text(encoding="utf-8")
    assert timelines.picture(profile) == drawn, "run: python -m tests.timelines"


@pytest.mark.parametrize("profile", timelines.STORIES)
def test_the_page_of_a_profile_names_each_of_its_alerts_with_its_times(profile):
    text = (timelines.FOLDER / f"{profile}.md").read_text(encoding="utf-8")
    for name, alert in load([Layer("x", f"profile: {profile}")], settings=False).config.alerts.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        cells = [cell.strip() for cell in row.split("|")]
        times = [alert.for_, alert.keep_firing_for, alert.cooldown]
        assert cells[3:6] == [DURATION.write(seconds) for seconds in times], name
        if "`max_uncertain` | |" in text:
            assert cells[6] == DURATION.write(alert.max_uncertain), name
        assert cells[-2] == alert.severity, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_what_is_measured_of_a_person_is_all_on_the_page_of_privacy():
    text = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    table = text.partition("## What is measured of a person")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    named = {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}
    assert named == {field.name for field in fields(Reading)} | {EMOTION}, "a row for each part of a reading"
    of_people = {name for name in SummaryDraft.model_fields if name not in Message.model_fields}
    assert "attributes" not in of_people, "the page says that summaries tell nothing of attributes"


def test_the_sidecar_and_the_config_on_the_page_of_attributes_are_right(tmp_path):
    text = (ROOT / "docs/attributes.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert set(load([Layer("x", block)], settings=False).config.attributes) == {"mask", "room"}
    (shown,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    told = json.loads(shown)
    (tmp_path / "mask.json").write_text(json.dumps(told | {"sha256": "0" * 64}))
    assert AttributeSidecar.load(tmp_path / "mask.json").labels == ("with", "without")
    numbers = json.loads(re.search(r"`(\{\"low\".*?\})`", text)[1])
    (tmp_path / "age.json").write_text(json.dumps(told | {"sha256": "0" * 64, "labels": None, "range": numbers}))
    assert AttributeSidecar.load(tmp_path / "age.json").range.step == 5
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert rows == AttributeSidecar.model_fields.keys() - {"format", "name", "sha256", "scores"}


def test_no_page_or_file_names_a_path_of_somebodys_machine():
    for page in PAGES:
        assert not re.search(r"/(home|root|Users|work)/", page.read_text(encoding="utf-8")), page
