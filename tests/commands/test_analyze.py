"""`edge-fer analyze` as people run it: real recordings, real models, odd files."""

from __future__ import annotations

import csv
import json
import os
import pty
import signal
import struct
import subprocess
import time

import cv2
import numpy as np
import pytest

from edge_fer.recordings.trace.reader import TraceReader
from edge_fer.sample import sample_path
from tests.capture.helpers import flat, write_video
from tests.daemon import COMMAND, edge_fer
from tests.fetched import models_folder
from tests.shared import shared_data

#: The one that is always there.
HAAR = ("-o", "faces.detector=haar")
FILES = {"readings.csv", "events.jsonl", "summary.json", "report.html"}


def analyze(video, out, *arguments, **options):
    return edge_fer("analyze", str(video), "--out", str(out), *arguments, **options)


def rows_of(out):
    with (out / "readings.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def summary_of(out):
    return json.loads((out / "summary.json").read_text())


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample recording, analysed."""
    out = tmp_path_factory.mktemp("analyze") / "out"
    ended = analyze("sample", out, *HAAR, "--began", "2026-01-31T09:00+00:00")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 person: happy" in ended.stdout
    assert str(out / "report.html") in ended.stdout
    return out


def test_it_writes_a_folder_that_only_its_owner_may_read(sample):
    assert {path.name for path in sample.iterdir()} == FILES
    assert sample.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in sample.iterdir())


def test_the_files_agree_with_one_another(sample):
    summary, rows = summary_of(sample), rows_of(sample)
    assert summary["complete"] is True
    assert (summary["frames"], summary["people"], summary["size"]) == (180, 1, [640, 360])
    assert summary["began"] == "2026-01-31T09:00:00.000Z"
    assert len(rows) > 40
    assert {row["track_id"] for row in rows} == {summary["persons"][0]["track_id"]}
    scores = [[float(row[label]) for label in summary["labels"]] for row in rows if row["happy"]]
    assert np.allclose(np.sum(scores, axis=1), 1, atol=1e-3)
    assert all(0 <= float(row["seconds"]) <= 12 for row in rows)
    events = [json.loads(line) for line in (sample / "events.jsonl").read_text().splitlines()]
    people = [event for event in events if event["kind"] == "event"]
    assert [people[0]["event_type"], people[-1]["event_type"]] == ["appeared", "left"]
    assert len(people) == summary["events"]
    minute = next(event for event in events if event["kind"] == "summary" and event["window"] == "1m")
    assert minute["seconds"]["happy"] == pytest.approx(summary["seconds"]["happy"], abs=0.01)
    assert (minute["since"], minute["people"]) == ("2026-01-31T09:00:00.000Z", 1)
    columns = summary["timeline"]["columns"]
    drawn = sum(column.get("happy", 0) for column in columns)
    assert drawn == pytest.approx(summary["seconds"]["happy"], abs=0.05)


def test_nothing_is_kept_or_published(sample, tmp_path):
    state = tmp_path / "state"
    assert analyze("sample", tmp_path / "out", *HAAR, "-o", f"state_dir={state}", "--to", "3s").returncode == 0
    assert not state.exists()


@pytest.mark.parametrize("clip", ["sample", "shared"])
def test_the_daemon_reads_the_same_of_the_same_frames(tmp_path, clip):
    source = sample_path() if clip == "sample" else shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    config = tmp_path / "config.yaml"
    camera = {"source": str(source), "speed": "fast"}
    config.write_text(
        json.dumps(
            {
                "cameras": {"front": camera},
                "state_dir": str(tmp_path / "state"),
                "models_dir": str(models_folder()),
                "profile": "ward",
            }
        )
    )
    recorded = edge_fer("record", str(tmp_path / "trace.jsonl"), "--config", str(config))
    assert recorded.returncode == 0, recorded.stderr
    analysed = analyze(source, tmp_path / "out", "--config", str(config))
    assert analysed.returncode == 0, analysed.stderr

    numbers: dict[str, int] = {}
    ours = [
        (
            float(row["seconds"]),
            numbers.setdefault(row["track_id"], len(numbers) + 1),
            row["label"],
            float(row["confidence"]),
            [float(row[label]) for label in ("angry", "happy", "sad", "neutral") if row[label]],
            float(row["quality"]),
            row["faults"],
        )
        for row in rows_of(tmp_path / "out")
    ]
    with TraceReader(tmp_path / "trace.jsonl") as trace:
        theirs = [
            (
                step.at.mono,
                int(reading.track_id),
                reading.label,
                reading.confidence,
                [reading.scores[label] for label in ("angry", "happy", "sad", "neutral") if reading.scores],
                reading.quality.value,
                " ".join(reading.quality.faults),
            )
            for step in trace
            for reading in step.readings or ()
        ]
    assert len(ours) > 50
    assert ours == theirs


def test_a_part_of_a_recording_at_fewer_frames(tmp_path, sample):
    out = tmp_path / "out"
    assert analyze("sample", out, *HAAR, "--from", "0:04", "--to", "8s", "--every", "500ms").returncode == 0
    summary = summary_of(out)
    assert (summary["frames"], summary["every_s"]) == (8, 0.5)
    assert (summary["from_s"], summary["to_s"]) == pytest.approx((4.0, 7.5), abs=0.07)
    assert all(4 <= float(row["seconds"]) < 8 for row in rows_of(out))
    assert summary["seconds"]["happy"] == pytest.approx(3, abs=0.6)


def test_alerts_that_fire_are_in_all_files(tmp_path):
    alert = (
        "alerts.smile.when.emotion=[happy]",
        "alerts.smile.when.score=0.5",
        "alerts.smile.for=2s",
        "alerts.smile.severity=info",
    )
    out = tmp_path / "out"
    ended = analyze("sample", out, *HAAR, *(part for setting in alert for part in ("-o", setting)))
    assert ended.returncode == 0, ended.stderr
    assert "1 alert fired" in ended.stdout
    (alert,) = [one for one in summary_of(out)["alerts"] if one["rule"] == "smile"]
    assert alert["fired_s"] - alert["since_s"] == pytest.approx(2, abs=0.1)
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert [one["event_type"] for one in events if one["kind"] == "alert_event"] == ["firing", "resolved"]
    assert "Alert smile fired once" in (out / "report.html").read_text()


def test_a_recording_without_anybody(tmp_path):
    clip = write_video(tmp_path / "wall.mp4", [flat(90 + index) for index in range(30)], fps=10)
    ended = analyze(clip, tmp_path / "out", *HAAR)
    assert ended.returncode == 0, ended.stderr
    assert "nobody was seen" in ended.stdout
    summary = summary_of(tmp_path / "out")
    assert (summary["people"], summary["satisfaction"], summary["distress"]) == (0, None, None)
    assert rows_of(tmp_path / "out") == []


def test_a_recording_held_sideways(tmp_path, sample):
    """A phone held upright: the picture lies on its side in the file, which says how to turn it."""
    capture, pictures = cv2.VideoCapture(str(sample_path())), []
    while (read := capture.read())[0]:
        pictures.append(cv2.cvtColor(cv2.rotate(read[1], cv2.ROTATE_90_COUNTERCLOCKWISE), cv2.COLOR_BGR2RGB))
    plain = write_video(tmp_path / "plain.mp4", pictures, fps=15).read_bytes()
    matrix = plain.index(b"tkhd") + 4 + 40
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(plain[:matrix] + quarter + plain[matrix + 36 :])
    assert analyze(turned, tmp_path / "out", *HAAR).returncode == 0
    summary, upright = summary_of(tmp_path / "out"), summary_of(sample)
    assert summary["size"] == [640, 360]
    assert summary["seconds"]["happy"] == pytest.approx(upright["seconds"]["happy"], abs=1)


def test_a_recording_of_changing_speed(tmp_path):
    """Frames of 40 and of 400 ms: the times in the files are the frames' own."""
    capture = cv2.VideoCapture(str(sample_path()))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 60)
    still = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
    clip = write_video(tmp_path / "steady.mp4", [still] * 40, fps=25)
    content = clip.read_bytes()
    # the table of how long frames last: all 40 alike, made into 20 short and 20 ten times as long
    place = content.index(b"stts")
    size, _, _, entries, count, delta = struct.unpack(">I4sIIII", content[place - 4 : place + 20])
    assert (size, entries, count) == (24, 1, 40)
    table = struct.pack(">I4sIIIIII", size + 8, b"stts", 0, 2, 20, delta, 20, 10 * delta)
    changed = content[: place - 4] + table + content[place + 20 :]
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = changed.index(parent) - 4
        (long,) = struct.unpack(">I", changed[at : at + 4])
        changed = changed[:at] + struct.pack(">I", long + 8) + changed[at + 4 :]
    # and the list of what is to be shown of it lasts as long as that
    at = changed.index(b"elst") + 12
    changed = changed[:at] + struct.pack(">I", 8800) + changed[at + 4 :]
    vfr = tmp_path / "vfr.mp4"
    vfr.write_bytes(changed)
    assert analyze(vfr, tmp_path / "out", *HAAR).returncode == 0
    assert summary_of(tmp_path / "out")["to_s"] == pytest.approx(20 * 0.04 + 19 * 0.4, abs=0.05)


