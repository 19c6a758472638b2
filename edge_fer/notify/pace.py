"""When a target is told what waits for it: grouping, rate limit and retries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

__all__ = ["NEVER", "RETRY_URGENT", "Pacing", "TargetQueue", "next_send", "retry_wait"]

NEVER = inf
#: Seconds between two tries where something urgent has come since the last one.
RETRY_URGENT = 5.0
#: Seconds of the first wait after a failure; of the longest for what is urgent, for the rest, and for what only a
#: person can cure; and of the longest that a server may ask for.
_FIRST, _MOST_URGENT, _MOST, _SLOW, _ASKED = 2.0, 60.0, 300.0, 600.0, 3600.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """How often a target is told something.

    Attributes:
        group: seconds from one message to the next; what comes meanwhile is one message.
        messages: the most messages within `per`.
        per: seconds.
    """

    group: float = 60.0
    messages: int = 6
    per: float = 600.0


@dataclass(frozen=True, slots=True)
class TargetQueue:
    """What waits for one target, and what it was told. Times are seconds since 1970.

    Attributes:
        waiting: of each item that is in no message yet, from when on it may be told, and whether it is urgent.
        has_message: whether a message was made, and is not taken yet.
        sent: when it was told something within the last hours.
        retry_at: when the message may be tried again; 0: at once.
        last_try: when it was tried last; 0: never.
        urgent_since_try: whether something urgent has come since then.
    """

    waiting: Sequence[tuple[float, bool]] = ()
    has_message: bool = False
    sent: Sequence[float] = ()
    retry_at: float = 0.0
    last_try: float = 0.0
    urgent_since_try: bool = False


def next_send(queue: TargetQueue, pacing: Pacing, now: float) -> float:
    """When the target is to be sent something next; `NEVER`, where nothing waits for it.

    What is urgent goes at once. All else waits until `group` is over since the last message, and until there are fewer
    than `messages` within `per`. A first message after a quiet time waits for nothing.

    Args:
        queue: what waits.
        pacing: how often it may be told.
        now: the time.
    """
    if queue.has_message:
        # a clock that was put back must not make the wait longer than any that was meant
        at = queue.retry_at if queue.retry_at - now <= _ASKED else now
        return min(at, queue.last_try + RETRY_URGENT) if queue.urgent_since_try else at
    urgent = min((at for at, is_urgent in queue.waiting if is_urgent), default=NEVER)
    others = min((at for at, is_urgent in queue.waiting if not is_urgent), default=NEVER)
    recent = sorted(at for at in queue.sent if now - pacing.per < at <= now)
    if recent:
        others = max(others, recent[-1] + pacing.group)
    if len(recent) >= pacing.messages:
        others = max(others, recent[-pacing.messages] + pacing.per)
    return min(urgent, others)


def retry_wait(failures: int, *, urgent: bool, slow: bool, asked: float | None, chance: float) -> float:
    """Seconds to wait after a message was not taken.

    Args:
        failures: in a row, this one included.
        urgent: whether something urgent is in it.
        slow: whether only a person can cure it.
        asked: the wait that the server asked for; None: it did not.
        chance: a random number of 0 to 1, so that what fails together does not come back as one.
    """
    if asked is not None:
        return min(max(asked, 1.0), _ASKED)
    most = _SLOW if slow else _MOST_URGENT if urgent else _MOST
    wait = most if slow else min(most, _FIRST * 2.0 ** min(failures - 1, 30))
    return wait * (0.5 + 0.5 * chance)
