"""From what the control socket tells of zones to what the pages show, and back. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.errors import CommandError

__all__ = ["ZoneView", "corners_in", "corners_text", "needs_staff_zone", "zone_key", "zones_in"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_NUMBER: Final = re.compile(r"-?\d{1,6}(?:\.\d{1,6})?")
#: Characters of a list of corners.
_LONGEST: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneView:
    """A zone of a camera.

    Attributes:
        name: its name.
        kind: exclude or include.
        corners: as people write them: x and y in percent of the picture.
        is_set: whether it was set by command.
        origin: which layer it comes from.
    """

    name: str
    kind: str
    corners: str
    is_set: bool
    origin: str


def zones_in(told: Mapping[str, Any], camera: str) -> list[ZoneView]:
    """The zones of a camera.

    Args:
        told: the result of `settings`.
        camera: its name.
    """
    prefix = f"cameras.{camera}.zones."
    found: dict[str, dict[str, Any]] = {}
    for key, row in told["values"].items():
        if key.startswith(prefix):
            name, _, field = key.removeprefix(prefix).partition(".")
            found.setdefault(name, {})[field] = row
    return [
        ZoneView(
            name=name,
            kind=zone["kind"]["value"],
            # lists are told as text
            corners=corners_text(json.loads(zone["polygon"]["value"])),
            is_set=f"{prefix}{name}" in told["set"],
            origin=zone["polygon"]["origin"],
        )
        for name, zone in found.items()
        if "polygon" in zone
    ]


def needs_staff_zone(told: Mapping[str, Any], zones: Sequence[ZoneView]) -> bool:
    """Whether this is a counter at which no zone hides the staff."""
    profile = told["values"].get("profile", {}).get("value")
    return profile == "counter" and not any(zone.kind == "exclude" for zone in zones)


def corners_text(polygon: Sequence[Sequence[float]]) -> str:
    """A polygon as people write it."""
    return ", ".join(f"{100 * x:.6g} {100 * y:.6g}" for x, y in polygon)


def corners_in(text: str) -> list[list[float]]:
    """The polygon that somebody wrote.

    Raises:
        CommandError: it is none.
    """
    numbers = [float(number) for number in _NUMBER.findall(text)] if len(text) <= _LONGEST else []
    if len(numbers) % 2 or len(numbers) < 6 or re.sub(_NUMBER, "", text).strip(", ;\r\n\t"):
        remedy = "Write x and y in percent for each corner, for example 0 0, 40 0, 40 100"
        raise CommandError(
            ErrorCode.REFUSED, "these are no three corners or more", remedy=remedy, field="corners", value=text
        )
    shares = [round(number / 100, 6) for number in numbers]
    return [[x, y] for x, y in zip(shares[::2], shares[1::2], strict=True)]


def zone_key(camera: str, name: str) -> str:
    """The key of a zone in the config.

    Raises:
        CommandError: a zone cannot have that name.
    """
    if not _NAME.fullmatch(name):
        remedy = "Use letters, digits, - and _, for example staff"
        raise CommandError(ErrorCode.REFUSED, f"{name!r} is no name of a zone", remedy=remedy, field="name", value=name)
    return f"cameras.{camera}.zones.{name}"
