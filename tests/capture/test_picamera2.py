"""The Pi camera against a stand-in: what it is asked for, what comes out of it, and every way in which it fails."""

from __future__ import annotations

import itertools
import logging
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from edge_fer.capture import discovery
from edge_fer.capture.discovery import find_camera, pi_camera
from edge_fer.capture.loop import CaptureLoop, CaptureState
from edge_fer.capture.picamera2 import library as picamera2_library
from edge_fer.capture.picamera2.controls import ExposureControls, PiSettings, controls_for
from edge_fer.capture.picamera2.library import Sensor, choose, is_pi, load, sensors
from edge_fer.capture.picamera2.live import BUFFERS, HANGING, Picamera2Live
from edge_fer.capture.picamera2.pictures import small_size
from edge_fer.capture.slot import LiveSlot
from edge_fer.capture.transform import transform, with_mirrors
from edge_fer.clock.system import SystemClock
from edge_fer.errors import SourceError, SourceLostError, SourceStuckError, SourceUnfitError
from tests.capture.helpers import KeepingSlot
from tests.capture.picamera2_stand_in import CONTROLS, MODULE_2, MODULE_3, WEBCAM, Hardware

#: Red at the top left, green at the top right, blue at the bottom left, grey at the bottom right.
QUARTERS = np.kron(
    np.array([[[200, 20, 10], [20, 200, 10]], [[10, 20, 200], [90, 90, 90]]], np.uint8),
    np.ones((360, 640, 1), np.uint8),
)


@pytest.fixture
def hardware():
    return Hardware(picture=lambda _: QUARTERS)


@pytest.fixture(autouse=True)
def nothing_hangs_for_ever():
    yield
    for camera in HANGING:
        camera.notifymeread.close()
        os.close(camera.notifyme_w)
    HANGING.clear()


def pi(hardware, which="", **options):
    return Picamera2Live("front", which, clock=hardware.clock, loader=lambda: hardware.library, **options)


def taken(source, count):
    frames = source.frames()
    got = list(itertools.islice(frames, count))
    frames.close()
    return got


