"""From the config to a camera: its source, its threads, what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from edge_fer.camera import Camera
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.discovery import find_camera
from edge_fer.capture.loop import CaptureLoop
from edge_fer.capture.picamera2_controls import Exposure, PiSettings
from edge_fer.capture.picamera2_pictures import small_size
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.capture.sources import SourceKind, SourceOptions, kind_of, make_source
from edge_fer.capture.transform import with_mirrors
from edge_fer.config import tree as config
from edge_fer.errors import SourceError
from edge_fer.heat import HeatWatch
from edge_fer.pipeline import Pipeline, Told
from edge_fer.publishing import Publisher
from edge_fer.sample import sample_path
from edge_fer.stopwatch import Stopwatch
from edge_fer.wiring.vision import make_zones

__all__ = ["find_source", "make_camera"]


def find_source(camera: str, source: str, *, or_sample: bool) -> str:
    """What `auto` means on this machine; any other source as it is.

    Args:
        camera: the camera's name.
        source: as in the config.
        or_sample: whether the sample recording will do where there is no camera.

    Raises:
        SourceError: there is no camera.
    """
    if source != "auto":
        return source
    found = find_camera()
    if found:
        return found
    if or_sample:
        return SourceKind.SAMPLE
    msg = f"camera {camera}: no camera was found"
    raise SourceError(
        msg, remedy=f"Connect one, name a source in `cameras.{camera}.source`, or try `edge-fer run --demo`"
    )


def make_camera(
    name: str,
    camera: config.Camera,
    publisher: Publisher,
    clock: SystemClock,
    *,
    heat: HeatWatch,
    show: Callable[[str, Told], None] | None,
    keeps: Sequence[Callable[[Told], None]],
    make_pipeline: Callable[..., Pipeline],
) -> Camera:
    """A camera with its threads, not yet started.

    `make_pipeline` is given watch, zones, how small it looks, and how slow heat may make it.
    """
    # a Pi camera mirrors its pictures by itself, and so turns them upside down
    is_pi = kind_of(camera.source) is SourceKind.PICAMERA2
    small = small_size(camera.size) if is_pi else None
    mirror, rotate = with_mirrors(camera.rotate, camera.flip) if is_pi else ((False, False), camera.rotate)
    options = SourceOptions(
        size=camera.size,
        fps=camera.fps,
        share=lambda: heat.share,
        loop=camera.loop,
        # a read should give up by itself before the loop takes it for stuck
        read_timeout=0.8 * camera.stall_after,
        sample=sample_path(),
        pi=PiSettings(exposure=_exposure(camera.exposure), focus=camera.focus, mirror=mirror),
    )
    source = make_source(name, camera.source, clock=clock, options=options)
    watch, zones = Stopwatch(), make_zones(camera)

    def tell(told: Told) -> None:
        publisher.tell(name, told)
        for keep in keeps:
            keep(told)
        if show:
            show(name, told)

    return Camera(
        name,
        make_loop=lambda on_state, on_pass: CaptureLoop(
            name,
            source,
            LiveSlot() if source.live else FileSlot(),
            clock=clock,
            # frames that are left out on purpose are no silence
            stall_after=camera.stall_after + 1 / (camera.fps * heat.least),
            realtime=not source.live and camera.speed == "realtime",
            rotate=rotate,
            flip="none" if is_pi else camera.flip,
            zones=zones,
            on_state=on_state,
            on_pass=on_pass,
        ),
        pipeline=make_pipeline(
            time=watch,
            zones=zones,
            overview=small[0] / camera.size[0] if small else 1.0,
            slowest=heat.least,
        ),
        watch=watch,
        tell=tell,
        tell_online=partial(publisher.online, name),
        clock=clock,
        fps=camera.fps if source.live else None,
        paused=camera.paused,
    )


def _exposure(exposure: config.Exposure) -> Exposure:
    return Exposure(
        time=exposure.time,
        gain=exposure.gain,
        compensation=exposure.compensation,
        short=exposure.motion == "sharp",
    )
