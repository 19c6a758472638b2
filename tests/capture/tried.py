"""What was tried on which kind of source, with which result: `tests.capture.tried_page` writes it into a page.

A test says with `@tried` what it shows. So a row is in the table as long as there is a test of it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, TypeVar

__all__ = ["table", "tried"]

#: The tests that say what they show, in the order of the table.
TESTS = (
    "capture.test_rtsp",
    "capture.test_http_cameras",
    "capture.test_network",
    "capture.test_opencv_live",
    "usb.test_usb",
    "capture.test_freeze",
    "capture.test_films",
    "capture.test_recordings",
    "capture.test_jpeg",
    "capture.test_mutations",
)
ROWS: dict[str, list[Row]] = {}

Test = TypeVar("Test", bound=Callable[..., object])


class Row(NamedTuple):
    """A line of the table."""

    source: str
    trouble: str
    result: str


def tried(source: str, trouble: str, result: str) -> Callable[[Test], Test]:
    """Says what a test shows.

    Args:
        source: on which kind of source.
        trouble: what was tried.
        result: what happens then.
    """

    def keep(test: Test) -> Test:
        ROWS.setdefault(test.__module__.partition(".")[2], []).append(Row(source, trouble, result))
        return test

    return keep


def table() -> str:
    """The whole table, in Markdown."""
    for name in TESTS:
        import_module(f"tests.{name}")
    rows = sorted((row for name in TESTS for row in ROWS[name]), key=lambda row: _order().index(row.source))
    lines = ["| source | what was tried | what happens |", "|---|---|---|"]
    before = ""
    for row in rows:
        lines.append(f"| {'' if row.source == before else row.source} | {row.trouble} | {row.result} |")
        before = row.source
    return "\n".join(lines)


def _order() -> list[str]:
    return list(dict.fromkeys(row.source for name in TESTS for row in ROWS[name]))
