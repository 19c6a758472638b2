"""Devices that misbehave, and a network camera on this machine read through the real FFmpeg."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from edge_fer.backoff import Backoff
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.loop import CaptureLoop, CaptureState
from edge_fer.capture.opencv_live import SPOILT_IN_A_ROW, OpenCvLive
from edge_fer.capture.slot import LiveSlot
from edge_fer.capture.v4l2 import Capability
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError
from tests.capture.helpers import InventedClock, MjpegCamera, flat

GOOD = flat(50)


class FakeCapture:
    """Plays pictures as cv2.VideoCapture would; an exception among them is raised by `retrieve`."""

    def __init__(self, pictures=(), *, opens=True, clock=None, frame_time=0.0, last_wait=0.0):
        self.pictures = iter(pictures)
        self.opens = opens
        self.clock = clock
        self.frame_time, self.last_wait = frame_time, last_wait
        self.asked = {}
        self.retrieved = 0
        self.released = False

    def isOpened(self):
        return self.opens

    def grab(self):
        try:
            self.picture = next(self.pictures)
        except StopIteration:
            if self.clock:
                self.clock.advance(self.last_wait)
            return False
        if self.clock:
            self.clock.advance(self.frame_time)
        return True

    def retrieve(self):
        self.retrieved += 1
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture is not None, self.picture

    def set(self, prop, value, /):
        self.asked[prop] = value
        return False

    def release(self):
        self.released = True


def webcam(capture, *, clock=None, source="/dev/video0", ask=None, **options):
    ask = ask or (lambda _path: Capability("uvcvideo", "C920", captures=True))
    return OpenCvLive("front", source, clock=clock or InventedClock(), opener=lambda *_: capture, ask=ask, **options)


def until_error(source):
    frames = []
    with pytest.raises(SourceError) as caught:
        frames.extend(iter_into(source, frames))
    return frames, caught.value


def iter_into(source, frames):
    for frame in source.frames():
        frames.append(frame)
    return ()


def test_device_gives_rgb_frames_and_is_let_go():
    capture = FakeCapture([np.full((48, 64, 3), [1, 2, 3], np.uint8)] * 3)
    frames, error = until_error(webcam(capture))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].image[0, 0].tolist() == [3, 2, 1]
    assert type(error) is SourceLostError
    assert "/dev/video0 has stopped sending" in str(error)
    assert capture.released


def test_device_is_let_go_when_nobody_wants_more():
    capture = FakeCapture(itertools.repeat(GOOD))
    frames = webcam(capture).frames()
    next(frames)
    assert not capture.released
    frames.close()
    assert capture.released


def test_device_is_asked_for_size_and_rate():
    capture = FakeCapture()
    until_error(webcam(capture, size=(1280, 720), fps=10))
    assert list(capture.asked) == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
    ]
    assert list(capture.asked.values())[1:] == [1280, 720, 10]
    small = FakeCapture()
    until_error(webcam(small, size=(640, 480)))
    assert cv2.CAP_PROP_FOURCC not in small.asked


def test_device_that_changes_size_or_format_goes_on(caplog):
    pictures = [flat(1), flat(2, (32, 24)), np.zeros((48, 64), np.uint8), np.zeros((48, 64, 4), np.uint8)]
    frames, _ = until_error(webcam(FakeCapture(pictures)))
    assert [frame.image.shape for frame in frames] == [(48, 64, 3), (24, 32, 3), (48, 64, 3), (48, 64, 3)]
    assert "now sends 32 x 24" in caplog.text


def test_device_that_sends_garbage_now_and_then_goes_on():
    garbage = [None, np.zeros((48, 64, 2), np.uint8), np.zeros((0, 0, 3), np.uint8), cv2.error("bad JPEG")]
    pictures = [GOOD, *garbage * 5, GOOD, *garbage * 5, GOOD]
    frames, error = until_error(webcam(FakeCapture(pictures)))
    assert [frame.index for frame in frames] == [0, 21, 42]
    assert "stopped sending" in str(error)


def test_device_that_sends_only_garbage_is_lost():
    capture = FakeCapture(itertools.chain([GOOD], itertools.repeat(np.zeros((48, 64, 2), np.uint8))))
    frames, error = until_error(webcam(capture))
    assert len(frames) == 1
    assert isinstance(error, SourceLostError)
    assert "uint8 (48, 64, 2) instead of a picture" in str(error)
    assert capture.retrieved == 1 + SPOILT_IN_A_ROW
    assert capture.released


def test_frames_nobody_wants_are_not_decoded():
    clock = InventedClock()
    capture = FakeCapture([GOOD] * 90, clock=clock, frame_time=1 / 30)
    frames, _ = until_error(webcam(capture, clock=clock, fps=10))
    assert 29 <= len(frames) <= 31
    assert capture.retrieved == len(frames)
    assert [frame.index for frame in frames[:3]] == [0, 3, 6]


def test_silence_is_told_from_an_end():
    clock = InventedClock()
    _, error = until_error(webcam(FakeCapture([GOOD], clock=clock, last_wait=8.0), clock=clock))
    assert isinstance(error, SourceStalledError)
    assert "sent nothing for 8 s" in str(error)


@pytest.mark.parametrize(
    ("fault", "kind", "match"),
    [
        (FileNotFoundError(2, "No such file"), SourceLostError, "/dev/video0 is not there.*Plug"),
        (PermissionError(13, "denied"), SourceError, "/dev/video0 may not be opened.*group video"),
        (OSError(19, "No such device"), SourceLostError, "No such device"),
        (Capability("bcm2835-codec", "codec", captures=False), SourceError, r"codec, driver bcm2835-codec\) is not a"),
    ],
)
def test_device_that_cannot_be_used(fault, kind, match):
    def ask(_path):
        if isinstance(fault, Exception):
            raise fault
        return fault

    with pytest.raises(SourceError, match=match) as caught:
        next(webcam(FakeCapture(), ask=ask).frames())
    assert type(caught.value) is kind
    assert caught.value.remedy


def test_device_that_another_program_uses():
    capture = FakeCapture(opens=False)
    with pytest.raises(SourceLostError, match=r"cannot be opened.*another program"):
        next(webcam(capture).frames())
    assert capture.released


def test_absent_device_through_the_real_opencv():
    with pytest.raises(SourceLostError, match="/dev/video4711 is not there"):
        next(OpenCvLive("front", "/dev/video4711", clock=InventedClock()).frames())


@pytest.fixture
def camera():
    made = MjpegCamera()
    yield made
    made.die()


def stream(url, **options):
    return OpenCvLive("front", url, clock=SystemClock(), **{"open_timeout": 30, "read_timeout": 30} | options)


def test_stream_is_read(camera):
    frames = stream(camera.url).frames()
    got = list(itertools.islice(frames, 10))
    frames.close()
    assert got[0].image.shape == (120, 160, 3)
    values = [int(frame.image.mean()) for frame in got]
    assert values == sorted(values)
    assert [frame.index for frame in got] == list(range(10))


def test_stream_is_thinned(camera):
    # of 50, or as many as this machine sends when it is busy
    frames = stream(camera.url, fps=2).frames()
    got = list(itertools.islice(frames, 4))
    frames.close()
    assert got[3].index > 8
    assert got[3].at.mono - got[1].at.mono > 0.15


def test_stream_that_falls_silent(camera):
    frames = stream(camera.url, read_timeout=3).frames()
    next(frames)
    camera.silent.set()
    with pytest.raises(SourceStalledError, match="sent nothing"):
        list(frames)


def test_stream_that_ends(camera):
    frames = stream(camera.url).frames()
    next(frames)
    killer = threading.Thread(target=camera.die)
    killer.start()
    with pytest.raises(SourceLostError, match="stopped sending"):
        list(frames)
    killer.join()


def test_stream_that_does_not_open_says_why(camera):
    with pytest.raises(SourceLostError, match=r"answers, but sends no video. Check path, user and password"):
        next(stream(camera.url.replace("/video", "/vidoe")).frames())
    camera.die()
    with pytest.raises(SourceLostError, match=r"Connection refused. Check that the camera is on"):
        next(stream(camera.url).frames())
    with pytest.raises(SourceLostError, match=r"Connection refused"):
        next(stream(f"rtsp://joe:s3cret@127.0.0.1:{camera.port}/live").frames())
    with pytest.raises(SourceError, match=r"cannot be opened. Write it like"):
        next(stream("rtsp://127.0.0.1:http/live").frames())


def test_no_password_is_ever_shown(camera):
    """In a process of its own, because FFmpeg writes to standard error by itself."""
    camera.die()
    script = f"""
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.opencv_live import OpenCvLive
for scheme in ("http", "rtsp"):
    try:
        next(OpenCvLive("front", scheme + "://joe:s3cret@127.0.0.1:{camera.port}/x", clock=SystemClock()).frames())
    except OSError as error:
        print(repr(error), str(error))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "rtsp://***@127.0.0.1" in ran.stdout
    assert "s3cret" not in ran.stdout + ran.stderr
    assert ran.stderr == "", "and OpenCV keeps quiet"


