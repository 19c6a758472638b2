"""How the link to the broker is doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_fer.contract.messages import MessageKind
from edge_fer.mqtt.certificates import CertificateEnds
from edge_fer.mqtt.failures import Setback, Trouble
from edge_fer.mqtt.protocol import Protocol

__all__ = ["LinkStatus"]


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link to the broker is doing; at most a second old.

    Attributes:
        connected: whether the broker has accepted us.
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
    connections: int = 0
    protocol: Protocol = Protocol.V5
    acknowledges: bool = True
    setback: Setback | None = None
    last_trouble: Trouble | None = None
    depth: int = 0
    size: int = 0
    oldest: float | None = None
    dropped: Mapping[MessageKind, int] = field(default_factory=lambda: dict.fromkeys(MessageKind, 0))
    damaged: int = 0
    certificates: CertificateEnds = field(default_factory=CertificateEnds)
