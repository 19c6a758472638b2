"""From the config to a camera: its source, its threads, what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from edge_fer.capture.discovery import find_camera
from edge_fer.capture.loop import CaptureLoop
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.config.values.source import SourceKind
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.heat import HeatWatch
from edge_fer.errors import SourceError
from edge_fer.pipeline.step import Pipeline, Told
from edge_fer.publishing import Publisher
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.wiring.source import make_camera_source, overview_of
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
    camera: config.CameraSection,
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
    opened = make_camera_source(name, camera, clock=clock, share=lambda: heat.share)
    source = opened.source
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
            rotate=opened.rotate,
            flip=opened.flip,
            zones=zones,
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
        tell=tell,
        tell_online=partial(publisher.online, name),
        clock=clock,
        fps=camera.fps if source.live else None,
        paused=camera.paused,
    )
