"""Reads files that should be files: a pipe, a device or a folder in the place of one holds nobody up.

Opening a pipe waits for somebody to write into it, and some devices never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

#: Bytes of the largest model file.
LARGEST_MODEL = 256 << 20

__all__ = ["LARGEST_MODEL", "check_file", "open_file", "read_file"]


class NoFileError(OSError):
    """Something that is no file stands in its place."""


def open_file(path: Path | str) -> BinaryIO:
    """Opens a file to read.

    Raises:
        OSError: it cannot be opened, or is no file; `strerror` says so.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name cannot be right", str(path)) from error
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return open(number, "rb")  # noqa: PTH123 - it is open already
    os.close(number)
    raise _no_file(mode, path)


def read_file(path: Path | str, most: int) -> bytes:
    """All of a file.

    Args:
        path: of the file.
        most: bytes; a larger one is none of ours.

    Raises:
        OSError: it cannot be read, is no file, or too large; `strerror` says so.
    """
    with open_file(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", str(path))
    return data


def check_file(path: Path | str) -> None:
    """Checks that there is a file that can be read, for a library that will open it by its name.

    Raises:
        OSError: as of `open_file`.
    """
    open_file(path).close()


def _no_file(mode: int, path: Path | str) -> OSError:
    if stat.S_ISDIR(mode):
        return IsADirectoryError(errno.EISDIR, "it is a folder, and no file", str(path))
    what = "a named pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    return NoFileError(errno.EINVAL, f"it is {what}, and no file", str(path))