def quarters(image):
    """The colours in the middles of the four quarters."""
    height, width = image.shape[:2]
    return [image[y, x].astype(int) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


def assert_colours(image, expected, tolerance=6):
    found = quarters(image)
    assert all(np.abs(one - np.array(other)).max() <= tolerance for one, other in zip(found, expected, strict=True)), (
        found
    )


COLOURS = quarters(QUARTERS)


@pytest.mark.parametrize("size", [(1280, 720), (1296, 972), (1000, 600), (1920, 1080)], ids=str)
def test_both_streams_are_rgb_whatever_their_padding(hardware, size):
    (frame,) = taken(pi(hardware, size=size), 1)
    assert frame.image.shape == (size[1], size[0], 3)
    assert frame.small.shape[1] == 640
    assert frame.small.shape[1] / frame.small.shape[0] == pytest.approx(size[0] / size[1], rel=0.01)
    assert_colours(frame.image, COLOURS, tolerance=0)
    assert_colours(frame.small, COLOURS)
    assert not (frame.small == 0xAB).all(axis=2).any(), "no padding is left"


def test_a_small_picture_needs_no_smaller_one(hardware):
    (frame,) = taken(pi(hardware, size=(640, 480)), 1)
    assert frame.small is None
    assert frame.overview is frame.image
    assert small_size((640, 480)) is None


@pytest.mark.parametrize("form", ["RGB888", "BGR888"])
def test_what_libcamera_makes_of_the_format_is_heeded(hardware, form):
    hardware.form = form
    assert_colours(taken(pi(hardware), 1)[0].image, COLOURS, tolerance=0)


def test_a_format_that_is_not_known_is_refused(hardware):
    hardware.form = "YUV420"
    with pytest.raises(SourceUnfitError, match=r"imx708 sends YUV420.*Name another camera"):
        taken(pi(hardware), 1)
    assert hardware.opened[0].closed


def test_pictures_outlive_their_buffers(hardware):
    hardware.picture = lambda index: np.full((720, 1280, 3), 10 * index, np.uint8)
    frames = taken(pi(hardware), 20)
    assert len(frames) > BUFFERS
    assert [int(frame.image.max()) for frame in frames] == [10 * index for index in range(20)]
    assert [int(frame.small.mean()) for frame in frames] == pytest.approx([10 * index for index in range(20)], abs=2)


def test_a_picture_that_cannot_be_copied_gives_its_buffers_back_all_the_same(hardware, monkeypatch):
    def fail(*_):
        raise ValueError("torn")

    monkeypatch.setattr("edge_fer.capture.picamera2.live.main_to_rgb", fail)
    with pytest.raises(ValueError, match="torn"):
        taken(pi(hardware), 1)
    assert len(hardware.opened[0]._free) == BUFFERS


def test_frames_carry_the_time_of_the_sensor(hardware):
    hardware.late = 0.35
    frames = taken(pi(hardware, fps=10), 3)
    assert [frame.at.mono for frame in frames] == pytest.approx([1000.1, 1000.55, 1001.0])
    now = hardware.clock()
    assert (now.utc - frames[-1].at.utc).total_seconds() == pytest.approx(0.35, abs=1e-3)


@pytest.mark.parametrize("wrong", ["missing", "future", "ancient"])
def test_a_time_that_cannot_be_the_sensors_is_not_believed(hardware, wrong):
    hardware.stamped = wrong != "missing"
    hardware.late = {"missing": 0, "future": -5, "ancient": 1000}[wrong]
    (frame,) = taken(pi(hardware), 1)
    assert frame.at == hardware.clock()


def test_fewer_frames_than_the_camera_can_send_so_slowly_are_picked_out(hardware):
    frames = taken(pi(hardware, fps=0.5), 4)
    assert [frame.index for frame in frames] == [0, 3, 7, 11], "of two a second"
    assert len(hardware.opened[0]._free) == BUFFERS


def test_what_the_camera_is_asked_for(hardware):
    taken(pi(hardware, fps=15, settings=PiSettings(focus=0.5, mirror=(True, False))), 1)
    asked = hardware.opened[0].camera_config
    assert (asked["main"]["size"], asked["main"]["format"]) == ((1280, 720), "BGR888")
    assert (asked["lores"]["size"], asked["lores"]["format"]) == ((640, 360), "YUV420")
    assert asked["raw"] is asked["display"] is asked["encode"] is None
    assert not asked["queue"]
    assert asked["sensor"] == {"output_size": (2304, 1296)}, "all of the sensor, not its middle"
    assert asked["controls"]["FrameDurationLimits"] == (66667, 66667)
    assert (asked["controls"]["AfMode"], asked["controls"]["LensPosition"]) == (0, 0.5)
    assert asked["transform"].hflip
    assert not asked["transform"].vflip


def test_a_large_picture_takes_the_whole_sensor(hardware):
    taken(pi(hardware, size=(2560, 1440)), 1)
    assert hardware.opened[0].camera_config["sensor"] == {"output_size": (4608, 2592)}


def test_another_size_than_asked_for_is_told(hardware, caplog):
    assert taken(pi(hardware, size=(1281, 721)), 1)[0].image.shape == (720, 1280, 3)
    assert "camera front: imx708 sends 1280 x 720" in caplog.text


@pytest.mark.parametrize("flip", ["none", "horizontal", "vertical"])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_mirrors_and_a_quarter_turn_come_out_as_the_whole_turn(hardware, rotate, flip):
    mirror, rest = with_mirrors(rotate, flip)
    slot = KeepingSlot()
    stop = threading.Event()
    loop = CaptureLoop(
        "front",
        pi(hardware, settings=PiSettings(mirror=mirror)),
        slot,
        clock=hardware.clock,
        rotate=rest,
        on_pass=lambda: slot.kept and stop.set(),
    )
    loop.run(stop)
    expected = transform(QUARTERS, rotate=rotate, flip=flip)
    frame = slot.kept[0]
    assert np.array_equal(frame.image, expected)
    assert frame.small.shape[:2] == tuple(side // 2 for side in expected.shape[:2])
    assert_colours(frame.small, quarters(expected))


def test_it_is_let_go_when_nobody_wants_more(hardware):
    taken(pi(hardware), 1)
    assert hardware.opened[0].closed
    assert taken(pi(hardware), 1), "and can be opened again"


def test_silence_is_seen_and_cannot_be_mended_from_here(hardware):
    hardware.silent_after = 3
    source = pi(hardware, read_timeout=8)
    began = hardware.clock.mono
    with pytest.raises(SourceStuckError, match=r"imx708 sent nothing for 8 s.*ribbon cable and the power"):
        list(source.frames())
    assert hardware.clock.mono - began == pytest.approx(8.3)
    camera = hardware.opened[0]
    assert not camera.closed, "closing it would wait for ever"
    assert [camera] == HANGING


def test_the_first_picture_may_take_longer(hardware):
    hardware.silent_after = 0
    with pytest.raises(SourceStuckError, match="nothing for 10 s"):
        list(pi(hardware, read_timeout=0.8).frames())


def test_silence_ends_the_loop_and_asks_for_a_new_process():
    hardware = Hardware(silent_after=5)
    states = []
    loop = CaptureLoop(
        "front", pi(hardware), LiveSlot(), clock=SystemClock(), on_state=lambda *state: states.append(state)
    )
    loop.run(threading.Event())
    assert [state for state, _ in states] == [CaptureState.ONLINE, CaptureState.ENDED]
    assert isinstance(loop.error, SourceStuckError)
    assert (loop.stalls, loop.stuck, loop.frames) == (1, 1, 5)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_camera_that_another_program_uses_is_told_as_such_and_leaves_nothing_behind(hardware):
    hardware.busy = True
    source = pi(hardware)
    before = descriptors()
    for _ in range(5):
        with pytest.raises(
            SourceLostError, match=r"imx708 is in use by another program\. See with `sudo fuser"
        ) as told:
            taken(source, 1)
        del told
    assert descriptors() <= before + 1
    hardware.busy = False
    assert taken(source, 1)


@pytest.mark.parametrize(
    ("words", "kind", "match"),
    [
        ("Failed to acquire camera: Device or resource busy", SourceLostError, "in use by another program"),
        ("camera.acquire() returned unexpected code: -16", SourceLostError, "in use by another program"),
        ("failed to allocate capture buffers for stream 0", SourceLostError, r"no memory.*smaller `size`.*cma"),
        ("[Errno 12] Cannot allocate memory", SourceLostError, "no memory"),
        ("Failed to start camera: Input/output error", SourceLostError, r"Input/output error\. See whether `rpicam"),
        ("Failed to start camera: Permission denied", SourceUnfitError, "group video"),
    ],
)
@pytest.mark.parametrize("at", ["configure", "start"])
def test_what_libcamera_refuses_is_told(hardware, words, kind, match, at):
    hardware.broken, hardware.breaks_at = words, at
    with pytest.raises(SourceError, match=match) as caught:
        taken(pi(hardware), 1)
    assert type(caught.value) is kind
    assert hardware.opened[0].closed


def test_no_camera_at_all(hardware):
    hardware.cameras = []
    with pytest.raises(SourceLostError, match=r"no Pi camera is attached\. Switch the Pi off.*group video"):
        taken(pi(hardware), 1)


KNOWN = [Sensor(0, "imx708", "/base/a"), Sensor(1, "imx219", "/base/b"), Sensor(2, "imx219", "/base/c")]


@pytest.mark.parametrize(("wanted", "number"), [("", 0), ("0", 0), ("1", 1), ("imx708", 0), ("/base/c", 2)], ids=str)
def test_one_of_several(wanted, number):
    assert choose(KNOWN, wanted) is KNOWN[number]


def test_none_of_several():
    names = r"Choose from picamera2:0 \(imx708 at /base/a\), picamera2:1 \(imx219 at /base/b\), picamera2:2"
    with pytest.raises(SourceError, match=f"picamera2:3 is no camera that is attached. {names}"):
        choose(KNOWN, "3")
    with pytest.raises(SourceError, match=f"picamera2:imx219 could be more than one camera. {names}"):
        choose(KNOWN, "imx219")


def test_usb_cameras_are_not_taken_for_pi_cameras():
    library = Hardware(cameras=[MODULE_2, WEBCAM]).library
    assert [sensor.on_ribbon for sensor in sensors(library)] == [True, False]
    only = sensors(Hardware(cameras=[WEBCAM]).library)
    with pytest.raises(SourceLostError, match="no Pi camera"):
        choose(only, "")
    assert choose(only, "C920").number == 0, "but they can be named"


FIXED = {name: limits for name, limits in CONTROLS.items() if name not in {"AfMode", "LensPosition"}}


def controls(known=None, fps=10.0, **settings):
    return controls_for(CONTROLS if known is None else known, fps=fps, settings=PiSettings(**settings))


def test_controls_left_to_the_camera():
    assert controls() == {"FrameDurationLimits": (100000, 100000), "AeExposureMode": 1, "AfMode": 2}
    assert controls(FIXED) == {"FrameDurationLimits": (100000, 100000), "AeExposureMode": 1}
    assert controls({}) == {}, "as of a USB camera"


def test_controls_that_are_set():
    exposure = ExposureControls(time=0.01, gain=4.0, compensation=-0.5, short=False)
    assert controls(exposure=exposure, focus=1.5) == {
        "FrameDurationLimits": (100000, 100000),
        "AeExposureMode": 0,
        "ExposureTime": 10000,
        "AnalogueGain": 4.0,
        "ExposureValue": -0.5,
        "AfMode": 0,
        "LensPosition": 1.5,
    }
    assert controls(focus="continuous")["AfMode"] == 2
    assert controls(focus=0.0)["LensPosition"] == 0.0, "infinity"


@pytest.mark.parametrize(
    ("known", "settings", "match"),
    [
        (FIXED, {"focus": "continuous"}, r"focus: continuous \(its lens cannot be focused by software\)"),
        (FIXED, {"focus": 0.5}, r"focus: 0.5 \(its lens"),
        (CONTROLS, {"focus": 33.0}, r"focus: 33 is not within 0 to 32"),
        (CONTROLS, {"exposure": ExposureControls(gain=20)}, r"exposure.gain: 20 is not within 1.12281 to 16"),
        (CONTROLS, {"exposure": ExposureControls(time=1e-5)}, r"exposure.time: 0.01ms is not within 0.026ms to"),
        (CONTROLS, {"exposure": ExposureControls(time=0.2)}, r"exposure.time: 200ms is longer.*Write at most 100ms"),
        ({}, {"exposure": ExposureControls(compensation=1)}, r"exposure.compensation: 1 \(it has no ExposureValue\)"),
    ],
)
def test_controls_that_the_camera_has_not(known, settings, match):
    with pytest.raises(SourceUnfitError, match=match) as caught:
        controls(known, **settings)
    assert caught.value.exit_code == 78
    assert caught.value.remedy


def test_all_that_a_camera_cannot_do_is_told_at_once(hardware):
    hardware.controls = FIXED
    settings = PiSettings(focus="continuous", exposure=ExposureControls(gain=99.0))
    with pytest.raises(SourceUnfitError, match=r"exposure\.gain: 99.*; focus: continuous"):
        taken(pi(hardware, settings=settings), 1)
    assert hardware.opened[0].closed


def test_without_picamera2_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(SourceUnfitError, match=r"apt install --no-install-recommends python3-picamera2.*system-site"):
        load()


def test_a_library_of_another_numpy_is_told(monkeypatch):
    def fail(_name):
        raise ValueError("numpy.dtype size changed, may indicate binary incompatibility")

    monkeypatch.setattr(picamera2_library.importlib, "import_module", fail)
    with pytest.raises(SourceUnfitError, match=r"numpy.dtype size changed.*pip uninstall numpy"):
        load()


def test_libcamera_keeps_quiet_unless_asked(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    for given, then in ((None, "*:ERROR"), ("*:DEBUG", "*:DEBUG")):
        monkeypatch.delenv("LIBCAMERA_LOG_LEVELS", raising=False)
        if given:
            monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", given)
        with pytest.raises(SourceUnfitError):
            load()
        assert os.environ["LIBCAMERA_LOG_LEVELS"] == then


def test_a_pi_camera_is_found_before_any_other(monkeypatch):
    monkeypatch.setattr(discovery, "installed", lambda: True)
    monkeypatch.setattr(discovery, "load", lambda: Hardware(cameras=[MODULE_3, WEBCAM]).library)
    assert pi_camera() == "picamera2:0"
    assert find_camera(nodes=["/dev/video0"]) == "picamera2:0"
    monkeypatch.setattr(discovery, "load", lambda: Hardware(cameras=[WEBCAM]).library)
    assert pi_camera() is None


def test_a_pi_without_picamera2_is_told(monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(discovery, "installed", lambda: False)
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    for pi_here in (True, False):
        caplog.clear()
        monkeypatch.setattr(discovery, "is_pi", lambda here=pi_here: here)
        with caplog.at_level(logging.WARNING):
            assert pi_camera() is None
        assert ("picamera2 is not installed" in caplog.text) is pi_here
    assert is_pi(model)
    assert not is_pi(tmp_path / "none")


def test_a_library_that_does_not_load_does_not_keep_other_cameras_from_being_found(monkeypatch, caplog):
    def fail():
        raise SourceUnfitError("it does not fit")

    monkeypatch.setattr(discovery, "installed", lambda: True)
    monkeypatch.setattr(discovery, "load", fail)
    assert find_camera(nodes=[]) is None
    assert "Pi cameras cannot be looked for: it does not fit" in caplog.text


def test_the_stand_in_gives_rgb888_as_bgr_in_memory():
    """Without this, the test of both formats would prove little."""
    from tests.capture.picamera2_stand_in import buffer_of

    config = {"size": (4, 2), "format": "RGB888", "stride": 128}
    red = np.full((2, 4, 3), [255, 0, 0], np.uint8)
    assert buffer_of(red, config)[:3].tolist() == [0, 0, 255]
