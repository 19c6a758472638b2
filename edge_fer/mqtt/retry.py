"""When to try again, and with which version of MQTT. Pure: time and chance are passed in."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import IntEnum
from typing import Literal

__all__ = ["Backoff", "Protocol", "ProtocolChoice"]


class Protocol(IntEnum):
    """Versions of MQTT, numbered as on the wire."""

    V311 = 4
    V5 = 5

    @property
    def text(self) -> Literal["5", "3.1.1"]:
        """As people write it."""
        return "5" if self is Protocol.V5 else "3.1.1"


class Backoff:
    """How long to wait before the next try: doubling, with jitter, so that a fleet does not come back as one.

    Args:
        first: seconds before the second try.
        most: the longest wait in seconds, and the wait for what only a person can cure.
        chance: a random number of 0 to 1.
    """

    def __init__(self, *, first: float = 1.0, most: float = 60.0, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._most = most
        self._chance = chance
        self._failures = 0

    def failed(self, *, slow: bool = False) -> float:
        """Seconds to wait after a try that failed; `slow` is for what only a person can cure."""
        # capped, because the number of failures is not
        wait = self._most if slow else min(self._most, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return wait * (0.5 + 0.5 * self._chance())

    def lost(self) -> float:
        """Seconds to wait after a connection was lost: none the first time, which tells whether the broker is there."""
        if self._failures:
            return self.failed()
        self._failures = 1
        return 0.0

    def succeeded(self) -> None:
        """The connection has been of use: start over."""
        self._failures = 0


class ProtocolChoice:
    """MQTT 5 where the broker speaks it, else 3.1.1; what worked is kept for the life of the process.

    Args:
        first: the version to try first.
    """

    def __init__(self, first: Protocol = Protocol.V5) -> None:
        self.current = first
        self._settled = False

    def accepted(self) -> None:
        """The broker speaks the current version."""
        self._settled = True

    def refused(self) -> bool:
        """The broker said that it does not speak the current version; whether the other one is worth a try at once."""
        stepping_down = self.current is Protocol.V5
        self.current = Protocol.V311 if stepping_down else Protocol.V5
        # a broker that was settled on and now refuses has been replaced by another one
        self._settled = False
        return stepping_down

    def ignored(self) -> bool:
        """The broker hung up on our CONNECT or left it unanswered, as some do with a version they do not know.

        It may as well have been going down just then, so a version that has worked is kept.

        Returns:
            Whether the other version is worth a try at once.
        """
        return False if self._settled else self.refused()
