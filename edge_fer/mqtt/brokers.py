"""Which of several brokers to turn to, and what is known of each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_fer.contract.trouble import Setback
from edge_fer.mqtt.protocol import ProtocolChoice
from edge_fer.mqtt.settings import BrokerSettings

__all__ = ["BrokerChoice", "KnownBroker"]

#: Seconds that a connection must last to have been of use.
_PROVEN = 5.0


@dataclass(slots=True)
class KnownBroker:
    """A broker, and what was learned of it.

    Attributes:
        settings: where it is, and how to get in.
        mark: by which what it retains is told from what others do; the same over restarts.
        choice: with which version of MQTT.
        retains: whether it keeps retained messages, as far as is known.
        qos: the highest quality of service that it takes, as far as is known.
        setback: why there was no connection the last time; None: there was one.
    """

    settings: BrokerSettings
    mark: str
    choice: ProtocolChoice = field(default_factory=ProtocolChoice)
    retains: bool = True
    qos: int = 1
    setback: Setback | None = None


class BrokerChoice:
    """The brokers in the order in which they are preferred. Pure.

    One that works is kept until its connection is lost; then the first is tried first again. Where one cannot be
    reached, or loses a connection within seconds, the next is tried at once. After the last, there is a wait.

    Args:
        brokers: where they are, the one that is preferred first; at least one.
        choice: with which version of MQTT the first is tried.
    """

    def __init__(self, brokers: Sequence[BrokerSettings], choice: ProtocolChoice) -> None:
        self._known = [KnownBroker(broker, _mark_of(broker)) for broker in brokers]
        self._known[0].choice = choice
        self._at = 0

    @property
    def current(self) -> KnownBroker:
        """The one to turn to, or that is connected."""
        return self._known[self._at]

    @property
    def marks(self) -> list[str]:
        """Those of all brokers."""
        return [known.mark for known in self._known]

    def lost(self, lasted: float | None) -> bool:
        """The connection ended, or never came about.

        Args:
            lasted: seconds for which it was up; None: it never was.

        Returns:
            Whether there is another broker to try at once.
        """
        if lasted is not None and lasted >= _PROVEN:
            moved, self._at = self._at != 0, 0
            return moved
        self._at = (self._at + 1) % len(self._known)
        return self._at != 0


def _mark_of(broker: BrokerSettings) -> str:
    return f"@{zlib.crc32(broker.address.encode()):08x}"
