"""Serves the pages, and ends when nobody has looked for a while."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge_fer.control.client import ControlClient
from edge_fer.errors import ConfigError, KeepingError
from edge_fer.web.accounts import AccountBook
from edge_fer.web.delays import LoginDelays
from edge_fer.web.guard import Guard
from edge_fer.web.node import NodeLine
from edge_fer.web.pages import Keeping, make_pages
from edge_fer.web.pictures import LARGER
from edge_fer.web.place import ADDRESS
from edge_fer.web.private import write_private
from edge_fer.web.serving import ServeSettings
from edge_fer.web.sessions import OneTimeLinks, SessionBook

__all__ = ["ServeSettings", "address_of", "keeping_in", "listening_sockets", "serve"]

log = logging.getLogger(__name__)

#: Connections at once; more are turned away.
MOST_CONNECTIONS = 64
#: Bytes of a request's head.
_LARGEST_HEAD = 16_384
#: Seconds in which a connection has to send its first request.
_FIRST_REQUEST = 10.0
#: Seconds between two looks at whether anybody looks.
_LOOK = 1.0


def keeping_in(folder: Path) -> Keeping:
    """What the pages keep, in a folder."""
    return Keeping(
        AccountBook(folder / "accounts.json"),
        SessionBook(folder / "sessions.json"),
        OneTimeLinks(folder / "links"),
        LoginDelays(folder / "delays.json"),
    )


def address_of(settings: ServeSettings, sockets: Sequence[socket.socket]) -> str:
    """What a browser on this device opens."""
    host, port = sockets[0].getsockname()[:2]
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def listening_sockets(listen: str) -> list[socket.socket]:
    """Sockets that systemd has opened, else one that listens at an address.

    Args:
        listen: such as `127.0.0.1:8321`; port 0 is any.

    Raises:
        ConfigError: nobody can listen there.
    """
    given = int(os.environ.get("LISTEN_FDS", "0")) if os.environ.get("LISTEN_PID") == str(os.getpid()) else 0
    if given:
        return [socket.socket(fileno=3 + number) for number in range(given)]
    host, _, port = listen.rpartition(":")
    try:
        address = ip_address(host.strip("[]"))
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), int(port)))
        listener.listen(128)
    except (OSError, ValueError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        msg = f"--listen {listen}: {why}"
        raise ConfigError(
            msg, remedy="Write an address of this device and a free port, such as 127.0.0.1:8321"
        ) from None
    return [listener]


def serve(settings: ServeSettings, sockets: Sequence[socket.socket]) -> None:
    """Serves until SIGTERM or SIGINT, or until nobody has asked for a while.

    Raises:
        ConfigError: others could listen in.
    """
    secure = settings.certificate is not None
    if not secure and not all(_is_loopback(one) for one in sockets):
        msg = "the page would be served without encryption to other devices"
        raise ConfigError(msg, remedy="Give --certificate and --key, or --listen 127.0.0.1:8321")
    node = NodeLine(lambda: ControlClient(settings.control, patience=5.0))
    keeping = keeping_in(settings.folder)
    own = {"localhost", "127.0.0.1", "::1", socket.gethostname(), f"{socket.gethostname()}.local"}
    own |= {str(one.getsockname()[0]) for one in sockets if one.family in {socket.AF_INET, socket.AF_INET6}}
    pages = make_pages(node, keeping, secure=secure, authority=settings.authority, proxy=settings.proxy)
    guarded = Guard(pages, hosts=own | set(settings.hosts), secure=secure, larger=LARGER)
    idle = _IdleWatch(guarded)
    server = uvicorn.Server(
        uvicorn.Config(
            idle,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            http=_Hasty,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
            proxy_headers=False,
        )
    )

    said = settings.folder / ADDRESS
    try:
        write_private(said, json.dumps({"pid": os.getpid(), "address": address_of(settings, sockets)}))
    except KeepingError as error:
        log.warning("%s. The page is served; `edge-fer web link` does not find it", error)

    async def run() -> None:
        watch = asyncio.create_task(idle.end(server, settings.idle, settings.until))
        try:
            await server.serve(sockets=list(sockets))
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    try:
        asyncio.run(run())
    finally:
        with suppress(OSError):
            said.unlink(missing_ok=True)


class _Hasty(H11Protocol):
    """A connection that must begin with a whole request soon, or whoever opens many keeps everybody out."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It begins."""
        super().connection_made(transport)
        self._hurry = self.loop.call_later(_FIRST_REQUEST, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._hurry.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        begun: object = self.cycle
        if begun is None:
            self.transport.close()


class _IdleWatch:
    """Knows for how long nobody has asked for anything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asking = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._asking += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._asking -= 1
            self._last = time.monotonic()

    async def end(self, server: uvicorn.Server, idle: float, until: float | None) -> None:
        """Ends the server once that is long enough, or its time has come."""
        while idle or until:
            await asyncio.sleep(_LOOK)
            if idle and not self._asking and time.monotonic() - self._last > idle:
                log.info("nobody has looked for %g s", idle)
                break
            if until and time.time() > until:
                log.info("there is time for a newer certificate")
                break
        else:
            return
        server.should_exit = True


def _is_loopback(listener: socket.socket) -> bool:
    if listener.family == socket.AF_UNIX:
        return True
    return ip_address(listener.getsockname()[0]).is_loopback
