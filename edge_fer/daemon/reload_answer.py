"""What became of a reload, from the daemon to whoever asked for it: by two small files in the daemon's own folder.

A signal has no answer. So whoever sends SIGHUP leaves a word of their own first, and the daemon writes it down
together with what became of the reload that read it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from edge_fer.support.files import read_file
from edge_fer.support.json_text import read_json
from edge_fer.support.keeping import write_whole

__all__ = ["ReloadAnswer", "folder_of", "leave_word"]

#: Bytes of the largest of these files.
_LARGEST = 65536
#: Seconds between looks for the answer.
_LOOK = 0.1


def folder_of(environ: Mapping[str, str]) -> Path | None:
    """The folder that systemd has given the service; None where it runs without."""
    first = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else None


def leave_word(folder: Path, word: str) -> None:
    """Leaves a word for the next reload.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(folder / ".reload-word", word)


class ReloadAnswer:
    """What became of one reload.

    Args:
        folder: where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / ".reload-answer"
        self._word = ""
        with suppress(OSError):
            self._word = read_file(folder / ".reload-word", _LARGEST).decode("ascii", "replace")

    def give(self, error: str | None) -> None:
        """Tells what became of it; a disk that does not take it leaves the one who asked without an answer."""
        with suppress(OSError):
            write_whole(self._file, json.dumps({"word": self._word, "error": error}))

    @staticmethod
    def wait(folder: Path, word: str, *, process: int, seconds: float) -> str | None:
        """Waits for the answer to the reload that found this word.

        Args:
            folder: where the files are.
            word: that was left.
            process: id of the daemon.
            seconds: to wait at most.

        Returns:
            Why the config was not taken over; None where it was.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = _read(folder / ".reload-answer")
            if found.get("word") == word:
                error = found.get("error")
                return None if error is None else str(error)
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                return "the daemon has ended meanwhile"
            time.sleep(_LOOK)
        return f"the daemon has not answered within {seconds:g} s"


def _read(path: Path) -> dict[str, object]:
    try:
        found = read_json(read_file(path, _LARGEST))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
