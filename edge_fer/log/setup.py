"""Where the log goes, and what goes into it."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable

from edge_fer.errors import EdgeFerError
from edge_fer.log.journal import JournalHandler, is_journal, priority
from edge_fer.log.repeats import Repeats

__all__ = ["NotAgain", "complain", "set_up_log"]

#: Of our handler, by which it is known when it is replaced.
NAME = "edge-fer"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: What differs between two tellings of one trouble: seconds, counts, ports.
NUMBER = re.compile(r"\d+")


class NotAgain(logging.Filter):
    """Holds back what has been said already, and says how often when it lets it through again.

    A handler's filter: a handler lets one thread in at a time.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._repeats = Repeats()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record; debugging is left as it is."""
        if record.levelno <= logging.DEBUG:
            return True
        message = record.getMessage()
        words = f"{record.name}:{record.levelno}:{NUMBER.sub('#', message)}"
        held_back = self._repeats.admit(words, self._clock())
        if held_back:
            record.msg, record.args = f"{message} (and {held_back} times more since this was last told)", ()
        return held_back is not None


def set_up_log(level: str) -> None:
    """Sends the log to the journal, where systemd has started us, else to standard error. May be called again.

    Args:
        level: `debug`, `info`, `warning` or `error`.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.name == NAME]:
        root.removeHandler(handler)
        handler.close()
    handler = _handler()
    handler.set_name(NAME)
    handler.addFilter(NotAgain())
    root.addHandler(handler)
    root.setLevel(level.upper())


def complain(error: EdgeFerError) -> None:
    """Tells on standard error what ends the program; the journal learns that it is an error."""
    text = f"edge-fer: {error}"
    if is_journal():
        # the journal takes each line for a message, and the number before it for its priority
        text = "\n".join(f"<{priority(logging.ERROR)}>{line}" for line in text.splitlines())
    print(text, file=sys.stderr)  # noqa: T201


def _handler() -> logging.Handler:
    if is_journal():
        try:
            return JournalHandler()
        except OSError:
            pass  # standard error leads there as well, only without fields
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler
