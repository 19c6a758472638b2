"""Video files, stills, frames from memory, and the sample that ships."""

from __future__ import annotations

import itertools
import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_fer.capture.ffmpeg.decoder import period
from edge_fer.capture.ffmpeg.recording import VideoFile, promised_seconds
from edge_fer.capture.stills import Stills
from edge_fer.errors import SourceError
from edge_fer.sample import sample_path
from tests.capture.helpers import BEGAN, InventedClock, flat, write_video
from tests.capture.recorded import RecordedSource
from tests.capture.tried import tried
from tests.shared import shared_data


def times(frames):
    return [frame.at.mono - frames[0].at.mono for frame in frames]


def halves(left, right):
    """A picture whose left half is one colour and whose right half is another."""
    image = np.empty((48, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = left, right
    return image


def near(image, y, x, colour):
    return bool((np.abs(image[y, x].astype(int) - colour) < 30).all())


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", [flat(20 * index) for index in range(10)], fps=10)


def test_video_plays_at_its_own_times(clip):
    clock = InventedClock(1000.3)
    frames = list(VideoFile("front", clip, clock=clock).frames())
    assert [frame.index for frame in frames] == list(range(10))
    assert {frame.camera for frame in frames} == {"front"}
    assert times(frames) == pytest.approx([index / 10 for index in range(10)], abs=1e-5)
    assert frames[0].at.mono == pytest.approx(1000.3, abs=1e-5)
    assert frames[0].at.utc == BEGAN
    assert [frame.image.mean() for frame in frames] == pytest.approx([20 * i for i in range(10)], abs=4)
    assert clock.read == 1, "the clock is read at the first frame only"


#: Names that a library could take for an address, a pattern, an option or no text at all.
NAMES = [
    "2026-01-31T09:00:00.mp4",
    "file:clip.mp4",
    "http:clip.mp4",
    "concat:a|b.mp4",
    "-clip.mp4",
    "clip-%03d.mp4",
    "a clip, 50%? #1 [x].mp4",
    "café \N{WHITE SMILING FACE}.mp4",
    os.fsdecode(b"caf\xe9.mp4"),
    os.fsdecode(b"caf\xe9:00.mp4"),
]


@tried("recordings", "names with colons, with signs of FFmpeg and of the shell, and that are not UTF-8", "read")
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_video_of_any_name_plays(tmp_path, monkeypatch, clip, name, relative):
    (tmp_path / name).write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    path = Path(name) if relative else tmp_path / name
    assert len(list(VideoFile("front", path, clock=InventedClock()).frames())) == 10
    assert promised_seconds(path) == pytest.approx(1.0)


def test_video_that_cannot_be_played_is_told_by_a_name_that_can_be_read(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.mp4")
    path.write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"caf\\xe9\\n\.mp4 is not a video") as caught:
        next(VideoFile("front", path, clock=InventedClock()).frames())
    str(caught.value).encode()


def test_video_is_rgb(tmp_path):
    red = np.full((48, 64, 3), [200, 30, 30], np.uint8)
    clip = write_video(tmp_path / "red.mp4", [red] * 2)
    frame = next(VideoFile("front", clip, clock=InventedClock()).frames())
    assert near(frame.image, 20, 20, [200, 30, 30])


def test_video_loops_with_times_going_on(clip):
    frames = list(itertools.islice(VideoFile("front", clip, clock=InventedClock(), loop=True).frames(), 35))
    assert times(frames) == pytest.approx([index / 10 for index in range(35)], abs=1e-4)
    assert [frame.index for frame in frames] == list(range(35))
    assert frames[0].image.mean() == frames[10].image.mean() == frames[30].image.mean()


@tried("recordings", "a phone held upright", "upright")
def test_video_turned_by_its_container_is_turned(tmp_path):
    plain = write_video(tmp_path / "plain.mp4", [halves([250, 0, 0], [0, 0, 250])] * 3).read_bytes()
    # the matrix of the track header, 40 bytes into its box: a quarter turn clockwise
    matrix = plain.index(b"tkhd") + 4 + 40
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(plain[:matrix] + quarter + plain[matrix + 36 :])
    image = next(VideoFile("front", turned, clock=InventedClock()).frames()).image
    assert image.shape == (64, 48, 3)
    assert near(image, 8, 24, [250, 0, 0]), "left came to the top"
    assert near(image, 56, 24, [0, 0, 250])


def test_video_cut_off_plays_what_there_is(tmp_path):
    noise = np.random.default_rng(1)
    whole = write_video(
        tmp_path / "whole.avi", [noise.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(20)], codec="MJPG"
    ).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: len(whole) // 2])
    frames = list(VideoFile("front", cut, clock=InventedClock()).frames())
    assert 5 <= len(frames) <= 12
    assert times(frames) == pytest.approx([index / 10 for index in range(len(frames))], abs=1e-5)


def test_video_without_times_goes_by_the_usual_rate(tmp_path):
    clip = tmp_path / "bare.mjpeg"
    clip.write_bytes(b"".join(cv2.imencode(".jpg", flat(9 * index))[1].tobytes() for index in range(8)))
    frames = list(VideoFile("front", clip, clock=InventedClock()).frames())
    assert times(frames) == pytest.approx([index / 25 for index in range(8)], abs=1e-5)


@pytest.mark.parametrize(
    ("fps", "seconds"), [(24.0, 1 / 24), (0.5, 2), (0.0, 0.04), (-1, 0.04), (float("nan"), 0.04), (90000, 0.04)]
)
def test_period(fps, seconds):
    assert period(fps) == seconds


def test_video_that_is_none(tmp_path):
    def fault(path):
        with pytest.raises(SourceError) as caught:
            next(VideoFile("front", path, clock=InventedClock()).frames())
        assert str(path) in str(caught.value)
        assert caught.value.remedy
        return str(caught.value)

    assert "No such file" in fault(tmp_path / "absent.mp4")
    assert "it is a folder" in fault(tmp_path)
    (tmp_path / "text.mp4").write_text("no video\n" * 1000)
    assert "not a video" in fault(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").touch()
    assert "not a video" in fault(tmp_path / "empty.mp4")


def test_video_cut_off_before_its_index_says_so(tmp_path, clip):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:600])
    with pytest.raises(SourceError, match="cut off"):
        next(VideoFile("front", cut, clock=InventedClock()).frames())


def test_shared_clip_is_the_same_every_time():
    path = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    one, two = (list(VideoFile("a", path, clock=InventedClock(start)).frames()) for start in (5.5, 98765.4321))
    assert len(one) == 472
    assert times(one) == pytest.approx([index * 1001 / 24000 for index in range(472)], abs=1e-5)
    assert times(one) == times(two), "to the last bit"
    assert all(np.array_equal(here.image, there.image) for here, there in zip(one, two, strict=True))


def test_sample_has_somebody_come_and_go():
    assert sample_path().stat().st_size <= 1_000_000
    frames = list(VideoFile("front", sample_path(), clock=InventedClock()).frames())
    assert frames[0].image.shape == (360, 640, 3)
    assert times(frames)[-1] == pytest.approx(12, abs=0.1)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    seen = [
        len(cascade.detectMultiScale(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), 1.2, 4, minSize=(48, 48)))
        for frame in frames[::5]  # three a second
    ]
    assert not any(seen[:5]), "empty at first"
    assert not any(seen[29:]), "and at last"
    there = seen[7:27]
    assert sum(count >= 1 for count in there) >= 0.9 * len(there)


