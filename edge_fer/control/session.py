"""One client's part of the control socket: what came of it, and what waits to be sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from edge_fer.control.peers import Peer
from edge_fer.control.protocol import Code, Lines, event
from edge_fer.errors import CommandError

__all__ = ["MOST_PENDING", "ClientSession"]

#: Commands of one client that wait or are under way.
MOST_PENDING = 4
#: So many requests may come at once, and so many a second in the long run.
_BURST, _A_SECOND = 40.0, 20.0
#: Bytes that wait to be sent to a client; beyond, it does not read and is given up.
_MOST_WAITING = 1 << 20
#: Seconds for which a client may read nothing while something waits for it.
_PATIENCE = 10.0


class ClientSession:
    """What the server knows of a client.

    States that a client is too slow for are skipped: it gets the newest once it has read what was sent before. One that
    reads nothing for 10 seconds, or has a megabyte of replies waiting, is given up.

    Args:
        peer: who it is.

    Attributes:
        peer: who it is.
        subscribed: whether it wants to be told of each new state.
        pending: its commands that wait or are under way.
        skipped: states that it was too slow for.
        ending: whether it sends nothing more, so that it is left once its replies are sent.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.subscribed = False
        self.pending = 0
        self.skipped = 0
        self.ending = False
        self._lines = Lines()
        self._waiting = b""
        self._stuck_since: float | None = None
        self._left = _BURST
        self._looked_at = 0.0

    def lines(self, data: bytes) -> Iterator[bytes]:
        """The requests that are complete with this; CommandError where no more can be read of it."""
        return self._lines.feed(data)

    def admit(self, now: float) -> None:
        """Counts a request.

        Raises:
            CommandError: they come too fast.
        """
        self._left = min(_BURST, self._left + _A_SECOND * max(0.0, now - self._looked_at))
        self._looked_at = now
        if self._left < 1:
            raise CommandError(Code.TOO_FREQUENT, "too many requests", remedy="Wait a second, then ask again")
        self._left -= 1

    def begin(self) -> None:
        """Counts a command that is going to be carried out.

        Raises:
            CommandError: too many of this client wait already.
        """
        if self.pending >= MOST_PENDING:
            msg = f"{MOST_PENDING} requests of yours wait already"
            raise CommandError(Code.BUSY, msg, remedy="Wait for their replies, then ask again")
        self.pending += 1

    def put(self, line: bytes, now: float) -> None:
        """Has a reply sent."""
        if not self._waiting:
            self._stuck_since = now
        self._waiting += line

    def push(self, line: bytes, now: float) -> None:
        """Has a state sent, unless the one before is not sent yet."""
        if self._waiting:
            self.skipped += 1
            return
        if self.skipped:
            self.put(event("skipped", self.skipped), now)
            self.skipped = 0
        self.put(line, now)

    @property
    def waiting(self) -> bytes:
        """What is to be sent."""
        return self._waiting

    def sent(self, count: int, now: float) -> None:
        """So many bytes of that are sent."""
        self._waiting = self._waiting[count:]
        if count:
            self._stuck_since = now if self._waiting else None

    def is_over(self, now: float) -> bool:
        """Whether the client is to be given up: it does not read, or everything is said."""
        if not self._waiting:
            return self.ending and not self.pending
        stuck = self._stuck_since is not None and now - self._stuck_since > _PATIENCE
        return stuck or len(self._waiting) > _MOST_WAITING
