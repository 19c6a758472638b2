"""What a name in the config means, and which camera is found where none is named."""

from __future__ import annotations

import re
import struct

import pytest

from edge_fer.capture.discovery import find_camera, video_nodes
from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.opencv.live import OpenCvLive
from edge_fer.capture.opencv.v4l2 import Capability, capability, parse
from edge_fer.capture.picamera2.live import Picamera2Live
from edge_fer.capture.sources import KINDS, SourceOptions, kind_of, make_source, sure_fault
from edge_fer.capture.stills import Stills
from edge_fer.errors import SourceError
from tests.capture.helpers import InventedClock, flat, write_video


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("picamera2", KINDS["picamera2"]),
        ("picamera2:1", KINDS["picamera2"]),
        ("picamera2:/base/soc/i2c0mux/i2c@1/imx219@10", KINDS["picamera2"]),
        ("/dev/video0", KINDS["device"]),
        ("/dev/v4l/by-id/usb-046d_C920-video-index0", KINDS["device"]),
        ("0", KINDS["device"]),
        ("12", KINDS["device"]),
        ("rtsp://joe:x@192.0.2.7/live", KINDS["stream"]),
        ("RTSPS://192.0.2.7/live", KINDS["stream"]),
        ("http://192.0.2.7/video.mjpg", KINDS["stream"]),
        ("https://192.0.2.7/", KINDS["stream"]),
        ("clip.mp4", KINDS["video"]),
        ("/media/Clip.MKV", KINDS["video"]),
        ("pictures/", KINDS["stills"]),
        ("sample", KINDS["sample"]),
    ],
)
def test_kind_of(source, kind):
    assert kind_of(source) is kind


def test_kind_of_looks_at_the_disk(tmp_path):
    (tmp_path / "recording").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    assert kind_of(str(tmp_path / "recording")).name == "video"
    assert kind_of(str(tmp_path)).name == "stills"
    assert kind_of(str(tmp_path / "folder.mp4")).name == "stills"


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("webcam", "webcam is nothing that is known.*Write picamera2"),
        ("", "nothing that is known"),
        ("  ", "nothing that is known"),
        ("-1", "nothing that is known"),
        ("ftp://joe:s3cret@192.0.2.7/clip.mp4", r"ftp://\*\*\*@192"),
        ("rtmp://192.0.2.1/live", "is an address of a kind that is not read.*rtsp"),
        ("srt://192.0.2.1:9000", "is an address of a kind that is not read"),
        ("picamera", "picamera is nothing that is known"),
        ("rtsp://", "has no host"),
        ("holiday/beach.jpg", "one picture.*Name the folder"),
    ],
)
def test_kind_of_what_it_is_not(source, match):
    with pytest.raises(SourceError, match=match) as caught:
        kind_of(source)
    assert caught.value.remedy
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("sample:nobody", "no recording that comes with.*sample:counter"),
        ("sample:", "no recording that comes with"),
        ("picamera2://0", "is no Pi camera.*picamera2:1"),
        ("/dev/", "is no video device"),
        ("/dev/null", "is no video device"),
        ("/dev/zero", "is no video device"),
        ("v4l2:///dev/video0", "has no host"),
        ("file:///media/clip.mp4", "has no host"),
        ("192.0.2.1:554/stream", "is nothing that is known"),
        ("rtsp//192.0.2.1/stream", "is nothing that is known"),
        ("http://192.0.2.1:99999/", "a host or port that cannot be right"),
        ("rtsp://[::1/stream", "a host or port that cannot be right"),
        ("udp://@:1234", "has no host"),
        ("mjpeg://192.0.2.1/", "is an address of a kind that is not read"),
        ("libcamera", "is nothing that is known"),
        ("dev/video0", "is nothing that is known"),
        ("clip.mp4.part", "is nothing that is known"),
    ],
)
def test_what_can_never_be_is_known_before_anything_is_opened(source, match):
    problem, remedy = sure_fault(source)
    assert re.search(match, f"{problem}. {remedy}")


@pytest.mark.parametrize("source", [
    "sample", "sample:ward", "picamera2", "picamera2:imx219", "0", "/dev/video4711", "pictures/",
    "/dev/v4l/by-id/usb-0_C920-video-index0", "rtsp://192.0.2.1:554/x", "https://192.0.2.1/x", "/media/clip",
    "clip.mp4", "./frames", "/dev/shm/clip.mp4",  # noqa: S108 - nothing is written there
])  # fmt: skip
def test_what_may_be_there_later_is_no_fault(source):
    assert sure_fault(source) is None


def test_make_source(tmp_path):
    clip = write_video(tmp_path / "clip.mp4", [flat(99)] * 3)
    options = SourceOptions(size=(1280, 720), fps=5, loop=False, interval=4, samples={"sample": clip})

    def make(source):
        return make_source("front", source, clock=InventedClock(), options=options)

    assert isinstance(make("picamera2:1"), Picamera2Live)
    assert isinstance(make("0"), OpenCvLive)
    assert make("/dev/video3").live
    assert make("rtsp://192.0.2.7/live").live
    assert isinstance(make(str(tmp_path)), Stills)
    assert isinstance(make(str(clip)), VideoFile)
    assert not make("sample").live
    assert len(list(make("sample").frames())) == 3
    with pytest.raises(SourceError, match="no such sample"):
        make_source("front", "sample", clock=InventedClock())


def answer(driver, *, node, whole=0x84A00001, card="Camera"):
    return struct.pack("=16s32s32sIII12x", driver.encode(), card.encode(), b"usb-1", 0x60100, whole, node)


@pytest.mark.parametrize(
    ("given", "captures"),
    [
        (answer("uvcvideo", node=0x04200001), True),
        (answer("uvcvideo", node=0x04A00000), False),  # the metadata beside it
        (answer("uvcvideo", node=0, whole=0x04000001), True),  # an old kernel that knows no nodes
        (answer("bm2835 mmal", node=0x05200005), True),
        (answer("bcm2835-codec", node=0x04204000), False),
        (answer("bcm2835-isp", node=0x04A00001), False),
        (answer("unicam", node=0x05200001), False),
        (answer("rp1-cfe", node=0x04200001), False),
        (answer("some codec", node=0x04008001), False),
        (answer("vivid", node=0x04000002), False),  # an output
    ],
)
def test_capability(given, captures):
    assert len(given) == 104
    found = parse(given)
    assert found.captures is captures
    assert found.card == "Camera"
    assert "\0" not in found.driver


def test_capability_of_what_is_no_video_device(tmp_path):
    with pytest.raises(FileNotFoundError):
        capability(str(tmp_path / "absent"))
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="ioctl"):
        capability(str(tmp_path / "file"))


def test_find_camera_takes_the_first_that_is_one(caplog):
    nodes = {
        "/dev/video0": PermissionError(13, "denied"),
        "/dev/video1": OSError(19, "no such device"),
        "/dev/video2": Capability("bcm2835-codec", "", captures=False),
        "/dev/video3": Capability("uvcvideo", "C920", captures=True),
        "/dev/video4": Capability("uvcvideo", "C922", captures=True),
    }

    def ask(node):
        found = nodes[node]
        if isinstance(found, Exception):
            raise found
        return found

    assert find_camera(nodes=nodes, ask=ask) == "/dev/video3"
    assert "group video" in caplog.text
    assert find_camera(nodes=["/dev/video1", "/dev/video2"], ask=ask) is None
    assert find_camera(nodes=[]) is None


def test_find_camera_on_this_machine():
    found = find_camera()
    assert found is None or found in video_nodes()
