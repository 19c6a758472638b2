"""What a camera's `source` means."""

from __future__ import annotations

import stat
from enum import StrEnum
from pathlib import Path

from edge_fer.errors import SourceError
from edge_fer.support.address import Address, take_apart
from edge_fer.support.redact import redacted

__all__ = ["PICTURE_SUFFIXES", "VIDEO_SUFFIXES", "SourceKind", "kind_of", "sure_fault"]

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"}
)
PICTURE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
#: Of the addresses that can be read.
SCHEMES = ("rtsp", "rtsps", "http", "https")

_KNOWN = "picamera2, /dev/video0, an rtsp:// or http:// address, a video file, a folder or sample"


class SourceKind(StrEnum):
    """A kind of frame source."""

    PICAMERA2 = "picamera2"
    DEVICE = "device"
    STREAM = "stream"
    VIDEO = "video"
    STILLS = "stills"
    SAMPLE = "sample"


def kind_of(source: str) -> SourceKind:
    """What a camera's `source` means; looks at the disk where it may be a path.

    Args:
        source: `picamera2`, or `picamera2:` and which of several; `/dev/video0` (or another device), its number
            alone, an rtsp, rtsps, http or https address, a video file, a folder of pictures, or `sample`.

    Raises:
        SourceError: nothing that is known, or an address that cannot be right.
    """
    found = _read(source)
    if isinstance(found, SourceKind):
        return found
    problem, remedy = found
    msg = f"source {redacted(source)} {problem}"
    raise SourceError(msg, remedy=remedy)


def sure_fault(source: str) -> tuple[str, str] | None:
    """What is wrong with a `source` whatever is plugged in or mounted later: problem and remedy, without the value.

    None where it may be right.
    """
    if source.startswith(("/", "./", "../")) and Path(source).suffix.lower() not in PICTURE_SUFFIXES:
        return None
    found = _read(source)
    return None if isinstance(found, SourceKind) else found


def _read(source: str) -> SourceKind | tuple[str, str]:
    """The kind, or what is wrong, as a phrase that follows the value, and what to do about it."""
    word = source.partition(":")[0]
    if source == SourceKind.SAMPLE or word == SourceKind.PICAMERA2:
        return SourceKind(word)
    if source.isdecimal() or source.startswith("/dev/"):
        return SourceKind.DEVICE
    address = take_apart(source)
    return _path(source) if address is None else _address(address)


def _address(address: Address) -> SourceKind | tuple[str, str]:
    if address.fault:
        # opening it would look up a piece of its login as a host
        return address.fault, address.remedy
    if address.scheme.lower() in SCHEMES:
        return SourceKind.STREAM
    return "is an address of a kind that is not read", f"Write one that begins with {', '.join(SCHEMES)} and ://"


def _path(source: str) -> SourceKind | tuple[str, str]:
    path, mode = Path(source), _mode(source)
    if stat.S_ISDIR(mode) or source.endswith("/"):
        return SourceKind.STILLS
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return "is one picture", "Name the folder that it is in, with a / at its end"
    # a file of any name may be a video; one that is not there must look like one
    if stat.S_ISREG(mode) or path.suffix.lower() in VIDEO_SUFFIXES:
        return SourceKind.VIDEO
    return "is nothing that is known", f"Write {_KNOWN}"


def _mode(source: str) -> int:
    """What there is; 0 where nothing is, or nobody may look."""
    try:
        return Path(source).stat().st_mode if source.strip() else 0
    except (OSError, ValueError):
        return 0