def test_stills_in_order_of_name(tmp_path):
    for name, value in (("b.png", 20), ("c.JPG", 30), ("a.bmp", 10), ("d.webp", 40)):
        cv2.imwrite(str(tmp_path / name), flat(value))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "._a.png").write_bytes(b"not for us")
    source = Stills("front", tmp_path, clock=InventedClock(), interval=2)
    frames = list(source.frames())
    assert [round(float(frame.image.mean())) for frame in frames] == pytest.approx([10, 20, 30, 40], abs=2)
    assert times(frames) == [0, 2, 4, 6]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert source.spoilt == 0


def test_stills_of_every_sort_become_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.full((48, 64), 0x8000, np.uint16))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((48, 64), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "3.png"), np.full((48, 64, 4), [10, 20, 30, 0], np.uint8))
    pixels = [frame.image[9, 9].tolist() for frame in Stills("front", tmp_path, clock=InventedClock()).frames()]
    assert pixels == [[128, 128, 128], [77, 77, 77], [30, 20, 10]]


@tried("folders of pictures", "turned by EXIF", "upright")
def test_stills_heed_how_the_camera_was_held(tmp_path):
    jpeg = cv2.imencode(".jpg", halves([0, 0, 250], [250, 0, 0]))[1].tobytes()  # BGR: red to the left
    # a single EXIF entry: orientation 6, to be shown a quarter turn clockwise
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    body = b"Exif\0\0" + tiff
    (tmp_path / "held.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:])
    image = next(Stills("front", tmp_path, clock=InventedClock()).frames()).image
    assert image.shape == (64, 48, 3)
    assert near(image, 8, 24, [250, 0, 0]), "left came to the top"


@tried("folders of pictures", "damaged pictures among others", "left out, and told")
def test_broken_stills_are_left_out_and_their_time_passes(tmp_path, caplog):
    cv2.imwrite(str(tmp_path / "1.png"), flat(10))
    (tmp_path / "2.png").write_bytes(b"no picture")
    (tmp_path / "3.png").touch()
    (tmp_path / "4.png").mkdir()
    (tmp_path / "5.png").write_bytes((tmp_path / "1.png").read_bytes()[:60])
    cv2.imwrite(str(tmp_path / "6.png"), flat(60))
    source = Stills("front", tmp_path, clock=InventedClock(), interval=1)
    frames = list(source.frames())
    assert times(frames) == [0, 5]
    assert source.spoilt == 4
    assert all(f"{number}.png" in caplog.text for number in (2, 3, 4, 5))


def test_stills_loop(tmp_path):
    for name in "ab":
        cv2.imwrite(str(tmp_path / f"{name}.png"), flat(10))
    source = Stills("front", tmp_path, clock=InventedClock(), interval=3, loop=True)
    assert times(list(itertools.islice(source.frames(), 5))) == [0, 3, 6, 9, 12]


def test_stills_that_are_none(tmp_path):
    with pytest.raises(SourceError, match=r"holds no pictures.*\.jpg"):
        next(Stills("front", tmp_path, clock=InventedClock()).frames())
    with pytest.raises(SourceError, match="No such file"):
        next(Stills("front", tmp_path / "absent", clock=InventedClock()).frames())
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="none of the 1 pictures"):
        next(Stills("front", tmp_path, clock=InventedClock(), loop=True).frames())


def test_recorded_frames_at_scripted_times():
    images = [flat(value) for value in (1, 2, 3)]
    source = RecordedSource("front", images, times=[0, 0.5, 4], clock=InventedClock())
    assert times(list(source.frames())) == [0, 0.5, 4]
    assert times(list(source.frames())) == [0, 0.5, 4], "it can be played again"
    looped = RecordedSource("front", images, fps=4, loop=True, clock=InventedClock())
    assert times(list(itertools.islice(looped.frames(), 5))) == [0, 0.25, 0.5, 0.75, 1]
    assert not list(RecordedSource("front", [], loop=True, clock=InventedClock()).frames())
    with pytest.raises(ValueError, match="3 images need as many times, not 1"):
        RecordedSource("front", images, times=[0], clock=InventedClock())
