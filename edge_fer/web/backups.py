"""The page by which an admin downloads a backup."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from edge_fer.errors import BackupError, CommandError, EdgeFerError
from edge_fer.remote.asker import Role
from edge_fer.web.visit import PagesPort, PageVisit

__all__ = ["backup_routes"]

#: Bytes that are asked for at once.
_PIECE = 1 << 19
#: As `edge_fer.backup.sealing` has it.
LEAST_PASSPHRASE = 12


def backup_routes(pages: PagesPort) -> list[BaseRoute]:
    """Their routes."""
    made = _Backups(pages)
    return [
        Route("/backup", pages.page(made.ask, Role.ADMIN)),
        Route("/backup/download", pages.form(made.download, Role.ADMIN), methods=["POST"]),
    ]


class _Backups:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages

    async def ask(self, visit: PageVisit) -> Response:
        """What is in it, and whether with secrets."""
        return self._shown(visit)

    async def download(self, visit: PageVisit) -> Response:
        """Has the daemon make it, and passes it on piece by piece."""
        fields: dict[str, Any] = {}
        if visit.form.get("secrets"):
            passphrase = visit.form.get("passphrase", "")
            if len(passphrase) < LEAST_PASSPHRASE:
                msg = f"a passphrase of {len(passphrase)} characters will not do"
                return self._shown(visit, BackupError(msg, remedy=f"Take {LEAST_PASSPHRASE} characters or more"))
            fields = {"passphrase": passphrase}
        try:
            begun = await self._read(visit, fields)
        except CommandError as error:
            return self._shown(visit, error)
        state = await self._pages.node.ask("state", visit.asker)
        kind = "sealed" if fields else "backup"
        name = f"{state['node']}-{datetime.now(UTC):%Y-%m-%d}.{kind}"
        head = {"content-disposition": f'attachment; filename="{name}"', "content-length": str(begun["size"])}
        answer = StreamingResponse(self._pieces(visit, begun), media_type="application/octet-stream", headers=head)
        # told before anything leaves, also where the browser takes but half of it
        told = {"event": "backup", "about": "with secrets" if fields else "without secrets"}
        await self._pages.node.command("note", told, visit.asker)
        return answer

    async def _pieces(self, visit: PageVisit, begun: Mapping[str, Any]) -> AsyncIterator[bytes]:
        offset = 0
        while offset < begun["size"]:
            # whoever is logged out meanwhile gets no more of it
            if not self._pages.is_here(visit):
                msg = "the session has ended"
                raise ConnectionError(msg)
            told = await self._read(visit, {"token": begun["token"], "offset": offset, "length": _PIECE})
            data = base64.b64decode(told["data"])
            offset += len(data)
            yield data

    async def _read(self, visit: PageVisit, fields: Mapping[str, Any]) -> Any:
        return await self._pages.node.ask("read", visit.asker, what="backup", with_=dict(fields))

    def _shown(self, visit: PageVisit, why: EdgeFerError | None = None) -> Response:
        code = 200 if why is None else 409
        return self._pages.show(visit, "backup.html", code, why=why, least=LEAST_PASSPHRASE)
