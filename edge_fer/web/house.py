"""The pages about the page itself: its certificate, and who may log in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from edge_fer.errors import ConfigError
from edge_fer.remote.asker import Role
from edge_fer.remote.noting import Noted
from edge_fer.support.files import read_file
from edge_fer.web.accounts import LEAST_PASSWORD
from edge_fer.web.visit import PagesPort, PageVisit

__all__ = ["house_routes"]

_LARGEST = 65_536
#: By which phones know what to do with it.
_CERTIFICATE_TYPE = "application/x-x509-ca-cert"


def house_routes(pages: PagesPort, authority: Path | None) -> list[BaseRoute]:
    """Their routes.

    Args:
        pages: what pages have in common.
        authority: the certificate that browsers are to trust; None: the page has none of its own making.
    """
    house = _House(pages, authority)
    return [
        Route("/certificate", pages.page(house.certificate, Role.VIEWER)),
        Route("/certificate/edge-fer.crt", pages.page(house.download, Role.VIEWER)),
        Route("/accounts", pages.page(house.accounts, Role.ADMIN)),
        Route("/accounts/put", pages.form(house.put, Role.ADMIN), methods=["POST"]),
        Route("/accounts/role", pages.form(house.change_role, Role.ADMIN), methods=["POST"]),
        Route("/accounts/remove", pages.form(house.remove, Role.ADMIN), methods=["POST"]),
    ]


class _House:
    def __init__(self, pages: PagesPort, authority: Path | None) -> None:
        self._pages = pages
        self._authority = authority

    async def certificate(self, visit: PageVisit) -> Response:
        """What to trust, and how to do so on each kind of device."""
        mark = ""
        if self._authority is not None:
            from edge_fer.web.certificates import fingerprint  # noqa: PLC0415 - needs cryptography

            mark = await anyio.to_thread.run_sync(fingerprint, self._authority)
        return self._pages.show(visit, "certificate.html", mark=mark)

    async def download(self, visit: PageVisit) -> Response:
        """The authority's certificate."""
        if self._authority is None:
            return self._pages.show(visit, "certificate.html", 404, mark="")
        try:
            content = read_file(self._authority, _LARGEST)
        except OSError as error:
            msg = f"{self._authority}: {error.strerror}"
            raise ConfigError(msg, remedy="Make it anew: sudo edge-fer web prepare") from None
        name = 'attachment; filename="edge-fer.crt"'
        return Response(content, media_type=_CERTIFICATE_TYPE, headers={"content-disposition": name})

    async def accounts(self, visit: PageVisit) -> Response:
        """Who may log in."""
        return self._shown(visit)

    async def put(self, visit: PageVisit) -> Response:
        """Adds an account, or gives one another password."""
        form = visit.form
        name, password = form.get("name", "").strip(), form.get("password", "")
        try:
            role = _role(form.get("role", ""))
            await anyio.to_thread.run_sync(self._pages.accounts.put, name, role, password)
        except ConfigError as error:
            return self._shown(visit, 409, why=error, name=name)
        return self._pages.notes.after(RedirectResponse("/accounts", 303), "account_put", visit.asker, name)

    async def change_role(self, visit: PageVisit) -> Response:
        """Gives somebody another role."""
        role = visit.form.get("role", "")
        return self._changed(visit, "account_role", lambda name: self._pages.accounts.change_role(name, _role(role)))

    async def remove(self, visit: PageVisit) -> Response:
        """Takes an account away."""
        return self._changed(visit, "account_removed", self._pages.accounts.remove)

    def _changed(self, visit: PageVisit, event: Noted, change: Callable[[str], None]) -> Response:
        name = visit.form.get("name", "")
        try:
            self._see_that_an_admin_is_left(name, visit.form.get("role", ""))
            change(name)
        except ConfigError as error:
            return self._shown(visit, 409, why=error)
        return self._pages.notes.after(RedirectResponse("/accounts", 303), event, visit.asker, name)

    def _see_that_an_admin_is_left(self, name: str, role: str) -> None:
        admins = {one.name for one in self._pages.accounts.all().values() if one.role is Role.ADMIN}
        if admins == {name} and role != Role.ADMIN:
            msg = f"{name} is the only admin"
            raise ConfigError(msg, remedy="Make somebody else an admin first")

    def _shown(self, visit: PageVisit, code: int = 200, *, why: ConfigError | None = None, name: str = "") -> Response:
        known = sorted(self._pages.accounts.all().values(), key=lambda one: one.name.lower())
        return self._pages.show(
            visit, "accounts.html", code, accounts=known, why=why, name=name, least=LEAST_PASSWORD, roles=list(Role)
        )


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        msg = f"{text[:80]!r} is no role"
        raise ConfigError(msg, remedy=f"Choose from {', '.join(Role)}") from None
