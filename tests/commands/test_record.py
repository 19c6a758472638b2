"""`edge-fer record`: a trace of a real recording, read by the real pipeline, without a broker."""

from __future__ import annotations

import json

import pytest

from edge_fer.recordings.trace.reader import TraceReader
from edge_fer.sample import sample_path
from tests.daemon import Daemon, edge_fer

SAMPLE = {"source": str(sample_path()), "speed": "fast"}


def record(tmp_path, *arguments, **camera):
    config = tmp_path / "config.yaml"
    settings = {"cameras": {"front": SAMPLE | camera}, "state_dir": str(tmp_path / "state")}
    # the one that is always there
    config.write_text(json.dumps(settings | {"faces": {"detector": "haar"}}))
    return edge_fer("record", str(tmp_path / "trace.jsonl"), "--config", str(config), *arguments)


def steps_of(tmp_path):
    with TraceReader(tmp_path / "trace.jsonl") as trace:
        return list(trace)


def test_a_recording_becomes_a_trace_of_numbers(tmp_path):
    ended = record(tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    steps = steps_of(tmp_path)
    assert f"{len(steps)} frames were recorded" in ended.stdout
    assert sum(len(step.readings or ()) for step in steps) > 20
    assert sum(len(step.left) for step in steps) == 1, "whoever came has left in the end"
    text = (tmp_path / "trace.jsonl").read_text()
    assert max(map(len, text.splitlines())) < 500, "numbers, no pictures"
    assert not (tmp_path / "state").exists(), "nothing is published, and nothing kept"


def test_it_ends_when_it_was_long_enough(tmp_path):
    ended = record(tmp_path, "--for", "2s", loop=True)
    assert ended.returncode == 0, ended.stderr
    steps = steps_of(tmp_path)
    assert steps[-1].at.mono == pytest.approx(2, abs=0.2)


def test_it_ends_when_the_file_is_large_enough(tmp_path):
    assert record(tmp_path, "--max-size", "5kB", loop=True).returncode == 0
    assert 4000 < (tmp_path / "trace.jsonl").stat().st_size < 6000


@pytest.mark.parametrize(
    ("arguments", "told"), [(["--for", "5"], "not a duration"), (["--max-size", "much"], "not a size")]
)
def test_a_wrong_limit_is_told(tmp_path, arguments, told):
    ended = record(tmp_path, *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr


def test_a_trace_that_exists_is_not_overwritten(tmp_path):
    (tmp_path / "trace.jsonl").write_text("dear diary")
    ended = record(tmp_path)
    assert ended.returncode == 1
    assert "exists already" in ended.stderr


def test_run_can_record_beside_publishing(tmp_path):
    mqtt = {"broker": "mqtt://127.0.0.1:9"}
    trace = tmp_path / "trace.jsonl"
    with Daemon(tmp_path, {"cameras": {"front": SAMPLE}, "mqtt": mqtt}, "--record", str(trace)) as daemon:
        assert daemon.wait() == 0, daemon.output
    assert sum(len(step.readings or ()) for step in steps_of(tmp_path)) > 20


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "trace.jsonl").symlink_to("/dev/full")
    ended = record(tmp_path)
    assert ended.returncode == 1
    assert "exists already" in ended.stderr
