"""Where a notification's address leads: to a server of one's own, or outside. Pure; looks nothing up."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from edge_fer.support.address import OWN_SERVERS

__all__ = ["destination_fault", "leads_outside"]

_LOCAL_NAMES: Final = (".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".localhost", ".localdomain")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,31}://\S", re.IGNORECASE)


def destination_fault(address: str) -> str | None:
    """What keeps a text from being an address, as a phrase; None where nothing does. Holds no part of it."""
    if _SCHEME.match(address) is None:
        return "is no address"
    if any(sign.isspace() for sign in address):
        return "has a space in it"
    return None


def leads_outside(address: str) -> bool:  # noqa: PLR0911 - one reason each
    """Whether a message leaves the site: unless the address surely names a server inside, it does."""
    try:
        parts = urlsplit(address)
        host, given = parts.hostname or "", parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return True
    options = {name.lower(): value for name, value in given}
    if len(options) < len(given):
        # which of two counts is not known
        return True
    scheme = parts.scheme.lower()
    if not {scheme, scheme.removesuffix("s")} & OWN_SERVERS:
        return True
    if ("mode" in options or "mode=" in parts.fragment.lower()) and scheme.startswith(("ntfy", "matrix")):
        # which may name the provider's server
        return True
    if scheme.startswith("matrix") and not parts.username:
        # a token stands in the place of the server, which is the provider's
        return True
    if scheme.startswith("ntfy") and not parts.path.strip("/"):
        # without a server, the topic stands in its place, and the server is ntfy.sh
        return True
    if scheme.startswith("mailto"):
        # the server is named apart, or follows from the domain, which a provider may own
        host = options.get("smtp", host)
    return not _is_inside(host)


def _is_inside(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        if _NUMBER.fullmatch(name) or "%" in name:
            # another way to write any address
            return False
        return bool(name) and ("." not in name or name.endswith(_LOCAL_NAMES))
    return address.is_private or address.is_loopback or address.is_link_local
