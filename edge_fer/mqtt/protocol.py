"""Which version of MQTT to try next. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

__all__ = ["Protocol", "ProtocolChoice"]


class Protocol(IntEnum):
    """Versions of MQTT, numbered as on the wire."""

    V311 = 4
    V5 = 5

    @property
    def text(self) -> Literal["5", "3.1.1"]:
        """As people write it."""
        return "5" if self is Protocol.V5 else "3.1.1"


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
