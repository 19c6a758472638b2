"""When edge-fer itself is in trouble: a camera lost or blind, no broker, a full disk. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NodeFacts", "TroubleChange", "TroubleWatch", "troubles_of"]

#: For how many seconds each must last before it is told. A certificate's end needs no waiting.
_AFTER = {
    "camera_lost": 60.0,
    "camera_blind": 120.0,
    "broker_lost": 300.0,
    "outbox_grows": 300.0,
    "disk_low": 60.0,
    "certificate_ends": 0.0,
}
#: For how many seconds it must be over before that is told.
_OVER_AFTER = 60.0
#: Messages that wait for a broker that is there, from which on it does not keep up.
_DEEP = 1000
#: Bytes below which a disk is as good as full.
_DISK = 200_000_000
#: Seconds before its end from which on a certificate is told of.
_NOTICE = 14 * 86400.0


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """How the node is.

    Attributes:
        lost: cameras that deliver no frames, though they should.
        blind: cameras that are covered or moved, though they should not.
        connected: whether there is a connection to the broker; None where none is wanted.
        depth: messages that wait for it.
        disk_free: bytes; None where that is not known.
        certificates: when each certificate ends, in seconds since 1970.
    """

    lost: frozenset[str] = frozenset()
    blind: frozenset[str] = frozenset()
    connected: bool | None = None
    depth: int = 0
    disk_free: int | None = None
    certificates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TroubleChange:
    """A trouble that began, or is over.

    Attributes:
        key: what it is and of which camera or certificate, such as `camera_lost:front`.
        over: which of the two.
        since: when it began, or when it was over, in seconds since 1970.
        facts: numbers to tell.
    """

    key: str
    over: bool
    since: float
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """What it is."""
        return self.key.partition(":")[0]

    @property
    def camera(self) -> str:
        """Of which camera; empty where of none."""
        return self.key.partition(":")[2] if self.what.startswith("camera_") else ""

    @property
    def severity(self) -> str:
        """How serious it is: a camera that sees nothing is what nobody else would notice."""
        return "critical" if self.what.startswith("camera_") else "warning"


class TroubleWatch:
    """Tells once when a trouble has lasted, and once when it is over.

    Args:
        told: keys of troubles that were told before a restart.
    """

    def __init__(self, told: frozenset[str] = frozenset()) -> None:
        self.told = set(told)
        #: since when what is not told yet lasts, or what was told is over; in monotonic seconds and since 1970
        self._since: dict[str, tuple[float, float]] = {}

    def look(self, facts: NodeFacts, mono: float, utc: float) -> list[TroubleChange]:
        """What has changed by how the node is now."""
        now = dict(troubles_of(facts, utc))
        changes = []
        # a trouble that is as it was told, or as good as it was, has nothing pending
        for key in [key for key in self._since if (key in now) == (key in self.told)]:
            del self._since[key]
        for key in now.keys() ^ self.told:
            begun = key in now
            since_mono, since = self._since.setdefault(key, (mono, utc))
            if mono - since_mono >= (_AFTER[key.partition(":")[0]] if begun else _OVER_AFTER):
                del self._since[key]
                (self.told.add if begun else self.told.remove)(key)
                changes.append(TroubleChange(key, not begun, since, now.get(key, {})))
        return sorted(changes, key=lambda change: (change.since, change.key))


def troubles_of(facts: NodeFacts, utc: float) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The key of each trouble that there is now, however short a while, with its numbers.

    Args:
        facts: how the node is.
        utc: seconds since 1970.
    """
    for camera in facts.lost:
        yield f"camera_lost:{camera}", {}
    for camera in facts.blind - facts.lost:
        yield f"camera_blind:{camera}", {}
    if facts.connected is False:
        yield "broker_lost", {}
    elif facts.connected and facts.depth >= _DEEP:
        yield "outbox_grows", {"count": facts.depth}
    if facts.disk_free is not None and facts.disk_free < _DISK:
        yield "disk_low", {"megabytes": facts.disk_free // 1_000_000}
    for name, end in facts.certificates.items():
        if end - utc < _NOTICE:
            yield f"certificate_ends:{name}", {"end": end}
