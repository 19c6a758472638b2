"""`edge-fer predict`, as people run it."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import threading

import cv2
import jsonschema
import numpy as np
import pytest
from PIL import Image

from edge_fer.sample import sample_picture
from edge_fer.types import LABEL_SETS
from tests.daemon import COMMAND, edge_fer
from tests.fetched import models_folder
from tests.odd_files import odd_pictures, saved, whole, write_all

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
FACE = {
    "type": "object",
    "properties": {
        "box": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "label": {"enum": [*LABEL_SETS["seven"], "uncertain"]},
        "confidence": SHARE,
        "scores": {"type": "object", "additionalProperties": SHARE},
        "quality": SHARE,
        "faults": {"type": "array", "items": {"type": "string"}},
        "doubt": {"enum": ["unclear", "torn", None]},
    },
    "required": ["box", "label", "confidence", "scores", "quality", "faults", "doubt"],
    "additionalProperties": False,
}
READ = {
    "type": "object",
    "properties": {
        "file": {"type": "string"},
        "size": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        "notes": {"type": "array", "items": {"type": "string"}},
        "faces": {"type": "array", "items": FACE},
    },
    "required": ["file", "size", "notes", "faces"],
    "additionalProperties": False,
}
FAILED = {
    "type": "object",
    "properties": {name: {"type": "string", "minLength": 1} for name in ("file", "error", "remedy")},
    "required": ["file", "error", "remedy"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "version": {"type": "string"},
        "labels": {"type": "array", "items": {"type": "string"}},
        "pictures": {"type": "array", "items": {"anyOf": [READ, FAILED]}},
    },
    "required": ["version", "labels", "pictures"],
    "additionalProperties": False,
}


@pytest.fixture
def portrait(tmp_path):
    """The sample picture as a file."""
    path = tmp_path / "portrait.png"
    cv2.imwrite(str(path), cv2.cvtColor(sample_picture(), cv2.COLOR_RGB2BGR))
    return path


def predict(*arguments, **options):
    return edge_fer("predict", *map(str, arguments), "-o", f"models_dir={models_folder()}", **options)


def as_json(*arguments, **options):
    ended = predict(*arguments, "--json", **options)
    told = json.loads(ended.stdout)
    jsonschema.validate(told, SCHEMA)
    return told["pictures"], ended


def test_the_sample_shows_somebody_happy():
    ended = predict("sample")
    assert (ended.returncode, ended.stderr) == (0, "")
    head, face, best, *others = ended.stdout.splitlines()
    assert head == "sample  640 x 360 pixels"
    assert re.fullmatch(r"  face 1: happy (9\d|100) %  quality \d\.\d\d, 1\d\d pixels wide at \d+, \d+", face)
    assert re.fullmatch(r"    happy +(9\d|100) %  █+[▏▎▍▌▋▊▉]?", best)
    assert {line.split()[0] for line in others} == set(LABEL_SETS["seven"]) - {"happy"}
    assert "\x1b" not in ended.stdout


def test_json_follows_its_schema():
    (picture,), ended = as_json("sample")
    assert ended.returncode == 0
    (face,) = picture["faces"]
    assert (picture["size"], face["label"], face["faults"]) == ([640, 360], "happy", [])
    assert sum(face["scores"].values()) == pytest.approx(1, abs=0.001)


def test_a_face_told_as_uncertain_says_why():
    (picture,), _ = as_json("sample", "-o", "emotion.min_lead=1")
    assert [(face["label"], face["doubt"]) for face in picture["faces"]] == [("uncertain", "torn")]
    ended = predict("sample", "-o", "emotion.min_confidence=1")
    assert "face 1: uncertain: unclear" in ended.stdout
    (row,) = csv.DictReader(io.StringIO(predict("sample", "--csv", "-o", "emotion.min_lead=1").stdout))
    assert (row["label"], row["doubt"]) == ("uncertain", "torn")


def test_csv_has_a_row_for_each_face_and_each_trouble(portrait, tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "wall.png").write_bytes(saved(Image.new("RGB", (200, 200), "grey"), "PNG"))
    ended = predict(portrait, tmp_path / "empty.jpg", tmp_path / "wall.png", "--csv", "-o", "emotion.labels=three")
    assert ended.returncode == 1
    face, empty, wall = csv.DictReader(io.StringIO(ended.stdout))
    assert (face["face"], face["label"], face["error"]) == ("1", "happy", "")
    assert sum(float(face[label]) for label in LABEL_SETS["three"]) == pytest.approx(1, abs=0.001)
    assert "fear" not in face
    assert empty["error"] == f"{tmp_path}/empty.jpg is empty. Copy or export it again"
    assert (wall["face"], wall["label"], wall["error"]) == ("", "", "")


def test_a_picture_on_standard_input_is_read(portrait):
    with portrait.open("rb") as file:
        (picture,), ended = as_json("-", stdin=file)
    assert (ended.returncode, picture["file"]) == (0, "standard input")
    assert picture["faces"][0]["label"] == "happy"


@pytest.mark.parametrize("given", ["nothing", "closed", "zeros"])
def test_standard_input_without_a_picture_is_told(given):
    command = f"exec {' '.join(COMMAND)} predict -"
    redirection = {"nothing": "< /dev/null", "closed": "<&-", "zeros": "< /dev/zero"}[given]
    ended = subprocess.run(
        ["sh", "-c", f"{command} {redirection}"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert re.match(r"edge-fer: standard input (is empty|holds no)", ended.stderr)


def test_a_folder_is_read_whatever_is_wrong_with_some_of_it(portrait, tmp_path):
    (tmp_path / "a.jpg").write_bytes(whole()["baseline.jpg"][:300])
    whole_one = saved(Image.fromarray(sample_picture()), "JPEG")
    (tmp_path / "b.jpg").write_bytes(whole_one[:9000] + bytes(1000) + whole_one[10_000:])
    (tmp_path / "c.jpg").write_bytes(whole_one[:9000] + b"\xff\xd9")
    (tmp_path / "notes.txt").write_text("no picture")
    pictures, ended = as_json(tmp_path)
    assert ended.returncode == 1
    names = ["a.jpg", "b.jpg", "c.jpg", portrait.name]
    assert [picture["file"] for picture in pictures] == [str(tmp_path / name) for name in names]
    assert pictures[0]["error"].endswith("is a JPEG file that is damaged or cut off")
    for damaged in pictures[1:3]:
        assert "is a JPEG file that is damaged or cut off: picture data is" in damaged["error"]
    assert pictures[3]["faces"][0]["label"] == "happy"


def test_hundreds_of_odd_files_are_each_read_or_refused_in_one_run(tmp_path):
    files = write_all(tmp_path / "odd", odd_pictures())
    assert len(files) >= 500
    pictures, ended = as_json(*files, timeout=500)
    assert ended.returncode == 1
    assert [picture["file"] for picture in pictures] == [str(path) for path in files]
    wrong = [
        (odd.name, picture.get("error", "read"))
        for (path, odd), picture in zip(files.items(), pictures, strict=True)
        if odd.reads is not None and odd.reads != ("faces" in picture)
    ]
    assert not wrong
    # one line each on standard error, and none of anybody else
    told = ended.stderr.splitlines()
    assert len(told) == sum("error" in picture for picture in pictures)
    assert all(line.startswith(f"edge-fer: {tmp_path}") for line in told)


NAMES = [b"two\nlines.png", b"\x1b[31mred.png", b"caf\xe9.png", b" .png", "Äpfel 🍎.png".encode(), b"x" * 250 + b".png"]


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]])
def test_any_name_can_be_read_and_told(portrait, tmp_path, form):
    (tmp_path / "odd").mkdir()
    for name in NAMES:
        shutil.copy(portrait, os.fsencode(tmp_path / "odd") + b"/" + name)
    # a locale that knows none of these letters
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    ended = predict(tmp_path / "odd", *form, env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(re.findall(r"\bhappy\b[^a-z]+(?:100|9\d| 0\.9)", ended.stdout)) >= len(NAMES)
    assert ended.stdout.isascii()
    assert "\x1b" not in ended.stdout


def test_a_drawing_is_written_and_shows_more_with_activation(portrait, tmp_path):
    for name, more in (("plain.png", []), ("laid.png", ["--activation"])):
        ended = predict(portrait, "--annotate", tmp_path / name, *more)
        assert (ended.returncode, ended.stderr) == (0, "")
    plain, laid = (cv2.imread(str(tmp_path / name)) for name in ("plain.png", "laid.png"))
    assert plain.shape == laid.shape == (562, 1000, 3)
    assert (plain != laid).any()


def test_drawings_of_several_go_into_a_folder_and_hold_nothing_of_where_they_were_taken(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "A maker of cameras"
    (tmp_path / "in").mkdir()
    image = Image.fromarray(sample_picture())
    for name in ("a.jpg", "b.jpg"):
        image.save(tmp_path / "in" / name, exif=exif)
    ended = predict(tmp_path / "in", "--annotate", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    drawn = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in drawn] == ["a.jpg", "b.jpg"]
    assert not any(b"maker of cameras" in path.read_bytes() for path in drawn)


def test_nothing_is_written_unless_it_is_asked_for(portrait, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert predict(portrait, cwd=tmp_path).returncode == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("arguments", "code", "word"), [
    (["sample", "--activation"], 1, "--activation needs --annotate"),
    (["sample", "--annotate", "out.bmp"], 1, "out.bmp is of no kind that can be written"),
    (["sample", "-o", "emotion.labels=eight"], 78, "emotion.labels"),
    (["sample", "-o", "emotion.model=gone.tflite"], 78, "gone.tflite"),
    (["sample", "--camera", "back"], 78, "camera back is not in the config"),
    (["sample", "--config", "gone.yaml"], 78, "gone.yaml"),
    (["sample", "--json", "--csv"], 2, "not allowed with"),
    ([], 2, "required"),
    (["nowhere.jpg"], 1, "nowhere.jpg cannot be read: No such file"),
    (["/dev/zero"], 1, "/dev/zero is no file but a device or a pipe"),
])  # fmt: skip
def test_what_is_wrong_is_told_in_a_word(tmp_path, arguments, code, word):
    ended = predict(*arguments, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "photo.jpg")
    ended = predict(tmp_path / "photo.jpg", timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "is no file but a device or a pipe" in ended.stderr


def on_a_terminal(environment):
    """What a terminal gets to see of the sample."""
    ours, theirs = pty.openpty()
    seen = []

    def read():
        try:
            while data := os.read(ours, 4096):
                seen.append(data)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    command = [*COMMAND, "predict", "sample", "-o", f"models_dir={models_folder()}"]
    given = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLORTERM"}}
    subprocess.run(command, stdout=theirs, env=given | {"TERM": "xterm"} | environment, check=True)
    os.close(theirs)
    reader.join(10)
    os.close(ours)
    return b"".join(seen).decode()


@pytest.mark.parametrize(("environment", "colour"), [
    ({}, "\x1b[38;5;221m"),
    ({"COLORTERM": "truecolor"}, "\x1b[38;2;240;228;66m"),
    ({"NO_COLOR": "1"}, None),
    ({"TERM": "dumb"}, None),
])  # fmt: skip
def test_a_terminal_gets_bars_in_colour_unless_it_wants_none(environment, colour):
    seen = on_a_terminal(environment)
    assert (f"{colour}████" in seen) if colour else ("\x1b" not in seen and "████" in seen)


def test_reading_a_picture_ends_when_nobody_listens():
    command = f"{' '.join(COMMAND)} predict sample sample sample --csv | head -1"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout.startswith("file,face,")
    assert "Traceback" not in ended.stderr


def test_a_dark_wall_shows_nobody(tmp_path):
    noise = np.random.default_rng(1).integers(0, 30, (400, 600, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), noise)
    ended = predict(tmp_path / "wall.png")
    assert (ended.returncode, ended.stdout.splitlines()[1]) == (0, "  no face of at least 48 pixels was found")
