"""The picamera2 library: what is used of it, and finding, opening and telling apart the cameras that it knows.

It comes from Debian's packages, for it needs the libcamera that the system's kernel needs, and so is imported only
where a Pi camera is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_fer.errors import SourceError, SourceLostError, SourceUnfitError

__all__ = ["CompletedRequestPort", "Library", "PiCamera", "Sensor", "choose", "installed", "is_pi", "load", "sensors"]

#: What the device tree of every Raspberry Pi says.
DEVICE_TREE = Path("/proc/device-tree/model")
INSTALL = "sudo apt install --no-install-recommends python3-picamera2"
LIST = "rpicam-hello --list-cameras"


class CompletedRequestPort(Protocol):
    """What is used of picamera2.CompletedRequest: one picture in all its streams, until it is released."""

    def make_array(self, name: str) -> NDArray[Any]:
        """A copy of one stream's picture."""
        ...

    def get_metadata(self) -> Mapping[str, Any]:
        """What libcamera says of it."""
        ...

    def release(self) -> None:
        """Gives its buffers back, to be written over."""
        ...


class PiCamera(Protocol):
    """What is used of picamera2.Picamera2."""

    @property
    def camera_controls(self) -> Mapping[str, tuple[Any, Any, Any]]:
        """Least, largest and usual value of every control the camera has."""
        ...

    @property
    def camera_properties(self) -> Mapping[str, Any]:
        """What the camera is."""
        ...

    def create_video_configuration(self, **options: Any) -> dict[str, Any]:
        """Makes a configuration."""
        ...

    def configure(self, camera_config: dict[str, Any]) -> None:
        """Sets the camera up, with what it can do that is nearest to what is asked."""
        ...

    def stream_configuration(self, name: str = ...) -> Mapping[str, Any]:
        """What one stream came out as."""
        ...

    def start(self) -> None:
        """Begins to send."""
        ...

    def capture_request(self, wait: float) -> CompletedRequestPort:
        """The next picture; raises TimeoutError, and can then be used no more, where none comes in so many seconds."""
        ...

    def close(self) -> None:
        """Stops it and lets go of it."""
        ...


@dataclass(frozen=True, slots=True)
class Library:
    """The two classes of picamera2 and libcamera that are used.

    Attributes:
        Picamera2: picamera2.Picamera2.
        Transform: libcamera.Transform.
    """

    Picamera2: Any
    Transform: Any

    def open(self, number: int) -> PiCamera:
        """Opens a camera by its place in picamera2's list.

        Raises:
            RuntimeError: picamera2 could not.
        """
        # in two steps, for one that does not open leaves a pipe behind, which its own close() passes over
        camera = self.Picamera2.__new__(self.Picamera2)
        try:
            camera.__init__(number)
        except BaseException:
            if not getattr(camera, "is_open", False):
                with suppress(AttributeError, OSError):
                    camera.notifymeread.close()
                    os.close(camera.notifyme_w)
            raise
        opened: PiCamera = camera
        return opened


@dataclass(frozen=True, slots=True)
class Sensor:
    """A camera that libcamera knows.

    Attributes:
        number: its place in picamera2's list.
        model: its sensor, such as `imx708_wide`.
        id: where it is connected, which stays the same over restarts.
    """

    number: int
    model: str
    id: str

    @property
    def on_ribbon(self) -> bool:
        """Whether it is connected as Pi cameras are; the others are USB cameras, for which there is a better way."""
        return "/usb" not in self.id


def installed() -> bool:
    """Whether picamera2 is there at all."""
    return importlib.util.find_spec("picamera2") is not None


def is_pi(model: Path = DEVICE_TREE) -> bool:
    """Whether this machine is a Raspberry Pi."""
    try:
        return "Raspberry Pi" in model.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def load() -> Library:
    """Imports the library.

    Raises:
        SourceUnfitError: it is not installed, or does not fit what else is.
    """
    # libcamera writes what it does to standard error; whoever wants that sets the variable
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")
    try:
        picamera2, libcamera = importlib.import_module("picamera2"), importlib.import_module("libcamera")
    except ImportError as error:
        msg = f"a Pi camera needs picamera2, which cannot be imported ({error})"
        remedy = f"`{INSTALL}`; a virtual environment must be made with `--system-site-packages` to see it"
        raise SourceUnfitError(msg, remedy=remedy) from error
    except (AttributeError, ValueError) as error:  # built for another numpy
        msg = f"a Pi camera needs picamera2, which does not fit the other packages ({error})"
        raise SourceUnfitError(msg, remedy="Use the system's own numpy: `pip uninstall numpy`") from error
    return Library(picamera2.Picamera2, libcamera.Transform)


def sensors(library: Library) -> list[Sensor]:
    """The cameras that libcamera knows, those on a ribbon cable first."""
    found = library.Picamera2.global_camera_info()
    return [Sensor(number, str(info.get("Model", "")), info["Id"]) for number, info in enumerate(found)]


def choose(known: Sequence[Sensor], wanted: str) -> Sensor:
    """The camera that is meant.

    Args:
        known: all there are.
        wanted: a place in the list from 0, a sensor's model, or an id; empty for the first one on a ribbon cable.

    Raises:
        SourceError: there is none like that, or more than one.
        SourceLostError: there is none at all.
    """
    ribbon = [sensor for sensor in known if sensor.on_ribbon]
    if not wanted and ribbon:
        return ribbon[0]
    if not known or not wanted:
        msg = "no Pi camera is attached"
        remedy = (
            f"Switch the Pi off, seat the ribbon cable at both ends, and see with `{LIST}`; if that lists one, add the "
            "user to the group video"
        )
        raise SourceLostError(msg, remedy=remedy)
    fits = [sensor for sensor in known if wanted in {str(sensor.number), sensor.model, sensor.id}]
    if len(fits) != 1:
        names = ", ".join(f"picamera2:{sensor.number} ({sensor.model} at {sensor.id})" for sensor in known)
        msg = (
            f"source picamera2:{wanted} {'could be more than one camera' if fits else 'is no camera that is attached'}"
        )
        raise SourceError(msg, remedy=f"Choose from {names}")
    return fits[0]
