"""Standard input, output and error as a command can rely on them: there, and with errors that say what failed."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any

from edge_fer.errors import OutputError

__all__ = ["give_up_output", "set_up_streams"]

_IN, _OUT, _ERROR = 0, 1, 2


class _Output(io.FileIO):
    """Standard output, whose errors are told apart from those of all other files."""

    def write(self, data: Any) -> int:
        """Writes, and waits where there is no room for now.

        Raises:
            BrokenPipeError: whoever read has gone.
            OutputError: it cannot be written.
        """
        try:
            # nothing is written at once where somebody has made the terminal non-blocking
            while (written := super().write(data)) is None:
                select.select([], [self], [])
        except BrokenPipeError:
            raise
        except OSError as error:
            msg = f"standard output cannot be written: {error.strerror}"
            raise OutputError(msg) from error
        return written


def set_up_streams() -> None:
    """Opens what is closed, and lets standard output say what fails, and show any letter at all.

    A file that is opened later must not get the number of a closed stream: libraries would write into it.
    """
    for number in (_IN, _OUT, _ERROR):
        try:
            os.fstat(number)
        except OSError:
            # what cannot be written to fails, and so tells that standard output is closed
            opened = os.open(os.devnull, os.O_WRONLY if number == _ERROR else os.O_RDONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stderr is None:
        sys.stderr = _text(io.FileIO(_ERROR, "w", closefd=False), "utf-8")
    # somebody who has put another in its place, as tests do, knows why
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        encoding = sys.stdout.encoding if sys.stdout is not None else "utf-8"
        sys.stdout = _text(_Output(_OUT, "w", closefd=False), encoding)


def give_up_output() -> None:
    """Keeps the interpreter from complaining at its end about what could not be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _OUT)
    os.close(nowhere)


def _text(raw: io.FileIO, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=raw.isatty()
    )
