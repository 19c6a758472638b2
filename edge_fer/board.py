"""What the kernel says of the board: how warm it is, and whether a Raspberry Pi slows itself down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Throttling", "temperature", "throttling"]

ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Throttling:
    """The flags of a Raspberry Pi's firmware (`vcgencmd get_throttled`), now and at any time since it was started.

    Attributes:
        under_voltage: the power supply gives too little.
        hot: it is slowed down because it is too warm, or because of that voltage.
        was_under_voltage: likewise, at any time since the start.
        was_hot: likewise, at any time since the start.
    """

    under_voltage: bool
    hot: bool
    was_under_voltage: bool
    was_hot: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Makes sense of the firmware's hexadecimal number.

        Raises:
            ValueError: it is none.
        """
        flags = int(text.strip(), 16)
        # bits 1 to 3: frequency capped, throttled, soft temperature limit
        return cls(bool(flags & 0x1), bool(flags & 0xE), bool(flags & 0x1_0000), bool(flags & 0xE_0000))


def throttling(root: Path = ROOT) -> Throttling | None:
    """What the firmware says; None where there is none, which is everywhere but on a Raspberry Pi."""
    for file in sorted(root.glob("sys/devices/platform/soc*/*firmware/get_throttled")):
        try:
            return Throttling.parse(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return None


def temperature(root: Path = ROOT) -> float | None:
    """The processor's temperature in degrees Celsius; None where the kernel tells none."""
    try:
        return int((root / "sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
