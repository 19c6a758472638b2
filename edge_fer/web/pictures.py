"""The page `Your pictures`: somebody has pictures of their own read. Nothing of them is kept, or sent on."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.remote.asker import Role
from edge_fer.web.texts import texts_in
from edge_fer.web.visit import PagesPort, PageVisit

__all__ = ["LARGER", "LARGEST", "MOST", "picture_routes"]

log = logging.getLogger(__name__)

#: Where pictures are sent to.
_READ: Final = "/pictures/read"
#: Bytes of a picture.
LARGEST: Final = 12 << 20
#: By path, the bytes that a body may have.
LARGER: Final[Mapping[str, int]] = {_READ: LARGEST}
#: Pictures that the page takes at once; they are sent one after the other.
MOST: Final = 8
#: Seconds for one picture, from its first byte to its faces.
_PATIENCE: Final = 120.0
#: Bytes of what is found in one.
_LARGEST_ANSWER: Final = 1 << 20
_A_PART: Final = 65_536
#: What reads a picture, and ends then.
_READER: Final = (sys.executable, "-m", "edge_fer.pictures")
#: How the keys of the texts begin that the script needs.
_SCRIPT: Final = ("own_", "face", "fault_", "doubt_", "label_")


def picture_routes(pages: PagesPort) -> list[BaseRoute]:
    """The routes of the page.

    Args:
        pages: what pages have in common.
    """
    own = _OwnPictures(pages)
    return [
        Route("/pictures", pages.page(own.show, Role.OPERATOR)),
        Route(_READ, pages.page(own.read, Role.OPERATOR), methods=["POST"]),
    ]


class _OwnPictures:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages
        self._busy = False

    async def show(self, visit: PageVisit) -> Response:
        """The page."""
        try:
            told = await self._settings(visit)
        except CommandError as error:
            if error.field != "privacy.own_pictures":
                raise
            return self._pages.show(visit, "pictures.html", told=None, why=error)
        return self._pages.show(
            visit,
            "pictures.html",
            told=told,
            most=MOST,
            largest=LARGEST,
            pictures_texts=_script_texts(visit),
        )

    async def read(self, visit: PageVisit) -> Response:
        """Reads the picture that is the body of the request."""
        request = visit.request
        if request.headers.get("x-csrf") != visit.session.csrf:
            await _leave(request)
            return self._pages.show(visit, "error.html", 403, problem="stale_form", why=None, back="/pictures")
        if self._busy:
            await _leave(request)
            return JSONResponse({"problem": "busy"}, 409)
        self._busy = True
        try:
            told = await self._settings(visit)
            # it is told before it is done, so that nothing is read of which `audit` does not know
            await self._pages.node.command("note", {"event": "own_picture"}, visit.asker)
            answer = await _read(request, told["settings"])
        except EdgeFerError:
            await _leave(request)
            raise
        finally:
            self._busy = False
        return JSONResponse(answer | {"min_size": told["min_size"]} if "faces" in answer else answer)

    async def _settings(self, visit: PageVisit) -> Mapping[str, Any]:
        camera = visit.request.query_params.get("camera", "")
        fields = {"camera": camera} if camera else {}
        told: Mapping[str, Any] = await self._pages.node.ask("read", visit.asker, what="picture_settings", with_=fields)
        return told


async def _read(request: Request, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a process of its own finds in a picture; where there is nothing to tell, what the problem is."""
    answer = b""
    try:
        reader = await asyncio.create_subprocess_exec(*_READER, stdin=PIPE, stdout=PIPE)
    except OSError as error:
        log.warning("a picture cannot be read: %s", error.strerror)
        await _leave(request)
        return {"problem": "died"}
    try:
        async with asyncio.timeout(_PATIENCE):
            if reader.stdin and reader.stdout:
                await _feed(reader.stdin, request, json.dumps(settings).encode() + b"\n")
                answer = await _answer_of(reader.stdout)
            ended = await reader.wait()
    except TimeoutError:
        return {"problem": "too_long"}
    except ClientDisconnect:
        return {"problem": "cut_off"}
    finally:
        with suppress(ProcessLookupError):
            reader.kill()
        await reader.wait()
    try:
        if ended == 0:
            (found,) = json.loads(answer)["pictures"]
            return dict(found)
    except (ValueError, KeyError, TypeError):
        pass
    log.warning("the process that reads a picture has ended with %d", ended)
    return {"problem": "died"}


async def _feed(stdin: asyncio.StreamWriter, request: Request, head: bytes) -> None:
    """Hands the picture on as it comes, so that this process never holds it."""
    listens = True
    async for part in _with_head(head, request):
        try:
            if listens:
                stdin.write(part)
                await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            listens = False
    stdin.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await stdin.wait_closed()


async def _with_head(head: bytes, request: Request) -> AsyncIterator[bytes]:
    yield head
    async for part in request.stream():
        yield part


async def _answer_of(stdout: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) <= _LARGEST_ANSWER and (part := await stdout.read(_A_PART)):
        answer += part
    return answer


async def _leave(request: Request) -> None:
    """Takes the rest of what is sent and drops it: browsers hear an answer only when they have sent all."""
    with suppress(ClientDisconnect, TimeoutError, RuntimeError):
        async with asyncio.timeout(_PATIENCE):
            async for _ in request.stream():
                pass


def _script_texts(visit: PageVisit) -> str:
    """What the script says, in the visitor's language, as JSON."""
    return json.dumps(
        {key: text for key, text in texts_in(visit.language).items() if key.startswith(_SCRIPT)}, ensure_ascii=False
    )
