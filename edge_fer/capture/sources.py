"""The kinds of frame sources: how each is recognised, who makes it, and what else is known of it.

A new kind is one file with its source, and one more row in `KINDS`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from edge_fer.capture.limit import whole
from edge_fer.capture.port import SourcePort
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError
from edge_fer.sample import SAMPLES
from edge_fer.support.address import take_apart
from edge_fer.support.redact import redacted
from edge_fer.support.registry import by_name

if TYPE_CHECKING:
    from edge_fer.capture.picamera2.controls import PiSettings

__all__ = [
    "KINDS",
    "PICAMERA2",
    "PICTURE_SUFFIXES",
    "SAMPLE",
    "VIDEO",
    "VIDEO_SUFFIXES",
    "SourceKind",
    "SourceOptions",
    "kind_of",
    "make_source",
    "sure_fault",
]

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"}
)
PICTURE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
#: The kernel's number of video devices (Documentation/admin-guide/devices.txt).
VIDEO_DEVICES = 81
#: Of the addresses that can be read.
SCHEMES = ("rtsp", "rtsps", "http", "https")


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
        samples: the recordings that come with edge-fer, by what a `source` calls them.
        pi: what only a Pi camera can be told; None: nothing.
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
    samples: Mapping[str, Path] = field(default_factory=dict)
    pi: PiSettings | None = None


SourceMaker: TypeAlias = Callable[[str, str, Clock, SourceOptions], SourcePort]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """One kind of frame source, with everything that belongs to it.

    Attributes:
        name: as messages have it.
        written: how people write one, for a remedy.
        recognise: whether a `source` in the config means one; may look at the disk.
        make: makes one; opens nothing.
        live: whether it has no end of its own.
        exclusive: whether only one program at a time can look at it.
        sized: whether it can be asked for a size.
        mirrors: whether it mirrors its pictures by itself.
        small: whether it delivers a smaller picture with each.
    """

    name: str
    written: str
    recognise: Callable[[str], bool]
    make: SourceMaker
    live: bool
    exclusive: bool
    sized: bool
    mirrors: bool
    small: bool


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
    return kind_of(source).make(camera, source, clock, options or SourceOptions())


def kind_of(source: str) -> SourceKind:
    """What a camera's `source` means; looks at the disk where it may be a path.

    Args:
        source: `picamera2`, or `picamera2:` and which of several; `/dev/video0` (or another device), its number
            alone, an rtsp, rtsps, http or https address, a video file, a folder of pictures, or `sample`
            (also `sample:counter`, `sample:ward`).

    Raises:
        SourceError: nothing that is known, or an address that cannot be right.
    """
    for kind in KINDS.values():
        if kind.recognise(source):
            return kind
    problem, remedy = _fault(source)
    msg = f"source {redacted(source)} {problem}"
    raise SourceError(msg, remedy=remedy)


def sure_fault(source: str) -> tuple[str, str] | None:
    """What is wrong with a `source` whatever is plugged in or mounted later: problem and remedy, without the value.

    None where it may be right.
    """
    if fault := _impossible(source):
        return fault
    if source.startswith(("/", "./", "../")) and Path(source).suffix.lower() not in PICTURE_SUFFIXES:
        return None
    return None if any(kind.recognise(source) for kind in KINDS.values()) else _fault(source)


def _impossible(source: str) -> tuple[str, str] | None:
    """What is wrong with a source that is of a known kind but can be none of it."""
    kind, _, which = source.partition(":")
    if kind == "sample" and source not in SAMPLES:
        return "is no recording that comes with edge-fer", f"Choose from {', '.join(SAMPLES)}"
    if kind == "picamera2" and which.startswith("//"):
        return "is no Pi camera", "Write picamera2, picamera2:1 for the second one, or picamera2: and its sensor or id"
    if _is_in_dev(source) and not _may_be_device(source):
        return "is no video device", "See with `ls /dev/video*` which there are"
    return None


def _may_be_device(path: str) -> bool:
    """Whether there is a video device, or may be later."""
    if path.endswith("/"):
        return False
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return True
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) == VIDEO_DEVICES


def _fault(source: str) -> tuple[str, str]:
    """What is wrong with a source of no kind, as a phrase that follows the value, and what to do about it."""
    if address := take_apart(source):
        if address.fault:
            # opening it would look up a piece of its login as a host
            return address.fault, address.remedy
        return "is an address of a kind that is not read", f"Write one that begins with {', '.join(SCHEMES)} and ://"
    if Path(source).suffix.lower() in PICTURE_SUFFIXES:
        return "is one picture", "Name the folder that it is in, with a / at its end"
    *others, last = dict.fromkeys(kind.written for kind in KINDS.values())
    return "is nothing that is known", f"Write {', '.join(others)} or {last}"


def _is_pi_camera(source: str) -> bool:
    return source.partition(":")[0] == "picamera2"


def _is_device(source: str) -> bool:
    return source.isdecimal() or _is_in_dev(source)


def _is_in_dev(source: str) -> bool:
    # /dev/shm holds files, in memory
    return source.startswith("/dev/") and not source.startswith("/dev/shm/")  # noqa: S108 - nothing is written there


def _is_stream(source: str) -> bool:
    address = take_apart(source)
    return address is not None and not address.fault and address.scheme.lower() in SCHEMES


def _is_folder(source: str) -> bool:
    return take_apart(source) is None and (stat.S_ISDIR(_mode(source)) or source.endswith("/"))


def _is_video(source: str) -> bool:
    suffix = Path(source).suffix.lower()
    if suffix in PICTURE_SUFFIXES or take_apart(source) is not None:
        return False
    # a file of any name may be a video; one that is not there must look like one
    return suffix in VIDEO_SUFFIXES or stat.S_ISREG(_mode(source))


def _mode(source: str) -> int:
    """What there is; 0 where nothing is, or nobody may look."""
    try:
        return Path(source).stat().st_mode if source.strip() else 0
    except (OSError, ValueError):
        return 0


# OpenCV takes 20 MB and FFmpeg 18, which who does without them need not load


def _pi_camera(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    from edge_fer.capture.picamera2.live import Picamera2Live  # noqa: PLC0415

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


def _device(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    from edge_fer.capture.opencv.live import OpenCvLive  # noqa: PLC0415

    path = f"/dev/video{int(source)}" if source.isdecimal() else source
    size, fps, share, aspect = options.size, options.fps, options.share, options.aspect
    return OpenCvLive(camera, path, clock=clock, size=size, fps=fps, share=share, aspect=aspect)


def _stream(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
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


def _video(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    from edge_fer.capture.ffmpeg.recording import VideoFile  # noqa: PLC0415

    return VideoFile(camera, source, clock=clock, loop=options.loop, aspect=options.aspect)


def _stills(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    from edge_fer.capture.stills import Stills  # noqa: PLC0415

    return Stills(camera, source, clock=clock, interval=options.interval, loop=options.loop)


def _sample(camera: str, source: str, clock: Clock, options: SourceOptions) -> SourcePort:
    if source not in options.samples:
        msg = f"source {source}: there is no such sample recording"
        raise SourceError(msg, remedy=f"Choose from {', '.join(options.samples)}")
    return _video(camera, str(options.samples[source]), clock, options)


PICAMERA2: Final = SourceKind(
    name="picamera2",
    written="picamera2",
    recognise=_is_pi_camera,
    make=_pi_camera,
    live=True,
    exclusive=True,
    sized=True,
    mirrors=True,
    small=True,
)
DEVICE: Final = SourceKind(
    name="device",
    written="/dev/video0",
    recognise=_is_device,
    make=_device,
    live=True,
    exclusive=True,
    sized=True,
    mirrors=False,
    small=False,
)
STREAM: Final = SourceKind(
    name="stream",
    written="an rtsp:// or http:// address",
    recognise=_is_stream,
    make=_stream,
    live=True,
    exclusive=False,
    sized=False,
    mirrors=False,
    small=False,
)
SAMPLE: Final = SourceKind(
    name="sample",
    written="sample",
    recognise=lambda source: source.partition(":")[0] == "sample",
    make=_sample,
    live=False,
    exclusive=False,
    sized=False,
    mirrors=False,
    small=False,
)
STILLS: Final = SourceKind(
    name="stills",
    written="a folder",
    recognise=_is_folder,
    make=_stills,
    live=False,
    exclusive=False,
    sized=False,
    mirrors=False,
    small=False,
)
VIDEO: Final = SourceKind(
    name="video",
    written="a video file",
    recognise=_is_video,
    make=_video,
    live=False,
    exclusive=False,
    sized=False,
    mirrors=False,
    small=False,
)

#: Every kind by its name; the first that recognises a source has it.
KINDS: Final[Mapping[str, SourceKind]] = by_name(
    (PICAMERA2, DEVICE, STREAM, SAMPLE, STILLS, VIDEO), lambda kind: kind.name
)
