"""What keeps the node from its broker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Setback", "Trouble"]


class Trouble(StrEnum):
    """What keeps us from the broker."""

    NAME_NOT_FOUND = "name_not_found"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    TLS_NOT_TRUSTED = "tls_not_trusted"
    TLS_WRONG_HOST = "tls_wrong_host"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_CLIENT_REFUSED = "tls_client_refused"
    TLS_CLIENT_EXPIRED = "tls_client_expired"
    TLS = "tls"
    FILE = "file"
    PROTOCOL_REFUSED = "protocol_refused"
    CLIENT_ID = "client_id"
    LOGIN = "login"
    NOT_AUTHORISED = "not_authorised"
    TOPIC_REFUSED = "topic_refused"
    TAKEN_OVER = "taken_over"
    UNAVAILABLE = "unavailable"
    QUOTA = "quota"
    HUNG_UP = "hung_up"
    CLOSED = "closed"
    SILENT = "silent"
    OTHER = "other"

    @property
    def slow(self) -> bool:
        """Whether only a person can cure it, so that frequent tries would only annoy the broker."""
        return self in _SLOW


_SLOW = {
    Trouble.TLS_NOT_TRUSTED,
    Trouble.TLS_WRONG_HOST,
    Trouble.TLS_CLIENT_REFUSED,
    Trouble.TLS_CLIENT_EXPIRED,
    Trouble.FILE,
    Trouble.CLIENT_ID,
    Trouble.LOGIN,
    Trouble.NOT_AUTHORISED,
    # two clients of one id would throw each other out for ever
    Trouble.TAKEN_OVER,
    Trouble.QUOTA,
}


@dataclass(frozen=True, slots=True)
class Setback:
    """One failure to reach or keep the broker.

    Attributes:
        trouble: what it was.
        detail: what the system or the broker said, for the log; may be empty. Holds no secrets.
    """

    trouble: Trouble
    detail: str = ""
