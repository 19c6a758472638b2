"""`edge-fer try-faces`, as people run it, with recordings in the place of a camera; and how its trial counts."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess

import pytest

from edge_fer.emotion.trial import NO_FACE, Prompt, Trial, TrialReading, as_json, lines
from edge_fer.types import UNCERTAIN, Doubt, Quality, QualityFault
from tests.daemon import COMMAND, edge_fer
from tests.invented import at, emotion_reading, reading
from tests.shared import shared_data

#: the detector that is always there
HAAR = ("-o", "faces.detector=haar")
SHORT = ("--ready", "1s", "--hold", "2s", "-o", "emotion.labels=three", *HAAR)


def trial_of(readings, *, labels=("angry", "happy"), ready=1.0, hold=2.0):
    trial = Trial(labels, ready=ready, hold=hold)
    for seconds, seen in readings:
        trial.take(seconds, TrialReading.of(seen))
    return trial


def test_each_emotion_has_its_turn_to_get_ready_and_to_hold():
    trial = Trial(["angry", "happy"], ready=1.0, hold=2.0)
    assert trial.prompt(0.25) == Prompt("angry", counts=False, left=0.75)
    assert trial.prompt(1.0) == Prompt("angry", counts=True, left=2.0)
    assert trial.prompt(3.5) == Prompt("happy", counts=False, left=0.5)
    assert trial.prompt(5.5) == Prompt("happy", counts=True, left=0.5)
    assert trial.prompt(6.0) is None


def test_a_reading_counts_until_the_next_one_while_the_face_is_to_be_held():
    happy, angry = reading(0, "happy", 0.9), reading(0, "angry", 0.9)
    trial = trial_of([(0.0, happy), (0.5, happy), (1.0, angry), (1.5, happy), (2.0, None), (2.5, angry), (3.25, angry)])
    assert trial.tried[0].seconds == {"angry": 1.0, "happy": 0.5, NO_FACE: 0.5}
    assert trial.tried[0].right == 0.5
    assert (trial.tried[1].seconds, trial.tried[1].right) == ({}, None)


def test_nothing_stands_for_longer_than_a_second():
    trial = trial_of([(1.0, reading(0, "angry", 0.9)), (2.75, None), (3.0, None)])
    assert trial.tried[0].seconds == {"angry": 1.0, NO_FACE: 0.25}


def test_the_end_says_what_was_read_and_why_it_was_uncertain():
    scores = {"angry": 0.5, "happy": 0.5}
    torn = emotion_reading("cam", "x", at(0), UNCERTAIN, 0.5, scores, Quality(1.0), Doubt.TORN)
    away = emotion_reading("cam", "x", at(0), UNCERTAIN, 0.5, scores, Quality(0.2, (QualityFault.TURNED_AWAY,)))
    trial = trial_of([(1.0, torn), (1.5, away), (2.25, reading(0, "angry", 0.9)), (3.0, None)])
    assert list(lines(trial.tried)) == [
        "asked for  read   taken for",
        "angry       38 %  uncertain 62 % (mostly turned away)",
        "happy      not tried",
        "",
        "Read as asked for: 38 % of the time, over one emotion.",
    ]
    assert as_json(trial.tried) == [
        {
            "asked": "angry",
            "seconds": 2.0,
            "right": 0.375,
            "shares": {"uncertain": 0.625, "angry": 0.375},
            "reasons_s": {"turned away": 0.75, "torn": 0.5},
        },
        {"asked": "happy", "seconds": 0, "right": None, "shares": {}, "reasons_s": {}},
    ]


def test_somebody_who_smiles_all_the_time_is_read_as_happy_whatever_was_asked(tmp_path):
    done = edge_fer("try-faces", "--source", "sample", *SHORT, "-o", f"state_dir={tmp_path / 'state'}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    asked = re.findall(r"^Please ([a-z ]+), within 1 s\.\nHold it for 2 s\.$", done.stdout, re.MULTILINE)
    assert asked == ["look angry", "smile", "look sad"]
    happy = re.search(r"^happy +(\d+) %", done.stdout, re.MULTILINE)
    sad = re.search(r"^sad +(\d+) % +happy (\d+) %", done.stdout, re.MULTILINE)
    assert happy is not None
    assert sad is not None
    assert int(happy[1]) > 90
    assert (int(sad[1]), int(sad[2])) == (0, 100)
    assert list(tmp_path.iterdir()) == [], "nothing is kept"


def test_json_alone_goes_to_standard_output():
    done = edge_fer("try-faces", "--source", "sample", "--json", *SHORT)
    assert done.returncode == 0
    assert "Please smile, within 1 s." in done.stderr
    told = json.loads(done.stdout)
    assert [one["asked"] for one in told["tried"]] == ["angry", "happy", "sad"]
    assert all(one["seconds"] == pytest.approx(2, abs=0.2) for one in told["tried"])
    assert told["tried"][1]["right"] > 0.9


def test_a_recording_that_ends_early_leaves_the_rest_untried():
    done = edge_fer("try-faces", "--source", "sample", "--ready", "5s", "--hold", "1m", *HAAR)
    assert done.returncode == 0
    assert re.search(r"^disgust +not tried$", done.stdout, re.MULTILINE)
    assert "over one emotion." in done.stdout


def test_several_expressions_are_told_apart():
    clip = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    done = edge_fer("try-faces", "--source", str(clip), "--json", "--ready", "0s", "--hold", "2s", *HAAR)
    assert done.returncode == 0, done.stderr
    shares = [one["shares"] for one in json.loads(done.stdout)["tried"]]
    assert len({next(iter(one)) for one in shares if one}) >= 3


def test_ctrl_c_ends_it_with_what_was_read(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"cameras": {"front": {"source": "sample", "loop": True}}}))
    command = [*COMMAND, "try-faces", "--config", str(config), "--ready", "0s", "--hold", "10m", *HAAR]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "Hold it for 600 s.\n"
        running.send_signal(signal.SIGINT)
        told, complained = running.communicate(timeout=60)
    assert (running.returncode, complained) == (130, "")
    assert "asked for  read   taken for" in told
    assert re.search(r"^happy +not tried$", told, re.MULTILINE)


def test_on_a_terminal_what_is_read_is_shown_in_one_line():
    terminal, end = pty.openpty()
    with subprocess.Popen([*COMMAND, "try-faces", "--source", "sample", *SHORT], stdout=end, close_fds=True) as running:
        os.close(end)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
    os.close(terminal)
    assert running.returncode == 0
    drawn = [line.strip() for line in re.split(r"[\r\n]+", shown.decode())]
    assert any(re.fullmatch(r"hold it, +\d s left   read: happy \d+ %", line) for line in drawn)
    assert "Please smile, within 1 s." in drawn


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--source", "nowhere.mp4"], 1, "nowhere.mp4 cannot be read"),
        (["--hold", "0s"], 2, "Write one above 0"),
        (["--hold", "5"], 2, "not a duration"),
        (["--source", "sample", "-o", "emotion.labels=two"], 78, "emotion.labels"),
    ],
)
def test_what_cannot_be_done_is_told(arguments, code, told):
    done = edge_fer("try-faces", *arguments)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
