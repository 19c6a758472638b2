"""The pages about what was: the history, the log, and what the doctor finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.web.node import NodeLine
from edge_fer.web.views import clock_of
from edge_fer.web.visit import PagesPort, PageVisit, form_of

__all__ = ["DayView", "HourView", "bars_of", "past_routes", "week_of"]

_PERIODS: Final = ("today", "week")
_FURTHEST: Final = 400
#: Seconds between two times at which the daemon is asked for what the notice says.
_ASKED_EVERY: Final = 10.0
#: Whoever reads the notice.
_SOMEBODY: Final = Asker("notice", Way.WEB, Role.VIEWER)


def past_routes(pages: PagesPort) -> list[BaseRoute]:
    """Their routes."""
    past = _Past(pages)
    return [
        Route("/history", pages.page(past.history, Role.VIEWER)),
        Route("/history/edge-fer.csv", pages.page(past.csv, Role.VIEWER)),
        Route("/notice", past.notice, methods=["GET"]),
        Route("/notice/pause", past.pause_room, methods=["POST"]),
        Route("/log", pages.page(past.log, Role.OPERATOR)),
        Route("/findings", pages.page(past.findings, Role.OPERATOR)),
    ]


class _Past:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages
        self._notices = _Notices()

    async def history(self, visit: PageVisit) -> Response:
        """A day or a week of each camera."""
        period, back = _asked(visit)
        content: dict[str, Any] = {"period": period, "back": back, "refused": None, "told": None, "cameras": []}
        try:
            told = await self._read(visit, "history", period=period, back=back)
        except CommandError as error:
            content["refused"] = error
        else:
            make = bars_of if period == "today" else week_of
            last = datetime.fromisoformat(told["to"]) - timedelta(hours=1)
            content |= {
                "told": told,
                "last": f"{last:%Y-%m-%d}",
                "cameras": [(name, one, make(one)) for name, one in told["cameras"].items()],
            }
        return self._pages.show(visit, "history.html", **content)

    async def csv(self, visit: PageVisit) -> Response:
        """The hours, for a spreadsheet."""
        period, back = _asked(visit)
        told = await self._read(visit, "history", period=period, back=back, csv=True)
        name = f'attachment; filename="edge-fer-{period}-{back}.csv"'
        return Response(told["csv"], media_type="text/csv", headers={"content-disposition": name})

    async def notice(self, request: Request) -> Response:
        """What people who are watched should know; nobody has to log in."""
        # also where the daemon does not run: what holds in any case
        told = await self._told()
        wanted = request.query_params.get("language", "")
        return self._pages.show_stranger(request, "notice.html", told=told, in_language=wanted, paused="")

    async def pause_room(self, request: Request) -> Response:
        """Has the room paused for people who are watched; nobody has to log in, but they need the passcode."""
        form = await form_of(request) or {}
        content: dict[str, Any] = {"told": await self._told(), "in_language": form.get("language", "")}
        address = request.client.host if request.client else ""
        delays, now, name = self._pages.delays, time.time(), f"notice {address}"
        if (wait := delays.wait(name, "", now)) > 0:
            return self._pages.show_stranger(request, "notice.html", 429, paused="wait", wait=int(wait) + 1, **content)
        # counted before it is looked at, so that many at once are no way around the wait
        delays.failed(name, "", now)
        try:
            done = await self._pages.node.command("guest_pause", {"passcode": form.get("passcode", "")}, _SOMEBODY)
        except CommandError as error:
            code, why = (429, "often") if error.code == ErrorCode.TOO_FREQUENT else (403, "wrong")
            return self._pages.show_stranger(request, "notice.html", code, paused=why, **content)
        except EdgeFerError:
            return self._pages.show_stranger(request, "notice.html", 503, paused="gone", **content)
        delays.succeeded(name, "")
        until = _minute_of(done["until"], content["told"])
        return self._pages.show_stranger(request, "notice.html", paused="done", until=until, **content)

    async def _told(self) -> Mapping[str, Any] | None:
        """What the daemon says for the notice; None where it does not run."""
        with suppress(EdgeFerError):
            return await self._notices.newest(self._pages.node)
        return None

    async def log(self, visit: PageVisit) -> Response:
        """Its newest lines, the newest first."""
        lines = await self._read(visit, "log")
        state = await self._pages.node.ask("state", visit.asker)
        return self._pages.show(visit, "log.html", lines=list(reversed(lines)), state=state)

    async def findings(self, visit: PageVisit) -> Response:
        """What the doctor finds, what is wrong first."""
        try:
            found = await self._read(visit, "findings")
        except CommandError as error:
            if error.field != "doctor":
                raise
            return self._pages.show(visit, "findings.html", findings=None)
        order = ("fault", "warning", "good", "skipped")
        ranked = sorted(found, key=lambda one: order.index(one["state"]) if one["state"] in order else len(order))
        return self._pages.show(visit, "findings.html", findings=ranked)

    async def _read(self, visit: PageVisit, what: str, **fields: Any) -> Any:
        return await self._pages.node.ask("read", visit.asker, what=what, with_=fields)


def _minute_of(moment: str, told: Mapping[str, Any] | None) -> str:
    return clock_of(moment, (told or {}).get("timezone", "UTC"))[:5]


class _Notices:
    """Asks the daemon now and then, however often strangers ask us."""

    def __init__(self) -> None:
        self._told: Mapping[str, Any] | None = None
        self._at = float("-inf")
        self._asking = asyncio.Lock()

    async def newest(self, node: NodeLine) -> Mapping[str, Any] | None:
        """What it said last; None where it has just said nothing."""
        async with self._asking:
            if time.monotonic() - self._at > _ASKED_EVERY:
                self._at, self._told = time.monotonic(), None
                self._told = await node.ask("read", _SOMEBODY, what="notice")
            return self._told


def _asked(visit: PageVisit) -> tuple[str, int]:
    """The period and how far back; what is none is today."""
    asked = visit.request.query_params
    period, back = asked.get("period", "today"), asked.get("back", "0")
    known = period in _PERIODS and back.isdecimal() and len(back) < 4 and int(back) <= _FURTHEST
    return (period, int(back)) if known else ("today", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourView:
    """An hour, or the same hour of the week.

    Attributes:
        name: such as 09.
        visits: who was there; None: not watched, or held back.
        share: of the busiest hour, 0 to 10.
        satisfaction: 0 to 100; None: not known.
        held_back: whether too few people made it.
        alerts: how many began.
    """

    name: str
    visits: int | None = None
    share: int = 0
    satisfaction: float | None = None
    held_back: bool = False
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class DayView:
    """A day of the week's table: its number (0: Monday), its date, and its hours."""

    weekday: int
    date: str
    hours: Sequence[HourView]


