"""A stand-in for picamera2 and the Pi camera behind it, for machines that have neither.

Shapes, strides, orders of bytes, names, the life of a request and the words of errors are those of picamera2 0.3.38;
`test_picamera2_contract.py` holds it against the real package, where that can be imported.
"""

# ruff: noqa: B006, FBT002 - signatures as picamera2 has them

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np

from edge_fer.capture.picamera2.library import Library
from edge_fer.types import Image
from tests.capture.helpers import InventedClock

#: The bytes that a released buffer holds: the camera writes the next picture into it.
OVERWRITTEN = 0xAB
MODULE_3 = {"Model": "imx708", "Location": 2, "Rotation": 180, "Id": "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"}
MODULE_2 = {"Model": "imx219", "Location": 2, "Rotation": 180, "Id": "/base/soc/i2c0mux/i2c@1/imx219@10"}
WEBCAM = {"Model": "C920", "Location": 2, "Id": "/base/scb/pcie@7d500000/usb@0,0-1.3:1.0-046d:082d"}
#: Least, largest and usual value of some controls, as a Camera Module 3 has them.
CONTROLS = {
    "AeExposureMode": (0, 3, 0),
    "ExposureTime": (26, 220416802, 20000),
    "AnalogueGain": (1.1228070259094238, 16.0, 1.0),
    "ExposureValue": (-8.0, 8.0, 0.0),
    "FrameDurationLimits": (17849, 220535845, 33333),
    "NoiseReductionMode": (0, 4, 0),
    "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), (576, 0, 3456, 2592)),
    "AfMode": (0, 2, 0),
    "LensPosition": (0.0, 32.0, 1.0),
}


