"""The page that shows what may be set, tries it before it is set, and sets it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from edge_fer.errors import CommandError
from edge_fer.remote.asker import Role
from edge_fer.web.fields import SettingView, TypedError, plain_value, settings_in, value_of
from edge_fer.web.visit import PagesPort, PageVisit

__all__ = ["compared", "tune_routes"]

#: Sessions of which it is known what they have set last.
_MOST_CHANGED: Final = 64
_RIGHT: Final[Mapping[str, str]] = {"key": "", "value": "", "unit": "", "why": "", "text": ""}
_UNCHANGED: Final[Mapping[str, str]] = {"key": "", "old": "", "new": "", "was_set": ""}


def tune_routes(pages: PagesPort) -> list[BaseRoute]:
    """The routes of the page.

    Args:
        pages: what pages have in common.
    """
    tune = _Tune(pages)
    return [
        Route("/tune", pages.page(tune.show, Role.VIEWER)),
        Route("/tune/set", pages.form(tune.set_value, Role.OPERATOR), methods=["POST"]),
        Route("/tune/try", pages.form(tune.try_value, Role.OPERATOR), methods=["POST"]),
    ]


class _Tune:
    def __init__(self, pages: PagesPort) -> None:
        self._pages = pages
        #: what each session has set last, until it was shown
        self._changed: dict[str, Mapping[str, str]] = {}

    async def show(self, visit: PageVisit) -> Response:
        """What may be set."""
        return await self._shown(visit)

    async def _shown(self, visit: PageVisit, code: int = 200, *, wrong: Mapping[str, str] = _RIGHT) -> Response:
        """What may be set; with what is wrong about a value, beside its field."""
        settings = settings_in(await self._pages.node.ask("settings", visit.asker, schema=True))
        groups: dict[tuple[str, str], list[SettingView]] = {}
        # what most people look for first
        for one in sorted(settings, key=lambda one: (one.camera, one.group != "alerts")):
            groups.setdefault((one.camera, one.group), []).append(one)
        # not out of the address, in which anybody may write anything
        changed = self._changed.pop(visit.session.csrf, _UNCHANGED)
        known = {one.key: one for one in settings}
        return self._pages.show(visit, "tune.html", code, groups=groups, known=known, changed=changed, wrong=wrong)

    async def set_value(self, visit: PageVisit) -> Response:
        """Sets one key, or leaves it to the files again."""
        key = visit.form.get("key", "")
        before = await self._pages.node.ask("settings", visit.asker, schema=True)
        try:
            value = None if visit.form.get("default") else _given(visit, before)
            result = await self._pages.node.command("set", {"key": key, "value": value}, visit.asker)
        except (CommandError, TypedError) as error:
            return await self._refused(visit, before, error)
        old, new = (json.dumps(result[name], ensure_ascii=False) for name in ("old", "new"))
        while len(self._changed) >= _MOST_CHANGED:
            del self._changed[next(iter(self._changed))]
        was_set = "yes" if key in before["set"] else ""
        changed = {"key": key, "old": old, "new": new, "was_set": was_set, "undone": visit.form.get("undo", "")}
        self._changed[visit.session.csrf] = changed
        return RedirectResponse("/tune", 303)

    async def try_value(self, visit: PageVisit) -> Response:
        """Which alerts would have come in the last hour."""
        key = visit.form.get("key", "")
        told = await self._pages.node.ask("settings", visit.asker, schema=True)
        try:
            value = _given(visit, told)
            found = await self._pages.node.ask("try", visit.asker, set={key: value})
        except (CommandError, TypedError) as error:
            return await self._refused(visit, told, error)
        state = await self._pages.node.ask("state", visit.asker)
        old = told["values"].get(key, {}).get("value")
        return self._pages.show(
            visit,
            "try.html",
            setting=_named(told, key),
            value=value,
            old="" if old is None else old,
            found=found,
            timezone=state["timezone"],
            minutes=max(1, round(found["seconds"] / 60)),
            rows=compared(found["before"], found["after"]),
        )

    async def _refused(self, visit: PageVisit, told: Mapping[str, Any], error: CommandError | TypedError) -> Response:
        """The form as it was sent, with what is wrong beside the field."""
        key = visit.form.get("key", "")
        shown = any(one.key == key for one in settings_in(told))
        if isinstance(error, CommandError) and (error.code == "denied" or not shown):
            raise error
        text = str(error) if isinstance(error, TypedError) else ""
        wrong = {name: visit.form.get(name, "") for name in ("value", "unit")}
        wrong |= {"key": key, "text": text, "why": "" if text else _without_place(str(error), key)}
        return await self._shown(visit, 409, wrong=wrong)


def _without_place(problem: str, key: str) -> str:
    """What is wrong, without the layer and the key, beside which it is shown."""
    return problem.partition(f"{key}: ")[2] or problem


def _named(told: Mapping[str, Any], key: str) -> SettingView | None:
    return next((one for one in settings_in(told) if one.key == key), None)


def _given(visit: PageVisit, told: Mapping[str, Any]) -> Any:
    """The value that somebody typed, as in the config file; a key that may not be set is the daemon's to refuse.

    Raises:
        TypedError: it is no value.
    """
    text = visit.form.get("value", "")
    setting = _named(told, visit.form.get("key", ""))
    if setting is None or visit.form.get("plain"):
        return plain_value(text)
    return value_of(text, unit=visit.form.get("unit", ""), setting=setting, language=visit.language)


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
