"""The stand-in, and what the Pi camera's source relies on, held against the real picamera2 and libcamera.

No camera is needed, but both packages are: `make test-picamera2` says how to get them.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from edge_fer.capture.picamera2 import controls as picamera2_controls
from edge_fer.capture.picamera2 import library as picamera2_library
from edge_fer.capture.picamera2.controls import AeExposureMode, AfMode, PiSettings
from edge_fer.capture.picamera2.library import load, sensors
from edge_fer.capture.picamera2.live import Picamera2Live
from edge_fer.capture.picamera2.pictures import small_size, small_to_rgb
from edge_fer.errors import SourceUnfitError
from tests.capture import picamera2_stand_in as stand_in
from tests.capture.helpers import InventedClock


class Anything:
    """Has every attribute; for pykms, of which only previews on a screen make use."""

    def __getattr__(self, _name: str) -> None:
        return None


@pytest.fixture(scope="module")
def library():
    if "pykms" not in sys.modules:
        try:
            import pykms  # noqa: F401
        except ImportError:
            sys.modules["pykms"] = ModuleType("pykms")
            sys.modules["pykms"].PixelFormat = Anything()  # type: ignore[attr-defined]
    try:
        return load()
    except SourceUnfitError as error:
        pytest.skip(f"needs picamera2 and python3-libcamera, as `make test-picamera2` says ({error})")


@pytest.fixture
def real(library):
    return sys.modules["picamera2"]


def parameters(function):
    """Names, kinds and defaults, but for the default transform, which is an object of libcamera's."""
    return [
        (one.name, one.kind, None if one.name == "transform" else one.default)
        for one in inspect.signature(function).parameters.values()
        if one.name != "hardware"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "__init__",
        "create_video_configuration",
        "configure",
        "stream_configuration",
        "start",
        "capture_request",
        "close",
    ],
)
def test_the_camera_has_the_real_ones_signatures(real, name):
    ours, theirs = (parameters(getattr(one.Picamera2, name)) for one in (stand_in, real))
    assert ours == theirs


@pytest.mark.parametrize("name", ["make_array", "get_metadata", "release"])
def test_a_request_has_the_real_ones_signatures(real, name):
    ours, theirs = (parameters(getattr(one.CompletedRequest, name)) for one in (stand_in, real))
    assert ours == theirs


@pytest.mark.parametrize(("port", "name"), [("PiCamera", "Picamera2"), ("Request", "CompletedRequest")])
def test_all_that_is_used_is_there(real, port, name):
    used = {one for one in vars(getattr(picamera2_library, port)) if not one.startswith("_")}
    assert used >= ({"capture_request", "close"} if port == "PiCamera" else {"make_array", "release"})
    for one in (getattr(stand_in, name), getattr(real, name)):
        assert used <= set(dir(one))
    for one in used:
        kinds = {isinstance(inspect.getattr_static(getattr(of, name), one), property) for of in (stand_in, real)}
        assert len(kinds) == 1, one


def test_libcameras_numbers_are_the_ones_that_are_sent(library):
    controls = sys.modules["libcamera"].controls
    assert int(controls.AfModeEnum.Manual) == AfMode.MANUAL
    assert int(controls.AfModeEnum.Continuous) == AfMode.CONTINUOUS
    assert int(controls.AeExposureModeEnum.Normal) == AeExposureMode.NORMAL
    assert int(controls.AeExposureModeEnum.Short) == AeExposureMode.SHORT


def test_libcamera_knows_every_control(library):
    settings = PiSettings(
        exposure=picamera2_controls.ExposureControls(time=0.01, gain=2.0, compensation=1.0), focus=1.0
    )
    sent = picamera2_controls.controls_for(stand_in.CONTROLS, fps=10, settings=settings)
    assert len(sent) == 7
    known = sys.modules["libcamera"].controls
    assert [name for name in [*sent, *stand_in.CONTROLS, "SensorTimestamp"] if not hasattr(known, name)] in (
        [],
        ["NoiseReductionMode"],
    ), "which is among the drafts"


def test_a_transform_is_made_as_it_is(library):
    turned = library.Transform(hflip=True, vflip=False)
    assert (turned.hflip, turned.vflip, turned.transpose) == (True, False, False)


