"""Stands before every page: whose requests are answered at all, how large they may be, and what browsers may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LARGEST_BODY", "Guard"]

#: Bytes of a request's body.
LARGEST_BODY: Final = 65_536
_SAFE = frozenset({"GET", "HEAD"})
_METHODS = frozenset({*_SAFE, "POST"})
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # with `no-referrer`, browsers send `Origin: null` with our own forms
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class Guard:
    """Refuses requests for foreign hosts, from foreign pages, with large bodies; adds headers to every answer.

    A page of somebody else must not reach us through a visitor's browser, whether it gives itself our name (DNS
    rebinding: `Host`) or sends a form to us (`Origin`).

    Args:
        app: what it guards.
        hosts: names and addresses that we are reached by, without ports.
        secure: whether browsers reach us by HTTPS.
        larger: bytes that a body may have, of the paths where that is more than `LARGEST_BODY`.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], secure: bool, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._larger = larger or {}
        self._hosts = frozenset(host.lower() for host in hosts)
        self._scheme = "https" if secure else "http"
        self._headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
        if secure:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or lets through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _Headers(scope)
        refused = self._fault(scope, headers)
        if scope["type"] != "http":
            if refused:
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
            return
        if refused:
            await self._refuse(send, *refused)
            return
        await self._app(scope, _Bounded(receive, self._largest(scope)), self._sender(send))

    def _fault(self, scope: Scope, headers: _Headers) -> tuple[int, str] | None:
        host = headers.only("host")
        if host is None or not (_name(host) in self._hosts or _is_where_it_came_to(scope, _name(host))):
            return 421, "This address is not one that edge-fer answers to. See docs/web.md, `--host`."
        socket = scope["type"] == "websocket"
        if not socket and scope["method"] not in _METHODS:
            return 405, "This method is not known here."
        if socket or scope["method"] not in _SAFE:
            expected = {f"{self._scheme}://{host.lower()}"}
            if headers.only("origin") not in expected or headers.only("sec-fetch-site") not in {None, "same-origin"}:
                return 403, "This request does not come from a page of edge-fer."
        length = headers.only("content-length")
        if length is not None and not (length.isdecimal() and int(length[:12]) <= self._largest(scope)):
            return 413, f"A request may have {self._largest(scope)} bytes."
        return None

    def _largest(self, scope: Scope) -> int:
        return self._larger.get(scope.get("path", ""), LARGEST_BODY)

    def _sender(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given: list[tuple[bytes, bytes]] = list(message.get("headers", []))
                known = {name.lower() for name, _ in given}
                given += [pair for pair in self._headers if pair[0] not in known]
                if b"cache-control" not in known:
                    given.append((b"cache-control", b"no-store"))
                message = {**message, "headers": given}
            await send(message)

        return sent

    async def _refuse(self, send: Send, code: int, words: str) -> None:
        body = words.encode()
        headers = [
            *self._headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": code, "headers": [*headers, (b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})


class _Headers:
    def __init__(self, scope: Scope) -> None:
        self._values: MutableMapping[str, list[str]] = {}
        for name, value in scope["headers"]:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def only(self, name: str) -> str | None:
        """Its value; None where there is none; what nothing is equal to where there are several."""
        found = self._values.get(name, [])
        return None if not found else found[0].strip() if len(found) == 1 else "\0"


def _name(host: str) -> str:
    """A host without its port; empty where it is none."""
    if "@" in host or "/" in host:
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_where_it_came_to(scope: Scope, name: str) -> bool:
    """Whether it is the address of this device that the connection was made to: no name, so nobody can give it out."""
    server = scope.get("server")
    try:
        here, meant = ip_address(server[0] if server else ""), ip_address(name)
    except ValueError:
        return False
    return meant == (getattr(here, "ipv4_mapped", None) or here)


class _Bounded:
    """Receives a body up to a size, whatever its head has said."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._left = largest

    async def __call__(self) -> Any:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                return {"type": "http.disconnect"}
        return message
