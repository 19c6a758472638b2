"""Reads requests: what is asked for, and what is wrong with a request. Pure; never raises anything but `CommandError`.

A request is looked at no further than it is worth: first its length, then whether it has an id that an answer can
name, then whether they come too fast, then what it asks for.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from edge_fer.config.values.units import FROM_FILE, REFUSED
from edge_fer.contract.messages.commands import REQUESTS, ErrorCode, Request
from edge_fer.errors import CommandError

__all__ = ["LARGEST_REQUEST", "Command", "Reception"]

#: Bytes of a request; a longer one is none of ours.
LARGEST_REQUEST: Final = 4096
#: So many requests may come at once, and so many a second in the long run. One that has everything started over
#: counts for two.
_BURST, _A_SECOND = 20.0, 2.0
_COSTS: Final = {"reload": 2.0, "set": 2.0}
#: Ids that are remembered, so that a request that arrives twice is carried out once.
_REMEMBERED: Final = 256
_LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Command:
    """A request that can be carried out.

    Attributes:
        verb: what is asked for.
        request: the rest.
    """

    verb: str
    request: Request


class Reception:
    """Reads requests, one after the other."""

    def __init__(self) -> None:
        self._ids: deque[str] = deque(maxlen=_REMEMBERED)
        self._left = _BURST
        self._looked_at = 0.0

    def read(self, verb: str, payload: bytes, mono: float) -> Command:
        """What is asked for.

        Args:
            verb: the last level of the topic.
            payload: as it came.
            mono: when, in seconds on a clock that never jumps.

        Raises:
            CommandError: it cannot be carried out.
        """
        content, error = _parsed(payload)
        number = _id_in(content)
        if not self._is_in_time(_COSTS.get(verb, 1.0), mono):
            raise CommandError(
                ErrorCode.TOO_FREQUENT, "too many requests", remedy="Wait a few seconds, then ask again", id=number
            )
        if error:
            raise error
        if verb not in REQUESTS:
            msg = f"there is no command {verb[:64]!r}"
            raise CommandError(ErrorCode.UNKNOWN, msg, remedy=f"Choose from {', '.join(REQUESTS)}", id=number)
        try:
            request = REQUESTS[verb].model_validate(content, context=FROM_FILE)
        except ValidationError as wrong:
            raise CommandError(ErrorCode.MALFORMED, _in_words(wrong), id=number) from None
        if request.id in self._ids:
            msg = f"the id {request.id!r} was used before"
            raise CommandError(ErrorCode.DUPLICATE, msg, remedy="Give each request an id of its own", id=number)
        self._ids.append(request.id)
        return Command(verb, request)

    def forget(self, command: Command) -> None:
        """Lets the same be asked again with the same id, because it was not carried out for now."""
        with contextlib.suppress(ValueError):
            self._ids.remove(command.request.id)

    def _is_in_time(self, cost: float, mono: float) -> bool:
        self._left = min(_BURST, self._left + _A_SECOND * max(0.0, mono - self._looked_at))
        self._looked_at = mono
        if self._left < cost:
            return False
        self._left -= cost
        return True


def _parsed(payload: bytes) -> tuple[Any, CommandError | None]:
    """What the payload says, and what is wrong with it as a whole."""
    if len(payload) > LARGEST_REQUEST:
        msg = f"the request has {len(payload)} bytes"
        return None, CommandError(ErrorCode.TOO_LARGE, msg, remedy=f"Send {LARGEST_REQUEST} at most")
    try:
        content = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content, None
    remedy = 'Send a JSON object, for example {"id": "1"}'
    return None, CommandError(ErrorCode.MALFORMED, "the request is no JSON object", remedy=remedy)


def _id_in(content: Any) -> str | None:
    found = content.get("id") if isinstance(content, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_ID and found.isprintable() else None


def _in_words(wrong: ValidationError) -> str:
    """What is wrong with the fields of a request."""
    told = []
    for details in wrong.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in details["loc"][:1])[:64]
        if details["type"] == REFUSED:
            told.append(f"{field} {details['ctx']['problem']}. {details['ctx']['remedy']}")
        elif details["type"] == "extra_forbidden":
            told.append(f"{field!r} is no field of this request")
        elif details["type"] == "missing":
            told.append(f"{field} is missing")
        else:
            told.append(f"{field}: {details['msg']}")
    return "; ".join(dict.fromkeys(told[:5]))