def test_stream_that_dies_comes_back_by_itself(camera):
    states = []
    changed = threading.Condition()

    def on_state(state, reason):
        with changed:
            states.append((state, reason))
            changed.notify_all()

    def wait_for(count, wanted=lambda _state, _reason: True):
        """The first state from the one of that number on that is like `wanted`, and the number of the next."""
        found = lambda: [n for n, state in enumerate(states) if n >= count and wanted(*state)]  # noqa: E731
        with changed:
            assert changed.wait_for(found, 60), states
            return states[found()[0]], found()[0] + 1

    online = lambda state, _reason: state is CaptureState.ONLINE  # noqa: E731

    stop = threading.Event()
    loop = CaptureLoop(
        "front",
        stream(camera.url, open_timeout=5, read_timeout=3),
        LiveSlot(),
        clock=SystemClock(),
        on_state=on_state,
        backoff=Backoff(first=0.05, most=0.05),
        poll=0.02,
    )
    thread = threading.Thread(target=loop.run, args=[stop])
    thread.start()
    try:
        _, after = wait_for(0)
        camera.die()
        _, after = wait_for(after)
        camera.start()
        _, after = wait_for(after, online)
        camera.silent.set()
        (_, reason), after = wait_for(after)
        assert "sent nothing" in reason
        camera.silent.clear()
        wait_for(after, online)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert states[0] == (CaptureState.ONLINE, "")
    assert loop.losses == 2
    assert loop.stalls >= 1
    assert loop.stuck == 0
    assert all(state is CaptureState.LOST for state, reason in states if reason)
