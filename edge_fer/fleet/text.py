"""Reads text files of a fleet's folder, and says what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_fer.errors import FleetError
from edge_fer.support.files import read_file

__all__ = ["read_text"]

_LARGEST: Final = 16_000_000


def read_text(file: Path, *, remedy: str) -> str:
    """All of a file in UTF-8, with or without a byte order mark.

    Args:
        file: to read.
        remedy: what to do where it cannot be read.

    Raises:
        FleetError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_file(file, _LARGEST).decode("utf-8-sig")
    except OSError as error:
        msg = f"{file}: {error.strerror}"
        raise FleetError(msg, remedy=remedy) from error
    except UnicodeDecodeError as error:
        msg = f"{file} is not UTF-8 text"
        raise FleetError(msg, remedy="Save it as UTF-8") from error