def aligned(length: int, to: int) -> int:
    return -(-length // to) * to


def buffer_of(picture: Image, config: dict) -> np.ndarray:
    """One stream's memory as the camera fills it: rows padded to the stride, bytes in the format's order."""
    width, height = config["size"]
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    if config["format"] == "YUV420":
        planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).reshape(-1)
        luma, chroma = planes[: width * height], planes[width * height :]
        filled = np.full(config["framesize"], OVERWRITTEN, np.uint8)
        rows = filled[: height * config["stride"]].reshape(height, config["stride"])
        rows[:, :width] = luma.reshape(height, width)
        half = filled[height * config["stride"] :].reshape(height, config["stride"] // 2)
        half[:, : width // 2] = chroma.reshape(height, width // 2)
        return filled
    order = {"BGR888": [0, 1, 2], "RGB888": [2, 1, 0]}[config["format"]]
    filled = np.full((height, config["stride"]), OVERWRITTEN, np.uint8)
    filled[:, : 3 * width] = picture[:, :, order].reshape(height, 3 * width)
    return filled.reshape(-1)


class CompletedRequest:
    """One picture in all its streams; released, its buffers belong to the camera again."""

    def __init__(self, picam2: Picamera2, buffers: dict[str, np.ndarray], metadata: dict) -> None:
        self.picam2 = picam2
        self.config = picam2.camera_config.copy()
        self.ref_count = 1
        self._buffers = buffers
        self._metadata = metadata

    def make_array(self, name: str) -> np.ndarray:
        config = self.config.get(name, None)
        if config is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        width, height = config["size"]
        if config["format"] == "YUV420":
            return self._buffers[name].reshape(height * 3 // 2, config["stride"]).copy()
        rows = self._buffers[name].reshape(height, config["stride"])
        # a copy in any case: without padding, ascontiguousarray would hand out the buffer itself
        return rows[:, : 3 * width].reshape(height, width, 3).copy()

    def get_metadata(self) -> dict:
        assert self.ref_count, "released"
        return self._metadata

    def release(self) -> None:
        self.ref_count -= 1
        if self.ref_count < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self.config = {}
        for buffer in self._buffers.values():
            buffer[:] = OVERWRITTEN
        self.picam2._free.append(self._buffers)


@dataclass
class Hardware:
    """What is connected, and how it behaves.

    Attributes:
        clock: of the machine.
        cameras: as `global_camera_info` lists them.
        controls: what every camera can be told.
        picture: makes the picture of each index, RGB.
        busy: another program has the cameras.
        broken: what libcamera says on starting.
        breaks_at: `configure` or `start`.
        silent_after: frames after which nothing more comes.
        late: seconds from a frame's exposure until it arrives.
        stamped: whether frames carry the sensor's time.
        form: what libcamera makes of the main stream's format.
        opened: all that were opened.
    """

    clock: InventedClock = field(default_factory=InventedClock)
    cameras: list[dict] = field(default_factory=lambda: [MODULE_3])
    controls: dict = field(default_factory=CONTROLS.copy)
    picture: Callable[[int], Image] = lambda index: np.full((720, 1280, 3), index % 250, np.uint8)
    busy: bool = False
    broken: str = ""
    breaks_at: str = "configure"
    silent_after: int | None = None
    late: float = 0.0
    stamped: bool = True
    form: str | None = None
    opened: list[Picamera2] = field(default_factory=list)

    @property
    def library(self) -> Library:
        hardware = self

        class Plugged(Picamera2):
            def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):
                super().__init__(camera_num, verbose_console, tuning, allocator, hardware=hardware)

            @staticmethod
            def global_camera_info():
                return [{**info, "Num": place} for place, info in enumerate(hardware.cameras)]

        return Library(Plugged, lambda **turned: SimpleNamespace(**{"hflip": False, "vflip": False, **turned}))


class Picamera2:
    """See picamera2.Picamera2."""

    def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None, *, hardware: Hardware) -> None:
        self.notifyme_r, self.notifyme_w = os.pipe2(os.O_NONBLOCK)
        self.notifymeread = os.fdopen(self.notifyme_r, "rb")
        self.is_open = False
        self.closed = False
        self._hardware = hardware
        if camera_num >= len(hardware.cameras):
            raise RuntimeError(
                f'No camera number {camera_num} found - use "rpicam-hello --list-cameras" to check connected cameras'
            )
        if hardware.busy:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        self.is_open = True
        self.info = hardware.cameras[camera_num]
        self.camera_config: dict = {}
        self.started = False
        self._job_left = False
        self._free: list[dict[str, np.ndarray]] = []
        self._indices: Iterator[int] = itertools.count()
        hardware.opened.append(self)

    @property
    def camera_controls(self) -> dict:
        return self._hardware.controls

    @property
    def camera_properties(self) -> dict:
        return {"Model": self.info["Model"], "PixelArraySize": (4608, 2592)}

    def create_video_configuration(
        self,
        main={},
        lores=None,
        raw={},
        transform=None,
        colour_space=None,
        buffer_count=6,
        controls={},
        display="main",
        encode="main",
        queue=True,
        sensor={},
        use_case="video",
    ):
        for stream in (main, lores or {}):
            assert set(stream) <= {"format", "size", "stride", "preserve_ar"}
            if stream:
                stream["size"] = tuple(side - side % 2 for side in stream["size"])
        return {
            "use_case": use_case,
            "transform": transform,
            "colour_space": colour_space,
            "buffer_count": buffer_count,
            "queue": queue,
            "main": main,
            "lores": lores,
            "raw": raw,
            "controls": {"FrameDurationLimits": (33333, 33333)} | controls,
            "sensor": sensor,
            "display": display,
            "encode": encode,
        }

    def configure(self, camera_config=None) -> None:
        config = dict(camera_config)
        if self._hardware.broken and self._hardware.breaks_at == "configure":
            raise RuntimeError(self._hardware.broken)
        for name in config["controls"]:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        for name in ("main", "lores"):
            if config[name] is None:
                continue
            width, height = config[name]["size"]
            form = (name == "main" and self._hardware.form) or config[name]["format"]
            planar = form == "YUV420"
            stride = aligned(width if planar else 3 * width, 128)
            size = stride * height * 3 // 2 if planar else stride * height
            config[name] = {**config[name], "format": form, "stride": stride, "framesize": size}
        self.camera_config = config
        streams = [name for name in ("main", "lores") if config[name]]
        self._free = [
            {name: np.full(config[name]["framesize"], OVERWRITTEN, np.uint8) for name in streams}
            for _ in range(config["buffer_count"])
        ]

    def stream_configuration(self, name="main"):
        return self.camera_config[name]

    def start(self, config=None, show_preview=False) -> None:
        if self._hardware.broken and self._hardware.breaks_at == "start":
            raise RuntimeError(self._hardware.broken)
        self.started = True

    def capture_request(self, wait=None, signal_function=None, flush=None) -> CompletedRequest:
        assert self.started
        assert not self._job_left, "the request would go to the one that waited before"
        clock, index = self._hardware.clock, next(self._indices)
        silent = self._hardware.silent_after is not None and index >= self._hardware.silent_after
        if silent or not self._free:
            self._job_left = True
            clock.advance(wait)
            raise TimeoutError
        clock.advance(self.camera_config["controls"]["FrameDurationLimits"][0] / 1e6)
        stamp = round(clock.mono * 1e9)
        clock.advance(self._hardware.late)
        buffers = self._free.pop(0)
        picture = self._hardware.picture(index)
        turn = self.camera_config["transform"]
        picture = picture[:: -1 if turn.vflip else 1, :: -1 if turn.hflip else 1]
        for name, buffer in buffers.items():
            buffer[:] = buffer_of(np.ascontiguousarray(picture), self.camera_config[name])
        return CompletedRequest(self, buffers, {"SensorTimestamp": stamp} if self._hardware.stamped else {})

    def close(self) -> None:
        assert not self._job_left, "this would wait for ever"
        self.notifymeread.close()
        os.close(self.notifyme_w)
        self.is_open = False
        self.closed = True
