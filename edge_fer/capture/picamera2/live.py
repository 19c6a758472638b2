"""Cameras on a Raspberry Pi's ribbon cable, through picamera2."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from typing import Any

from edge_fer.capture.limit import FrameLimit, whole
from edge_fer.capture.picamera2.controls import PiSettings, controls_for
from edge_fer.capture.picamera2.library import CompletedRequestPort, Library, PiCamera, Sensor, choose, load, sensors
from edge_fer.capture.picamera2.pictures import MAIN_FORMATS, main_to_rgb, small_size, small_to_rgb
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError, SourceLostError, SourceStuckError, SourceUnfitError
from edge_fer.types import Frame, Instant

__all__ = ["Picamera2Live"]

log = logging.getLogger(__name__)

#: Buffers of each stream: one being copied, one being filled, and two for when we are late; memory for them is scarce.
BUFFERS = 4
#: Where nothing is wanted in particular.
USUAL_SIZE, USUAL_FPS = (1280, 720), 10.0
#: Longest wait for the first picture, in seconds: the camera keeps the ones back from which it learns the light.
FIRST_WAIT = 10.0
#: A picture is not taken to be older than this, in seconds; its time stamp is of another clock then.
OLDEST = 30.0
#: Cameras that hang. They are kept, because letting go of them would wait for the driver for ever.
HANGING: list[PiCamera] = []


class Picamera2Live:
    """A Pi camera.

    It is asked for two streams of the same pictures: `main`, out of which faces are cut, and a small one, in which they
    are searched, made by the Pi's image processor at no cost of ours. Both are copied at once, because a picture that
    is held keeps a buffer from the camera, which stops when it has none left.

    Args:
        camera: its name in the config.
        which: a place in picamera2's list from 0, a sensor's model, or an id; empty for the first Pi camera.
        clock: read at each frame.
        size: width and height to ask for, in pixels; the camera may settle on another.
        fps: frames a second wanted; the camera is asked for them, and what more comes is left out.
        read_timeout: longest wait, in seconds, for the next frame.
        settings: exposure, focus and mirroring.
        share: gives the share of the frames that is wanted at present, above 0 to 1.
        loader: imports the library; tests pass one of their own.
    """

    live = True

    def __init__(
        self,
        camera: str,
        which: str = "",
        *,
        clock: Clock,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        read_timeout: float = 8.0,
        settings: PiSettings | None = None,
        share: Callable[[], float] = whole,
        loader: Callable[[], Library] = load,
    ) -> None:
        self._camera = camera
        self._which = which
        self._clock = clock
        self._size = size or USUAL_SIZE
        self._fps = fps or USUAL_FPS
        self._read_timeout = read_timeout
        self._settings = settings or PiSettings()
        self._share = share
        self._load = loader

    def frames(self) -> Generator[Frame, None, None]:
        """See `SourcePort.frames`.

        Raises:
            SourceStuckError: it has fallen silent. From within this process it can be neither used nor closed: the
                request that was waited for stays queued, and so would the one to stop.
        """
        library = self._load()
        sensor = choose(sensors(library), self._which)
        camera = _opened(library, sensor)
        try:
            _set_up(camera, self._configuration(library, camera), sensor)
            yield from self._read(camera, sensor)
        except SourceStuckError:
            HANGING.append(camera)
            raise
        finally:
            if camera not in HANGING:
                camera.close()

    def _configuration(self, library: Library, camera: PiCamera) -> dict[str, Any]:
        across, down = self._settings.mirror
        small = small_size(self._size)
        return camera.create_video_configuration(
            main={"size": self._size, "format": "BGR888"},
            lores=small and {"size": small, "format": "YUV420"},
            raw=None,
            transform=library.Transform(hflip=across, vflip=down),
            buffer_count=BUFFERS,
            # the next picture rather than the last one that nobody asked for
            queue=False,
            display=None,
            encode=None,
            sensor=_readout(camera.camera_properties, self._size),
            controls=controls_for(camera.camera_controls, fps=self._fps, settings=self._settings),
        )

    def _read(self, camera: PiCamera, sensor: Sensor) -> Generator[Frame, None, None]:
        main = camera.stream_configuration("main")
        small = camera.stream_configuration("lores")
        if main["format"] not in MAIN_FORMATS:
            msg = f"the camera {sensor.model} sends {main['format']}, which is not known"
            raise SourceUnfitError(msg, remedy="Name another camera, or its device /dev/video*, in `source`")
        if tuple(main["size"]) != self._size:
            log.warning("camera %s: %s sends %d x %d", self._camera, sensor.model, *main["size"])
        limit = FrameLimit(self._fps, self._share)
        index, wait = -1, max(FIRST_WAIT, self._read_timeout)
        while True:
            request = self._next(camera, sensor, wait)
            index, wait = index + 1, self._read_timeout
            try:
                at = self._captured(request)
                if not limit.take(at.mono):
                    continue
                image = main_to_rgb(request.make_array("main"), main["format"])
                overview = small_to_rgb(request.make_array("lores"), small["size"]) if small else None
            finally:
                request.release()
            yield Frame(self._camera, index, image, at, overview)

    def _next(self, camera: PiCamera, sensor: Sensor, wait: float) -> CompletedRequestPort:
        try:
            return camera.capture_request(wait=wait)
        except TimeoutError:
            msg = f"the camera {sensor.model} sent nothing for {wait:.0f} s"
            remedy = "If that happens again, check its ribbon cable and the power supply"
            raise SourceStuckError(msg, remedy=remedy) from None

    def _captured(self, request: CompletedRequestPort) -> Instant:
        """When a picture was captured: as the sensor says, in nanoseconds since the Pi was started.

        The kernel counts them on the clock that our monotonic one reads (libcamera's documents name CLOCK_BOOTTIME,
        which differs only where a machine sleeps). What cannot be of that clock is not believed.
        """
        now = self._clock()
        stamp = request.get_metadata().get("SensorTimestamp")
        age = now.mono - stamp / 1e9 if stamp else 0.0
        return now.later(-age) if 0 < age < OLDEST else now


def _readout(properties: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """How to read out the sensor: all of it, in pairs of pixels where that is enough.

    Left to itself, libcamera takes the mode that is nearest in size, which on some sensors sees only their middle.
    """
    array = properties.get("PixelArraySize")
    if not array:
        return {}
    width, height = array
    half = (width // 2, height // 2)
    return {"output_size": half if size[0] <= half[0] and size[1] <= half[1] else (width, height)}


def _opened(library: Library, sensor: Sensor) -> PiCamera:
    try:
        return library.open(sensor.number)
    except (RuntimeError, OSError) as error:
        raise _told(error, sensor, "be opened") from error


def _set_up(camera: PiCamera, configuration: dict[str, Any], sensor: Sensor) -> None:
    try:
        camera.configure(configuration)
        camera.start()
    except (RuntimeError, OSError) as error:
        raise _told(error, sensor, "be started") from error


def _told(error: BaseException, sensor: Sensor, what: str) -> SourceError:
    """What an error of picamera2 means. The cause is often at the end of a chain of errors that say little."""
    said = []
    cause: BaseException | None = error
    while cause:
        said.append(str(cause).strip().removesuffix("."))
        cause = cause.__cause__
    reason = said[-1]
    words = " ".join(said).lower()
    # libcamera says it in words since 2023, and before by the number of EBUSY
    if "busy" in words or "code: -16" in words:
        msg = f"the camera {sensor.model} is in use by another program"
        return SourceLostError(msg, remedy="See with `sudo fuser -v /dev/media*` which, and end it")
    if "memory" in words or "allocate" in words:
        msg = f"the camera {sensor.model} cannot {what}: no memory for its buffers ({reason})"
        remedy = "Choose a smaller `size`, or raise `cma=` in /boot/firmware/config.txt (dtoverlay=vc4-kms-v3d,cma-256)"
        return SourceLostError(msg, remedy=remedy)
    if "permission" in words:
        msg = f"the camera {sensor.model} may not {what}: {reason}"
        return SourceUnfitError(msg, remedy="Add the user to the group video and log in again")
    msg = f"the camera {sensor.model} cannot {what}: {reason}"
    return SourceLostError(msg, remedy="See whether `rpicam-hello` shows a picture; if not, check its ribbon cable")
