"""From the config to a camera: its source, its threads, its way out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from edge_fer.capture.loop import CaptureLoop, LoopSettings
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.heat import HeatWatch
from edge_fer.errors import SourceError
from edge_fer.pipeline.step import Pipeline
from edge_fer.sinks.outlet import Outlet
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.wiring.meaning import pause_of
from edge_fer.wiring.source import make_camera_source, overview_of
from edge_fer.wiring.vision import make_zones

__all__ = ["find_source", "make_camera"]


def find_source(camera: str, source: str, *, sample: str | None) -> str:
    """What `auto` means on this machine; any other source as it is.

    Args:
        camera: the camera's name.
        source: as in the config.
        sample: the recording to take where there is no camera, as a source calls it; None: none will do.

    Raises:
        SourceError: there is no camera.
    """
    if source != "auto":
        return source
    from edge_fer.capture.discovery import find_camera  # noqa: PLC0415 - no other source needs it

    found = find_camera()
    if found:
        return found
    if sample:
        return sample
    msg = f"camera {camera}: no camera was found"
    raise SourceError(
        msg, remedy=f"Connect one, name a source in `cameras.{camera}.source`, or try `edge-fer run --demo`"
    )


def make_camera(
    name: str,
    camera: config.CameraSection,
    outlet: Outlet,
    clock: SystemClock,
    *,
    heat: HeatWatch,
    make_pipeline: Callable[..., Pipeline],
) -> Camera:
    """A camera with its threads, not yet started.

    `make_pipeline` is given watch, zones, how small it looks, and how slow heat may make it.
    """
    opened = make_camera_source(name, camera, clock=clock, share=lambda: heat.share)
    source = opened.source
    watch, zones = Stopwatch(), make_zones(camera)
    loop_settings = LoopSettings(
        # frames that are left out on purpose are no silence
        stall_after=camera.stall_after + 1 / (camera.fps * heat.least),
        realtime=not source.live and camera.speed == "realtime",
        rotate=opened.rotate,
        flip=opened.flip,
        zones=zones,
    )

    return Camera(
        name,
        make_loop=lambda on_state, on_pass: CaptureLoop(
            name,
            source,
            LiveSlot() if source.live else FileSlot(),
            clock=clock,
            settings=loop_settings,
            on_state=on_state,
            on_pass=on_pass,
        ),
        pipeline=make_pipeline(
            time=watch,
            zones=zones,
            overview=overview_of(camera),
            slowest=heat.least,
        ),
        watch=watch,
        tell=partial(outlet.tell, name),
        tell_online=partial(outlet.online, name),
        clock=clock,
        fps=camera.fps if source.live else None,
        pause=pause_of(camera),
    )
