"""The newest lines of the log, kept in memory for whoever asks over the control socket."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from edge_fer.log.plain import PlainFormatter

__all__ = ["MOST_LINES", "RecentLines"]

#: Lines that are kept; the oldest goes first.
MOST_LINES: Final = 1000
#: Characters of a line; the rest is cut off.
_LONGEST: Final = 300


class RecentLines(logging.Filter):
    """Keeps each with its time and level. Stands behind the handler's other filters, and holds nothing back."""

    def __init__(self) -> None:
        super().__init__()
        self._formatter = PlainFormatter()
        self._lines: deque[tuple[float, str, str]] = deque(maxlen=MOST_LINES)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps a line."""
        text = self._formatter.format(record)
        self._lines.append((record.created, record.levelname.lower(), text[:_LONGEST]))
        return True

    def lines(self) -> Sequence[tuple[float, str, str]]:
        """Unix seconds, level and text of each, the oldest first."""
        return tuple(self._lines)
