"""The folder that an analysis is written into, and read from."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from edge_fer.errors import AnalysisError, EdgeFerError
from edge_fer.support.files import read_file

__all__ = ["EVENTS", "MARK", "READINGS", "REPORT", "SUMMARY", "VERSION", "Folder", "read_summary"]

#: Bytes of the largest summary.
LARGEST = 256_000_000
READINGS, EVENTS, SUMMARY, REPORT = "readings.csv", "events.jsonl", "summary.json", "report.html"
#: The key by which a summary is known for ours, and the version of its format.
MARK, VERSION = "edge_fer_analysis", 1


class Folder:
    """A folder of our own: a new one, an empty one, or one with an earlier analysis, which it takes the place of.

    Only its owner may read what is in it: readings of people are nobody else's business.

    Args:
        path: of the folder.

    Raises:
        AnalysisError: something else is there, or it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_ours(path)
        with _writing(path):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # what says whose folder it is comes first and goes last, so that an analysis that was cut short is known, too
        self.write(SUMMARY, json.dumps({MARK: VERSION, "complete": False}) + "\n")
        for name in (READINGS, EVENTS, REPORT):
            with _writing(path / name):
                (path / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[str]]:
        """A file in it, to be written anew."""
        with _writing(self.path / name), self._opened(name) as file:
            yield file

    def write(self, name: str, text: str) -> None:
        """Writes a file at once."""
        with self.open(name) as file:
            file.write(text)

    def _opened(self, name: str) -> IO[str]:
        # nothing is written through a link that somebody may have put there
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.fdopen(os.open(self.path / name, flags, 0o600), "w", encoding="utf-8", newline="")


def check_ours(path: Path) -> None:
    """AnalysisError where something stands at `path` that is no analysis of ours, and must not be overwritten."""
    try:
        content = [child.name for child in path.iterdir()]
    except FileNotFoundError:
        return
    except OSError as error:
        msg = f"{path} cannot be written into: {error.strerror}"
        raise AnalysisError(msg, remedy="Name another folder with --out") from error
    if not content:
        return
    try:
        read_summary(path, complete=False)
    except AnalysisError:
        msg = f"{path} holds something else than an analysis, and is left alone"
        raise AnalysisError(msg, remedy="Name another folder with --out") from None


def read_summary(path: Path, *, complete: bool = True) -> Mapping[str, Any]:
    """What `summary.json` in a folder says.

    Args:
        path: of the folder.
        complete: whether an analysis that was cut short will not do.

    Raises:
        AnalysisError: it is no analysis, or of another version, or was cut short.
    """
    file = path / SUMMARY
    try:
        found = json.loads(read_file(file, LARGEST))
        version = found[MARK]
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror}"
        raise AnalysisError(msg, remedy="Name a folder that `edge-fer analyze` has written") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        msg = f"{file} is no summary of an analysis"
        raise AnalysisError(msg, remedy="Name a folder that `edge-fer analyze` has written") from None
    if version != VERSION:
        msg = f"{file} is of version {version!r}, and this reads version {VERSION}"
        raise AnalysisError(msg, remedy="Analyse the recording again with this version of edge-fer")
    if complete and found.get("complete") is not True:
        msg = f"{file} belongs to an analysis that was cut short"
        raise AnalysisError(msg, remedy="Analyse the recording again")
    summary: Mapping[str, Any] = found
    return summary


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, EdgeFerError):
            raise
        msg = f"{path} cannot be written: {error.strerror}"
        raise AnalysisError(
            msg, remedy="Name a folder with --out where there is room, and that you may write to"
        ) from error
