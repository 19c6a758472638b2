"""One window's sums while it lasts: small, and numbers only, so that they can be kept over a restart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from edge_fer.rules.scene.disclosure import Disclosure
from edge_fer.rules.scene.mood import Stint
from edge_fer.types import UNCERTAIN

__all__ = ["Tally"]

#: Seconds for which somebody must have been read to have made a window.
MADE_IT = 1.0


@dataclass(slots=True)
class Tally:
    """The sums of one window.

    Attributes:
        since: when the window begins, UTC.
        until: when it ends, UTC.
        disclosure: who made it, as far as that decides whether it may be told.
        synced: whether the clock was known to be right all the while.
        watched: seconds.
        seconds: by label, over all people.
        attention: seconds, over all people.
        people: visits so far.
        expected: what was usual, weighted by the seconds read then.
        compared: the seconds read while something was usual.
        sure: the seconds read, each weighted by the confidence of its label.
    """

    since: datetime
    until: datetime
    disclosure: Disclosure
    synced: bool = True
    watched: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    attention: float = 0.0
    people: int = 0
    expected: float = 0.0
    compared: float = 0.0
    sure: float = 0.0
    #: seconds read of each person of this window who is in view
    _read: dict[str, float] = field(default_factory=dict)

    def add(self, stints: Iterable[Stint], watched: float, usual: float | None) -> None:
        """Counts what was seen in a stretch of time."""
        self.watched += watched
        sums, read = self.seconds, self._read
        for who, label, seconds, attentive, confidence in stints:
            sums[label] = sums.get(label, 0.0) + seconds
            if attentive:
                self.attention += seconds
            before = read.get(who)
            if before is None:
                self.people += 1
                before = read[who] = 0.0
            if label != UNCERTAIN:
                read[who] = before + seconds
                self.sure += confidence * seconds
                if before < MADE_IT <= before + seconds:
                    self.disclosure.made_by(who)
                if usual is not None:
                    self.expected += usual * seconds
                    self.compared += seconds

    def forget(self, left: Iterable[str]) -> None:
        """People who left never come back under the same id."""
        for who in left:
            self._read.pop(who, None)

    @property
    def usual(self) -> float | None:
        """What would have been usual; None where it is known for less than half of what was read."""
        read = sum(spent for label, spent in self.seconds.items() if label != UNCERTAIN)
        return self.expected / self.compared if self.compared > 0 and self.compared >= read / 2 else None

    def snapshot(self) -> dict[str, Any]:
        """All of it as numbers, without anybody's id."""
        return {
            "since": self.since.timestamp(),
            "until": self.until.timestamp(),
            "synced": self.synced,
            "watched": round(self.watched, 3),
            "seconds": {label: round(spent, 3) for label, spent in self.seconds.items()},
            "attention": round(self.attention, 3),
            "people": self.people,
            "expected": round(self.expected, 3),
            "compared": round(self.compared, 3),
            "sure": round(self.sure, 3),
            "disclosure": self.disclosure.snapshot(),
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any], disclosure: Disclosure) -> Tally:
        """Goes on from a snapshot.

        Args:
            kept: the snapshot.
            disclosure: of a window that has only begun.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        watched, attention, expected, compared = (
            float(kept[name]) for name in ("watched", "attention", "expected", "compared")
        )
        # an earlier release kept none
        sure = float(kept.get("sure", 0.0))
        seconds = {str(label): float(spent) for label, spent in kept["seconds"].items()}
        sums = (watched, attention, expected, compared, sure, *seconds.values())
        if not all(isfinite(spent) and spent >= 0 for spent in sums):
            msg = "sums are numbers of at least 0"
            raise ValueError(msg)
        since, until = (datetime.fromtimestamp(float(kept[name]), UTC) for name in ("since", "until"))
        disclosure.restore(kept["disclosure"])
        people, synced = int(kept["people"]), bool(kept["synced"])
        return cls(since, until, disclosure, synced, watched, seconds, attention, people, expected, compared, sure)
