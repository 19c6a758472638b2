"""Each registry takes a new row in one place: shown on a copy of the package to which one is added."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_fer.capture.sources import VIDEO, SourceKind
from edge_fer.remote.registry import CommandRow
from edge_fer.rules.conditions.emotion import EMOTION
from edge_fer.rules.conditions.kind import ConditionKind
from edge_fer.sinks.registry import SinkRow
from edge_fer.support.registry import by_name

PACKAGE = Path(__file__).parents[1] / "edge_fer"


def run_in_copy(folder, script, *, new, registry, row):
    """Runs a script with a copy of the package that has one more file, and one more row in a registry.

    Args:
        folder: where the copy goes.
        script: what runs with it.
        new: path in the package and text of the new file.
        registry: path in the package of the file with the registry.
        row: what is replaced in it, and by what.
    """
    copy = folder / "edge_fer"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path, text = new
    (copy / path).write_text(text, encoding="utf-8")
    before = (copy / registry).read_text(encoding="utf-8")
    for old, changed in row:
        assert before.count(old) == 1, old
        before = before.replace(old, changed)
    (copy / registry).write_text(before, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


FEW = '''
from __future__ import annotations

from pydantic import Field

from edge_fer.rules.conditions.finding import SCENE, Findings, tested
from edge_fer.rules.conditions.kind import ConditionKind, ConditionSection
from edge_fer.rules.sight import Sight


class WhenFewerPeople(ConditionSection):
    """Fewer people are in view than so many."""

    fewer_people_than: int = Field(description="It holds for fewer people than this.", examples=[2])


class FewerPeopleCondition:
    stands_for = 0.0

    def __init__(self, least: int) -> None:
        self._least = least

    def find(self, sight: Sight) -> Findings:
        return {SCENE: tested(sight.people < self._least, sight.people, self._least)}


FEWER_PEOPLE = ConditionKind(
    key="fewer_people_than",
    section=WhenFewerPeople,
    make=lambda when, _: FewerPeopleCondition(when.fewer_people_than),
    of_person=False,
    settable=frozenset({"fewer_people_than"}),
    labels=None,
    signal=None,
    of_faces=False,
)
'''
FEW_USED = """
from datetime import UTC, datetime
from pathlib import Path

from edge_fer.config import Layer, load
from edge_fer.config.engine.settable import is_settable
from edge_fer.config.output.schema import json_schema
from edge_fer.rules.sight import Sight
from edge_fer.types import Instant
from edge_fer.wiring.alert_rules import make_rules
from edge_fer.wiring import build_scale

Path("few.yaml").write_text("alerts: {few: {when: {fewer_people_than: 2}, for: 0s}}")
settings = load([Layer.file(Path("few.yaml"))]).config
rules = make_rules("cam", settings.cameras["camera"], timezone="UTC", scale=build_scale(settings.mood), baseline=None)
(rule,) = [rule for rule in rules if rule.name == "few"]
now = Instant(1.0, datetime.now(UTC))
print([change.resolved for change in rule.update(Sight(now, (), 3, []))])
print([change.resolved for change in rule.update(Sight(now.later(1), (), 1, []))])
print(is_settable(("alerts", "few", "when", "fewer_people_than")))
print("WhenFewerPeople" in json_schema()["$defs"])
"""


def test_a_condition_is_added_in_one_place(tmp_path):
    told = run_in_copy(
        tmp_path,
        FEW_USED,
        new=("rules/conditions/few.py", FEW),
        registry="rules/conditions/registry.py",
        row=[
            (
                "from edge_fer.rules.conditions.kind",
                "from edge_fer.rules.conditions.few import FEWER_PEOPLE\nfrom edge_fer.rules.conditions.kind",
            ),
            ("    SIGNAL,\n)", "    SIGNAL,\n    FEWER_PEOPLE,\n)"),
        ],
    )
    assert told == ["[]", "[False]", "True", "True"]


NOISE = '''
from __future__ import annotations

from collections.abc import Generator

import numpy as np

from edge_fer.clock.system import Clock
from edge_fer.types import Frame


class Noise:
    """So many pictures of noise."""

    live = False

    def __init__(self, camera: str, count: int, clock: Clock) -> None:
        self._camera = camera
        self._count = count
        self._clock = clock

    def frames(self) -> Generator[Frame, None, None]:
        dice = np.random.default_rng(0)
        for index in range(self._count):
            yield Frame(self._camera, index, dice.integers(0, 256, (48, 64, 3), np.uint8), self._clock())
'''
NOISE_ROW = """NOISE: Final = SourceKind(
    name="noise",
    written="noise:1",
    recognise=lambda source: source.startswith("noise:"),
    make=lambda camera, source, clock, options: Noise(camera, int(source[6:]), clock),
    live=False,
    exclusive=False,
    sized=False,
    mirrors=False,
    small=False,
)

#: Every kind by its name;"""
NOISE_USED = """
from pathlib import Path

from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.config.engine.faults import ConfigFaults
from edge_fer.wiring.info import camera_info
from edge_fer.wiring.source import play

Path("noise.yaml").write_text("cameras: {front: {source: noise:3}}")
camera = load([Layer.file(Path("noise.yaml"))]).config.cameras["front"]
print([frame.image.shape for frame in play("front", camera, clock=SystemClock())])
print(camera_info(camera).kind)
Path("noise.yaml").write_text("cameras: {front: {source: noisy}}")
try:
    load([Layer.file(Path("noise.yaml"))])
except ConfigFaults as fault:
    print("noise:1" in str(fault))
"""


def test_a_source_is_added_in_one_place(tmp_path):
    told = run_in_copy(
        tmp_path,
        NOISE_USED,
        new=("capture/noise.py", NOISE),
        registry="capture/sources.py",
        row=[
            ("from edge_fer.capture.port", "from edge_fer.capture.noise import Noise\nfrom edge_fer.capture.port"),
            ("#: Every kind by its name;", NOISE_ROW),
            ("STILLS, VIDEO)", "STILLS, VIDEO, NOISE)"),
        ],
    )
    assert told == ["[(48, 64, 3), (48, 64, 3), (48, 64, 3)]", "noise", "True"]


@pytest.mark.parametrize("row", [EMOTION, VIDEO], ids=["condition", "source"])
def test_a_row_without_one_of_its_parts_is_refused_at_once(row):
    parts = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    for part in parts:
        with pytest.raises(TypeError, match=part):
            type(row)(**{name: value for name, value in parts.items() if name != part})


def test_a_condition_whose_section_lacks_a_key_that_its_row_names_is_refused_with_a_word():
    with pytest.raises(TypeError, match="the condition emotion: WhenEmotion has no field scores"):
        dataclasses.replace(EMOTION, settable=frozenset({"scores"}))


def test_two_rows_of_one_name_are_refused():
    with pytest.raises(TypeError, match="there are two rows 'a'"):
        by_name(["a", "b", "a"], str)


def test_rows_have_no_defaults():
    """Or one could be forgotten, and mypy would not see it."""
    for row in (CommandRow, ConditionKind, SinkRow, SourceKind):
        assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(row))
