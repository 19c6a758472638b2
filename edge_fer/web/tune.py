"""The page that tries a threshold before it is set."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edge_fer.remote.asker import Role
from edge_fer.web.visit import PagesPort, PageVisit

__all__ = ["compared", "tune_routes", "value_of"]


def tune_routes(pages: PagesPort) -> list[BaseRoute]:
    """The routes of the page.

    Args:
        pages: what pages have in common.
    """
    tune = _Tune(pages)
    return [Route("/tune/try", pages.form(tune.try_value, Role.OPERATOR), methods=["POST"])]


class _Tune:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages

    async def try_value(self, visit: PageVisit) -> Response:
        """Which alerts would have come in the last hour."""
        key, text = visit.form.get("key", ""), visit.form.get("value", "")
        told = await self._pages.node.ask("settings", visit.asker)
        found = await self._pages.node.ask("try", visit.asker, set={key: value_of(text)})
        state = await self._pages.node.ask("state", visit.asker)
        old = told["values"].get(key, {}).get("value")
        return self._pages.show(
            visit,
            "try.html",
            key=key,
            value=text,
            old="" if old is None else old,
            found=found,
            timezone=state["timezone"],
            minutes=max(1, round(found["seconds"] / 60)),
            rows=compared(found["before"], found["after"]),
        )


def compared(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], bool, bool]]:
    """The alerts of both, in the order of time, each with whether it comes before and after.

    An alert is the same in both where the condition began at the same time.
    """
    rest = list(after)
    rows: list[tuple[Mapping[str, Any], bool, bool]] = []
    for one in before:
        same = next((other for other in rest if _key(other) == _key(one)), None)
        if same:
            rest.remove(same)
        rows.append((one, True, same is not None))
    rows += [(one, False, True) for one in rest]
    return sorted(rows, key=lambda row: row[0]["fired"])


def _key(alert: Mapping[str, Any]) -> tuple[str, str, str]:
    return alert["camera"], alert["rule"], alert["since"]


def value_of(text: str) -> Any:
    """What a value means: numbers and switches as in JSON, everything else as text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, int | float | bool) and math.isfinite(found) else text
