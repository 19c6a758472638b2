"""The time zone of the place where the device stands."""

from __future__ import annotations

from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

__all__ = ["local_zone"]

#: The system's time zone, with all its changes, whatever it is called.
LOCALTIME = Path("/etc/localtime")


def local_zone(name: str | None, localtime: Path = LOCALTIME) -> tzinfo:
    """A time zone.

    Args:
        name: such as Europe/Berlin, known to exist; None for the system's.
        localtime: the system's; UTC where it has none.
    """
    if name is not None:
        return ZoneInfo(name)
    try:
        with localtime.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