def bars_of(camera: Mapping[str, Any]) -> Sequence[HourView]:
    """The hours of a day, those alone that there is anything of."""
    began = [_hour_of(alert["began"]) for alert in camera["alerts"] or ()]
    most = max((hour.get("visits") or 0 for hour in camera["hours"]), default=0)
    return [_view(hour, most, began.count(_hour_of(hour["since"]))) for hour in camera["hours"]]


def week_of(camera: Mapping[str, Any]) -> Sequence[DayView]:
    """The days of a week with the hours in which anything was watched on any of them."""
    hours = camera["hours"]
    used = [datetime.fromisoformat(hour["since"]).hour for hour in hours]
    clock = range(min(used), max(used) + 1) if used else range(0)
    most = max((hour.get("visits") or 0 for hour in hours), default=0)
    days: dict[str, dict[int, HourView]] = {}
    for hour in hours:
        at = datetime.fromisoformat(hour["since"])
        # an hour that comes twice, when the clocks are put back: the busier one
        known = days.setdefault(at.date().isoformat(), {})
        view = _view(hour, most, 0)
        if at.hour not in known or (view.visits or 0) > (known[at.hour].visits or 0):
            known[at.hour] = view
    return [
        DayView(
            datetime.fromisoformat(date).weekday(),
            date,
            [known.get(hour, HourView(name=f"{hour:02}")) for hour in clock],
        )
        for date, known in sorted(days.items())
    ]


def _view(hour: Mapping[str, Any], most: int, alerts: int) -> HourView:
    visits = hour.get("visits")
    return HourView(
        name=f"{datetime.fromisoformat(hour['since']).hour:02}",
        visits=visits,
        share=0 if not visits or not most else max(1, round(10 * visits / most)),
        satisfaction=hour.get("satisfaction"),
        held_back=bool(hour["held_back"]),
        alerts=alerts,
    )


def _hour_of(moment: str) -> str:
    """The hour that a moment is in, UTC, which alone tells those apart that come twice."""
    return datetime.fromisoformat(moment).astimezone(UTC).isoformat()[:13]
