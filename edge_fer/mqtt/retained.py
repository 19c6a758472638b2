"""The newest value of each retained topic, and which of them the broker does not have yet."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

from edge_fer.contract.messages import Message, restamp
from edge_fer.outbox.queued import put_right
from edge_fer.types import Instant

__all__ = ["RetainedValues"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Value:
    content: Message | str
    at: Instant


class RetainedValues:
    """The newest value of each retained topic. Any thread may set; one asks for what is due."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[str, _Value] = {}
        #: topics that the broker has an old value of, or none; in the order in which they changed
        self._due: dict[str, None] = {}

    def set(self, topic: str, content: Message | str, at: Instant) -> None:
        """The topic's new value: a message, or plain text."""
        with self._lock:
            self._values[topic] = _Value(content, at)
            self._due[topic] = None

    def clear(self, topic: str) -> None:
        """The topic no longer holds, and is to be cleared at the broker."""
        with self._lock:
            self._values.pop(topic, None)
            self._due[topic] = None

    def renew(self, remembered: Collection[str]) -> None:
        """A new connection: all is due again, and so is the clearing of what no longer holds.

        Args:
            remembered: topics that were published to, in this run or an earlier one.
        """
        with self._lock:
            self._due = dict.fromkeys([*self._values, *sorted(set(remembered) - self._values.keys())])

    def due_again(self, topic: str) -> None:
        """What was taken has not arrived."""
        with self._lock:
            self._due[topic] = None

    def take(self, now: Instant, *, held: Collection[str] = ()) -> tuple[str, str] | None:
        """The next topic that is due and its payload, which is empty where the topic is to be cleared.

        Args:
            now: the time; a time of capture is put right where the clock has been synchronised since.
            held: topics to leave out.
        """
        while True:
            with self._lock:
                topic = next((topic for topic in self._due if topic not in held), None)
                if topic is None:
                    return None
                del self._due[topic]
                value = self._values.get(topic)
            try:
                return topic, "" if value is None else _payload(value, now)
            except Exception:  # noqa: BLE001 - told in the log, with all there is to know
                # whatever it is, it holds up none of the others
                _log.exception("the value of %s could not be made; it is not sent", topic)

    def holds(self, topic: str) -> bool:
        """Whether the topic has a value."""
        with self._lock:
            return topic in self._values

    @property
    def is_clean(self) -> bool:
        """Whether the broker has been sent everything."""
        with self._lock:
            return not self._due


def _payload(value: _Value, now: Instant) -> str:
    if isinstance(value.content, str):
        return value.content
    return restamp(value.content.model_dump_json(), put_right(value.at, now))
