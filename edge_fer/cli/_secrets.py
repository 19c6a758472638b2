"""Takes secrets out of a text that somebody will pass on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from edge_fer.config.engine.entries import Entry
from edge_fer.support.address import take_apart
from edge_fer.support.credentials import LARGEST, usable
from edge_fer.support.files import read_file
from edge_fer.support.redact import HIDDEN, hidden_parts, redacted_text

__all__ = ["Secrets"]

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
    def of(cls, *entries: Entry) -> Self:
        """The secrets of a config, also of a wrong one: in its files, in its addresses, and out of the environment."""
        found = [one for entry in entries for one in _scalars(entry)]
        names = {name for entry in found for name in _names(entry)}
        known = {secret for entry in found for secret in _secrets(entry)}
        # what is a name and no more must not take parts of other words with it
        return cls(known - names, names)

    def taken_out_of(self, text: str) -> str:
        """The text without them."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for name in self._names:
            text = name.sub(HIDDEN, text)
        return SETTING.sub(rf"\1{HIDDEN}", redacted_text(text))


def _scalars(entry: Entry) -> Iterator[Entry]:
    """All values, wherever they stand."""
    if isinstance(entry.value, Mapping):
        for inner in entry.value.values():
            yield from _scalars(inner)
    elif isinstance(entry.value, tuple):
        for inner in entry.value:
            yield from _scalars(inner)
    elif entry.value is not None:
        yield entry


def _names(entry: Entry) -> Iterator[str]:
    """The user name in a value, as it is written there and as it is meant."""
    if entry.path[-1:] == ("username",):
        yield str(entry.value)
    parts = take_apart(str(entry.value))
    name = (parts.login or "").partition(":")[0] if parts else ""
    yield from filter(None, (name, unquote(name)))


def _secrets(entry: Entry) -> Iterator[str]:
    text = str(entry.value)
    yield from hidden_parts(text)
    if entry.path[-1:] == ("password_file",):
        with suppress(OSError):
            yield from read_file(usable(Path(text)), LARGEST).decode("utf-8-sig", "replace").splitlines()
    # nobody would take the trouble for what may be read
    for name in VARIABLE.findall(entry.written or ""):
        if name in os.environ and name != "CREDENTIALS_DIRECTORY":
            yield os.environ[name]
