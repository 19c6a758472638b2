"""How long to wait before trying again. Pure: chance is passed in."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Waits that double, with jitter, so that what fails together does not come back as one.

    Args:
        first: seconds before the second try.
        most: the longest wait in seconds, and the wait for what only a person can cure.
        chance: a random number of 0 to 1; a wait is between half and all of what doubling has come to.
    """

    def __init__(self, *, first: float = 1.0, most: float = 60.0, chance: Callable[[], float] = random.random) -> None:
        self.most = most
        self._first = first
        self._chance = chance
        self._failures = 0
        #: whether a try at once was granted
        self._lost = False

    def failed(self, *, slow: bool = False) -> float:
        """Seconds to wait after a try that failed; `slow` is for what only a person can cure."""
        # capped, because the number of failures is not
        wait = self.most if slow else min(self.most, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return wait * (0.5 + 0.5 * self._chance())

    def lost(self) -> float:
        """Seconds to wait after what worked was lost: none the first time, which tells whether it is still there."""
        if self._failures or self._lost:
            return self.failed()
        self._lost = True
        return 0.0

    def succeeded(self) -> None:
        """It has been of use: start over."""
        self._failures = 0
        self._lost = False