def test_a_recording_that_was_cut_off(tmp_path):
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(40)]
    whole = write_video(tmp_path / "whole.avi", pictures, fps=10, codec="MJPG").read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: len(whole) // 2])
    ended = analyze(cut, tmp_path / "out", *HAAR)
    assert ended.returncode == 0, ended.stderr
    summary = summary_of(tmp_path / "out")
    assert (summary["cut_off"], 15 < summary["frames"] < 25) == (True, True), summary
    assert "cut off" in ended.stdout
    assert "cut off" in (tmp_path / "out" / "report.html").read_text()


#: What is in files that only look like recordings, given a real one.
ODD = {
    "empty.mp4": lambda _: b"",
    "half.mp4": lambda clip: clip[: len(clip) // 2],
    "head.mp4": lambda clip: clip[:300],
    "text.mp4": lambda _: b"no video\n" * 500,
    "noise.avi": lambda _: np.random.default_rng(2).bytes(50_000),
    "picture.mp4": lambda _: cv2.imencode(".png", flat(9))[1].tobytes()[:40],
    "absent.mp4": None,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files_give_one_clear_error_and_no_folder(tmp_path, name):
    clip = write_video(tmp_path / "clip.mp4", [flat(20 * index) for index in range(10)], fps=10).read_bytes()
    if ODD[name]:
        (tmp_path / name).write_bytes(ODD[name](clip))
    ended = analyze(tmp_path / name, tmp_path / "out", *HAAR)
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert name in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["rtsp://user:secret@192.0.2.1/x"], 1, "no video file"),
        (["/dev/video0"], 1, "no video file"),
        (["sample", "--every", "2"], 2, "is not a duration"),
        (["sample", "--from", "8s", "--to", "4s"], 1, "--from 0:08 is not before --to 0:04"),
        (["sample", "--from", "1m"], 1, "no frame from 60 s on"),
        (["sample", "--camera", "back"], 78, "no such camera"),
        (["sample", "--began", "yesterday"], 2, "is no moment"),
    ],
)
def test_wrong_arguments_are_told(tmp_path, arguments, code, told):
    ended = edge_fer("analyze", *arguments, "--out", str(tmp_path / "out"), *HAAR)
    assert (ended.returncode, told in ended.stderr) == (code, True), ended.stderr
    assert "secret" not in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "summary.json").write_text('{"dear": "diary"}')
    ended = analyze("sample", tmp_path, *HAAR)
    assert ended.returncode == 1
    assert "something else than an analysis" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_an_earlier_analysis_is_replaced(tmp_path):
    for end in ("3s", "4s"):
        assert analyze("sample", tmp_path / "out", *HAAR, "--to", end).returncode == 0
    assert summary_of(tmp_path / "out")["frames"] == 60
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_nothing_is_written_through_a_link(tmp_path):
    out, diary = tmp_path / "out", tmp_path / "diary"
    assert analyze("sample", out, *HAAR, "--to", "2s").returncode == 0
    diary.write_text("dear diary")
    (out / "summary.json").rename(tmp_path / "summary.json")
    (out / "summary.json").symlink_to(tmp_path / "summary.json")
    ended = analyze("sample", out, *HAAR, "--to", "2s")
    assert ended.returncode == 1
    assert "cannot be written" in ended.stderr


