"""Where the log goes, and what goes into it."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from edge_fer.errors import EdgeFerError
from edge_fer.log.journal import FIELDS, JournalHandler, is_journal, priority
from edge_fer.log.plain import PlainFormatter, message_of, put_message
from edge_fer.log.recent import RecentLines
from edge_fer.log.repeats import Repeats
from edge_fer.support.harmless import harmless
from edge_fer.support.redact import redacted_text

__all__ = ["ASKED", "NotAgain", "complain", "set_up_log"]

#: Of our handler, by which it is known when it is replaced.
NAME = "edge-fer"
#: The logger of who asked for what from elsewhere, and what came of it: told at the default level, and each time.
ASKED = "edge_fer.asked"
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
        if record.name == ASKED:
            # who asked for what is told each time
            return True
        message = message_of(record)
        # two cameras may differ by a number alone
        about = [getattr(record, name, None) for name in FIELDS]
        words = f"{record.name}:{record.levelno}:{about}:{NUMBER.sub('#', message)}"
        held_back = self._repeats.admit(words, self._clock())
        if held_back:
            put_message(record, f"{message} (and {held_back} times more since this was last told)")
        return held_back is not None


def set_up_log(level: str, recent: RecentLines | None = None) -> None:
    """Sends the log to the journal, where systemd has started us, else to standard error. May be called again.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        recent: keeps the newest of what is written; None: nobody does.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.name == NAME]:
        root.removeHandler(handler)
        handler.close()
    handler = _handler()
    handler.set_name(NAME)
    handler.addFilter(NotAgain())
    if recent is not None:
        handler.addFilter(recent)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # also where nothing else of this importance is told, unless somebody wants errors alone
    logging.getLogger(ASKED).setLevel(logging.INFO if level == "warning" else logging.NOTSET)


def complain(error: EdgeFerError) -> None:
    """Tells on standard error what ends the program; the journal learns that it is an error."""
    text = redacted_text(f"edge-fer: {error if error.has_lines else harmless(error)}")
    if is_journal():
        # the journal takes each line for a message, and the number before it for its priority
        text = "\n".join(f"<{priority(logging.ERROR)}>{line}" for line in text.splitlines())
    with suppress(OSError):
        print(text, file=sys.stderr)  # noqa: T201


def _handler() -> logging.Handler:
    if is_journal():
        with suppress(OSError):  # standard error leads there as well, only without fields
            handler = JournalHandler()
            handler.setFormatter(PlainFormatter())
            return handler
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(PlainFormatter(FORMAT))
    return stream
