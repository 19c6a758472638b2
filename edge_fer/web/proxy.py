"""Who is logged in at a reverse proxy in front of the page, which says so in headers of each request.

It is believed where it connects from an address that is listed, and knows the secret that was agreed on. Whoever else
is on that host, or reaches the page past the proxy, does not know it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from starlette.requests import Request

from edge_fer.remote.asker import Role
from edge_fer.web.sessions import LoginSession

__all__ = ["LEAST_SECRET", "ROLE_HEADER", "SECRET_HEADER", "USER_HEADER", "ReverseProxy"]

USER_HEADER: Final = "x-edge-fer-user"
ROLE_HEADER: Final = "x-edge-fer-role"
SECRET_HEADER: Final = "x-edge-fer-secret"  # noqa: S105 - the header's name
#: Characters of the secret.
LEAST_SECRET: Final = 20
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class ReverseProxy:
    """What is agreed on with it.

    Attributes:
        peers: the addresses that it connects from.
        secret: that it sends along.
    """

    peers: frozenset[str]
    secret: str

    @classmethod
    def at(cls, peers: Iterable[str], secret: str) -> ReverseProxy:
        """The proxy at these addresses; ValueError where one of them is none."""
        return cls(frozenset(str(ip_address(peer)) for peer in peers), secret)

    def session_of(self, request: Request, now: float) -> LoginSession | None:
        """Who asks, as the proxy says; None where it says nothing, or is not the proxy."""
        if request.client is None or _plain(request.client.host) not in self.peers:
            return None
        found = {name: request.headers.getlist(name) for name in (USER_HEADER, ROLE_HEADER, SECRET_HEADER)}
        # a second value may be one that a browser has sent along
        if any(len(values) != 1 for values in found.values()):
            return None
        (name,), (role,), (secret,) = found.values()
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            return None
        if role not in list(Role) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            return None
        # the same after each start, so that a form that is open can still be sent
        csrf = hmac.new(self.secret.encode(), f"form {role} {name}".encode(), hashlib.sha256).hexdigest()
        return LoginSession(name, Role(role), csrf, proof="", begun=now, seen=now)


def _plain(host: str) -> str:
    """An address without the form that IPv4 has on a socket for both."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
