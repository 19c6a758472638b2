"""The newest of each outside number, taken out of what other devices publish, as it comes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from edge_fer.mqtt.inbound import LARGEST_PAYLOAD, Subscription
from edge_fer.types import Instant, SignalKey, SignalValue

__all__ = ["Signals"]


class Signals:
    """The newest sample of each source; never more than there are sources. One thread puts in, any may look.

    A retained message says nothing of its age (the broker may have kept it for weeks): its sample has no time, and
    counts as stale until a fresh one comes.

    Args:
        sources: what is wanted.
        clock: the time, as stamped on frames.
    """

    def __init__(self, sources: Iterable[SignalKey], clock: Callable[[], Instant]) -> None:
        self._by_topic: dict[str, list[SignalKey]] = {}
        for source in sorted(set(sources), key=repr):
            self._by_topic.setdefault(source.topic, []).append(source)
        self._clock = clock
        self._lock = Lock()
        self._samples: dict[SignalKey, SignalValue] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return tuple(self._by_topic)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The same, each value at most once: the next one will do as well."""
        return tuple(map(Subscription, self._by_topic))

    def samples(self) -> Mapping[SignalKey, SignalValue]:
        """The newest sample of each source of which there is one."""
        with self._lock:
            return dict(self._samples)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes a message; what nobody asked for is left alone.

        Args:
            topic: where it was published.
            payload: as it came.
            retained: whether the broker had kept it for newcomers.
        """
        sources = self._by_topic.get(topic, ())
        if not sources:
            return
        content = _parsed(payload)
        mono = None if retained else self._clock().mono
        found = {source: SignalValue(_number_at(content, source.steps), mono) for source in sources}
        with self._lock:
            self._samples.update(found)


#: Words that switches and contacts say, in lower case, and the numbers that they count as.
_WORDS = {"on": 1.0, "true": 1.0, "yes": 1.0, "open": 1.0, "off": 0.0, "false": 0.0, "no": 0.0, "closed": 0.0}
#: A number as JSON has it, so that `1_000`, `nan` and digits of other scripts are none.
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")


class _NoJson:
    """What a payload says that is neither JSON nor a text."""


def _parsed(payload: bytes) -> Any:
    if len(payload) > LARGEST_PAYLOAD:
        return _NoJson
    try:
        return json.loads(payload)
    except RecursionError:
        return _NoJson
    except ValueError:
        # a word without quotation marks, as most switches say it
        return payload.decode("utf-8", "replace")


def _number_at(content: Any, steps: tuple[str | int, ...]) -> float | None:
    """The number in that place; None where there is none. True is 1, false is 0; a text may be a number or a switch."""
    for step in steps:
        match content:
            case dict() if isinstance(step, str) and step in content:
                content = content[step]
            case list() if isinstance(step, int) and step < len(content):
                content = content[step]
            case _:
                return None
    if isinstance(content, str):
        content = _of_text(content.strip())
    if not isinstance(content, int | float):
        return None
    try:
        number = float(content)
    except OverflowError:
        return None
    # `NaN` and `Infinity` are no JSON, though Python reads them
    return number if math.isfinite(number) else None


def _of_text(text: str) -> float | None:
    """The number that a text says; None where it says none."""
    return float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.lower())
