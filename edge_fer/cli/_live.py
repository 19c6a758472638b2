"""A screen in a terminal that is drawn again and again, and the demo's, which shows the node on it while it runs."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Final, Self

from edge_fer.cli._say import draw, say
from edge_fer.cli._status_screen import BARS, PLAIN_BARS, screen
from edge_fer.control.client import ControlClient
from edge_fer.errors import EdgeFerError
from edge_fer.log import ASKED
from edge_fer.support.harmless import harmless

__all__ = ["DemoView", "LiveScreen", "bars", "can_draw", "demo_lines", "fitted"]

#: A screen of its own without a cursor, and back; to its top, and away with what is below.
_BEGIN, _END, _HOME, _REST = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H", "\x1b[J"
_REST_OF_LINE = "\x1b[K"
#: How lines are coloured, by what is in them; the first that fits has it.
_COLOURS: Final = (
    (re.compile(r"^  FIRING |\bALERT\b"), "1;31"),
    (re.compile(r"^  pending |NOT CONNECTED|NOT THERE"), "33"),
    (re.compile(r"^Try next: "), "36"),
    (re.compile(r"^  \S+  happy\b"), "32"),
    (re.compile(r"^  \S+  (angry|disgust)\b"), "31"),
    (re.compile(r"^  \S+  (sad|fear)\b"), "34"),
    (re.compile(r"^  \S+  surprise\b"), "35"),
    (re.compile(r"^  \S+  uncertain\b"), "2"),
)
#: Lines that the demo shows of what has happened, and of the log that it keeps for its end.
_LATEST, _LOGGED = 7, 200
#: Seconds for which one hint is shown.
_HINT_FOR = 8.0
#: Seconds after which a daemon that does not answer is asked anew.
_PATIENCE, _AGAIN = 10.0, 0.3


def can_draw() -> bool:
    """Whether standard output is a terminal on which lines can be drawn over."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def bars() -> str:
    """What bars are drawn with, full and empty, as far as standard output can show it."""
    try:
        BARS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_BARS
    return BARS


class LiveScreen:
    """Takes the terminal from when it is entered until it is left; may be drawn on from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False

    def __enter__(self) -> Self:
        with self._lock:
            draw(_BEGIN)
            self._taken = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._taken = False
            # whoever has closed the terminal needs nothing back
            with suppress(OSError):
                draw(_END)

    def show(self, lines: Sequence[str]) -> None:
        """Draws lines in the place of those before, as far as the screen is taken.

        Raises:
            OSError: there is no terminal any more.
        """
        size = shutil.get_terminal_size()
        shown = fitted(lines, size.columns, size.lines, colours=not os.environ.get("NO_COLOR"))
        with self._lock:
            if self._taken:
                draw(_HOME + shown + _REST)


def fitted(lines: Sequence[str], columns: int, rows: int, *, colours: bool) -> str:
    """As much of the lines as the terminal has room for; the last three are always shown."""
    if len(lines) > rows - 1:
        lines = [*lines[: max(rows - 4, 0)], *lines[-3:]]
    drawn = []
    for line in lines:
        cut = harmless(line)[: columns - 1]
        colour = next((code for what, code in _COLOURS if what.search(line)), None) if colours else None
        drawn.append((f"\x1b[{colour}m{cut}\x1b[0m" if colour else cut) + _REST_OF_LINE)
    return "\r\n".join(drawn)


def demo_lines(
    state: Mapping[str, Any] | None,
    latest: Sequence[str],
    hints: Sequence[str],
    *,
    seconds: float,
    bar: str,
    page: str = "",
    about: Sequence[str] = (),
) -> list[str]:
    """The lines of the demo.

    Args:
        state: of the node, as the control socket tells it; None before there is one.
        latest: what has happened, the newest last.
        hints: what to try next, one of which is shown.
        seconds: since the demo began.
        bar: what bars are drawn with.
        page: the address of the page, if there is one.
        about: what is always to be seen.
    """
    above = ["edge-fer begins ...", ""] if state is None else screen(state, bar)
    happened = ["What has happened:", *(f"  {line}" for line in latest)] if latest else ["Nobody has come yet."]
    hint = hints[int(seconds / _HINT_FOR) % len(hints)]
    link = [f"Page, log in once by: {page}"] if page else []
    return [*above, *happened, "", *about, *link, f"Try next: {hint}", "Ctrl-C ends this."]


class DemoView:
    """Shows the node of this process on a screen of its own, from when it is entered until it is left.

    What the log says meanwhile is among what has happened, and is written to standard error at the end.

    Args:
        socket: the control socket of this process.
        hints: what to try next.
        about: what is to be seen all the time, by the state of the node as far as it is known.
    """

    def __init__(
        self, socket: Path, hints: Sequence[str], about: Callable[[Mapping[str, Any] | None], Sequence[str]]
    ) -> None:
        self._socket = socket
        self._about = about
        self._hints = hints
        self._screen = LiveScreen()
        self._state: Mapping[str, Any] | None = None
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self._logged: deque[str] = deque(maxlen=_LOGGED)
        self._begun = time.monotonic()
        self._page = ""
        self._over = Event()
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        self._ending.enter_context(self._screen)
        self._ending.enter_context(redirect_stderr(_Collected(self._log)))
        self._draw()
        Thread(target=self._watch, name="demo", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._ending.close()
        with suppress(OSError):
            for line in self._logged:
                say(line, out=sys.stderr)

    def say(self, line: str) -> None:
        """Shows a line among what has happened.

        Raises:
            OSError: there is no terminal any more.
        """
        self._latest.append(line)
        self._draw()

    def show_page(self, address: str) -> None:
        """Shows the address of the page from now on."""
        self._page = address

    def _log(self, line: str) -> None:
        if f" {ASKED}: " in line:
            return  # whoever asked sits before this screen
        self._logged.append(line)
        self._latest.append(line)

    def _draw(self) -> None:
        seconds = time.monotonic() - self._begun
        self._screen.show(
            demo_lines(
                self._state,
                list(self._latest),
                self._hints,
                seconds=seconds,
                bar=bars(),
                page=self._page,
                about=self._about(self._state),
            ),
        )

    def _watch(self) -> None:
        while not self._over.is_set():
            # it may not listen yet, or begin anew
            with suppress(EdgeFerError), ControlClient([self._socket], timeout=_PATIENCE, patience=_PATIENCE) as client:
                self._state = client.ask("subscribe")
                for event in client.events():
                    if self._over.is_set():
                        return
                    if event["event"] == "state":
                        self._state = event["state"]
                    # a terminal that has gone is found out by `say`, which tells of it
                    with suppress(OSError):
                        self._draw()
            self._over.wait(_AGAIN)


class _Collected(io.TextIOBase):
    """A stream that hands on each line."""

    def __init__(self, take: Any) -> None:
        self._take = take
        self._held = ""

    def write(self, text: str, /) -> int:
        """Takes text; hands on the lines that have come to their end."""
        *lines, self._held = (self._held + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)
