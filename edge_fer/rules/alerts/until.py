"""When something is over, such as a cooldown or a silence; can be kept over a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Self

from edge_fer.types import Instant

__all__ = ["Until"]


@dataclass(frozen=True, slots=True)
class Until:
    """By a clock that never jumps, where that is known; else by the clock on the wall, or without an end.

    Attributes:
        utc: by the clock on the wall, UTC; None without an end.
        mono: by the other, in its seconds; None where that has begun anew since, or the config said when.
        synced: whether the clock on the wall was known to be right when it was asked.
    """

    utc: datetime | None = None
    mono: float | None = None
    synced: bool = True

    @classmethod
    def after(cls, seconds: float, at: Instant) -> Self:
        """So long from an instant on."""
        end = at.later(seconds)
        return cls(end.utc, end.mono, end.synced)

    def holds(self, at: Instant) -> bool:
        """Whether it is still to come. A clock that may be wrong keeps nothing quiet: better an alert too many."""
        if self.mono is not None:
            return at.mono < self.mono
        return self.utc is None or (at.synced and at.utc < self.utc)

    def snapshot(self) -> dict[str, Any]:
        """As numbers."""
        return {"utc": self.utc and self.utc.timestamp(), "mono": self.mono, "synced": self.synced}

    @classmethod
    def restored(cls, kept: Mapping[str, Any], *, same_boot: bool) -> Self | None:
        """Goes on from a snapshot; None where nobody can say any more when it ends.

        Args:
            kept: the snapshot.
            same_boot: whether the clock that never jumps has run on since.

        Raises:
            KeyError, TypeError, ValueError, OverflowError, OSError: it is none.
        """
        mono, synced = kept["mono"] if kept["mono"] is None else float(kept["mono"]), bool(kept["synced"])
        if mono is not None and not isfinite(mono):
            msg = f"{mono} is no time"
            raise ValueError(msg)
        end = cls(datetime.fromtimestamp(float(kept["utc"]), UTC), mono, synced)
        if same_boot:
            return end
        return replace(end, mono=None) if synced else None
