"""Requests that came and have not been looked at yet."""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition

from edge_fer.contract.topics import Topics
from edge_fer.mqtt.inbound import Subscription

__all__ = ["Inbox"]

_log = logging.getLogger(__name__)


class Inbox:
    """A bounded queue of requests. The link's thread puts in, one other takes out.

    What was published as retained is left out: a broker gives it to every newcomer, perhaps next year. What is too
    much is given up, the newest first, and the log says so: whoever asks so much faster than it is answered will not
    wait for each answer.

    Args:
        topics: of the node.
        size: requests that it holds.
    """

    def __init__(self, topics: Topics, *, size: int = 32) -> None:
        self._pattern = topics.commands
        self._size = size
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._news = Condition()
        self._closed = False

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All commands; each arrives, even where we are slow to read."""
        return (Subscription(self._pattern, qos=1, tell_retained=True),)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes a request; a message that is none is left alone."""
        prefix = self._pattern.removesuffix("+")
        if not topic.startswith(prefix):
            return
        verb = topic.removeprefix(prefix)
        if retained:
            _log.warning("a retained command on %s is ignored. Clear it with: mosquitto_pub -t %s -r -n", topic, topic)
            return
        with self._news:
            if len(self._waiting) < self._size:
                self._waiting.append((verb, payload))
                self._news.notify()
                return
        _log.warning("a command on %s is given up, unanswered: they come faster than they can be read", topic)

    def next(self) -> tuple[str, bytes] | None:
        """The next request, its verb and payload; waits for one. None once it is closed and empty."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    @property
    def closed(self) -> bool:
        """Whether nobody shall carry out any more."""
        return self._closed

    def close(self) -> None:
        """Wakes whoever waits; what is left can still be taken out."""
        with self._news:
            self._closed = True
            self._news.notify_all()
