"""Keeps small numbers on disk over restarts: written whole or not at all, in a thread of its own.

Killing the process loses what changed in the last `EVERY` seconds; a power cut a few seconds more. A file that cannot
be used is not missed: what it held starts anew, and the log says so.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from typing import Any

from edge_fer.support.files import read_file
from edge_fer.support.json_text import read_json

__all__ = ["EVERY", "Keeper", "write_whole"]

log = logging.getLogger(__name__)

#: Seconds between two looks at what has changed.
EVERY = 5.0
#: No file of ours is larger; what is, is none of ours.
LARGEST = 8_000_000
#: By file, so that nobody writes one that somebody else is writing.
_writing: dict[Path, Lock] = {}


@dataclass(slots=True)
class _Thing:
    """Something to be kept: where, and how to take it out and put it back."""

    file: str
    name: str
    snapshot: Callable[[], Any]
    restore: Callable[[Any], None]
    kept: Any = None


class Keeper:
    """Keeps things in a folder, a few to a file.

    Args:
        folder: where the files go; exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._things: list[_Thing] = []
        self._files: dict[str, dict[str, Any]] = {}
        self._changed: set[str] = set()
        self._lock = Lock()
        self._news, self._closing = Event(), Event()
        self._complained = False
        #: changes that were offered, and of those, how many are on disk, or could not be written
        self._offered, self._written, self._failed = 0, 0, 0
        self._settled = Condition(self._lock)
        self._hurry = Event()
        self._thread = Thread(target=self._run, name="keeper", daemon=True)

    def keep(
        self, file: str, name: str, *, snapshot: Callable[[], Any], restore: Callable[[Any], None]
    ) -> Callable[[], None]:
        """Keeps one thing from now on.

        Args:
            file: the file's name.
            name: of the thing within it.
            snapshot: makes it into what JSON can hold.
            restore: puts back what was kept; raises ValueError where that cannot be used.

        Returns:
            What to call, from the thread that changes the thing, whenever it should be kept as it is.
        """
        thing = _Thing(file, name, snapshot, restore)
        self._things.append(thing)
        return lambda: self._offer(thing)

    def start(self) -> None:
        """Puts back what was kept, and begins to keep."""
        for file in dict.fromkeys(thing.file for thing in self._things):
            self._files[file] = self._read(self._folder / file)
        for thing in self._things:
            kept = self._files[thing.file].get(thing.name)
            if kept is not None:
                try:
                    thing.restore(kept)
                except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
                    _starts_anew(self._folder / thing.file, f"{thing.name}: {error}")
        self._thread.start()

    def close(self) -> None:
        """Keeps everything as it is now; call it once nothing changes any more."""
        for thing in self._things:
            self._offer(thing)
        self._closing.set()
        self._hurry.set()
        self._news.set()
        self._thread.join(EVERY)

    def _offer(self, thing: _Thing) -> None:
        kept = thing.snapshot()
        with self._lock:
            if self._files.get(thing.file, {}).get(thing.name) != kept:
                self._files.setdefault(thing.file, {})[thing.name] = kept
                self._changed.add(thing.file)
                self._offered += 1
                self._news.set()

    def settle(self, seconds: float) -> bool:
        """Waits until everything that has changed so far is on disk, durably; whether it is, within so many seconds."""
        self._hurry.set()
        with self._settled:
            wanted, failed = self._offered, self._failed
            self._settled.wait_for(lambda: self._written >= wanted or self._failed > failed, seconds)
            return self._written >= wanted

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            closing = self._closing.is_set()
            with self._lock:
                offered = self._offered
                texts = {file: json.dumps({"v": 1, "kept": self._files[file]}) for file in sorted(self._changed)}
                self._changed.clear()
            refused = [file for file, text in texts.items() if not self._write(self._folder / file, text)]
            with self._settled:
                if refused:
                    self._failed += 1
                    # with the next change again
                    self._changed.update(refused)
                else:
                    self._written = offered
                self._settled.notify_all()
            if closing:
                return
            # recordings play faster than the clock, and the disk should not
            self._hurry.wait(1.0)
            self._hurry.clear()

    def _write(self, path: Path, text: str) -> bool:
        try:
            write_whole(path, text)
        except OSError as error:
            if not self._complained:
                log.warning("%s cannot be written: %s; a restart would lose what it holds", path, error.strerror)
            self._complained = True
            return False
        self._complained = False
        return True

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        try:
            found = read_json(read_file(path, LARGEST))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            _starts_anew(path, str(error))
            return {}
        match found:
            case {"v": 1, "kept": dict(kept)}:
                return kept
        _starts_anew(path, "it is of another version, or none of ours")
        return {}


def write_whole(path: Path, text: str) -> None:
    """Writes a file whole or not at all, whatever happens meanwhile.

    Raises:
        OSError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    # on a slow disk, what a reload has left behind may still be writing when its successor begins to
    with _writing.setdefault(path, Lock()):
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        # the new name is to outlive a power cut, too
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _starts_anew(path: Path, reason: str) -> None:
    log.warning("%s cannot be used (%s): what it held starts anew", path, reason)
