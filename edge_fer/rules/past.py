"""What rules know of one camera's past: alerts that began to fire, and minutes out of the history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["MOST_FIRINGS", "Past", "PastMinute"]

#: Of each rule, so many firings are remembered at most; no rule counts more.
MOST_FIRINGS = 1000


@dataclass(frozen=True, slots=True)
class PastMinute:
    """A minute that an earlier run has seen.

    Attributes:
        mono: when it ended, in monotonic seconds of this run.
        watched: for how many seconds of it the camera was watched.
        arrived: how many people came into view.
        seconds: by label over all people, `UNCERTAIN` included.
    """

    mono: float
    watched: float
    arrived: int
    seconds: Mapping[str, float] = field(default_factory=dict)


class Past:
    """One camera's past, which outlives a change of its rules. For one thread, the pipeline's.

    Args:
        minutes: of earlier runs, the earliest first.
        firings: when alerts began to fire in earlier runs: rule and monotonic seconds of this run, the earliest first.
    """

    def __init__(self, minutes: Iterable[PastMinute] = (), firings: Iterable[tuple[str, float]] = ()) -> None:
        self._minutes = tuple(minutes)
        self._firings: dict[str, deque[float]] = {}
        for rule, mono in firings:
            self.fired(rule, mono)

    def fired(self, rule: str, mono: float) -> None:
        """An alert of a rule began to fire."""
        self._firings.setdefault(rule, deque(maxlen=MOST_FIRINGS)).append(mono)

    def firings(self, rule: str, mono: float, over: float) -> int:
        """How many alerts of a rule began to fire in the `over` seconds up to `mono`."""
        return sum(mono - over < began <= mono for began in self._firings.get(rule, ()))

    def minutes(self, mono: float, over: float) -> Sequence[PastMinute]:
        """The minutes of earlier runs that ended in the `over` seconds up to `mono`, the earliest first."""
        return [minute for minute in self._minutes if mono - over < minute.mono <= mono]
