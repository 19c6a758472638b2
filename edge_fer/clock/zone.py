"""The time zone of the place where the device stands."""

from __future__ import annotations

import io
import logging
import os
import struct
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_fer.support.files import open_file

__all__ = ["local_zone"]

log = logging.getLogger(__name__)

#: The system's time zone, with all its changes, whatever it is called.
LOCALTIME = Path("/etc/localtime")


def local_zone(name: str | None, localtime: Path = LOCALTIME, environ: Mapping[str, str] = os.environ) -> tzinfo:
    """A time zone.

    Args:
        name: such as Europe/Berlin, known to exist; None for that of `TZ` in the environment, as the times in the log
            are, and without one for the system's.
        localtime: the system's; UTC where it has none.
        environ: the environment.
    """
    if name is not None:
        return ZoneInfo(name)
    given = environ.get("TZ")
    if given is not None:
        found = _of_variable(given)
        if found is not None:
            return found
        log.warning("TZ is %s, which is no time zone; the system's is taken", given)
    try:
        return _of_file(localtime)
    except (OSError, ValueError):
        return UTC


def _of_variable(given: str) -> tzinfo | None:
    """What `TZ` means: tzset(3); None where it means nothing."""
    text = given.removeprefix(":")
    if not text:
        return UTC
    try:
        return _of_file(Path(text)) if text.startswith("/") else ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        pass
    try:
        return _of_rule(text)
    except (ValueError, struct.error):
        return None


def _of_file(path: Path) -> tzinfo:
    with open_file(path) as file:
        # its own name, where the file is a link to one that has a name
        return ZoneInfo.from_file(file, key=os.path.realpath(path).partition("/zoneinfo/")[2] or "localtime")


def _of_rule(rule: str) -> tzinfo:
    """A zone of a rule such as CET-1CEST,M3.5.0,M10.5.0/3: a file of the kind in RFC 8536 that holds it alone."""
    header = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4)
    kind = struct.pack(">lbb4s", 0, 0, 0, b"UTC\0")
    return ZoneInfo.from_file(io.BytesIO((header + kind) * 2 + b"\n" + rule.encode("ascii") + b"\n"), key=rule)