def test_a_full_disk_is_told(tmp_path):
    """A folder whose files cannot grow: the process may write 4 kB a file."""
    # or it would cut off what Python compiles on the way, for all later runs of this checkout
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    ended = analyze("sample", tmp_path / "out", *HAAR, preexec_fn=limit_files, env=environment)
    assert ended.returncode == 1, ended.stderr
    assert "cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert summary_of(tmp_path / "out")["complete"] is False


def limit_files():
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_ctrl_c_ends_it_with_what_there_is(tmp_path):
    # a file that does not come to an end before somebody loses patience
    capture, pictures = cv2.VideoCapture(str(sample_path())), []
    while (read := capture.read())[0]:
        pictures.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    clip = write_video(tmp_path / "long.mp4", pictures * 12, fps=15)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, "analyze", str(clip), "--out", str(out), *HAAR], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        # rows of it have been written, so it is amid its work
        while not ((out / "readings.csv").is_file() and (out / "readings.csv").stat().st_size > 4096):
            time.sleep(0.02)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        told, complaints = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, complaints) == (130, b"")
    assert b"Ended early" in told
    assert summary_of(out)["interrupted"] is True
    assert "ended by hand" in (out / "report.html").read_text()


def test_a_terminal_sees_how_far_it_is(tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "analyze", "sample", "--out", str(tmp_path / "out"), *HAAR], stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass  # how the end of a terminal looks like
    os.close(ours)
    assert process.wait(300) == 0
    assert b"% " in shown
    assert b"of 0:12" in shown
    assert b" left" in shown
