"""How hot the machine is, whether its firmware slows it down, and how many frames a second that leaves room for.

Reading the kernel's files is apart from making sense of them: `read_heat` reads, `HeatGovernor` is pure.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["THROTTLING", "Heat", "HeatGovernor", "HeatWatch", "read_heat"]

log = logging.getLogger(__name__)

SYS = Path("/sys")
#: What the firmware of a Raspberry Pi holds against the machine at present, by bit of `get_throttled` (Raspberry Pi
#: documentation, "vcgencmd get_throttled"); from bit 16 on, the same since it was started.
THROTTLING = ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")
#: Seconds between two questions to the kernel.
READ_EVERY = 2.0
#: Degrees Celsius that a sensor which works may tell.
BELIEVABLE = (-40.0, 150.0)


@dataclass(frozen=True, slots=True)
class Heat:
    """What the kernel says at one moment.

    Attributes:
        temperature: of the hottest of its sensors, degrees Celsius; None where it tells none.
        throttling: why the firmware slows the machine down, of `THROTTLING`; None where the kernel does not tell, which
            is everywhere but on a Raspberry Pi.
        throttled: why it has at any time since the machine was started; likewise.
    """

    temperature: float | None
    throttling: tuple[str, ...] | None
    throttled: tuple[str, ...] | None = None


def read_heat(root: Path = SYS) -> Heat:
    """Asks the kernel; what it does not tell is None, and nothing is raised.

    Args:
        root: where sysfs is.
    """
    temperatures = [_temperature(zone) for zone in sorted(root.glob("class/thermal/thermal_zone*/temp"))]
    told = [degrees for degrees in temperatures if degrees is not None]
    # `soc` on a Pi 4; on a Pi 5 the node's name goes on with its address
    flags = next((_flags(file) for file in root.glob("devices/platform/soc*/soc*:firmware/get_throttled")), None)
    if flags is None:
        return Heat(max(told, default=None), None)
    return Heat(max(told, default=None), _reasons(flags), _reasons(flags >> 16))


def _temperature(file: Path) -> float | None:
    try:
        degrees = int(file.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
    return degrees if BELIEVABLE[0] <= degrees <= BELIEVABLE[1] else None


def _flags(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"), 16)
    except (OSError, ValueError):
        return None


def _reasons(flags: int) -> tuple[str, ...]:
    return tuple(why for bit, why in enumerate(THROTTLING) if flags >> bit & 1)


class HeatGovernor:
    """Takes fewer frames while the machine is hot or slowed down, and more again once it has been well for a while.

    Every `worse_every` seconds of heat the frame rate is halved, down to `least`; after every `better_after` seconds
    without, it is doubled. It counts as hot from `limit` on, and as well only below `limit` less `margin`; between
    the two, everything stays as it is.

    Args:
        limit: degrees Celsius.
        margin: degrees Celsius.
        least: the lowest share of the frame rate, above 0 to 1; 1 never takes fewer.
        worse_every: seconds.
        better_after: seconds; longer, because what has just cooled down was cooled by doing less.

    Attributes:
        least: as given.
    """

    def __init__(
        self,
        *,
        limit: float = 80.0,
        margin: float = 5.0,
        least: float = 0.25,
        worse_every: float = 10.0,
        better_after: float = 60.0,
    ) -> None:
        self._limit = limit
        self._margin = margin
        self.least = least
        self._worse_every = worse_every
        self._better_after = better_after
        self._share = 1.0
        self._changed = -math.inf
        self._well_since: float | None = None

    @property
    def share(self) -> float:
        """The share of each live camera's frame rate that is taken at present, `least` to 1."""
        return self._share

    def update(self, heat: Heat, mono: float) -> float:
        """Takes in what the kernel says, at least every few seconds; returns `share`."""
        if not self._well(heat):
            self._well_since = None
        elif self._well_since is None:
            self._well_since = mono
        if self._hot(heat) and mono - self._changed >= self._worse_every:
            self._change(max(self.least, self._share / 2), heat, mono)
        elif self._well_since is not None and mono - max(self._well_since, self._changed) >= self._better_after:
            self._change(min(1.0, self._share * 2), heat, mono)
        return self._share

    def _hot(self, heat: Heat) -> bool:
        return self._slowed(heat) or (heat.temperature is not None and heat.temperature >= self._limit)

    def _well(self, heat: Heat) -> bool:
        return not self._slowed(heat) and (heat.temperature is None or heat.temperature < self._limit - self._margin)

    @staticmethod
    def _slowed(heat: Heat) -> bool:
        # a weak power supply alone slows nothing down, and doing less would not mend it
        return bool(set(heat.throttling or ()) - {"under_voltage"})

    def _change(self, share: float, heat: Heat, mono: float) -> None:
        if share != self._share:
            self._changed = mono
            why = ", ".join(heat.throttling or ()) or f"{heat.temperature} degrees Celsius"
            log.warning("%s: taking %.0f %% of the frame rate", why, 100 * share)
        self._share = share


class HeatWatch:
    """Asks the kernel now and then, and lets the governor decide.

    Args:
        governor: decides.
        read: asks the kernel.
        every: seconds between two questions.

    Attributes:
        heat: what the kernel said last.
        share: see `HeatGovernor.share`; may be read from any thread.
        least: the lowest that it may become.
    """

    def __init__(
        self, governor: HeatGovernor, *, read: Callable[[], Heat] = read_heat, every: float = READ_EVERY
    ) -> None:
        self.heat = read()
        self.share = 1.0
        self.least = governor.least
        self._governor = governor
        self._read = read
        self._every = every
        self._due = -math.inf

    def look(self, mono: float) -> None:
        """Asks again, if it is time to."""
        if mono >= self._due:
            self._due = mono + self._every
            self.heat = self._read()
            self.share = self._governor.update(self.heat, mono)
