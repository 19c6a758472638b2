"""The Python API: what the docs' examples print, and that videos give what the live pipeline gives."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_fer import Analyzer
from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.errors import ConfigError, PictureError, SourceError
from edge_fer.inference.store import Store
from edge_fer.sample import sample_path, sample_picture
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import LABEL_SETS, UNCERTAIN, EventKind
from edge_fer.wiring import build_pipeline, play
from tests.fetched import models_folder
from tests.odd_files import odd_videos, write_all

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def settings():
    return {"models_dir": str(models_folder())}


@pytest.fixture
def analyzer(settings):
    return Analyzer(settings=settings)


def written(path, image):
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


def test_the_sample_picture_shows_one_person_who_smiles(analyzer):
    (face,) = analyzer.read(sample_picture()).faces
    assert (face.label, face.quality.faults) == ("happy", ())
    assert face.confidence == face.scores["happy"] > 0.9
    assert sum(face.scores.values()) == pytest.approx(1)
    x, y = face.face.box.centre
    assert (x, y) == pytest.approx((350, 200), abs=15)
    assert face.face.box.width == pytest.approx(145, abs=20)


def test_a_path_bytes_a_stream_and_pixels_are_one_and_the_same(analyzer, tmp_path):
    path = written(tmp_path / "photo.png", sample_picture())
    data = path.read_bytes()
    said = [analyzer.read(given).faces for given in (path, str(path), data, io.BytesIO(data), sample_picture())]
    assert all(faces == said[0] for faces in said)
    assert analyzer.read(path).name == str(path)


@pytest.mark.parametrize("labels", LABEL_SETS)
def test_the_label_set_of_the_config_holds(settings, labels):
    analyzer = Analyzer(settings=settings | {"emotion": {"labels": labels}})
    (face,) = analyzer.read(sample_picture()).faces
    assert tuple(face.scores) == analyzer.labels == LABEL_SETS[labels]


def test_thresholds_of_the_config_hold(settings):
    picture = sample_picture()
    strict = Analyzer(settings=settings | {"emotion": {"min_confidence": 1.0}}).read(picture).faces[0]
    assert (strict.label, strict.leading) == (UNCERTAIN, "happy")
    gated = Analyzer(settings=settings | {"faces": {"quality": {"min_brightness": 255}}}).read(picture).faces[0]
    assert (gated.label, gated.confidence, gated.scores, gated.leading) == (UNCERTAIN, 0.0, {}, None)
    assert [str(fault) for fault in gated.quality.faults] == ["too_dark"]
    assert not Analyzer(settings=settings | {"faces": {"min_size": "200px"}}).read(picture).faces


def test_a_cameras_own_settings_and_zones_hold(settings):
    staff = {"staff": {"polygon": [[0.3, 0], [1, 0], [1, 1], [0.3, 1]]}}
    cameras = {
        "open": {"emotion": {"labels": "four"}},
        "zoned": {"zones": staff},
        "hung": {"rotate": 90},
    }
    picture = sample_picture()

    def seen(camera, image=picture):
        return Analyzer(settings=settings | {"cameras": cameras}, camera=camera).read(image)

    assert len(seen("open").faces[0].scores) == 4
    zoned = seen("zoned")
    assert not zoned.faces
    assert not zoned.image[:, 250:].any(), "what must not be seen is still there to be drawn over"
    sideways = np.ascontiguousarray(np.rot90(picture))
    assert seen("hung", sideways).faces == Analyzer(settings=settings).read(picture).faces
    with pytest.raises(ConfigError, match="camera back is not in the config"):
        seen("back")


def test_a_picture_is_read_as_a_cameras_first_frame(settings):
    config = load(overrides=[Layer.mapping("test", settings | {"faces": {"confirm": 1, "min_size": "32px"}})]).config
    camera = config.cameras["camera"].model_copy(update={"source": str(sample_path())})
    analyzer = Analyzer(config)
    compared = 0
    with_frames = play("camera", camera, clock=SystemClock())
    for frame in with_frames:
        if frame.index % 20:
            continue
        pipeline = build_pipeline("camera", camera, store=Store(config.models_dir), time=Stopwatch())
        live = pipeline.step(frame).readings
        still = analyzer.read(frame.image).faces
        assert [(one.label, one.quality.faults) for one in live] == [(one.label, one.quality.faults) for one in still]
        for one, other in zip(live, still, strict=True):
            # a camera's face is read in the codec's luma, that of a picture in colours made of it, which are rounded
            assert one.scores == pytest.approx(other.scores, abs=0.01)
            assert one.quality.value == pytest.approx(other.quality.value, abs=0.01)
        compared += len(still)
    assert compared >= 5


def test_a_video_gives_the_readings_that_the_live_pipeline_gives(settings, analyzer):
    config = load(overrides=[Layer.mapping("test", settings)]).config
    camera = config.cameras["camera"].model_copy(update={"source": "sample"})
    pipeline = build_pipeline("camera", camera, store=Store(config.models_dir), time=Stopwatch())
    live = [pipeline.step(frame).readings for frame in play("camera", camera, clock=SystemClock())]
    moments = list(analyzer.watch("sample"))
    assert len(moments) == len(live) + 1
    for told, moment in zip(live, moments, strict=False):
        assert (told is None) == (moment.told.readings is None)
        assert [(one.label, one.scores, one.quality) for one in told or ()] == [
            (one.label, one.scores, one.quality) for one in moment.told.readings or ()
        ]
        for one in moment.readings:
            x, y = one.box.centre
            (width, height), eyes = one.size, (one.keypoints.right_eye, one.keypoints.left_eye)
            assert moment.frame.image.shape == (height, width, 3)
            assert 0 < x < width
            assert 0 < y < height
            assert one.box.x < eyes[0][0] < x < eyes[1][0] < one.box.x + one.box.width
            assert all(one.box.y < eye[1] < y for eye in eyes)
    for before, moment in pairwise(moments[:-1]):
        standing = before.readings if moment.told.readings is None else moment.told.readings
        assert moment.readings == standing
    kinds = [event.kind for moment in moments for event in moment.told.events]
    assert (kinds[0], kinds[-1]) == (EventKind.APPEARED, EventKind.LEFT)


def test_after_the_last_frame_those_in_view_leave_and_windows_end(settings, tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(next(odd.data for odd in odd_videos() if odd.name == "good.mp4"))
    *moments, last = Analyzer(settings=settings | {"faces": {"min_size": "20px"}}).watch(video)
    assert len(moments) == 20
    assert [moment.seconds for moment in moments] == pytest.approx([n / 15 for n in range(20)], abs=0.01)
    assert all(moment.frame is not None and moment.frame.image.shape == (90, 160, 3) for moment in moments)
    assert (last.frame, last.readings) == (None, ())
    assert [event.kind for event in last.told.events] == [EventKind.LEFT]
    assert last.told.summaries


def test_odd_videos_are_played_or_refused(settings, tmp_path):
    analyzer, wrong = Analyzer(settings=settings), []
    videos = write_all(tmp_path, odd_videos())
    assert len(videos) >= 40
    for path, odd in videos.items():
        try:
            read = sum(1 for _ in analyzer.watch(path)) > 1
            said = "no frame"
        except SourceError as error:
            read, said = False, str(error)
            if not error.remedy:
                wrong.append(odd.name)
        if odd.reads is not None and read != odd.reads:
            wrong.append((odd.name, said))
    assert not wrong


@pytest.mark.parametrize(("given", "word"), [
    (b"", "picture is empty"),
    (np.zeros((4, 4), np.uint8), r"picture is uint8 \(4, 4\), not RGB"),
    (np.zeros((4, 4, 3), np.float32), "picture is float32"),
    (np.zeros((0, 4, 3), np.uint8), "picture is uint8"),
    ("gone.jpg", "gone.jpg cannot be read: No such file"),
    (Path("docs"), "docs "),
])  # fmt: skip
def test_what_cannot_be_read_is_told(analyzer, given, word):
    with pytest.raises(PictureError, match=word) as caught:
        analyzer.read(given)
    assert caught.value.remedy


def test_a_wrong_setting_is_told_as_in_a_file():
    with pytest.raises(ConfigError, match=r"emotion\.labels"):
        Analyzer(settings={"emotion": {"labels": "eight"}})
    with pytest.raises(ConfigError, match="does not exist"):
        Analyzer("gone.yaml")


def test_importing_the_package_is_cheap():
    script = "import sys, edge_fer; assert not {'numpy', 'cv2', 'pydantic'} & set(sys.modules); edge_fer.Analyzer"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_name_that_is_not_there_is_told_as_of_any_module():
    with pytest.raises(ImportError, match="Analyser"):
        from edge_fer import Analyser  # noqa: F401


def example(name, *arguments) -> str:
    # where systemd would tell the daemon to keep its state; `models` below it is the folder of models
    environment = os.environ | {"STATE_DIRECTORY": str(models_folder().parent)}
    ended = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_the_example_of_a_picture(tmp_path):
    assert re.fullmatch(r"happy (9\d|100)%\n", example("picture.py", written(tmp_path / "x.jpg", sample_picture())))


def test_the_example_of_a_video():
    lines = example("video.py", sample_path()).splitlines()
    assert re.fullmatch(r"\d\.\d s: appeared happy", lines[0])
    # while it leaves, it is cut off
    assert re.fullmatch(r"\d+\.\d s: left happy", lines[-1])


def test_the_example_of_a_drawing(tmp_path):
    assert not example("drawing.py", written(tmp_path / "x.jpg", sample_picture()), tmp_path / "seen.png")
    assert cv2.imread(str(tmp_path / "seen.png")).shape[1] == 1000


def test_the_example_of_the_happiest(tmp_path):
    written(tmp_path / "a.png", np.full((300, 300, 3), 90, np.uint8))
    written(tmp_path / "b.png", sample_picture())
    (tmp_path / "c.txt").write_text("no picture")
    left_out, found = example("happiest.py", tmp_path).splitlines()
    assert left_out.startswith(f"left out: {tmp_path / 'c.txt'} is no picture")
    assert re.fullmatch(r"b\.png: (9\d|100)%", found)


def test_the_example_of_a_timeline():
    rows = list(csv.DictReader(io.StringIO(example("timeline.py", sample_path()))))
    assert len(rows) > 10
    assert {row["label"] for row in rows} == {"happy"}
    times = [float(row["seconds"]) for row in rows]
    assert np.diff(times) == pytest.approx(0.5, abs=0.08)


def test_the_page_shows_the_examples_as_they_are():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"<!-- docs/examples/(\w+\.py) -->\n```python\n(.*?)```", page, re.DOTALL))
    assert shown == {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
