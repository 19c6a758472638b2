"""How the link to the broker is doing, as `health` tells it: data alone, whoever holds the link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Literal

from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.outbox.kind import MessageKind

__all__ = ["NOTICE", "CertificateEnds", "LinkStatus", "MqttVersion", "is_near"]

#: How long before its end a certificate is told of.
NOTICE = timedelta(days=30)


class MqttVersion(IntEnum):
    """Versions of MQTT, numbered as on the wire."""

    V311 = 4
    V5 = 5

    @property
    def text(self) -> Literal["5", "3.1.1"]:
        """As people write it."""
        return "5" if self is MqttVersion.V5 else "3.1.1"


@dataclass(frozen=True, slots=True)
class CertificateEnds:
    """When the certificates of a link end.

    Attributes:
        broker: the broker's; None: not encrypted, or there was no connection yet.
        client: our own; None: there is none, or it cannot be read.
    """

    broker: datetime | None = None
    client: datetime | None = None


def is_near(end: datetime | None, now: datetime) -> bool:
    """Whether a certificate ends soon, or has ended."""
    return end is not None and end - now <= NOTICE


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link to the broker is doing; at most a second old.

    Attributes:
        connected: whether the broker has accepted us.
        address: of the broker that is connected, or was turned to last; empty before the first.
        connections: how often it has since the start.
        protocol: version of MQTT last spoken or tried.
        acknowledges: whether the broker acknowledges messages, which it does unless it takes QoS 0 only.
        setback: why there is no connection; None while there is one, or before the first try has ended.
        last_trouble: why there was none the last time; None: that has not happened.
        depth: messages waiting.
        size: bytes they take on disk.
        oldest: age of the oldest one in seconds; None where there is none, or its clock cannot be compared.
        dropped: messages given up over all runs, by kind.
        damaged: messages set aside over all runs, because they are damaged.
        certificates: when those of the link end; the broker's is that of the last connection.
    """

    connected: bool = False
    address: str = ""
    connections: int = 0
    protocol: MqttVersion = MqttVersion.V5
    acknowledges: bool = True
    setback: Setback | None = None
    last_trouble: Trouble | None = None
    depth: int = 0
    size: int = 0
    oldest: float | None = None
    dropped: Mapping[MessageKind, int] = field(default_factory=lambda: dict.fromkeys(MessageKind, 0))
    damaged: int = 0
    certificates: CertificateEnds = field(default_factory=CertificateEnds)