@pytest.mark.parametrize("form", ["BGR888", "RGB888", "YUV420"])
@pytest.mark.parametrize("size", [(640, 360), (1000, 600), (1280, 720)], ids=str)
def test_arrays_come_out_of_buffers_as_the_real_one_makes_them(real, form, size):
    planar = form == "YUV420"
    stride = stand_in.aligned(size[0] if planar else 3 * size[0], 128)
    bytes_ = stride * size[1] * 3 // 2 if planar else stride * size[1]
    config = {"size": size, "format": form, "stride": stride, "framesize": bytes_}
    picture = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = stand_in.buffer_of(picture, config)
    theirs = sys.modules["picamera2.request"].Helpers(None).make_array(buffer, config)
    camera = SimpleNamespace(camera_config={"main": config}, _free=[])
    ours = stand_in.CompletedRequest(camera, {"main": buffer}, {}).make_array("main")
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs)
    assert not np.shares_memory(ours, buffer)
    if planar:
        assert small_to_rgb(theirs, size).shape == (size[1], size[0], 3)
    else:
        assert np.array_equal(theirs if form == "BGR888" else theirs[:, :, ::-1], picture)


@pytest.mark.parametrize("platform", ["VC4", "PISP"])
def test_the_usual_sizes_need_no_padding_on_any_pi(real, monkeypatch, platform):
    monkeypatch.setattr(real.Picamera2, "platform", getattr(real.Platform, platform))
    for size in [(1280, 720), (1920, 1080), (1280, 960), (2304, 1296)]:
        config = {"main": {"size": size, "format": "BGR888"}, "lores": {"size": small_size(size), "format": "YUV420"}}
        real.Picamera2.align_configuration(config)
        assert config["main"]["size"] == size
        assert config["lores"]["size"] == small_size(size)


class Bare:
    """As much of the real camera as works without one."""

    def __init__(self, real):
        self.camera = real.Picamera2.__new__(real.Picamera2)
        self.camera._preview = None
        self.camera.is_open = False
        self.camera._reset_flags()
        self.camera.camera = object()
        self.camera.camera_properties_ = {"ColorFilterArrangement": 0, "PixelArraySize": (4608, 2592)}
        self.camera.sensor_format = "SBGGR10"


def test_the_real_one_makes_and_accepts_the_configuration(real, library):
    camera = Bare(real).camera
    config = Picamera2Live("front", clock=InventedClock(), loader=lambda: library)._configuration(library, camera)
    camera.check_camera_config(config)
    assert config["raw"] is None
    assert config["main"] == {"format": "BGR888", "size": (1280, 720), "preserve_ar": True}
    assert config["lores"] == {"format": "YUV420", "size": (640, 360), "preserve_ar": False}
    assert config["sensor"] == {"output_size": (2304, 1296)}


def test_a_wait_that_ran_out_leaves_its_request_queued(real):
    """Which is why the camera is given up then."""
    camera = Bare(real).camera
    with pytest.raises(TimeoutError):
        camera.capture_request(wait=0.01)
    assert len(camera._job_list) == 1


def test_a_request_lives_and_dies_as_the_real_one(real):
    config = {"size": (4, 2), "format": "BGR888", "stride": 12, "framesize": 24}
    buffer = bytearray(range(24))
    allocator = SimpleNamespace(
        sync=lambda _allocator, _buffer, _write: contextlib.nullcontext(memoryview(buffer)),
        mapped_buffers={"buffer": buffer},
        acquire=lambda _: None,
        release=lambda _: None,
    )
    camera = SimpleNamespace(
        request_lock=threading.Lock(),
        stop_count=0,
        configure_count=0,
        camera_config={"main": config},
        stream_map={"main": "stream"},
        allocator=allocator,
        camera=None,
        started=False,
        helpers=sys.modules["picamera2.request"].Helpers(None),
    )
    theirs = real.CompletedRequest(SimpleNamespace(buffers={"stream": "buffer"}, metadata={}), camera)
    plugged = SimpleNamespace(camera_config={"main": config}, _free=[])
    ours = stand_in.CompletedRequest(plugged, {"main": np.frombuffer(buffer, np.uint8).copy()}, {})
    assert np.array_equal(ours.make_array("main"), theirs.make_array("main"))
    for request in (theirs, ours):
        assert request.get_metadata() == {}
        request.release()
        with pytest.raises(RuntimeError, match="'main' is not defined"):
            request.make_array("main")
        with pytest.raises(AssertionError):
            request.get_metadata()
        with pytest.raises(RuntimeError, match="negative ref_count"):
            request.release()


def test_a_camera_that_does_not_open_leaves_nothing_behind(library):
    known = sensors(library)
    assert [sensor.number for sensor in known] == list(range(len(known)))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(RuntimeError, match="No camera number 99 found"):
            library.open(99)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
