"""What every page is given: who visits, and how to show them something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.web.sessions import LoginSession
from edge_fer.web.texts import chosen_language

if TYPE_CHECKING:
    from edge_fer.web.accounts import AccountBook
    from edge_fer.web.delays import LoginDelays
    from edge_fer.web.node import NodeLine
    from edge_fer.web.noting import LoginNotes

__all__ = ["Handler", "PageVisit", "PagesPort", "form_of", "pushed_event"]

#: Fields of a form.
_MOST_FIELDS: Final = 20


class PageVisit:
    """Somebody who asks, with the words of their language.

    Attributes:
        request: what they ask for.
        session: of them.
        form: what they sent.
    """

    def __init__(self, request: Request, session: LoginSession, form: Mapping[str, str]) -> None:
        self.request = request
        self.session = session
        self.form = form

    @property
    def asker(self) -> Asker:
        """Who asks, for the daemon."""
        return Asker(self.session.name, Way.WEB, self.session.role)

    @property
    def language(self) -> str:
        """The language that their browser wants."""
        return chosen_language(self.request.headers.get("accept-language", ""))


Handler = Callable[[PageVisit], Any]


class PagesPort(Protocol):
    """What a module with further pages is given; its `routes` are added to those of all."""

    @property
    def node(self) -> NodeLine:
        """The daemon."""

    @property
    def accounts(self) -> AccountBook:
        """Who may log in."""

    @property
    def delays(self) -> LoginDelays:
        """How long whoever guesses has to wait."""

    @property
    def notes(self) -> LoginNotes:
        """Tells of logins and accounts in `audit`."""

    def page(self, handler: Handler, role: Role) -> Callable[[Request], Any]:
        """A page for those with a role."""

    def form(self, handler: Handler, role: Role) -> Callable[[Request], Any]:
        """What a form is sent to, by those with a role."""

    def is_here(self, visit: PageVisit) -> bool:
        """Whether somebody is still logged in, with the role that they had."""

    def show(self, visit: PageVisit, template: str, code: int = 200, **content: Any) -> Response:
        """A page out of a template."""

    def part(self, visit: PageVisit, template: str, **content: Any) -> str:
        """A part of a page out of a template, as it is pushed."""

    def show_stranger(self, request: Request, template: str, code: int = 200, **content: Any) -> Response:
        """The same for whoever is not logged in."""


def pushed_event(name: str, text: str) -> str:
    """A part of a page, as the browser is sent it: a server-sent event."""
    lines = "\n".join(f"data: {line}" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n\n"


async def form_of(request: Request) -> Mapping[str, str] | None:
    """What a form has sent; None where it is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    try:
        body = await request.body()
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=_MOST_FIELDS)
    except (ValueError, ClientDisconnect):
        return None
    return dict(pairs)
