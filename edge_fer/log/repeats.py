"""Keeps the log short when something fails again and again. Pure: the time is passed in."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["Repeats"]

#: Seconds for which the same words stay out of the log after they were in it, longer each time.
WAITS = (10.0, 60.0, 600.0, 3600.0)
#: Words that were not heard for so many times their wait are news again.
FORGET = 2.0
#: How many different words are kept in mind; beyond that, those not heard for longest are forgotten.
MOST = 256


@dataclass(slots=True)
class _Heard:
    """What is known of words that were heard.

    Attributes:
        shown: seconds when they were last let through.
        last: seconds when they were last heard.
        step: index into WAITS.
        held_back: how often they were not let through since.
    """

    shown: float
    last: float
    step: int = 0
    held_back: int = 0


class Repeats:
    """Lets the same words through at once the first time, then at growing intervals.

    Not for two threads at once.
    """

    def __init__(self) -> None:
        self._heard: OrderedDict[str, _Heard] = OrderedDict()

    def __len__(self) -> int:
        return len(self._heard)

    def admit(self, words: str, now: float) -> int | None:
        """Whether to let the words through.

        Args:
            words: what is said; what differs is told apart.
            now: monotonic seconds.

        Returns:
            How often they were held back since they were last let through; None: hold them back now, too.
        """
        known = self._heard.get(words)
        if known is None or now - known.last > FORGET * max(WAITS[known.step], WAITS[1]):
            self._heard[words] = _Heard(shown=now, last=now)
            self._heard.move_to_end(words)
            if len(self._heard) > MOST:
                self._heard.popitem(last=False)
            return known.held_back if known else 0
        self._heard.move_to_end(words)
        known.last = now
        if now - known.shown < WAITS[known.step]:
            known.held_back += 1
            return None
        held_back, known.held_back, known.shown = known.held_back, 0, now
        known.step = min(known.step + 1, len(WAITS) - 1)
        return held_back
