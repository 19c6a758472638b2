"""How long each stage of the pipeline takes, over its last passes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles
from threading import Lock
from time import perf_counter

__all__ = ["StageTime", "Stopwatch"]


@dataclass(frozen=True, slots=True)
class StageTime:
    """What one stage took over its last passes, in milliseconds, and how many passes these were."""

    median: float
    p95: float
    passes: int


class Stopwatch:
    """Times named stages; keeps the last passes of each. One thread times, any may read.

    Args:
        keep: passes kept for each stage.
        clock: seconds that never jump.
    """

    def __init__(self, *, keep: int = 300, clock: Callable[[], float] = perf_counter) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = Lock()
        self._stages: dict[str, _Stage] = {}
        self._frames: deque[float] = deque(maxlen=keep)

    def __call__(self, stage: str) -> AbstractContextManager[None]:
        """Times the body of a `with` as one pass of the stage, which must not lie within another of the same."""
        found = self._stages.get(stage)
        if found is None:
            with self._lock:
                found = self._stages[stage] = _Stage(self._keep, self._clock, self._lock)
        return found

    def frame(self) -> None:
        """Counts one frame, for `fps`."""
        with self._lock:
            self._frames.append(self._clock())

    @property
    def fps(self) -> float:
        """Frames a second over the last frames; 0 before the second one, and falling while none comes."""
        with self._lock:
            if len(self._frames) < 2:
                return 0.0
            longest = max(later - earlier for earlier, later in pairwise(self._frames))
            waiting = self._clock() - self._frames[-1]
            span = self._frames[-1] - self._frames[0]
            # an ordinary wait for the next frame is part of the rhythm, a longer one slows it
            span += waiting if waiting > longest else 0.0
            return (len(self._frames) - 1) / span if span > 0 else 0.0

    def stages(self) -> dict[str, StageTime]:
        """Median and 95th percentile of each stage, in the order they were first timed."""
        with self._lock:
            passes = {name: list(stage.passes) for name, stage in self._stages.items()}
        return {name: _summary(taken) for name, taken in passes.items() if taken}


class _Stage(AbstractContextManager[None]):
    """One stage's last passes; a class and no generator, for a frame makes a dozen passes."""

    def __init__(self, keep: int, clock: Callable[[], float], lock: Lock) -> None:
        self.passes: deque[float] = deque(maxlen=keep)
        self._clock = clock
        self._lock = lock
        self._begin = 0.0

    def __enter__(self) -> None:
        self._begin = self._clock()

    def __exit__(self, *_: object) -> None:
        took = self._clock() - self._begin
        with self._lock:
            self.passes.append(took)


def _summary(taken: list[float]) -> StageTime:
    p95 = quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    return StageTime(round(median(taken) * 1000, 3), round(p95 * 1000, 3), len(taken))
