"""Makes the examples of messages in `docs/notifications.md`: `python -m tests.notify.examples`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from edge_fer.notify.items import ItemKind, NotifyItem
from edge_fer.notify.texts import NotifyTexts
from tests.notify.making import item

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notifications.md"
BEGIN, END = "<!-- messages: begin -->\n", "<!-- messages: end -->\n"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
WHEN = {"emotion": ["sad", "fear", "angry"], "score": 0.5, "repeated": 1}
FULL = {"rule": "distress", "when": WHEN, "value": 0.72, "threshold": 0.5}
LINK = {"link": "https://ward.lan:8443/acknowledge?token=…", "link_ends": NOON + 900}


def page() -> str:
    """The page with its examples made anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    rows = []
    for about, items in _cases():
        told = [_said(language, place, items) for language, place in (("en", "Ward 3"), ("de", "Station 3"))]
        rows.append(f"| {about} | {' | '.join(told)} |\n")
    return f"{before}| | `language: en` | `language: de` |\n|---|---|---|\n{''.join(rows)}{after}"


def _cases() -> Iterator[tuple[str, list[NotifyItem]]]:
    yield "an alert", [item(began=NOON)]
    yield "with `detail: full`", [item(began=NOON, facts=FULL)]
    yield "with `notify.page`", [item(began=NOON, facts=LINK)]
    yield "that flaps", [item(key=f"a{n}", began=NOON - 600 + n) for n in range(0, 600, 200)]
    yield "told late", [item(began=NOON - 1800)]
    yield "nobody has acknowledged it", [item(kind=ItemKind.ESCALATED, began=NOON, facts={"minutes": 5.0})]
    yield "it is over", [item(kind=ItemKind.RESOLVED, began=NOON)]
    yield "a lost camera", [_trouble("camera_lost")]
    yield "a covered camera", [_trouble("camera_blind")]
    yield "no broker", [_trouble("broker_lost", camera="")]
    yield "a slow broker", [_trouble("outbox_grows", camera="", count=1200)]
    yield "a full disk", [_trouble("disk_low", camera="", megabytes=150)]
    yield "a certificate", [_trouble("certificate_ends", ":broker", camera="", end=NOON + 864_000)]


def _trouble(what: str, of: str = "", *, camera: str = "bed-1", **facts: object) -> NotifyItem:
    return item(kind=ItemKind.TROUBLE, key=f"{what}{of}", began=NOON, camera=camera, facts={"what": what, **facts})


def _said(language: str, place: str, items: list[NotifyItem]) -> str:
    message = NotifyTexts(language, place=place, zone=UTC).message(items, now=NOON)
    return f"**{message.title}**<br>{message.text}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
