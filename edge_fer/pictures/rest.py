"""Where the pixels of a picture end that is not compressed, and whether anything stands behind them.

Such a picture has nothing by which damage could be noticed. But where bytes were put in, what comes after them is in
the wrong place, and the last of it stands behind the end.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from edge_fer.pictures.pnm import binary_pnm

__all__ = ["bytes_behind"]

#: Compressions of BMP that are none: RGB, and RGB whose bits are told.
PLAIN_BMP: Final = {0, 3, 6}
#: Header sizes of BMP: OS/2's, and the one that tells of a colour profile.
OS2, WITH_PROFILE = 12, 124
#: Bytes of a value in TIFF, by the number of its type.
SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
#: Tags of TIFF.
COMPRESSION, STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS = 259, 273, 279, 324, 325
#: Those that point to further tables, which may stand anywhere.
POINTERS: Final = {330, 34665, 34853, 40965}
#: A further picture in the same file.
PNM: Final = re.compile(rb"\s*P[1-6][\s#]")


def bytes_behind(data: bytes, kind: str) -> int:
    """How many bytes stand behind the pixels; 0 where they are nothing but filling, or where it cannot be known.

    Args:
        data: the whole file.
        kind: of it, as `edge_fer.pictures.header.kind_of` tells it.
    """
    if kind not in ENDS:
        return 0
    try:
        end = ENDS[kind](data)
    except (struct.error, ValueError):
        # the reader says better what is wrong
        return 0
    if end is None or end >= len(data):
        return 0
    if kind == "PNM" and PNM.match(data, end):
        return 0
    return len(data) - end if data[end:].strip(b"\0 \t\r\n") else 0


def _end_of_bmp(data: bytes) -> int | None:
    begin, header = struct.unpack_from("<II", data, 10)
    if header == OS2:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression not in PLAIN_BMP:
        return None
    end: int = begin + (width * bits + 31) // 32 * 4 * abs(height)
    if header >= WITH_PROFILE:
        profile, length = struct.unpack_from("<II", data, 14 + 112)
        end = max(end, 14 + profile + length)
    return end


def _end_of_pnm(data: bytes) -> int | None:
    found = binary_pnm(data)
    if found is None:
        return None
    return found.begin + found.width * found.height * found.channels * (2 if found.white > 255 else 1)


class _Tag(NamedTuple):
    """An entry of TIFF's table.

    Attributes:
        number: what it tells.
        values: the values, where they are whole numbers.
        end: where they end in the file.
    """

    number: int
    values: tuple[int, ...]
    end: int


def _end_of_tiff(data: bytes) -> int | None:
    """Only of one picture whose table stands before its pixels; any other is lost with the place of its table."""
    order = "<" if data[:2] == b"II" else ">"
    (table,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, table)
    (further,) = struct.unpack_from(order + "I", data, table + 2 + 12 * count)
    tags = {tag.number: tag for tag in _tags(data, order, table + 2, count)}
    if further or POINTERS & tags.keys() or COMPRESSION not in tags or tags[COMPRESSION].values != (1,):
        return None
    offsets, counts = (TILE_OFFSETS, TILE_COUNTS) if TILE_OFFSETS in tags else (STRIP_OFFSETS, STRIP_COUNTS)
    if not {offsets, counts} <= tags.keys() or min(tags[offsets].values) < table:
        return None
    ends = [begin + length for begin, length in zip(tags[offsets].values, tags[counts].values, strict=True)]
    return max(*ends, *(tag.end for tag in tags.values()))


def _tags(data: bytes, order: str, at: int, count: int) -> Iterator[_Tag]:
    for begin in range(at, at + 12 * count, 12):
        number, kind, length = struct.unpack_from(order + "HHI", data, begin)
        size = SIZES.get(kind, 1) * length
        place = begin + 8 if size <= 4 else struct.unpack_from(order + "I", data, begin + 8)[0]
        letter = {1: "B", 3: "H", 4: "I"}.get(kind, "")
        # before they are read, because a damaged one may claim to be very long
        if place + size > len(data):
            raise ValueError
        values = struct.unpack_from(f"{order}{length}{letter}", data, place) if letter else ()
        yield _Tag(number, values, place + size)


#: Of each kind that may be uncompressed: where its pixels end; None where that cannot be known.
ENDS: Final[dict[str, Callable[[bytes], int | None]]] = {"BMP": _end_of_bmp, "PNM": _end_of_pnm, "TIFF": _end_of_tiff}
