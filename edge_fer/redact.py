"""Takes the secrets out of addresses before anybody reads them."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["HIDDEN", "SECRET_PARAMETER", "redacted"]

HIDDEN: Final = "***"
_SCHEME: Final = r"[a-z][a-z0-9+.-]{0,31}://"
#: An address reaches to the next one, or to the end: a password may have anything in it, blanks too.
_ADDRESS: Final = re.compile(rf"({_SCHEME})(.+?)(?=[\s,;=\"'`<([{{]{_SCHEME}|\Z)", re.IGNORECASE | re.DOTALL)
_PARTS: Final = re.compile(r"([^/?#]*)(.*)", re.DOTALL)
#: In what follows the host of an address: what is a secret by its name, up to where its value begins, and the value.
SECRET_PARAMETER: Final = re.compile(
    r"([?&;][^=&;#]*(?:pass|pwd|token|secret|key|auth|sig)[^=&;#]*=)([^&;#]*)", re.IGNORECASE
)


def redacted(text: str) -> str:
    """The text with the passwords of addresses in it, and what else there looks like a secret, as `***`."""
    return _ADDRESS.sub(lambda found: found[1] + _hidden(found[2], login=not found[1].lower().startswith("mqtt")), text)


def _hidden(address: str, *, login: bool) -> str:
    """An address without its scheme; `login`: whether a name that has no password with it may be a secret too."""
    authority, rest = _PARTS.fullmatch(address).groups()  # type: ignore[union-attr]  # it matches everything
    if "@" not in authority and "@" in rest and not re.fullmatch(r"[^:]*|\[.*\](:\d*)?|[^:]*:\d*", authority):
        # a password with an unescaped slash: no player will understand it, but nobody must read it either
        authority, rest = (authority + rest).rsplit("@", 1)
        authority += "@"
    if "@" in authority:
        names, host = authority.rsplit("@", 1)
        user, colon, _ = names.partition(":")
        # a login without a password may well be a token
        shown = f"{user}:{HIDDEN}" if colon else HIDDEN if login else user
        authority = f"{shown}@{host}"
    return authority + SECRET_PARAMETER.sub(rf"\1{HIDDEN}", rest)
