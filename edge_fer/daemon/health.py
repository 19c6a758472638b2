"""How the daemon is doing: what the kernel says of it, and what its parts count."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_fer.capture.loop import CaptureState
from edge_fer.contract.composer import Composer
from edge_fer.contract.link_status import LinkStatus
from edge_fer.contract.messages import CameraHealth, FrameWork, Health, SinkStatus, StageLatency, rfc3339
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.heat import HeatWatch
from edge_fer.sinks.base import SinkHealth
from edge_fer.types import Instant

__all__ = ["health_of", "resident_bytes"]

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(statm: Path = Path("/proc/self/statm")) -> int:
    """Memory that the process holds, in bytes."""
    return int(statm.read_text(encoding="ascii").split()[1]) * PAGE


def health_of(
    cameras: Sequence[Camera],
    link: LinkStatus,
    composer: Composer,
    *,
    heat: HeatWatch,
    started: Instant,
    now: Instant,
    sinks: Mapping[str, SinkHealth],
) -> Health:
    """The `health` message as of now."""
    return composer.health(
        now,
        uptime=now.mono - started.mono,
        rss=resident_bytes(),
        temperature=heat.heat.temperature,
        throttling=heat.heat.throttling,
        cameras={camera.name: _camera_health(camera, heat.share) for camera in cameras},
        link=link,
        sinks={
            name: SinkStatus(working=sink.working, faults=sink.faults, problem=sink.problem)
            for name, sink in sinks.items()
        },
    )


def _camera_health(camera: Camera, share: float) -> CameraHealth:
    loop, pause = camera.loop, camera.pause_now
    return CameraHealth(
        online=loop.state is CaptureState.ONLINE,
        paused=pause is not None,
        paused_until=rfc3339(pause.until) if pause and pause.until else None,
        pause_reason=(pause.reason or None) if pause else None,
        fps=camera.watch.fps,
        fps_limit=None if camera.fps is None else camera.fps * share,
        frames=loop.frames,
        skipped=loop.skipped,
        dropped=loop.dropped,
        work=FrameWork(**{work.value: count for work, count in camera.work.items()}),
        stalls=loop.stalls,
        losses=loop.losses,
        latency_ms={
            stage: StageLatency(median=time.median, p95=time.p95) for stage, time in camera.watch.stages().items()
        },
    )
