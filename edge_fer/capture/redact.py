"""Takes the secrets out of an address before anybody reads it."""

from __future__ import annotations

import re

__all__ = ["redacted"]

HIDDEN = "***"
AUTHORITY = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/?#]*)(.*)$", re.IGNORECASE | re.DOTALL)
QUERY = re.compile(r"([?&;][^=&;#]*(?:pass|pwd|token|secret|key|auth|sig)[^=&;#]*=)[^&;#]*", re.IGNORECASE)


def redacted(url: str) -> str:
    """The address with its password, and what else in it looks like a secret, as `***`; other strings unchanged."""
    parts = AUTHORITY.match(url)
    if not parts:
        return url
    scheme, authority, rest = parts.groups()
    if "@" not in authority and "@" in rest and not re.fullmatch(r"[^:]*|\[.*\](:\d*)?|[^:]*:\d*", authority):
        # a password with an unescaped slash: no player will understand it, but nobody must read it either
        authority, rest = (authority + rest).rsplit("@", 1)
        authority += "@"
    if "@" in authority:
        login, host = authority.rsplit("@", 1)
        user, colon, _ = login.partition(":")
        # a login without a password may well be a token
        authority = f"{user}:{HIDDEN}@{host}" if colon else f"{HIDDEN}@{host}"
    return scheme + authority + QUERY.sub(rf"\1{HIDDEN}", rest)
