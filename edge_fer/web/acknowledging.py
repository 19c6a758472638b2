"""The page of a link in a notification: whoever has the link acknowledges one alert, and can do nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edge_fer.control.protocol import Code
from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.web.visit import PagesPort, form_of

__all__ = ["acknowledging_routes"]

#: Characters of a token; what is longer is none.
_LONGEST: Final = 1000
#: Characters of a name that the daemon takes.
_LONGEST_NAME: Final = 64
#: Requests to the daemon at once, for people who are not logged in.
_AT_ONCE: Final = 2
#: Whoever opens a link, before the daemon has said whose it is.
_SOMEBODY: Final = Asker("link", Way.WEB, Role.OPERATOR)
_PASSING: Final = {Code.BUSY, Code.TOO_FREQUENT}


def acknowledging_routes(pages: PagesPort) -> list[BaseRoute]:
    """Their routes.

    Args:
        pages: what pages have in common.
    """
    made = _Acknowledging(pages)
    return [
        Route("/acknowledge", made.ask, methods=["GET"]),
        Route("/acknowledge", made.acknowledge, methods=["POST"]),
    ]


class _Acknowledging:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, request: Request) -> Response:
        """Asks for a click: what looks at links before people do must not use one up."""
        token = request.query_params.get("token", "")
        try:
            found = await self._read(token)
        except EdgeFerError as error:
            return self._refused(request, error)
        if not found:
            return self._shown(request, "wrong", 403)
        return self._shown(request, "ask", place=found["place"], token=token)

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledges the alert in the name of whoever was told of it."""
        token = (await form_of(request) or {}).get("token", "")
        try:
            found = await self._read(token, use=True)
            if not found:
                return self._shown(request, "wrong", 403)
            who = Asker(f"link:{found['target']}"[:_LONGEST_NAME], Way.WEB, Role.OPERATOR)
            fields = {"camera": found["camera"], "alert_id": found["alert_id"]}
            async with self._turns:
                await self._pages.node.command("acknowledge", fields, who)
        except EdgeFerError as error:
            return self._refused(request, error)
        return self._shown(request, "done", place=found["place"])

    async def _read(self, token: str, *, use: bool = False) -> Mapping[str, Any] | None:
        """What the daemon says that a link is for; None where it is none."""
        if not 0 < len(token) <= _LONGEST:
            return None
        async with self._turns:
            found: Mapping[str, Any] | None = await self._pages.node.ask(
                "read", _SOMEBODY, what="link", with_={"token": token, "use": use}
            )
        return found

    def _refused(self, request: Request, error: EdgeFerError) -> Response:
        """Says no more to strangers than whether the link or the daemon is at fault."""
        if isinstance(error, CommandError) and error.code not in _PASSING | {Code.FAILED}:
            return self._shown(request, "wrong", 403)
        return self._shown(request, "unreachable", 503)

    def _shown(self, request: Request, state: str, code: int = 200, *, place: str = "", token: str = "") -> Response:
        return self._pages.show_stranger(request, "acknowledge.html", code, state=state, place=place, token=token)
