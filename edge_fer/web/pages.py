"""The pages: what each shows, and what its forms do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import anyio.to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge_fer.control.verdict import INVENTED, needs_in
from edge_fer.errors import CommandError, ConfigError, EdgeFerError, KeepingError
from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.types import LABEL_NAMES, LABELS
from edge_fer.values.plain_words import condition_words, duration_words, measured_words
from edge_fer.web.accounts import AccountBook
from edge_fer.web.acknowledging import acknowledging_routes
from edge_fer.web.aim import aim_routes
from edge_fer.web.backups import backup_routes
from edge_fer.web.delays import LoginDelays
from edge_fer.web.faces import face_routes
from edge_fer.web.fields import in_words
from edge_fer.web.house import house_routes
from edge_fer.web.node import NodeLine
from edge_fer.web.noting import LoginNotes
from edge_fer.web.past import past_routes
from edge_fer.web.pictures import picture_routes
from edge_fer.web.proxy import ReverseProxy
from edge_fer.web.sessions import LoginSession, OneTimeLinks, SessionBook
from edge_fer.web.texts import LANGUAGES, chosen_language, texts_in
from edge_fer.web.tune import tune_routes
from edge_fer.web.views import alerts_in, clock_of, day_of, ended_in, lasted, silences_in
from edge_fer.web.visit import Handler as _Handler
from edge_fer.web.visit import PageVisit as _PageVisit
from edge_fer.web.visit import form_of, pushed_event

__all__ = ["Keeping", "make_pages"]

log = logging.getLogger(__name__)

#: Seconds between two looks of one visitor at what is new, at the least.
PUSH_EVERY: Final = 0.5
#: The parts of Now that are pushed.
_PUSHED: Final = ("verdict", "alerts", "scene", "cameras")
_COOKIE: Final = "edge-fer"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the pages keep on disk.

    Attributes:
        accounts: who may log in.
        sessions: who is logged in.
        links: those that log somebody in once.
        delays: after logins that failed.
    """

    accounts: AccountBook
    sessions: SessionBook
    links: OneTimeLinks
    delays: LoginDelays


#: The pages that everybody finds at the top: where, the key of their name, and whose they are.
NAVIGATION: Final = (
    ("/", "now", Role.VIEWER),
    ("/aim", "aim", Role.VIEWER),
    ("/tune", "tune", Role.VIEWER),
    ("/history", "history", Role.VIEWER),
    ("/pictures", "own_pictures", Role.OPERATOR),
    ("/system", "system", Role.VIEWER),
)


