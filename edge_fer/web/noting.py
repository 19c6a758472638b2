"""Has the daemon tell in `audit` what happened to logins and accounts. A daemon that does not run keeps nobody out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starlette.background import BackgroundTask
from starlette.responses import Response

from edge_fer.errors import EdgeFerError
from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.remote.noting import Noted

if TYPE_CHECKING:
    from edge_fer.web.node import NodeLine

__all__ = ["LoginNotes"]

log = logging.getLogger(__name__)

#: Seconds in which refused logins make one note together, so that a flood of them makes no flood of messages.
_TOGETHER: Final = 10.0
#: By whom refused logins are told: nobody is logged in then.
_NOBODY: Final = Asker("nobody", Way.WEB, Role.VIEWER)


class LoginNotes:
    """Tells after the answer has gone out.

    Args:
        node: the daemon.
        clock: seconds since 1970.
    """

    def __init__(self, node: NodeLine, clock: Callable[[], float]) -> None:
        self._node = node
        self._clock = clock
        #: logins refused since that was told last; by which name the last of them was, and when that was told
        self._refused, self._last_refused, self._told_at = 0, "", 0.0
        self._telling: asyncio.Task[None] | None = None

    def after(self, answer: Response, event: Noted, who: Asker, about: str = "") -> Response:
        """The answer, after which it is told."""
        answer.background = BackgroundTask(self._tell, event, who, about, 1)
        return answer

    def refused(self, name: str) -> None:
        """A login was refused; from the event loop.

        Args:
            name: as it was typed.
        """
        self._refused += 1
        self._last_refused = "".join(sign for sign in name if sign.isprintable())[:64]
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell_refused())

    async def _tell_refused(self) -> None:
        since = self._clock() - self._told_at
        await asyncio.sleep(_TOGETHER - since if 0 <= since < _TOGETHER else 0)
        times, self._refused, self._told_at = self._refused, 0, self._clock()
        await self._tell("login_refused", _NOBODY, self._last_refused, times)

    async def _tell(self, event: Noted, who: Asker, about: str, times: int) -> None:
        fields = {"event": event, "about": about, "times": times}
        try:
            await self._node.command("note", fields, who)
        except EdgeFerError as error:
            log.warning("%s of %s is not in `audit`: %s", event, about or who.name, error)
