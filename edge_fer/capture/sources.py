"""Who makes a source of which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from edge_fer.capture.limit import whole
from edge_fer.capture.opencv.live import OpenCvLive
from edge_fer.capture.picamera2.controls import PiSettings
from edge_fer.capture.picamera2.live import Picamera2Live
from edge_fer.capture.port import SourcePort
from edge_fer.capture.stills import Stills
from edge_fer.clock.system import Clock
from edge_fer.config.values.source import SourceKind, kind_of
from edge_fer.errors import SourceError

__all__ = ["SourceOptions", "make_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What a source may be told; each kind heeds what concerns it.

    Attributes:
        size: width and height to ask a device for, in pixels.
        fps: frames a second wanted of a device or stream.
        share: gives the share of them that is wanted at present, above 0 to 1.
        loop: begin a recording anew at its end.
        interval: seconds from one still to the next.
        open_timeout: longest wait, in seconds, for a stream to open.
        read_timeout: longest wait, in seconds, for a stream's next frame; less than `CaptureLoop`'s `stall_after`.
        username: of a stream whose address has no login.
        password_file: holds the password for it on its first line; read anew each time the stream is opened.
        aspect: width by height of the pictures, where the source does not say so itself or is wrong.
        sample: the recording that `sample` means.
        pi: what only a Pi camera can be told.
    """

    size: tuple[int, int] | None = None
    fps: float | None = None
    share: Callable[[], float] = whole
    loop: bool = False
    interval: float = 1.0
    open_timeout: float = 10.0
    read_timeout: float = 8.0
    username: str | None = None
    password_file: Path | None = None
    aspect: float | None = None
    sample: Path | None = None
    pi: PiSettings = field(default_factory=PiSettings)


def make_source(camera: str, source: str, *, clock: Clock, options: SourceOptions | None = None) -> SourcePort:
    """The source that a camera's `source` means; nothing is opened yet.

    Args:
        camera: the camera's name.
        source: see `kind_of`.
        clock: the machine's.
        options: what to tell it.

    Raises:
        SourceError: nothing that is known.
    """
    return FACTORIES[kind_of(source)](camera, source, clock, options or SourceOptions())


Factory: TypeAlias = Callable[[str, str, Clock, SourceOptions], SourcePort]


def picamera2(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    return Picamera2Live(
        camera,
        source.partition(":")[2],
        clock=clock,
        size=options.size,
        fps=options.fps,
        read_timeout=options.read_timeout,
        settings=options.pi,
        share=options.share,
    )


def device(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    path = f"/dev/video{int(source)}" if source.isdecimal() else source
    size, fps, share, aspect = options.size, options.fps, options.share, options.aspect
    return OpenCvLive(camera, path, clock=clock, size=size, fps=fps, share=share, aspect=aspect)


def stream(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    # FFmpeg takes 18 MB, which other kinds do without
    from edge_fer.capture.network.camera import NetworkCamera  # noqa: PLC0415

    return NetworkCamera(
        camera,
        source,
        clock=clock,
        fps=options.fps,
        share=options.share,
        open_timeout=options.open_timeout,
        read_timeout=options.read_timeout,
        username=options.username,
        password_file=options.password_file,
        aspect=options.aspect,
    )


def video(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    from edge_fer.capture.ffmpeg.recording import VideoFile  # noqa: PLC0415 - as above

    return VideoFile(camera, source, clock=clock, loop=options.loop, aspect=options.aspect)


def stills(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    return Stills(camera, source, clock=clock, interval=options.interval, loop=options.loop)


def sample(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    if options.sample is None:
        msg = f"source {source}: there is no sample recording"
        raise SourceError(msg, remedy="Install the package anew")
    return video(camera, str(options.sample), clock, options)


#: One row a kind; a new kind is one more file, and one more row here and in `edge_fer.config.values.source`.
FACTORIES: Mapping[SourceKind, Factory] = {
    SourceKind.PICAMERA2: picamera2,
    SourceKind.DEVICE: device,
    SourceKind.STREAM: stream,
    SourceKind.VIDEO: video,
    SourceKind.STILLS: stills,
    SourceKind.SAMPLE: sample,
}
