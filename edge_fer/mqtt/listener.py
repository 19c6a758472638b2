"""What listens to others over the link's own connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

__all__ = ["Listener", "Subscription"]


class Subscription(NamedTuple):
    """Something to subscribe to.

    Attributes:
        topic: what about; may have wildcards.
        qos: at most so much.
        tell_retained: whether what comes while we listen is marked as well where it was published as retained; a
            broker of MQTT 3.1.1 cannot do that.
    """

    topic: str
    qos: int = 0
    tell_retained: bool = False


class Listener(Protocol):
    """Listens to some topics. Called from the link's thread, which it must not keep waiting."""

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """What to subscribe to."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes a message on any topic that somebody listens to; one of others is left alone."""
