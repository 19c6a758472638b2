"""From the config to a camera's frames."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_fer.capture.limit import whole
from edge_fer.capture.port import SourcePort
from edge_fer.capture.sources import PICAMERA2, SourceOptions, kind_of, make_source
from edge_fer.capture.transform import Flip, Rotation, transform, with_mirrors
from edge_fer.capture.zones import EVERYWHERE
from edge_fer.clock.system import Clock
from edge_fer.config import tree as config
from edge_fer.sample import SAMPLES
from edge_fer.types import Frame, Image
from edge_fer.wiring.vision import make_zones

if TYPE_CHECKING:
    from edge_fer.capture.picamera2.controls import PiSettings

__all__ = ["CameraSource", "make_camera_source", "overview_of", "play"]


@dataclass(frozen=True, slots=True)
class CameraSource:
    """Where a camera's pictures come from, and what is then still to be done to them.

    Attributes:
        source: gives them.
        rotate: degrees clockwise by which they are to be turned.
        flip: how they are to be mirrored after that.
    """

    source: SourcePort
    rotate: Rotation
    flip: Flip


def make_camera_source(
    name: str, camera: config.CameraSection, *, clock: Clock, share: Callable[[], float] = whole
) -> CameraSource:
    """Where a camera's pictures come from; nothing is opened yet.

    Args:
        name: the camera's name.
        camera: its part of the config, with a source that is not `auto`.
        clock: the machine's.
        share: gives the share of its frame rate that is wanted at present, above 0 to 1.

    Raises:
        SourceError: the source is nothing that is known.
    """
    # who mirrors pictures turns them upside down as well
    kind = kind_of(camera.source)
    mirrors = kind.mirrors
    mirror, rotate = with_mirrors(camera.rotate, camera.flip) if mirrors else ((False, False), camera.rotate)
    options = SourceOptions(
        size=camera.size,
        fps=camera.fps,
        share=share,
        loop=camera.loop,
        # a read should give up by itself before the loop takes it for stuck
        read_timeout=0.8 * camera.stall_after,
        username=camera.username,
        password_file=camera.password_file,
        aspect=_aspect(camera.aspect),
        samples=SAMPLES,
        pi=_pi_settings(camera, mirror) if kind is PICAMERA2 else None,
    )
    source = make_source(name, camera.source, clock=clock, options=options)
    return CameraSource(source, rotate, "none" if mirrors else camera.flip)


def overview_of(camera: config.CameraSection) -> float:
    """Width of the pictures in which faces are searched over that of the frames.

    Raises:
        SourceError: the source is nothing that is known.
    """
    if not kind_of(camera.source).small:
        return 1.0
    from edge_fer.capture.picamera2.pictures import small_size  # noqa: PLC0415

    small = small_size(camera.size)
    return small[0] / camera.size[0] if small else 1.0


def play(name: str, camera: config.CameraSection, *, clock: Clock) -> Generator[Frame, None, None]:
    """A camera's frames as its pipeline gets to see them, read in the caller's thread.

    Raises:
        SourceError: when the first frame is asked for: the source is nothing that is known; or as of
            `SourcePort.frames`.
    """
    opened, zones = make_camera_source(name, camera, clock=clock), make_zones(camera)

    def seen(image: Image) -> Image:
        return zones.blank(transform(image, rotate=opened.rotate, flip=opened.flip))

    with closing(opened.source.frames()) as frames:
        for frame in frames:
            if not opened.rotate and opened.flip == "none" and zones == EVERYWHERE:
                yield frame
                del frame
                continue
            small = None if frame.small is None else seen(frame.small)
            shown = replace(frame, pixels=seen(frame.image), small=small)
            del frame, small
            yield shown
            del shown


def _aspect(said: str | None) -> float | None:
    if said is None:
        return None
    width, height = said.split(":")
    return int(width) / int(height)


def _pi_settings(camera: config.CameraSection, mirror: tuple[bool, bool]) -> PiSettings:
    from edge_fer.capture.picamera2.controls import ExposureControls, PiSettings  # noqa: PLC0415

    exposure = ExposureControls(
        time=camera.exposure.time,
        gain=camera.exposure.gain,
        compensation=camera.exposure.compensation,
        short=camera.exposure.motion == "sharp",
    )
    return PiSettings(exposure=exposure, focus=camera.focus, mirror=mirror)
