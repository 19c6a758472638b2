"""Pictures on disk and on standard input: which there are, and their bytes, whatever stands in for them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from edge_fer.errors import PictureError
from edge_fer.pictures.header import looks_like_picture
from edge_fer.support.harmless import harmless

__all__ = ["LARGEST", "listed", "read_file", "read_stream", "shown"]

#: A larger file is not read, in bytes.
LARGEST = 256 << 20
#: How much of a file is looked at to see whether it is a picture at all, in bytes.
HEAD = 64


def shown(path: Path | str) -> str:
    """The path for people to read: no byte of it that could confuse a terminal or fail to be printed."""
    return harmless(path) or "''"


def listed(folder: Path) -> list[Path]:
    """The pictures in a folder, by name; folders within it, hidden files and what is no picture are left out.

    What has the suffix of a picture counts as one whatever is in it, so that a damaged one is told of.

    Raises:
        PictureError: the folder cannot be read, or holds none.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir())
    except OSError as error:
        msg = f"{shown(folder)} cannot be read: {error.strerror}"
        raise PictureError(msg, remedy="Check the path and its permissions") from None
    pictures = [path for path in paths if path.suffix.lower() in SUFFIXES or _begins_like_picture(path)]
    if not pictures:
        msg = f"{shown(folder)} holds no pictures"
        raise PictureError(msg, remedy="Name a folder with pictures in it; folders within it are not looked into")
    return pictures


#: Of files that are tried without a look into them.
SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png"}
    | {".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)


def read_file(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises:
        PictureError: it cannot be read, is no file, or is too large. The message begins with a verb, for the file's
            name to be put before it.
    """
    with _opened(path) as file:
        return read_stream(file)


def _opened(path: Path) -> BinaryIO:
    try:
        # without waiting for somebody to write into a named pipe
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be right"
        msg = f"cannot be read: {reason}"
        raise PictureError(msg, remedy="Check the path and its permissions") from None
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return open(number, "rb")  # noqa: PTH123 - it is open already
    os.close(number)
    if stat.S_ISDIR(mode):
        msg = "is a folder"
        raise PictureError(msg, remedy="Name a picture in it")
    msg = "is no file but a device or a pipe"
    raise PictureError(msg, remedy="Name a picture, or give it to standard input and write -")


def read_stream(stream: BinaryIO) -> bytes:
    """All of a stream, or as much as may be.

    Raises:
        PictureError: it cannot be read, or does not end in time.
    """
    try:
        head = stream.read(HEAD)
        # what is no picture is not read to its end, which might never come
        data = head + stream.read(LARGEST + 1 - len(head)) if looks_like_picture(head) else head
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise PictureError(msg, remedy="Check the disk it is on") from None
    if len(data) > LARGEST:
        msg = f"is larger than {LARGEST >> 20} MB"
        raise PictureError(msg, remedy="Save it as JPEG")
    return data


def _begins_like_picture(path: Path) -> bool:
    try:
        with _opened(path) as file:
            return looks_like_picture(file.read(HEAD))
    except (PictureError, OSError):
        return False
