"""The page `Try the faces`: somebody makes each face in turn before a camera, and sees what is read of it.

It asks the daemon for a live view without a picture, so it may be done by those and where a live view may be. What was
read is added up here, shown to that one browser, and forgotten.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from edge_fer.emotion.trial import LEAST, Trial, TrialReading
from edge_fer.errors import EdgeFerError
from edge_fer.remote.asker import Role
from edge_fer.web.visit import PagesPort, PageVisit, pushed_event

__all__ = ["face_routes", "largest_seen"]

#: Seconds for which each face is to be held.
HOLD: Final = 5.0
#: Seconds of one live view; a walk that takes longer asks for another.
_A_VIEW: Final = 60.0
#: Seconds between two pictures of what is asked and read.
_PUSH_EVERY: Final = 0.5
#: Seconds before a live view is asked for again that ended with the daemon's service.
_AGAIN: Final = 0.5
#: Seconds without a frame after which a walk is given up.
_SILENT: Final = 15.0
#: Seconds for which what was read is shown without a newer frame.
_STANDS: Final = 2.0
#: Walks that are known at once: those that are about to begin, and those under way.
_MOST: Final = 16


def face_routes(pages: PagesPort) -> list[BaseRoute]:
    """The routes of the page.

    Args:
        pages: what pages have in common.
    """
    faces = _Faces(pages)
    return [
        Route("/faces", pages.page(faces.show, Role.OPERATOR)),
        Route("/faces/begin", pages.form(faces.begin, Role.OPERATOR), methods=["POST"]),
        Route("/faces/events", pages.page(faces.events, Role.OPERATOR)),
        Route("/faces/end", pages.form(faces.end, Role.OPERATOR), methods=["POST"]),
    ]


@dataclass(slots=True)
class _Walk:
    """Somebody who makes one face after another before a camera.

    Attributes:
        camera: before which.
        owner: the token of the forms of whoever does it.
        labels: the emotions that are asked for.
        ready: seconds to make each face.
        begun: whether it has begun; a walk is made once.
        stop: set when they want to see the result now.
    """

    camera: str
    owner: str
    labels: Sequence[str]
    ready: float
    begun: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class _Faces:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages
        self._walks: dict[str, _Walk] = {}

    async def show(self, visit: PageVisit) -> Response:
        """The page: before a walk, or with one that has not begun."""
        told = await self._told(visit, visit.request.query_params.get("camera", ""))
        state = await self._pages.node.ask("state", visit.asker)
        token = visit.request.query_params.get("walk", "")
        walk = self._own(visit, token)
        return self._pages.show(
            visit,
            "faces.html",
            told=told,
            never=state["privacy"]["live"] == "never",
            seconds=round(len(told["labels"]) * (told["ready"] + HOLD)),
            hold=round(HOLD),
            walk=token if walk and not walk.begun else "",
        )

    async def begin(self, visit: PageVisit) -> Response:
        """Somebody wants to begin: the page that they get does, once."""
        told = await self._told(visit, visit.form.get("camera", ""))
        while len(self._walks) >= _MOST:
            self._walks.pop(next(iter(self._walks))).stop.set()
        token = secrets.token_urlsafe(16)
        self._walks[token] = _Walk(told["camera"], visit.session.csrf, told["labels"], told["ready"])
        return RedirectResponse(f"/faces?camera={quote(told['camera'])}&walk={token}", 303)

    async def end(self, visit: PageVisit) -> Response:
        """They want to see the result now."""
        walk = self._own(visit, visit.form.get("walk", ""))
        if walk:
            walk.stop.set()
        return Response(status_code=204)

    async def events(self, visit: PageVisit) -> Response:
        """The walk, pushed."""
        token = visit.request.query_params.get("walk", "")
        return StreamingResponse(
            self._pushed(visit, token), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )

    async def _pushed(self, visit: PageVisit, token: str) -> AsyncIterator[str]:
        walk = self._own(visit, token)
        if walk is None or walk.begun:
            # a browser that lost the connection asks again
            result = self._part(visit, "result", problem="again", camera="")
        else:
            walk.begun, result = True, ""
            try:
                async with aclosing(_walked(self._pages, visit, walk)) as parts:
                    async for name, content in parts:
                        part = self._part(visit, name, camera=walk.camera, **content)
                        if name == "result":
                            result = part
                        else:
                            yield part
            finally:
                self._walks.pop(token, None)
        # what was asked is over, and its button is gone, before the result takes the focus
        for name in ("asked", "read", "controls"):
            yield pushed_event(name, "")
        if result:
            yield result
        yield pushed_event("end", "")

    def _part(self, visit: PageVisit, name: str, **content: Any) -> str:
        content = {"problem": "", "why": None, "rows": (), "mean": None} | content
        return pushed_event(name, self._pages.part(visit, f"_faces_{name}.html", **content))

    def _own(self, visit: PageVisit, token: str) -> _Walk | None:
        walk = self._walks.get(token)
        return walk if walk and walk.owner == visit.session.csrf else None

    async def _told(self, visit: PageVisit, camera: str) -> Mapping[str, Any]:
        fields = {"camera": camera} if camera else {}
        told: Mapping[str, Any] = await self._pages.node.ask("read", visit.asker, what="faces_trial", with_=fields)
        return told


async def _walked(pages: PagesPort, visit: PageVisit, walk: _Walk) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
    """What is to be shown of a walk as it goes on: the name of a part, and what is in it, where that has changed."""
    trial = Trial(walk.labels, ready=walk.ready, hold=HOLD)
    watch = _Watch(pages, visit, walk, trial)
    watching = asyncio.create_task(watch.run())
    shown: dict[str, dict[str, Any]] = {}
    problem = ""
    try:
        while not walk.stop.is_set():
            if not pages.is_here(visit):
                return
            if watching.done() or watch.silent_for() > _SILENT:
                problem = watch.problem or "silent"
                break
            seconds = watch.seconds()
            prompt = trial.prompt(seconds)
            if prompt is None:
                break
            asked = {"label": prompt.label, "counts": prompt.counts, "ready": round(walk.ready), "hold": round(HOLD)}
            asked |= {"number": walk.labels.index(prompt.label) + 1, "of": len(walk.labels), "waits": not watch.began}
            fresh = watch.silent_for() <= _STANDS
            read = {"left": round(prompt.left), "seen": watch.seen if fresh else None, "fresh": fresh and watch.began}
            for name, content in (("asked", asked), ("read", read)):
                if shown.get(name) != content:
                    shown[name] = content
                    yield name, content
            with suppress(TimeoutError):
                await asyncio.wait_for(walk.stop.wait(), _PUSH_EVERY)
    finally:
        watching.cancel()
    rights = [one.right for one in trial.tried if one.right is not None]
    yield (
        "result",
        {
            "problem": problem,
            "why": watch.why,
            "rows": [_row(one.label, one.right, one.shares, one.reasons) for one in trial.tried] if rights else [],
            "mean": sum(rights) / len(rights) if rights else None,
        },
    )


def _row(label: str, right: float | None, shares: Mapping[str, float], reasons: Mapping[str, float]) -> dict[str, Any]:
    others = [(other, share) for other, share in shares.items() if other != label and share >= LEAST]
    return {"label": label, "right": right, "others": others, "why": max(reasons, key=reasons.__getitem__, default="")}


class _Watch:
    """Takes what is read before a camera, for as long as a walk lasts.

    Attributes:
        began: whether the first frame has come.
        seen: what was read in the newest frame; None where there was no face.
        problem: why it has ended, as the end of a text's key; empty: it has not.
        why: the same, of the daemon.
    """

    def __init__(self, pages: PagesPort, visit: PageVisit, walk: _Walk, trial: Trial) -> None:
        self._pages = pages
        self._visit = visit
        self._walk = walk
        self._trial = trial
        self._made = self._newest = time.monotonic()
        self._first: float | None = None
        self.seen: TrialReading | None = None
        self.problem = ""
        self.why: EdgeFerError | None = None

    @property
    def began(self) -> bool:
        return self._first is not None

    def seconds(self) -> float:
        """Since the first frame."""
        return 0.0 if self._first is None else time.monotonic() - self._first

    def silent_for(self) -> float:
        """Seconds since the newest frame."""
        return time.monotonic() - self._newest

    async def run(self) -> None:
        """Watches until it is cancelled, or cannot go on."""
        while not self.problem:
            try:
                why = await self._view()
            except EdgeFerError as error:
                if not self.began:
                    self.problem, self.why = "refused", error
                # the service that begins anew refuses for a moment; one that does not come back falls silent
                why = "restart"
            if why in {"elsewhere", "fault"}:
                self.problem = why
            elif why == "restart":
                await asyncio.sleep(_AGAIN)

    async def _view(self) -> str:
        """Takes the frames of one live view; why it ended."""
        live = self._pages.node.live(self._walk.camera, _A_VIEW, self._visit.asker, picture=False)
        async with aclosing(live) as events:
            async for event in events:
                if event.get("event") == "live_end":
                    return str(event["live_end"])
                if event.get("event") == "live":
                    self._take(event["live"])
        return "restart"

    def _take(self, frame: Mapping[str, Any]) -> None:
        self._newest = time.monotonic()
        if self._first is None:
            self._first = self._newest
        self.seen = largest_seen(frame["faces"])
        self._trial.take(self._newest - self._first, self.seen)


def largest_seen(faces: Sequence[Mapping[str, Any]]) -> TrialReading | None:
    """What was read of the largest face in a frame of a live view; None where nobody's was.

    Args:
        faces: as the control socket tells them.
    """
    read = [face for face in faces if face["emotion"] is not None]
    if not read:
        return None
    largest = max(read, key=lambda face: face["box"][2] * face["box"][3])
    reasons = tuple(largest["faults"]) or ((largest["doubt"],) if largest["doubt"] else ())
    return TrialReading(largest["emotion"], reasons)
