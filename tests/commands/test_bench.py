"""`edge-fer bench`, as people run it, on the sample recording."""

from __future__ import annotations

import json
import mmap
import os
from pathlib import Path

import jsonschema
import pytest

from edge_fer.bench.process import memory, since_start
from edge_fer.bench.report import STAGES
from tests.daemon import edge_fer
from tests.fetched import FOLDER, models_folder
from tests.shared import shared_data

NUMBER = {"type": "number", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 0}


def all_of(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def or_none(kind):
    return {"anyOf": [kind, {"type": "null"}]}


STAGE = all_of(median_ms=NUMBER, p95_ms=NUMBER, passes=COUNT)
COUNTED = ("decoded", "rested", "followed", "detected", "with_face", "classified", "faces_found", "faces_classified")
SCHEMA = all_of(
    version={"type": "string"},
    source={"type": "string"},
    detector={"enum": ["haar", "blazeface", "yunet", "mtcnn"]},
    runtime={"type": "string", "pattern": r"^(ai_edge_litert|tflite_runtime) \S+$"},
    skipping=all_of(on={"type": "boolean"}, detect_every_s=NUMBER, rest_every_s=NUMBER, read_every_s=NUMBER),
    frames=all_of(**dict.fromkeys(COUNTED, COUNT), size={"type": "array", "items": COUNT, "minItems": 2}),
    seconds=NUMBER,
    fps=NUMBER,
    stages=all_of(**dict.fromkeys(STAGES, STAGE)),
    shares=all_of(capture=SHARE, networks=SHARE, own=SHARE),
    process=all_of(
        cpu_share=NUMBER,
        cpu_share_at_pace=NUMBER,
        rss_bytes=COUNT,
        peak_rss_bytes=COUNT,
        first_event_s=or_none(NUMBER),
    ),
    flicker=all_of(person_seconds=NUMBER, raw=NUMBER, smoothed=NUMBER, told=NUMBER, published=NUMBER),
    steps=all_of(
        stretches={"type": "object", "additionalProperties": COUNT},
        tried=COUNT,
        never_told=COUNT,
        median_s=or_none(NUMBER),
        p95_s=or_none(NUMBER),
    ),
)
HAAR = ("-o", "faces.detector=haar")


def measured(*arguments: str, **options):
    done = edge_fer("bench", "--json", "-o", f"models_dir={FOLDER}", *arguments, **options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def whole():
    return measured("--source", "sample", "--every-frame", *HAAR)


def test_the_report_is_what_it_is_documented_to_be(whole):
    jsonschema.validate(whole, SCHEMA)


def test_every_frame_is_searched_when_asked(whole):
    frames = whole["frames"]
    assert not whole["skipping"]["on"]
    assert frames["decoded"] == frames["detected"] > 100
    assert (frames["rested"], frames["followed"]) == (0, 0)
    assert 0 < frames["classified"] <= frames["with_face"] <= frames["faces_found"]
    assert whole["stages"]["detect"]["passes"] == frames["detected"]
    assert whole["stages"]["publish"]["passes"] == frames["decoded"]


def test_the_figures_hang_together(whole):
    stages, shares, process = whole["stages"], whole["shares"], whole["process"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.001)
    assert whole["fps"] * whole["seconds"] == pytest.approx(whole["frames"]["decoded"], rel=0.01)
    assert all(stage["median_ms"] <= stage["p95_ms"] for stage in stages.values())
    # Haar is by far the dearest thing there is, and is no code of ours
    assert max(stages, key=lambda stage: stages[stage]["median_ms"]) == "detect"
    assert shares["networks"] > 0.5
    assert 30e6 < process["rss_bytes"] <= process["peak_rss_bytes"] < 300e6
    assert 0.1 < process["first_event_s"] < 60


def test_work_is_left_out_as_the_config_says():
    report = measured("--source", "sample", *HAAR)
    frames = report["frames"]
    assert report["skipping"] == {"on": True, "detect_every_s": 0.3, "rest_every_s": 2.0, "read_every_s": 0.2}
    assert frames["detected"] + frames["followed"] + frames["rested"] == frames["decoded"]
    assert frames["detected"] < frames["decoded"] / 2


def test_it_stops_after_so_many_frames_or_seconds():
    assert measured("--source", "sample", "--frames", "7", *HAAR)["frames"]["decoded"] == 7
    looped = ("-o", "cameras.camera.loop=true", "-o", "cameras.camera.source=sample")
    report = measured("--seconds", "0.5", *looped, *HAAR)
    assert 0.5 <= report["seconds"] < 15


def test_a_table_and_one_stage_of_it():
    shown = edge_fer("bench", "--source", "sample", "--frames", "5", *HAAR).stdout
    assert all(f"\n{stage} " in shown for stage in STAGES)
    assert "5 decoded" in shown
    one = edge_fer("bench", "--source", "sample", "--frames", "5", "--stage", "crop", *HAAR).stdout.splitlines()
    assert [line.split()[0] for line in one] == ["stage", "crop"]
    assert set(measured("--source", "sample", "--frames", "5", "--stage", "detect", *HAAR)) == {
        "median_ms",
        "p95_ms",
        "passes",
    }


def test_a_camera_of_the_config_goes_by_its_name(tmp_path: Path):
    config = tmp_path / "config.yaml"
    config.write_text("cameras: {hall: {source: nowhere.mp4}, till: {source: sample}}\n", encoding="utf-8")
    assert measured("--config", str(config), "--source", "till", "--frames", "2", *HAAR)["source"] == "sample"
    assert "nowhere.mp4 cannot be read" in edge_fer("bench", "--config", str(config)).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--source", "gone.mp4"], 1, "gone.mp4 cannot be read: No such file"),
        (["--source", "gone"], 1, "source gone is nothing that is known"),
        (["--source", "sample", "-o", "emotion.model=gone.tflite"], 78, "gone.tflite: cannot read the model"),
        (["-o", "cameras.camera=false"], 78, "cameras"),
        (["--config", "gone.yaml"], 78, "gone.yaml"),
        (["--frames", "0"], 2, "0 is not at least 1"),
        (["--seconds", "nan"], 2, "nan is not above 0"),
        (["--stage", "magic"], 2, "invalid choice: 'magic'"),
    ],
)
def test_faults_are_told_in_a_sentence(arguments, code, told):
    done = edge_fer("bench", *arguments, *HAAR)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_video(tmp_path: Path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    done = edge_fer("bench", "--source", str(broken), *HAAR)
    assert done.returncode == 1
    assert "is not a video that can be played" in done.stderr


def test_the_clip_holds_what_is_promised_of_it():
    """Of flicker and delay; how fast it is, only a quiet machine can say."""
    clip = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    report = measured("--source", str(clip), "-o", f"models_dir={models_folder()}")
    assert report["detector"] == "blazeface"
    assert report["flicker"]["smoothed"] <= 0.2 < report["flicker"]["raw"]
    # events tell of uncertain stretches, too
    assert report["flicker"]["published"] <= 0.25
    assert report["steps"]["tried"] >= 12
    assert report["steps"]["median_s"] <= 1.0


def test_what_the_kernel_says_of_a_process():
    rss, peak = memory()
    # pages of its own: an array might get memory that this process had before
    held = mmap.mmap(-1, 40_000_000)
    for page in range(0, len(held), mmap.PAGESIZE):
        held[page] = 1
    assert memory()[0] - rss > 35_000_000
    assert memory()[1] >= memory()[0]
    assert memory()[1] >= peak
    held.close()
    assert 0 < since_start() < 24 * 3600
    assert since_start() <= since_start() + 1 / os.sysconf("SC_CLK_TCK")
