"""The protocol of the control socket: lines of JSON. Pure, and made of the standard library alone.

A client sends requests, one a line: `{"v": 1, "id": "1", "do": "state"}`. Each gets one reply with the same id. A
client that subscribes gets events as well, which have no id. Further kinds of requests and events may be added; `hello`
tells which kinds of requests there are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from edge_fer.errors import CommandError

__all__ = ["LONGEST_LINE", "VERSION", "Code", "ControlRequest", "Do", "Lines", "encoded", "event", "failure", "success"]

#: The version of the protocol, in every line of both sides.
VERSION: Final = 1
#: Bytes of a request, with its line break.
LONGEST_LINE: Final = 65_536
_LONGEST_ID: Final = 64
#: Levels of objects and lists in one another.
_DEEPEST: Final = 16


class Do(StrEnum):
    """What a request asks for."""

    HELLO = "hello"
    STATE = "state"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    SETTINGS = "settings"
    READ = "read"
    COMMAND = "command"
    LIVE = "live"
    END_LIVE = "end_live"
    TRY = "try"


class Code(StrEnum):
    """Why a request was not carried out; commands have further ones of their own."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    VERSION = "version"
    UNKNOWN = "unknown"
    TOO_FREQUENT = "too_frequent"
    BUSY = "busy"
    DENIED = "denied"
    FAILED = "failed"


#: The fields that each kind of request may have, beside `v`, `id`, `do` and `as`, and their types in words.
_FIELDS: Final[Mapping[Do, Mapping[str, tuple[type | tuple[type, ...], str]]]] = {
    Do.HELLO: {},
    Do.STATE: {},
    Do.SUBSCRIBE: {},
    Do.UNSUBSCRIBE: {},
    Do.SETTINGS: {"schema": (bool, "true or false")},
    Do.READ: {"what": (str, "the name of what there is to read"), "with": (dict, "an object that says which part")},
    Do.COMMAND: {"command": (str, "the name of a command"), "with": (dict, "an object with the command's fields")},
    Do.LIVE: {
        "camera": (str, "the name of a camera"),
        "seconds": ((int, float), "a number of seconds"),
        "picture": (bool, "true or false"),
    },
    Do.END_LIVE: {},
    Do.TRY: {"set": (dict, "an object with values by key of the config")},
}
#: The field that a kind of request must have.
_REQUIRED: Final[Mapping[Do, str]] = {Do.COMMAND: "command", Do.LIVE: "camera", Do.READ: "what", Do.TRY: "set"}


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A request that can be looked at.

    Attributes:
        id: what its sender calls it.
        do: what it asks for.
        acting_for: the person and the role that the web page names in `as`; None where it names none.
        fields: the rest.
    """

    id: str
    do: Do
    acting_for: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, line: bytes) -> ControlRequest:
        """The request in a line.

        Raises:
            CommandError: there is none in it that can be looked at.
        """
        content = _object_in(line)
        number = content.get("id")
        if not isinstance(number, str) or not 0 < len(number) <= _LONGEST_ID or not number.isprintable():
            msg = f"id is not a text of 1 to {_LONGEST_ID} characters"
            raise CommandError(Code.MALFORMED, msg, remedy='Send one, for example "id": "1"', field="id", value=number)
        if content.get("v") != VERSION:
            msg, given = f"v is not {VERSION}, the version of this protocol", content.get("v")
            raise CommandError(Code.VERSION, msg, remedy=f'Send "v": {VERSION}', id=number, field="v", value=given)
        do = content.get("do")
        if do not in list(Do):
            remedy = f"Choose from {', '.join(Do)}"
            msg = "do is nothing that can be asked for"
            raise CommandError(Code.UNKNOWN, msg, remedy=remedy, id=number, field="do", value=do)
        known = _FIELDS[Do(do)]
        acting_for = content.get("as")
        if not isinstance(acting_for, dict | None):
            msg = "as is no object"
            remedy = 'Send for example "as": {"name": "ann", "role": "viewer"}'
            raise CommandError(Code.MALFORMED, msg, remedy=remedy, id=number, field="as", value=acting_for)
        rest = {name: value for name, value in content.items() if name not in {"v", "id", "do", "as"}}
        for name, value in rest.items():
            if name not in known:
                msg = f"{name[:64]!r} is no field of the request {do}"
                remedy = f"It has {', '.join(known)}" if known else "It has no fields of its own"
                raise CommandError(Code.MALFORMED, msg, remedy=remedy, id=number, field=name[:64], value=value)
            kind, words = known[name]
            if not isinstance(value, kind):
                remedy = f"Send {words}"
                msg = f"{name} is not {words}"
                raise CommandError(Code.MALFORMED, msg, remedy=remedy, id=number, field=name, value=value)
        required = _REQUIRED.get(Do(do))
        if required is not None and required not in rest:
            remedy = f"Send {known[required][1]}"
            raise CommandError(Code.MALFORMED, f"{required} is missing", remedy=remedy, id=number, field=required)
        return cls(number, Do(do), acting_for, rest)


def _object_in(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and not _is_odd(content):
        return content
    remedy = f'Send one on each line, for example {{"v": {VERSION}, "id": "1", "do": "hello"}}'
    raise CommandError(Code.MALFORMED, "the line is no JSON object", remedy=remedy)


def _is_odd(content: Any) -> bool:
    """Whether it is nested deeper than anybody needs, or has in it what JSON has not: NaN and infinity."""
    level = [content]
    for _ in range(_DEEPEST):
        if any(isinstance(value, float) and not math.isfinite(value) for value in level):
            return True
        inner = [value for value in level if isinstance(value, dict | list)]
        level = [value for part in inner for value in (part.values() if isinstance(part, dict) else part)]
        if not level:
            return False
    return True


class Lines:
    """Cuts what comes into lines; never holds more than one line, and what came with it."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are complete with this.

        Raises:
            CommandError: a line is too long, so that nothing that follows can be read.
        """
        *whole, rest = (self._held + data).split(b"\n")
        self._held = rest[: LONGEST_LINE + 1]
        for line in whole:
            if len(line) >= LONGEST_LINE:
                raise _too_long()
            if line.strip():
                yield line
        if len(rest) >= LONGEST_LINE:
            raise _too_long()


def _too_long() -> CommandError:
    msg = f"the line is longer than {LONGEST_LINE} bytes"
    return CommandError(Code.TOO_LARGE, msg, remedy="Send less in one request")


def success(number: str, result: Any) -> bytes:
    """The reply to a request that was carried out."""
    return encoded({"v": VERSION, "id": number, "ok": True, "result": result})


def failure(number: str | None, error: CommandError) -> bytes:
    """The reply to a request that was not, or (without an id) to what was none."""
    told = {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "field": error.field,
        "value": _short(error.value),
    }
    return encoded({"v": VERSION, "id": number, "ok": False, "error": told})


def event(kind: str, content: Any) -> bytes:
    """Something that is told without having been asked for in particular."""
    return encoded({"v": VERSION, "event": kind, kind: content})


def encoded(content: Mapping[str, Any]) -> bytes:
    """A line."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _short(value: Any) -> Any:
    """What was sent, to be shown to its sender; not more of it than helps."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
