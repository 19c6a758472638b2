"""Checksums of rows, by which damage is found."""

from __future__ import annotations

import zlib

__all__ = ["checksum", "mark_of"]


def checksum(*values: object) -> int:
    """Of values as SQLite gives them back."""
    return zlib.crc32(repr(values).encode(errors="surrogateescape"))


def mark_of(*, synced: bool, crc: int) -> int:
    """What the column `mark` of a message holds: whether the clock was synchronised, and the row's checksum.

    Both are in one column because 0.1.0 writes rows of exactly eight columns. A mark of 0 or 1, as 0.1.0 writes it, has
    no checksum.
    """
    return int(synced) | 2 | crc << 2
