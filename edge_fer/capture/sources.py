"""Which kind of source a name in the config means, and who makes it."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from edge_fer.address import take_apart
from edge_fer.capture.clock import Clock
from edge_fer.capture.limit import whole
from edge_fer.capture.opencv_live import OpenCvLive
from edge_fer.capture.picamera2_controls import PiSettings
from edge_fer.capture.picamera2_live import Picamera2Live
from edge_fer.capture.port import Source
from edge_fer.capture.stills import Stills
from edge_fer.capture.video_file import VideoFile
from edge_fer.errors import SourceError
from edge_fer.redact import redacted

__all__ = ["SourceKind", "SourceOptions", "kind_of", "make_source"]

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"}
)
PICTURE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
STREAM = re.compile(r"(rtsps?|https?)://.", re.IGNORECASE)


class SourceKind(StrEnum):
    """A kind of frame source."""

    PICAMERA2 = "picamera2"
    DEVICE = "device"
    STREAM = "stream"
    VIDEO = "video"
    STILLS = "stills"
    SAMPLE = "sample"


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
    sample: Path | None = None
    pi: PiSettings = field(default_factory=PiSettings)


def kind_of(source: str) -> SourceKind:
    """What a camera's `source` means.

    Args:
        source: `picamera2`, or `picamera2:` and which of several; `/dev/video0` (or another device), its number
            alone, an rtsp, rtsps, http or https address, a video file, a folder of pictures, or `sample`.

    Raises:
        SourceError: nothing that is known, or an address that cannot be right.
    """
    path = Path(source)
    if source == SourceKind.SAMPLE:
        return SourceKind.SAMPLE
    if source.partition(":")[0] == SourceKind.PICAMERA2:
        return SourceKind.PICAMERA2
    if source.isdecimal() or source.startswith("/dev/"):
        return SourceKind.DEVICE
    if STREAM.match(source):
        address = take_apart(source)
        if address is not None and address.fault:
            # opening it would look up a piece of its login as a host
            msg = f"source {redacted(source)} {address.fault}"
            raise SourceError(msg, remedy=address.remedy)
        return SourceKind.STREAM
    if "://" not in source and source.strip():
        mode = _mode(path)
        if stat.S_ISDIR(mode) or source.endswith("/"):
            return SourceKind.STILLS
        if path.suffix.lower() in PICTURE_SUFFIXES:
            msg = f"source {redacted(source)} is one picture"
            raise SourceError(msg, remedy=f"Name the folder it is in: {redacted(str(path.parent))}/")
        # a file of any name may be a video; one that is not there must look like one
        if stat.S_ISREG(mode) or path.suffix.lower() in VIDEO_SUFFIXES:
            return SourceKind.VIDEO
    msg = f"source {redacted(source)!r} is nothing that is known"
    remedy = "Write picamera2, /dev/video0, an rtsp:// or http:// address, a video file, a folder or sample"
    raise SourceError(msg, remedy=remedy)


def _mode(path: Path) -> int:
    """What there is; 0 where nothing is, or nobody may look."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def make_source(camera: str, source: str, *, clock: Clock, options: SourceOptions | None = None) -> Source:
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


Factory: TypeAlias = Callable[[str, str, Clock, SourceOptions], Source]


def picamera2(camera: str, source: str, clock: Clock, options: SourceOptions) -> Source:
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


def device(camera: str, source: str, clock: Clock, options: SourceOptions) -> Source:
    path = f"/dev/video{int(source)}" if source.isdecimal() else source
    return OpenCvLive(camera, path, clock=clock, size=options.size, fps=options.fps, share=options.share)


def stream(camera: str, source: str, clock: Clock, options: SourceOptions) -> Source:
    return OpenCvLive(
        camera,
        source,
        clock=clock,
        fps=options.fps,
        share=options.share,
        open_timeout=options.open_timeout,
        read_timeout=options.read_timeout,
        username=options.username,
        password_file=options.password_file,
    )


def video(camera: str, source: str, clock: Clock, options: SourceOptions) -> Source:
    return VideoFile(camera, source, clock=clock, loop=options.loop)


def stills(camera: str, source: str, clock: Clock, options: SourceOptions) -> Source:
    return Stills(camera, source, clock=clock, interval=options.interval, loop=options.loop)


def sample(camera: str, source: str, clock: Clock, options: SourceOptions) -> Source:
    if options.sample is None:
        msg = f"source {source}: there is no sample recording"
        raise SourceError(msg, remedy="Install the package anew")
    return VideoFile(camera, options.sample, clock=clock, loop=options.loop)


#: One row a kind; a new kind is one more file, and one more row here and in `kind_of`.
FACTORIES: Mapping[SourceKind, Factory] = {
    SourceKind.PICAMERA2: picamera2,
    SourceKind.DEVICE: device,
    SourceKind.STREAM: stream,
    SourceKind.VIDEO: video,
    SourceKind.STILLS: stills,
    SourceKind.SAMPLE: sample,
}
