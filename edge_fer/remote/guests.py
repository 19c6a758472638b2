"""The command `guest_pause`: people who are watched have the room paused, by a passcode that is printed on the notice.

Nobody logs in for it, so it is bounded: a pause of a quarter of an hour, none soon after the one before, and few tries.
Not for MQTT.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Final

from pydantic import Field, SecretStr

from edge_fer.contract.messages.commands import ErrorCode, PauseResult, Request, Response
from edge_fer.errors import CommandError

__all__ = ["GUEST_PAUSE", "GUEST_REASON", "GuestDoor", "GuestPauseRequest", "GuestPauseResponse"]

#: Seconds that such a pause lasts, and that must pass after it before the next.
GUEST_PAUSE: Final = 900.0
_REST: Final = 900.0
#: Wrong passcodes that are looked at in so many seconds.
_TRIES, _WITHIN = 20, 900.0
#: What a pause says of itself.
GUEST_REASON: Final = "asked for on the notice"


class GuestPauseRequest(Request):
    """`guest_pause`: has no camera looked at for a quarter of an hour."""

    passcode: Annotated[SecretStr, Field(min_length=1, max_length=64)] = Field(
        description="As `privacy.pause_passcode` has it, and the notice."
    )


class GuestPauseResponse(Response):
    """`response/guest_pause`: nobody is looked at for a while."""

    result: PauseResult | None = Field(description="Until when; null where `ok` is false.")


class GuestDoor:
    """Decides whether somebody without an account may have the room paused. Time is passed in."""

    def __init__(self) -> None:
        self._wrong: list[float] = []
        self._next = float("-inf")

    def let_in(self, wanted: str | None, given: str, mono: float) -> None:
        """Looks at a passcode.

        Args:
            wanted: the passcode of the config; None: the config allows no such pause.
            given: what somebody has typed in.
            mono: seconds on a clock that never jumps.

        Raises:
            CommandError: they may not.
        """
        if wanted is None:
            msg, remedy = "nobody can have the room paused here without an account", "Ask whoever the notice names"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy)
        self._wrong = [at for at in self._wrong if mono - at < _WITHIN]
        if len(self._wrong) >= _TRIES:
            msg = "too many wrong passcodes"
            raise CommandError(ErrorCode.TOO_FREQUENT, msg, remedy="Wait a quarter of an hour, then try again")
        if not hmac.compare_digest(wanted.encode(), given.strip().encode()):
            self._wrong.append(mono)
            msg = "this is not the passcode on the notice"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="Read it again, and type it in as it stands there")
        if mono < self._next:
            msg = "the room was paused in this way a short while ago"
            remedy = "Wait half an hour after the beginning of the last pause, or ask whoever the notice names"
            raise CommandError(ErrorCode.TOO_FREQUENT, msg, remedy=remedy)
        self._next = mono + GUEST_PAUSE + _REST
