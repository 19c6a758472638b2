"""A Pi camera through the wiring: what the config says reaches it, and what it sends comes out as messages."""

from __future__ import annotations

from functools import partial
from itertools import islice
from types import SimpleNamespace

import pytest

from edge_fer.analyzer import Analyzer
from edge_fer.bench.measure import measure
from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.picamera2 import live as picamera2_live
from edge_fer.capture.view.watch import ViewWatch
from edge_fer.capture.zones import EVERYWHERE
from edge_fer.config import tree as config
from edge_fer.inference.store import Store
from edge_fer.pipeline.ports import NoWatch
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.wiring.camera import make_camera
from edge_fer.wiring.source import play
from edge_fer.wiring.vision import build_pipeline, make_watch
from tests.capture.helpers import InventedClock
from tests.capture.picamera2_stand_in import Hardware
from tests.fetched import FOLDER
from tests.invented import at

HAAR = config.FacesSection(detector="haar")


@pytest.fixture(scope="module")
def faces():
    """Pictures of the sample in which there is a face."""
    return [frame.image for frame in VideoFile("x", sample_path(), clock=InventedClock()).frames()][60:90]


def test_a_face_in_the_small_stream_is_read_from_the_large_one(faces):
    hardware = Hardware(picture=lambda index: faces[index % len(faces)])
    source = picamera2_live.Picamera2Live("front", clock=hardware.clock, loader=lambda: hardware.library)
    camera = config.CameraSection(source="picamera2", view=config.ViewSection(enabled=False), faces=HAAR)
    line = build_pipeline("front", camera, store=Store(FOLDER), time=Stopwatch(), overview=0.5)
    frames = source.frames()
    readings = [line.step(next(frames)).readings for _ in range(6)]
    frames.close()
    (reading,) = next(found for found in reversed(readings) if found)
    assert reading.quality.faults == ()
    assert reading.scores


@pytest.fixture
def hardware(monkeypatch, faces):
    """A Pi camera before which somebody is, for whatever `source: picamera2` makes."""
    connected = Hardware(picture=lambda index: faces[index % len(faces)])
    made = partial(picamera2_live.Picamera2Live, loader=lambda: connected.library)
    monkeypatch.setattr("edge_fer.capture.picamera2.live.Picamera2Live", made)
    return connected


def test_what_is_played_of_a_pi_camera_is_what_the_daemon_sees(hardware):
    left_half = config.ZoneSection(polygon=((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    camera = config.CameraSection(source="picamera2", rotate=270, zones={"staff": left_half}, focus=0.5)
    frames = play("front", camera, clock=hardware.clock)
    frame = next(frames)
    assert (frame.image.shape, frame.small.shape) == ((1280, 720, 3), (640, 360, 3))
    for image in (frame.image, frame.small):
        middle = image.shape[1] // 2
        assert not image[:, :middle].any()
        assert image[:, middle + 1 :].mean() > 30
    (opened,) = hardware.opened
    assert opened.camera_config["transform"].vflip
    assert opened.camera_config["controls"]["LensPosition"] == 0.5
    frames.close()
    assert opened.closed


def test_a_benchmark_searches_the_small_stream_for_faces_as_small_there(hardware):
    # 246 pixels wide in the large stream, 123 in the small one
    large = HAAR.model_copy(update={"min_size": 200.0, "detect_every": 0.0, "rest_every": 0.0})
    camera = config.CameraSection(source="picamera2", faces=large)
    report = measure("front", camera, settings=config.Config(cameras={"front": camera}), frames=6)
    assert report.frames.size == (1280, 720)
    assert report.frames.with_face >= 5
    assert report.frames.faces_classified


def test_an_analyzer_watches_a_pi_camera_likewise(hardware):
    settings = {"faces": {"detector": "haar", "min_size": "200px", "detect_every": "0s", "rest_every": "0s"}}
    moments = Analyzer(settings=settings).watch("picamera2")
    assert any(moment.readings for moment in islice(moments, 8))
    moments.close()
    assert hardware.opened[0].closed


def test_what_the_config_says_reaches_the_camera(monkeypatch):
    made = []

    def source(*given, **named):
        made.append(named)
        return VideoFile("front", sample_path(), clock=InventedClock())

    monkeypatch.setattr("edge_fer.capture.picamera2.live.Picamera2Live", source)
    camera = config.CameraSection(
        source="picamera2:1",
        faces=HAAR,
        rotate=270,
        flip="horizontal",
        focus=0.5,
        exposure=config.ExposureSection(time=0.02, gain=4.0, motion="smooth"),
    )
    built = make_camera(
        "front",
        camera,
        SimpleNamespace(online=print, tell=print),
        InventedClock(),
        heat=SimpleNamespace(share=1.0, least=1.0),
        make_pipeline=partial(build_pipeline, "front", camera, store=Store(FOLDER)),
    )
    settings = made[0]["settings"]
    assert settings.mirror == (True, False)
    assert (built.loop._settings.rotate, built.loop._settings.flip) == (90, "none")
    assert settings.focus == 0.5
    assert (settings.exposure.time, settings.exposure.gain, settings.exposure.short) == (0.02, 4.0, False)
    # sought in half the pixels, a face is half as large
    assert built._pipeline._stages.detector._smallest == pytest.approx(24 / 0.8)


def test_the_view_is_watched_as_the_config_says():
    watch = make_watch(config.ViewSection(dark=0.3), EVERYWHERE)
    assert isinstance(watch, ViewWatch)
    assert watch._settings.dark == 0.3
    off = make_watch(config.ViewSection(enabled=False), EVERYWHERE)
    assert isinstance(off, NoWatch)
    assert off.look(None, at(0)) is off.view is None


def test_the_defaults_of_config_and_code_are_the_same():
    assert make_watch(config.ViewSection(), EVERYWHERE)._settings == ViewWatch()._settings