def make_pages(
    node: NodeLine,
    keeping: Keeping,
    *,
    secure: bool,
    authority: Path | None = None,
    proxy: ReverseProxy | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """All pages, not yet guarded (`edge_fer.web.guard`).

    Args:
        node: the daemon.
        keeping: who may look, and who looks.
        secure: whether browsers reach us by HTTPS.
        authority: the certificate of the installation's own authority; None: there is none.
        proxy: a reverse proxy that says who is logged in; None: there is none.
        clock: Unix seconds.
    """
    pages = _Pages(node, keeping, secure=secure, clock=clock, proxy=proxy)
    static = str(files("edge_fer.web").joinpath("static"))
    routes = [
        Route("/login", pages.login, methods=["GET"]),
        Route("/login", pages.log_in, methods=["POST"]),
        Route("/link", pages.link, methods=["GET"]),
        Route("/link", pages.follow_link, methods=["POST"]),
        Route("/static/labels.css", _label_colours),
        Mount("/static", StaticFiles(directory=static)),
        Route("/", pages.page(pages.now, Role.VIEWER)),
        Route("/now/events", pages.page(pages.events, Role.VIEWER)),
        Route("/system", pages.page(pages.system, Role.VIEWER)),
        Route("/logout", pages.form(pages.log_out, Role.VIEWER), methods=["POST"]),
        Route("/alerts/acknowledge", pages.form(pages.acknowledge, Role.OPERATOR), methods=["POST"]),
        Route("/alerts/silence", pages.form(pages.silence, Role.OPERATOR), methods=["POST"]),
        Route("/cameras/pause", pages.form(pages.pause, Role.OPERATOR), methods=["POST"]),
        Route("/cameras/resume", pages.form(pages.resume, Role.OPERATOR), methods=["POST"]),
        *acknowledging_routes(pages),
        *aim_routes(pages),
        *tune_routes(pages),
        *house_routes(pages, authority),
        *past_routes(pages),
        *picture_routes(pages),
        *face_routes(pages),
        *backup_routes(pages),
    ]
    return Starlette(routes=routes, exception_handlers={404: pages.not_found, 500: pages.failed})


class _Pages:
    def __init__(
        self,
        node: NodeLine,
        keeping: Keeping,
        *,
        secure: bool,
        clock: Callable[[], float],
        proxy: ReverseProxy | None = None,
    ) -> None:
        self._proxy = proxy
        self._node = node
        self._keeping = keeping
        self._secure = secure
        self._clock = clock
        self._templates = Environment(
            loader=PackageLoader("edge_fer.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "clock": clock_of,
            "day": day_of,
            "in_words": in_words,
            "duration": duration_words,
            "lasted": lasted,
        }
        self._templates.globals |= {
            "condition_words": condition_words,
            "measured_words": measured_words,
            "INVENTED": INVENTED,
        }
        self.notes = LoginNotes(node, clock)
        self._hashing = asyncio.Semaphore(2)

    # who it is

    def page(self, handler: _Handler, role: Role) -> Callable[[Request], Any]:
        """A page for those with a role; others are asked to log in."""

        async def answer(request: Request) -> Response:
            session = self._session(request)
            if session is None:
                return RedirectResponse("/login", 303)
            if not session.role.includes(role):
                return self._error(request, 403, "denied", session=session)
            return await self._answered(handler, _PageVisit(request, session, {}))

        return answer

    def form(self, handler: _Handler, role: Role) -> Callable[[Request], Any]:
        """What a form is sent to, by those with a role, from a page of ours."""

        async def answer(request: Request) -> Response:
            session = self._session(request)
            if session is None:
                return RedirectResponse("/login", 303)
            form = await form_of(request)
            if form is None or form.get("csrf") != session.csrf:
                return self._error(request, 403, "stale_form", session=session)
            if not session.role.includes(role):
                return self._error(request, 403, "denied", session=session)
            return await self._answered(handler, _PageVisit(request, session, form))

        return answer

    async def _answered(self, handler: _Handler, visit: _PageVisit) -> Response:
        try:
            answer: Response = await handler(visit)
        except CommandError as error:
            code = 403 if error.code == "denied" else 409
            return self._error(visit.request, code, "refused", session=visit.session, why=error)
        except KeepingError as error:
            log.error("%s", error)  # noqa: TRY400 - says all there is to say
            return self._error(visit.request, 503, "refused", session=visit.session, why=error)
        except EdgeFerError as error:
            return self._error(visit.request, 503, "no_daemon", session=visit.session, why=error)
        return answer

    def _session(self, request: Request) -> LoginSession | None:
        if self._proxy and (found := self._proxy.session_of(request, self._clock())):
            return found
        token = request.cookies.get(self._cookie)
        session = self._keeping.sessions.of(token, self._clock()) if token else None
        if session is None or session.by_link:
            return session
        try:
            account = self._keeping.accounts.all().get(session.name)
        except ConfigError as error:
            log.error("%s", error)  # noqa: TRY400 - says all there is to say
            return None
        # an account that was taken away, or has another password or role, counts at once
        if account is None or account.proof != session.proof:
            return None
        return replace(session, role=account.role)

    @property
    def _cookie(self) -> str:
        # the prefix keeps other hosts and plain HTTP from setting it
        return f"__Host-{_COOKIE}" if self._secure else _COOKIE

    async def login(self, request: Request) -> Response:
        """The form."""
        if self._session(request):
            return RedirectResponse("/", 303)
        return self._shown(request, "login.html", problem="", name="")

    async def log_in(self, request: Request) -> Response:
        """Looks at name and password."""
        form = await form_of(request)
        if form is None:
            return self._error(request, 400, "stale_form")
        name, password = form.get("name", "")[:64], form.get("password", "")
        address = request.client.host if request.client else ""
        delays, now = self._keeping.delays, self._clock()
        wait = delays.wait(name, address, now)
        if wait > 0:
            shown = self._shown(request, "login.html", 429, problem="too_early", name=name, wait=int(wait) + 1)
            shown.headers["retry-after"] = str(int(wait) + 1)
            return shown
        # counted before it is looked at, so that many at once are no way around the wait
        delays.failed(name, address, now)
        try:
            async with self._hashing:
                account = await anyio.to_thread.run_sync(self._keeping.accounts.verified, name, password)
        except ConfigError as error:
            log.error("%s", error)  # noqa: TRY400 - says all there is to say
            return self._error(request, 503, "fault")
        if account is None:
            self.notes.refused(name)
            return self._shown(request, "login.html", 403, problem="wrong", name=name)
        delays.succeeded(name, address)
        return self._begin(request, account.name, account.role, proof=account.proof)

    async def link(self, request: Request) -> Response:
        """Asks for a click: what looks at links before people do must not use one up."""
        if self._session(request):
            return RedirectResponse("/", 303)
        return self._shown(request, "link.html", token=request.query_params.get("token", "")[:100])

    async def follow_link(self, request: Request) -> Response:
        """Logs in by a one-time link."""
        form = await form_of(request)
        found = self._keeping.links.use((form or {}).get("token", ""), self._clock())
        if found is None:
            return self._shown(request, "login.html", 403, problem="link_used", name="")
        return self._begin(request, *found, proof="")

    def _begin(self, request: Request, name: str, role: Role, *, proof: str) -> Response:
        # never one that the browser had before: somebody else may know it
        old = request.cookies.get(self._cookie)
        if old:
            self._keeping.sessions.end(old)
        token = self._keeping.sessions.begin(name, role, self._clock(), proof=proof)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, token, secure=self._secure, httponly=True, samesite="strict", path="/")
        return self.notes.after(answer, "login", Asker(name, Way.WEB, role))

    async def log_out(self, visit: _PageVisit) -> Response:
        """Ends the session."""
        self._keeping.sessions.end(visit.request.cookies.get(self._cookie, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(self._cookie, secure=self._secure, httponly=True, samesite="strict", path="/")
        return self.notes.after(answer, "logout", visit.asker)

    # what they see

    async def now(self, visit: _PageVisit) -> Response:
        """Cameras, people, alerts, as they are."""
        state = await self._node.ask("state", visit.asker)
        return self._shown(visit.request, "now.html", session=visit.session, **_now(state))

    async def events(self, visit: _PageVisit) -> Response:
        """What changes of that, pushed."""
        return StreamingResponse(
            self._pushed(visit), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )

    async def _pushed(self, visit: _PageVisit) -> AsyncIterator[str]:
        shown: dict[str, str] = {}
        # proxies and browsers learn at once that it works
        yield ": here\n\n"
        async for state in self._node.states():
            if self._session(visit.request) is None:
                # nothing of people stays on a screen of somebody who may no longer look
                for name in _PUSHED:
                    yield pushed_event(name, self.part(visit, "_out.html") if name == "scene" else "")
                yield pushed_event("out", "")
                return
            if state is None:
                parts = {"verdict": "", "scene": self.part(visit, "_gone.html"), "alerts": "", "cameras": ""}
            else:
                content = _now(state)
                parts = {name: self.part(visit, f"_{name}.html", **content) for name in _PUSHED}
            for name, text in parts.items():
                # what has not changed stays, and with it where the keyboard is
                if shown.get(name) != text:
                    shown[name] = text
                    yield pushed_event(name, text)
            await asyncio.sleep(PUSH_EVERY)

    async def system(self, visit: _PageVisit) -> Response:
        """How the node is doing."""
        state = await self._node.ask("state", visit.asker)
        return self._shown(visit.request, "system.html", session=visit.session, state=state, needs=needs_in(state))

    # what they do

    async def acknowledge(self, visit: _PageVisit) -> Response:
        """Somebody knows of an alert."""
        await self._node.command("acknowledge", _given(visit, "camera", "rule", "alert_id"), visit.asker)
        return RedirectResponse("/", 303)

    async def silence(self, visit: _PageVisit) -> Response:
        """A rule sends nothing for a while, or sends again."""
        fields: dict[str, Any] = _given(visit, "camera", "rule")
        fields |= {"for": "0s" if visit.form.get("end") else visit.form.get("for", "30m")}
        await self._node.command("silence", fields, visit.asker)
        return RedirectResponse("/", 303)

    async def pause(self, visit: _PageVisit) -> Response:
        """A camera looks no more."""
        await self._node.command("pause", _given(visit, "camera", "for", "reason"), visit.asker)
        return RedirectResponse("/", 303)

    async def resume(self, visit: _PageVisit) -> Response:
        """A camera looks again."""
        await self._node.command("resume", _given(visit, "camera"), visit.asker)
        return RedirectResponse("/", 303)

    # what modules with further pages use

    @property
    def node(self) -> NodeLine:
        """The daemon."""
        return self._node

    @property
    def accounts(self) -> AccountBook:
        """Who may log in."""
        return self._keeping.accounts

    @property
    def delays(self) -> LoginDelays:
        """How long whoever guesses has to wait."""
        return self._keeping.delays

    def is_here(self, visit: _PageVisit) -> bool:
        """Whether somebody is still logged in, with the role that they had."""
        session = self._session(visit.request)
        return session is not None and session.role == visit.session.role

    def show(self, visit: _PageVisit, template: str, code: int = 200, **content: Any) -> Response:
        """A page out of a template."""
        return self._shown(visit.request, template, code, session=visit.session, **content)

    def show_stranger(self, request: Request, template: str, code: int = 200, **content: Any) -> Response:
        """The same for whoever is not logged in."""
        return self._shown(request, template, code, **content)

    def part(self, visit: _PageVisit, template: str, **content: Any) -> str:
        """A part of a page out of a template, as it is pushed."""
        return self._rendered(visit.request, template, session=visit.session, **content)

    # how it looks

    def _shown(self, request: Request, template: str, code: int = 200, **content: Any) -> Response:
        return HTMLResponse(self._rendered(request, template, **content), code)

    def _rendered(self, request: Request, template: str, **content: Any) -> str:
        wanted: str = content.pop("in_language", "")
        language = wanted if wanted in LANGUAGES else chosen_language(request.headers.get("accept-language", ""))
        texts = texts_in(language)
        session: LoginSession | None = content.pop("session", None)
        return self._templates.get_template(template).render(
            t=texts,
            language=language,
            path=request.url.path,
            session=session,
            Role=Role,
            labels=LABEL_NAMES,
            navigation=NAVIGATION,
            **content,
        )

    def _error(
        self,
        request: Request,
        code: int,
        problem: str,
        *,
        session: LoginSession | None = None,
        why: EdgeFerError | None = None,
    ) -> Response:
        return self._shown(
            request, "error.html", code, session=session, problem=problem, why=why, back=_came_from(request)
        )

    async def not_found(self, request: Request, _: Exception) -> Response:
        """There is no such page; who is not logged in learns no more."""
        if self._session(request) is None:
            return RedirectResponse("/login", 303)
        return self._error(request, 404, "not_found", session=self._session(request))

    async def failed(self, request: Request, _: Exception) -> Response:
        """A fault of ours; the log has it."""
        return self._error(request, 500, "fault")


async def _label_colours(_: Request) -> Response:
    """The colour of each emotion, out of their table."""
    rules = [f".mood.{label.name}::before {{ background: {label.colour}; }}" for label in LABELS]
    dark = [
        f".mood.{label.name}::before {{ background: {label.dark_colour}; }}" for label in LABELS if label.dark_colour
    ]
    text = "\n".join([*rules, "@media (prefers-color-scheme: dark) {", *dark, "}"])
    return Response(text, media_type="text/css", headers={"cache-control": "max-age=3600"})


def _now(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "state": state,
        "needs": needs_in(state),
        "alerts": alerts_in(state),
        "ended": ended_in(state),
        "silences": silences_in(state),
    }


def _came_from(request: Request) -> str:
    """The page of ours from which somebody came; the first one, where that is not known."""
    try:
        parts = urlsplit(request.headers.get("referer", "")[:2000])
    except ValueError:
        return "/"
    came = parts.path + (f"?{parts.query}" if parts.query else "")
    # an address that begins with two slashes would lead elsewhere
    if parts.netloc != request.headers.get("host") or not came.startswith("/") or came.startswith(("//", "/\\")):
        return "/"
    return "/" if parts.path == request.url.path else came


def _given(visit: _PageVisit, *names: str) -> dict[str, Any]:
    """Those fields of the form that have something in them."""
    return {name: visit.form[name] for name in names if visit.form.get(name)}
