"""Pictures whose colours are made on demand."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import islice

import av
import cv2
import numpy as np
import pytest

from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.view.measures import sight_of
from edge_fer.clock.system import SystemClock
from edge_fer.config.engine.places import default_models_dir
from edge_fer.config.tree import CameraSection, ZoneSection
from edge_fer.faces.people.attention import Work
from edge_fer.faces.people.following import patch
from edge_fer.faces.people.movement import MotionGate
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Pipeline
from edge_fer.sample import sample_path
from edge_fer.types import Box, Face, Frame, Planes
from edge_fer.wiring.source import play
from edge_fer.wiring.vision import build_stages


def sample(count=5):
    with closing(VideoFile("front", sample_path(), clock=SystemClock()).frames()) as frames:
        return [next(frames) for _ in range(count)]


def test_colours_are_the_codecs_own_and_made_once_and_the_picture_outlives_its_recording():
    frames = sample()
    with av.open(str(sample_path())) as container:
        wanted = [frame.to_ndarray(format="rgb24") for _, frame in zip(frames, container.decode(video=0), strict=False)]
    for frame, rgb in zip(frames, wanted, strict=True):
        assert isinstance(frame.pixels, Planes)
        assert np.array_equal(frame.image, rgb)
        assert frame.image is frame.image
        assert frame.raw.shape == rgb.shape[:2]
        assert frame.size == rgb.shape[1::-1]


def test_a_width_that_the_codec_pads_and_full_levels_are_read_right(tmp_path):
    path = tmp_path / "odd.mkv"
    shown = np.zeros((50, 150, 3), np.uint8)
    shown[:, 100:] = 200, 30, 30
    for pixels, is_planes in (("yuv420p", True), ("yuvj420p", False), ("gray", False)):
        codec = "mjpeg" if pixels == "yuvj420p" else "ffv1"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 150, 50, pixels
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        with closing(VideoFile("front", path, clock=SystemClock()).frames()) as frames:
            (got,) = frames
        assert isinstance(got.pixels, Planes) == is_planes
        assert got.image.shape == (50, 150, 3)
        grey = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY).astype(int)
        seen = cv2.cvtColor(got.image, cv2.COLOR_RGB2GRAY).astype(int)
        assert np.abs(seen[:, 110:] - grey[:, 110:]).max() < 6
        assert np.abs(seen[:, :90] - grey[:, :90]).max() < 6


@pytest.mark.parametrize("settings", [{"rotate": 90}, {"flip": "horizontal"}, {"zones": "left"}])
def test_a_picture_that_is_turned_mirrored_or_blanked_has_no_planes_that_are_not(settings):
    if "zones" in settings:
        settings = {"zones": {"left": ZoneSection(polygon=((0, 0), (0.5, 0), (0.5, 1), (0, 1)))}}
    camera = CameraSection(source=str(sample_path()), **settings)
    with closing(play("front", camera, clock=SystemClock())) as frames:
        frame = next(frames)
    assert not isinstance(frame.pixels, Planes)
    assert frame.raw is frame.image
    if "zones" in settings:
        assert frame.image[:, :300].max() == 0


def test_who_looks_at_the_luma_sees_what_the_colours_show():
    frame = sample()[-1]
    of_luma, of_rgb = sight_of(frame.raw), sight_of(frame.image)
    assert of_luma.brightness == pytest.approx(of_rgb.brightness, abs=0.015)
    assert of_luma.contrast == pytest.approx(of_rgb.contrast, rel=0.05)
    assert of_luma.white == pytest.approx(of_rgb.white, abs=0.01)
    box = Box(200, 100, 90, 90)
    seen = [patch(picture, box).astype(np.float32) for picture in (frame.raw, frame.image)]
    assert cv2.matchTemplate(*seen, cv2.TM_CCOEFF_NORMED)[0, 0] > 0.95


def test_a_face_is_read_in_the_luma_as_in_the_colours():
    stages = build_stages(CameraSection(source="sample"), store=Store(default_models_dir()))
    frame = sample()[-1]
    face = Face(Box(200, 100, 90, 90), 0.9)
    of_luma, of_rgb = (stages.crop(picture, face) for picture in (frame.raw, frame.image))
    assert of_luma.shape == of_rgb.shape
    assert np.abs(of_luma.astype(int) - of_rgb).max() <= 3
    ((one,), (other,)) = (stages.classifier.read([crop]) for crop in (of_luma, of_rgb))
    assert one == pytest.approx(other, abs=0.03)


def test_colours_are_made_of_no_frame_but_those_that_are_searched():
    camera = CameraSection(source="sample")
    stages = build_stages(camera, store=Store(default_models_dir()))
    pipeline = Pipeline("camera", stages, min_confidence=0.4, min_lead=0.0)
    coloured = read = 0
    with closing(VideoFile("camera", sample_path(), clock=SystemClock()).frames()) as frames:
        for frame in islice(frames, 60):
            searched = pipeline.work[Work.DETECT]
            read += bool(pipeline.step(frame).readings)
            made = frame.pixels._image is not None
            assert made is (pipeline.work[Work.DETECT] > searched)
            coloured += made
    assert 0 < coloured < read


def test_black_is_black_and_white_is_white_for_the_view_and_the_gate():
    black, white = (np.full((360, 640), level, np.uint8) for level in (16, 235))
    assert (sight_of(black).brightness, sight_of(white).white) == (0.0, 1.0)
    gate = MotionGate()
    gate.moved(black)
    gate.remember()
    # what an encoder writes below black is black as well
    assert not gate.moved(np.full((360, 640), 9, np.uint8))
    assert gate.moved(white)


def test_a_frame_of_planes_takes_another_place_or_number_without_making_its_colours():
    def never():
        raise AssertionError

    frame = Frame("front", 0, Planes(np.zeros((4, 6), np.uint8), never), sample(1)[0].at)
    moved = replace(frame, index=3)
    assert (moved.index, moved.size, moved.glance.shape) == (3, (6, 4), (4, 6))
