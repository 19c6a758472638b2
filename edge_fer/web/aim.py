"""The page `Aim`: a live view for a minute, and zones."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from edge_fer.errors import EdgeFerError
from edge_fer.remote.asker import Role
from edge_fer.web.texts import chosen_language, texts_in
from edge_fer.web.visit import PagesPort, PageVisit
from edge_fer.web.zones import corners_in, needs_staff_zone, zone_key, zones_in

__all__ = ["aim_routes"]

#: Seconds of one live view.
A_LOOK: Final = 60.0
#: Seconds before the view goes on after the daemon has begun anew, as after a change of zones.
_AGAIN: Final = 0.5
#: How the keys of the texts begin that the script needs.
_SCRIPT: Final = (
    "look_", "face", "seen_", "fault_", "label_", "light", "view", "needed_", "corner", "of_zone",
    "zone_whole", "zone_saving", "zone_done", "percent_",
)  # fmt: skip
#: Sessions of which it is known what zone they have changed last.
_MOST_CHANGED: Final = 64


def aim_routes(pages: PagesPort) -> list[BaseRoute]:
    """The routes of the page.

    Args:
        pages: what pages have in common.
    """
    aim = _Aim(pages)
    return [
        Route("/aim", pages.page(aim.show, Role.VIEWER)),
        Route("/aim/live", pages.form(aim.live, Role.OPERATOR), methods=["POST"]),
        Route("/aim/zone", pages.form(aim.set_zone, Role.ADMIN), methods=["POST"]),
        Route("/aim/undo", pages.form(aim.undo, Role.ADMIN), methods=["POST"]),
    ]


class _Aim:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages
        #: by session: camera, zone and value before, of the zone that was changed last
        self._changed: dict[str, tuple[str, str, Any]] = {}

    async def show(self, visit: PageVisit) -> Response:
        """The page of one camera."""
        node = self._pages.node
        state = await node.ask("state", visit.asker)
        told = await node.ask("settings", visit.asker)
        camera = visit.request.query_params.get("camera", "")
        if camera not in state["cameras"]:
            camera = next(iter(state["cameras"]))
        zones = zones_in(told, camera)
        changed = self._changed.get(visit.session.csrf)
        return self._pages.show(
            visit,
            "aim.html",
            state=state,
            camera=camera,
            aim_texts=_script_texts(visit),
            zones=zones,
            needs_staff_zone=needs_staff_zone(told, zones),
            may_look=visit.session.role.includes(Role.OPERATOR),
            may_draw=visit.session.role.includes(Role.ADMIN),
            changed=changed[1] if changed and changed[0] == camera else "",
        )

    async def live(self, visit: PageVisit) -> Response:
        """A live view, as lines of JSON."""
        lines = self._lines(visit, visit.form.get("camera", ""))
        # whatever is refused is answered as with every form
        first = await anext(lines)
        return StreamingResponse(
            _after(first, lines), media_type="application/x-ndjson", headers={"x-accel-buffering": "no"}
        )

    async def _lines(self, visit: PageVisit, camera: str) -> AsyncIterator[str]:
        end = time.monotonic() + A_LOOK
        why, begun = "restart", False
        while why == "restart" and (left := end - time.monotonic()) >= 1:
            try:
                async with aclosing(self._pages.node.live(camera, min(left, A_LOOK), visit.asker)) as events:
                    async for event in events:
                        if not self._pages.is_here(visit):
                            return
                        if event.get("event") == "live_end":
                            why = event["live_end"]
                        else:
                            begun = True
                            yield _line(event)
            except EdgeFerError:
                if not begun:
                    raise
            # a change of zones has the cameras begin anew: the rest of the time is still theirs
            await asyncio.sleep(_AGAIN if why == "restart" else 0)
        yield _line({"event": "live_end", "live_end": why})

    async def set_zone(self, visit: PageVisit) -> Response:
        """Sets a zone, or takes it away."""
        camera = visit.form.get("camera", "")
        key = zone_key(camera, visit.form.get("name", "").strip())
        told = await self._pages.node.ask("settings", visit.asker)
        before = told["set"].get(key)
        if visit.form.get("remove"):
            await self._remove(visit, key, was_set=before is not None)
        else:
            zone = {
                "kind": visit.form.get("kind", "exclude"),
                "polygon": corners_in(visit.form.get("corners", "")),
            }
            await self._configure(visit, key, zone)
        while len(self._changed) >= _MOST_CHANGED:
            del self._changed[next(iter(self._changed))]
        self._changed[visit.session.csrf] = (camera, key, before)
        return _back(camera)

    async def undo(self, visit: PageVisit) -> Response:
        """Takes the last change back."""
        changed = self._changed.pop(visit.session.csrf, None)
        if changed is None:
            return _back(visit.form.get("camera", ""))
        camera, key, before = changed
        await self._configure(visit, key, before)
        return _back(camera)

    async def _remove(self, visit: PageVisit, key: str, *, was_set: bool) -> None:
        # a zone that was only set is gone with the setting; one of a config file must be switched off
        result = await self._configure(visit, key, None) if was_set else {"new": True}
        if result["new"] is not None:
            await self._configure(visit, key, False)

    async def _configure(self, visit: PageVisit, key: str, value: Any) -> Mapping[str, Any]:
        result: Mapping[str, Any] = await self._pages.node.command(
            "configure", {"key": key, "value": value}, visit.asker
        )
        return result


def _script_texts(visit: PageVisit) -> str:
    """What the script says, in the visitor's language, as JSON."""
    texts = texts_in(chosen_language(visit.request.headers.get("accept-language", "")))
    return json.dumps({key: text for key, text in texts.items() if key.startswith(_SCRIPT)}, ensure_ascii=False)


def _back(camera: str) -> Response:
    return RedirectResponse(f"/aim?camera={quote(camera)}", 303)


async def _after(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in rest:
        yield line


def _line(event: Mapping[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":")) + "\n"
