"""Devices that misbehave."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from edge_fer.capture.opencv.check import SPOILT_IN_A_ROW
from edge_fer.capture.opencv.live import OpenCvLive
from edge_fer.capture.opencv.v4l2 import Capability
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError
from tests.capture.helpers import InventedClock, flat
from tests.capture.tried import tried

GOOD = flat(50)


class FakeCapture:
    """Plays pictures as cv2.VideoCapture would; an exception among them is raised by `retrieve`."""

    def __init__(self, pictures=(), *, opens=True, clock=None, frame_time=0.0, last_wait=0.0, told=None):
        self.told = told or {}
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

    def get(self, prop, /):
        return self.told.get(prop, 0.0)

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


@tried("USB (OpenCV's capture stands in)", "another size or format midway", "goes on with it; the log says so")
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


@tried(
    "USB (OpenCV's capture stands in)", "garbage now and then; nothing but garbage", "left out; lost, and opened anew"
)
def test_device_that_sends_only_garbage_is_lost():
    capture = FakeCapture(itertools.chain([GOOD], itertools.repeat(np.zeros((48, 64, 2), np.uint8))))
    frames, error = until_error(webcam(capture))
    assert len(frames) == 1
    assert isinstance(error, SourceLostError)
    assert "uint8 (48, 64, 2) instead of a picture" in str(error)
    assert capture.retrieved == 1 + SPOILT_IN_A_ROW
    assert capture.released


def bgr_device(pictures, *, code="BGR3", size=(64, 48)):
    told = dict(zip((cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT), size, strict=True))
    return FakeCapture(pictures, told=told | {cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*code))})


@pytest.mark.parametrize("spare", [0, 16])
def test_device_that_sends_bgr_by_itself_gives_pictures(spare):
    """OpenCV hands out one row of bytes; some drivers add bytes to each row of the picture."""
    picture = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    rows = np.hstack([picture.reshape(48, -1), np.zeros((48, spare), np.uint8)])
    frames, _ = until_error(webcam(bgr_device([rows.reshape(1, -1)] * 2)))
    assert len(frames) == 2
    assert np.array_equal(frames[0].image, picture[..., ::-1])


@tried("USB (OpenCV's capture stands in)", "bytes of which nobody knows the shape", "left out; lost, and told")
@pytest.mark.parametrize("device", [
    {"code": "BGR3", "size": (64, 47)}, {"code": "BGR3", "size": (65, 48)}, {"code": "BGR3", "size": (0, 0)},
    {"code": "YUYV", "size": (64, 48)},
])  # fmt: skip
def test_device_whose_bytes_have_no_shape_is_lost(device):
    row = np.zeros((1, 48 * 64 * 3), np.uint8)
    frames, error = until_error(webcam(bgr_device(itertools.repeat(row), **device)))
    assert frames == []
    assert "sends 9216 bytes without a shape instead of a picture" in str(error)


def test_frames_nobody_wants_are_not_decoded():
    clock = InventedClock()
    capture = FakeCapture([GOOD] * 90, clock=clock, frame_time=1 / 30)
    frames, _ = until_error(webcam(capture, clock=clock, fps=10))
    assert 29 <= len(frames) <= 31
    assert capture.retrieved == len(frames)
    assert [frame.index for frame in frames[:3]] == [0, 3, 6]


@tried("USB (OpenCV's capture stands in)", "unplugged; falls silent", "lost; stalled")
def test_silence_is_told_from_an_end():
    clock = InventedClock()
    _, error = until_error(webcam(FakeCapture([GOOD], clock=clock, last_wait=8.0), clock=clock))
    assert isinstance(error, SourceStalledError)
    assert "sent nothing for 8 s" in str(error)


@tried(
    "USB (OpenCV's capture stands in)",
    "not there, no right to open it, no camera, in use",
    "the log says so, with a remedy",
)
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
