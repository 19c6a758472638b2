"""How much is kept, and what is given up where that is too much."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AHEAD", "AT_A_TIME", "IN_MEMORY", "LOOKED_AT", "UNREAD", "Limits"]

#: Messages given up at a time where there is no room, and looked at for their age.
AT_A_TIME, LOOKED_AT = 20, 100
#: Messages that are looked at to find one of each topic.
AHEAD = 64
#: Messages that wait in memory, where the disk does not take them.
IN_MEMORY = 1000
#: Seconds that messages in memory wait for those on a disk that cannot be read, which are older and go first.
UNREAD = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept for a sink that cannot send.

    Attributes:
        size: bytes of disk.
        age: seconds after which a message is given up.
        late: seconds after which one is sent as `replayed`.
    """

    size: int = 256_000_000
    age: float = 14 * 86400.0
    late: float = 60.0
