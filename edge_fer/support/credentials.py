"""Passwords in files, and those that systemd hands over: https://systemd.io/CREDENTIALS/."""

from __future__ import annotations

import os
from pathlib import Path

from edge_fer.support.files import read_file

__all__ = ["LARGEST", "read_password", "usable"]

#: Bytes of the largest file of a password.
LARGEST = 64 * 1024


def usable(file: Path) -> Path:
    """The file itself where it can be read, else the credential of the same name.

    So one setting serves both: a file that the daemon may read, and one that is root's alone, which the unit's
    LoadCredential= hands over when the daemon starts.
    """
    if os.access(file, os.R_OK):
        return file
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, file.name) if folder else file
    try:
        # where there is nothing to hand over, the unit leaves an empty line
        return credential if read_file(credential, LARGEST).strip() else file
    except OSError:
        return file


def read_password(file: Path, *, field: str = "password_file") -> str:
    """The password on a file's first line; a byte order mark, which editors on Windows put before it, is none of it.

    Args:
        file: where it is.
        field: what the config calls it, for errors.

    Raises:
        ValueError: it cannot be read, or holds none. Says why.
    """
    try:
        data = read_file(usable(file), LARGEST)
    except OSError as error:
        msg = f"{field} {file}: {error.strerror}"
        raise ValueError(msg) from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        msg = f"{field} {file} is text in UTF-16. Save it as UTF-8"
        raise ValueError(msg)
    try:
        first_line = data.decode("utf-8-sig").partition("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        msg = f"{field} {file} is not text in UTF-8"
        raise ValueError(msg) from None
    if not first_line:
        msg = f"{field} {file} has nothing on its first line"
        raise ValueError(msg)
    return first_line
