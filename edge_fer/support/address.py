"""Takes the address of a stream or broker apart. Pure; looks nothing up.

A login may hold any sign that somebody forgot to escape, and then nobody can tell for sure where it ends. Such an
address is in doubt: it is refused where it would be opened, and hidden where it would be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

__all__ = ["ESCAPES", "OWN_SERVERS", "Address", "take_apart", "with_login"]

#: Schemes of notifications, without the `s` of those over TLS, that name a server which anybody can run; what stands in
#: the place of a host in those of one provider may be a key.
OWN_SERVERS: Final = frozenset(
    """
    apprise form gotify hassio json mailto matrix mmost mqtt ncloud nctalk ntfy rocket rsyslog signal xml
    """.split()  # noqa: SIM905
)
#: How a sign is written in a user name or password.
ESCAPES: Final = "%23 for #, %2F for /, %3F for ?, %40 for @"
#: Of a scheme that everybody knows, one slash alone makes an address too: somebody forgot the other.
_BEGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]{0,31})://|(rtsps?|rtmps?|https?|mqtts?|wss?|srt|ftp):/{1,3}", re.IGNORECASE
)
_AUTHORITY: Final = re.compile(r"([^/?#]*)(.*)", re.DOTALL)
_LABEL: Final = r"\w(?:[\w-]{0,61}\w)?"
_HOST: Final = re.compile(
    rf"({_LABEL}(?:\.{_LABEL}){{0,30}}\.?|\[[0-9a-f:.]{{2,45}}(?:%[\w.-]{{1,30}})?\])(?::(\d{{0,5}}))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address.

    Attributes:
        scheme: as it was written.
        login: all that stands before the host and its `@`; None where there is none.
        host: the host as it was written, with the brackets of an IPv6 address; None where there is none that can be
            right, or that is one without doubt.
        port: None where there is none.
        rest: path, query and fragment.
        fault: what is wrong with it, as a phrase; None where nothing is. Holds no part of the address.
        remedy: what to do about that.
    """

    scheme: str
    login: str | None
    host: str | None
    port: int | None
    rest: str
    fault: str | None = None
    remedy: str = ""

    @property
    def name(self) -> str | None:
        """The host as the system wants it."""
        return self.host.strip("[]") if self.host else None


def take_apart(text: str) -> Address | None:
    """The parts of an address; None where the text does not begin like one."""
    begin = _BEGIN.match(text)
    if begin is None:
        return None
    scheme = begin[1] or begin[2]
    after = text[begin.end() :]
    authority, rest = _AUTHORITY.fullmatch(after).groups()  # type: ignore[union-attr]  # it matches everything
    login, at, place = authority.rpartition("@")
    if "@" in rest and not _is_number(place):
        # the login may reach to any of them
        login, _, after = after.rpartition("@")
        place, rest = _AUTHORITY.fullmatch(after).groups()  # type: ignore[union-attr]  # likewise
        host, port = _split(place) if _is_number(place) else (None, None)
        signs = " and ".join(dict.fromkeys(sign for sign in login if sign in "/?#"))
        remedy = (
            f"In a user name or password, write {ESCAPES}; or take both out of the address, and give them as `username`"
            " and `password_file`. An @ in a path is written %40, too"
        )
        return Address(scheme, login, host, port, rest, f"has an @ behind a {signs}", remedy)
    host, port = _split(place)
    fault, remedy = None, ""
    if host is None:
        fault = "has no host, or a host or port that cannot be right"
        remedy = "Write it like rtsp://192.0.2.7:554/stream, with a user name and password before the host and an @"
    return Address(scheme, login if at else None, host, port, rest, fault, remedy)


def with_login(address: str, username: str, password: str | None) -> str:
    """An address with a login, its signs escaped.

    Args:
        address: one without a login.
        username: as it is meant.
        password: likewise; None where there is none.
    """
    scheme, _, rest = address.partition("://")
    secret = "" if password is None else f":{quote(password, safe='')}"
    return f"{scheme}://{quote(username, safe='')}{secret}@{rest}"


def _split(place: str) -> tuple[str | None, int | None]:
    """Host and port; no host where one of them cannot be right."""
    found = _HOST.fullmatch(place)
    if found is None or not 0 < int(found[2] or 1) < 65536 or (found[1][0] == "[" and not _is_ip(found[1])):
        return None, None
    return found[1], int(found[2]) if found[2] else None


def _is_number(place: str) -> bool:
    """Whether it is a host without doubt: an IP address, which is no user name."""
    host, _ = _split(place)
    return host is not None and _is_ip(host)


def _is_ip(host: str) -> bool:
    try:
        if host.startswith("["):
            IPv6Address(host.strip("[]"))
        else:
            IPv4Address(host)
    except ValueError:
        return False
    return True
