"""A camera whose picture has frozen."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.loop import CaptureState
from edge_fer.capture.network.camera import NetworkCamera
from edge_fer.capture.view.freeze import FreezeWatch, StillPicture
from edge_fer.types import Frame
from tests.capture.films import moving, write_film
from tests.capture.helpers import HttpCamera, InventedClock, flat, respond
from tests.capture.recorded import RecordedSource
from tests.capture.rtsp_server import RtspCamera, encoded
from tests.capture.tried import tried
from tests.fakes.stage import Stage
from tests.invented import at

RANDOM = np.random.default_rng(7)


def picture(value=90):
    return np.full((96, 160, 3), value, np.uint8)


def noisy(deviation=2.0):
    return (picture() + RANDOM.normal(0, deviation, (96, 160, 3))).clip(0, 255).astype(np.uint8)


def frame(second, image, key=None):
    return Frame("front", round(second * 10), image, at(second), key=key)


def frozen_at(frames, *, after=60.0, counted=True):
    """The seconds at which it is said first; None where it never is."""
    watch = FreezeWatch(after)
    return next((one.at.mono for one in frames if watch.observe(one, counted=counted)), None)


def test_the_very_same_picture_for_a_minute_is_frozen():
    same = picture()
    frames = [frame(second / 10, same.copy()) for second in range(700)]
    assert frozen_at(frames) == pytest.approx(60, abs=0.2)
    assert frozen_at(frames, counted=False) is None, "an empty room does not matter"
    assert frozen_at(frames, after=0) is None


def test_one_pixel_is_enough_of_a_change():
    frames = []
    for second in range(200):
        image = picture()
        image[7, 3, 1] += second % 2
        frames.append(frame(second, image))
    assert frozen_at(frames) is None


def test_noise_is_never_frozen():
    assert frozen_at([frame(second, noisy()) for second in range(300)]) is None


def test_a_codec_must_repeat_it_in_key_frames_as_well():
    same = picture()
    without = [frame(second, same, key=False) for second in range(300)]
    assert frozen_at(without) is None
    each_50 = [frame(second, same, key=second % 50 == 0) for second in range(300)]
    assert frozen_at(each_50) == pytest.approx(100, abs=1)


def coded(second, *, key_every, off=0, key_off=0):
    """A frame of a frozen picture as an encoder makes it; `off` levels away between key frames."""
    key = second % key_every == 0
    return frame(second, picture(90 + (key_off if key else off * (second % 2))), key=key)


def test_what_an_encoder_refines_between_key_frames_is_frozen_all_the_same():
    assert frozen_at([coded(second, key_every=20, off=1) for second in range(200)]) == pytest.approx(60, abs=1)
    assert frozen_at([coded(second, key_every=40, off=1) for second in range(200)]) == pytest.approx(80, abs=1)


def test_what_moves_between_key_frames_is_not_frozen():
    assert frozen_at([coded(second, key_every=20, off=4) for second in range(200)]) is None


def test_key_frames_that_differ_in_a_pixel_are_not_frozen():
    frames = [coded(second, key_every=20) for second in range(200)]
    for one in frames:
        one.image[5, 5, 0] += one.index // 200
    assert frozen_at(frames) is None


def test_a_refused_picture_is_known_again_by_its_key_frame():
    still = StillPicture(picture())
    assert still.is_in(frame(0, picture(), key=True))
    assert still.is_in(frame(0, picture(91), key=False))
    assert not still.is_in(frame(0, picture(91), key=True))
    assert not still.is_in(frame(0, picture(91)))
    assert not still.is_in(frame(0, picture(93), key=False))
    assert not still.is_in(frame(0, picture()[1:], key=False))


def test_it_stays_frozen_until_another_picture_comes():
    watch, same = FreezeWatch(10), picture()
    assert [watch.observe(frame(second, same), counted=second < 12) for second in range(20)] == [False] * 11 + [
        True
    ] * 9
    assert not watch.observe(frame(20, noisy()), counted=False)
    assert watch.picture is None


@tried(
    "live cameras of any kind", "a quiet scene of a noisy sensor through H.264 at a low bitrate", "not taken for frozen"
)
@pytest.mark.parametrize("key_every", [20, 60])
def test_a_quiet_scene_through_an_encoder_that_saves_bits_is_not_frozen(tmp_path, key_every):
    """The noise of a real sensor: most pictures are repeated, but key frames store it anew."""
    scene = cv2.GaussianBlur(RANDOM.uniform(0, 255, (96, 160, 3)), (0, 0), 3)
    scene = (scene - scene.mean()) * 6 + 110
    pictures = [(scene + RANDOM.normal(0, 2, scene.shape)).clip(0, 255).astype(np.uint8) for _ in range(4 * key_every)]
    options = {"crf": "38", "preset": "ultrafast"}
    path = write_film(tmp_path / "quiet.mp4", pictures, fps=2, key_every=key_every, options=options)
    frames = list(VideoFile("front", path, clock=InventedClock()).frames())
    repeated = [(one.image == other.image).all() for one, other in pairwise(frames)]
    assert sum(repeated) > len(frames) // 2, "or this would show nothing"
    assert frozen_at(frames) is None


class TickingClock(InventedClock):
    """Goes on by a second each time that it is read, so that a real camera is seen at an invented pace."""

    def __call__(self):
        self.advance(1.0)
        return super().__call__()


MJPEG = "multipart/x-mixed-replace;boundary=frame"


@pytest.fixture
def started():
    """Starts a camera that sends pictures again and again, and gives its address."""
    cameras = []

    def start(way, pictures):
        if way.startswith("H26"):
            cameras.append(RtspCamera(replace(encoded(pictures, codec=way, key_every=5), fps=100)))
            return cameras[-1].url
        jpegs = itertools.cycle([cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures])

        def answer(request):
            if way == "one JPEG at a time":
                respond(request, next(jpegs), "image/jpeg")
                return
            request.send_response(200)
            request.send_header("Content-Type", MJPEG)
            request.end_headers()
            for jpeg in jpegs:
                request.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n")

        cameras.append(HttpCamera(answer))
        return cameras[-1].url

    yield start
    for camera in cameras:
        camera.die()


def seen(url, count):
    """As many pictures of a camera."""
    options = {"open_timeout": 30, "read_timeout": 30}
    source = NetworkCamera("front", url, clock=TickingClock(), fps=50 if url.startswith("http") else None, **options)
    with closing(source.frames()) as frames:
        yield from itertools.islice(frames, count)


@tried(
    "live cameras of any kind",
    "the very same picture: RTSP with H.264 and H.265, MJPEG, one JPEG for each request",
    "frozen; one with the noise of a sensor is not",
)
@pytest.mark.parametrize("way", ["H264", "H265", "MJPEG", "one JPEG at a time"])
def test_real_cameras_that_freeze(started, way):
    scene = moving(1, size=(320, 192))[0]
    noise = [(scene + RANDOM.normal(0, 2, scene.shape)).clip(0, 255).astype(np.uint8) for _ in range(10)]
    # an encoder's first key frame is another one, as is that of each round
    assert frozen_at(seen(started(way, [scene] * 60), 200), after=20) is not None
    assert frozen_at(seen(started(way, noise), 60), after=20) is None


class FreezingCamera:
    """Sends two pictures and then the same one again and again; so it does when it is opened anew, at first."""

    live = True

    def __init__(self, still):
        self.opened = 0
        self.clock = None
        self._still = still

    def frames(self):
        self.opened += 1
        begin = [flat(10), flat(20), *[self._still] * 4] if self.opened == 1 else [self._still] * 3
        for number, image in enumerate([*begin, *(flat(30 + number) for number in range(20))]):
            self.clock.advance(0.1)
            yield Frame("front", number, image, self.clock())


@tried(
    "live cameras of any kind",
    "the very same picture for a minute, with somebody in it",
    "lost, opened anew, online again with the first other picture",
)
def test_a_camera_whose_picture_has_frozen_is_lost_until_it_sends_another():
    still = flat(100)
    camera = FreezingCamera(still)
    stage = Stage(source=camera, enough=lambda stage: stage.loop.frames >= 7)
    camera.clock = stage.clock

    def on_pass():
        if stage.loop.frames >= 3 and camera.opened == 1:
            stage.loop.refuse(StillPicture(still))

    stage.pass_takes = lambda: on_pass() or 0.0
    stage.run()
    assert stage.states[:3] == [CaptureState.ONLINE, CaptureState.LOST, CaptureState.ONLINE]
    assert "very same picture" in stage.said[1][1]
    assert stage.loop.losses == 1
    values = [round(float(one.image.mean())) for one in stage.slot.kept]
    assert values[:3] == [10, 20, 100]
    assert values[3:] == list(range(30, 27 + len(values))), "not one of them is handed on when it is opened anew"
    assert camera.opened == 2


def test_a_recording_cannot_be_opened_anew():
    stage = Stage(source=RecordedSource("front", [flat(100)] * 20, clock=InventedClock()), live=False)
    stage.loop.refuse(StillPicture(flat(100)))
    stage.run()
    assert stage.loop.frames == 20
