"""Takes secrets out of a text that somebody will pass on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from edge_fer.config import Loaded
from edge_fer.config.entries import Entry
from edge_fer.mqtt.credentials import usable
from edge_fer.redact import HIDDEN, redacted

__all__ = ["Secrets"]

URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"`<>]+", re.IGNORECASE)
LOGIN = re.compile(r"(://)[^/\s@]*(?:[^\s]*)@", re.IGNORECASE)
#: `password: …`, `token=…` and the like, wherever they stand.
SETTING = re.compile(r"((?:pass(?:word|wd)?|secret|token|api_?key)\b[\"']?\s*[=:]\s*)(?!\*\*\*)[^\s,;]+", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: Shorter ones would take half of every text with them.
SHORTEST = 4


class Secrets:
    """What must not be passed on.

    Args:
        known: secrets that are known by their text; what is only like one is found besides.
        names: of users, which are taken out where they stand as words of their own.
    """

    def __init__(self, known: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        # longest first, so that what one begins with does not spare its rest
        self._known = sorted({text for text in known if len(text) >= SHORTEST}, key=len, reverse=True)
        # a name may be part of other words: a user called edge is none of edge-fer's business
        self._names = [re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])") for name in set(names) if name]

    @classmethod
    def of(cls, loaded: Loaded) -> Self:
        """The secrets of a config: in its files, in its addresses, and out of the environment."""
        config = loaded.config
        addresses = [config.mqtt.broker, *(camera.source for camera in config.cameras.values())]
        logins = [login for address in addresses for login in _login(address)]
        known = [*_in_file(config.mqtt.password_file), *_in_addresses(addresses), *_of_environment(loaded.root)]
        return cls([*known, *(password for _, password in logins)], (name for name, _ in logins))

    def taken_out_of(self, text: str) -> str:
        """The text without them."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for name in self._names:
            text = name.sub(HIDDEN, text)
        text = URL.sub(lambda found: LOGIN.sub(rf"\1{HIDDEN}@", redacted(found[0])), text)
        return SETTING.sub(rf"\1{HIDDEN}", text)


def _in_file(file: Path | None) -> Iterator[str]:
    if file is not None:
        try:
            yield from usable(file).read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return


def _login(address: str) -> Iterator[tuple[str, str]]:
    """The name and the password in an address, as they are written there and as they are meant."""
    name, _, password = address.partition("://")[2].rpartition("@")[0].partition(":")
    yield name, password
    yield unquote(name), unquote(password)


def _in_addresses(addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        try:
            query = urlsplit(address).query
        except ValueError:
            continue
        yield from (value for name, value in parse_qsl(query) if redacted(f"x://x?{name}={value}").endswith(HIDDEN))


def _of_environment(entry: Entry) -> Iterator[str]:
    """The values of variables that the config asks for: nobody would take the trouble for what may be read."""
    for name in VARIABLE.findall(entry.written or ""):
        if name in os.environ and name != "CREDENTIALS_DIRECTORY":
            yield os.environ[name]
    for inner in entry.children.values():
        yield from _of_environment(inner)
