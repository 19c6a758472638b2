"""The table of labels: one row is all that a new emotion needs, and a row that is wrong is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_fer.config.sections.emotion import EmotionSection
from edge_fer.errors import ModelError
from edge_fer.types import LABEL_NAMES, LABELS
from edge_fer.types.labels import label_sets
from edge_fer.wiring.vision import make_classifier
from tests.fetched import models_folder
from tests.tiny_model import CROP, write_model, write_sidecar

ROOT = Path(__file__).resolve().parents[2]
ROW = """    Label(
        name="contempt",
        smallest_set=8,
        colour="#123456",
        place=8,
        weight=-0.5,
        distress=True,
        look="contemptuous",
        ask="sneer",
        share=0.01,
    ),
"""
SEEN = """
import json, sys
from edge_fer import Analyzer
from edge_fer.cli.try_faces import ASKED
from edge_fer.drawing.palette import COLOURS
from edge_fer.types import LABEL_SETS
from edge_fer.config.output.schema import json_schema

analyzer = Analyzer(settings=json.loads(sys.argv[1]))
moments = list(analyzer.watch("sample"))
told = [moment.told for moment in moments]
# a run may lie in two windows of a minute, one of them with too little in it
numbers = [one.numbers for step in told for one in step.summaries if one.length == 60]
print(json.dumps({
    "readings": sorted({one.label for moment in moments for one in moment.readings}),
    "events": sorted({event.reading.label for one in told for event in one.events}),
    "alerts": sorted({change.alert.rule for one in told for change in one.changes}),
    "scenes": sorted({one.scene.mood for one in told if one.scene and one.scene.mood}),
    "seconds": sum(n.seconds["contempt"] for n in numbers),
    "satisfaction": sorted({round(n.satisfaction, 1) for n in numbers if n.satisfaction is not None}),
    "distress": sorted({n.distress_share for n in numbers if n.distress_share is not None}),
    "colour": COLOURS["contempt"],
    "asked": ASKED["contempt"],
    "sets": list(LABEL_SETS),
    "seven": LABEL_SETS["seven"],
    "schema": json.dumps(json_schema()).count("contempt"),
}))
"""


def eight_labels(folder: Path) -> Path:
    model = folder / "emotion.tflite"
    write_model(model, [0.0] * 8, [0.0] * 7 + [6.0])
    write_sidecar(model, labels=[*LABEL_NAMES, "contempt"], crop=CROP, temperature=1.0)
    return model


def test_a_row_is_all_that_an_eighth_emotion_needs(tmp_path):
    shutil.copytree(ROOT / "edge_fer", tmp_path / "edge_fer", ignore=shutil.ignore_patterns("__pycache__"))
    table = tmp_path / "edge_fer" / "types" / "labels.py"
    before, end, after = table.read_text().partition("\n)\n\n\ndef label_sets")
    table.write_text(f"{before}\n{ROW.rstrip()}{end}{after}")
    settings = {
        "models_dir": str(models_folder()),
        "emotion": {"model": str(eight_labels(tmp_path)), "labels": "eight"},
        "mood": {"weights": {"contempt": -0.6}, "min_read": "1s"},
        "alerts": {"sneer": {"when": {"emotion": ["contempt"]}, "for": "1s"}},
    }
    ran = subprocess.run(
        [sys.executable, "-c", SEEN, json.dumps(settings)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["readings"] == seen["events"] == ["contempt"]
    assert "contempt" in seen["scenes"]
    assert "sneer" in seen["alerts"]
    assert seen["seconds"] > 3
    assert (seen["satisfaction"], seen["distress"]) == ([20.0], [1.0])
    assert (seen["colour"], seen["asked"]) == ("#123456", "sneer")
    assert seen["sets"] == ["eight", "seven", "five", "four", "three"]
    assert seen["seven"] == list(LABEL_NAMES), "smaller sets stay as they are"
    assert seen["schema"] > 4


def test_a_label_that_the_table_does_not_know_is_refused_by_its_name(tmp_path):
    with pytest.raises(ModelError, match="has labels that are not known: contempt") as caught:
        make_classifier(EmotionSection(model=eight_labels(tmp_path)))
    assert "angry" in caught.value.remedy


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "angry"}, "the label angry is there twice"),
        ({"name": "uncertain"}, "uncertain is no emotion"),
        ({"weight": -2.0}, "the label neutral has a weight"),
        ({"share": 0.0}, "the label neutral has a weight outside -1 to 1, or a share"),
        ({"smallest_set": 8}, "the label neutral is in a set of 8, but 7 labels are"),
        ({"smallest_set": 11}, "the label neutral is in a set of 11"),
    ],
)
def test_a_row_that_is_wrong_is_told_by_its_name(changed, told):
    with pytest.raises(ValueError, match=told):
        label_sets((*LABELS[:-1], replace(LABELS[-1], **changed)))
