"""How long a login has to wait after others that failed: per account and per address, kept over the process's end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge_fer.support.files import read_file
from edge_fer.web.private import write_private

__all__ = ["LoginDelays"]

#: Logins that may fail before the first wait: with one name, and from one address, behind which there may be many.
_FREE: Final[Mapping[str, int]] = {"account": 3, "address": 20}
#: Seconds of the first wait, which doubles each time, and of the longest.
_FIRST, _LONGEST = 1.0, 15 * 60.0
#: Seconds after which failures are forgotten.
_FORGOTTEN = 3600.0
#: Accounts and addresses that are remembered; the oldest go first.
_MOST: Final = 1000
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    at: float

    def until(self, free: int) -> float:
        """When the next try is looked at."""
        if self.count < free:
            return self.at
        return self.at + min(_LONGEST, _FIRST * 2.0 ** min(self.count - free, 20))


class LoginDelays:
    """Counts failed logins. A try that comes too early is not looked at, and counts for nothing.

    Args:
        path: of the file that keeps them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failures = dict(_read(path))

    def wait(self, name: str, address: str, now: float) -> float:
        """Seconds until a login with this name from this address is looked at; 0: now."""
        waits = [0.0]
        for key in _keys(name, address):
            known = self._failures.get(key)
            # a clock that was put back must lock nobody out
            if known and known.at <= now:
                waits.append(known.until(_FREE[key.partition(" ")[0]]) - now)
        return max(waits)

    def failed(self, name: str, address: str, now: float) -> None:
        """Counts a login that failed."""
        self._failures = {key: one for key, one in self._failures.items() if 0 <= now - one.at < _FORGOTTEN}
        for key in _keys(name, address):
            before = self._failures.pop(key, None)
            while len(self._failures) >= _MOST:
                del self._failures[next(iter(self._failures))]
            self._failures[key] = _Failures(before.count + 1 if before else 1, now)
        self._write()

    def succeeded(self, name: str, address: str) -> None:
        """Forgets failures before a login that was right."""
        if [self._failures.pop(key) for key in _keys(name, address) if key in self._failures]:
            self._write()

    def _write(self) -> None:
        with suppress(OSError):
            told = {key: asdict(one) for key, one in self._failures.items()}
            write_private(self._path, json.dumps({"v": 1, "failures": told}))


def _keys(name: str, address: str) -> tuple[str, str]:
    return f"account {name[:64]}", f"address {address[:64]}"


def _read(path: Path) -> Mapping[str, _Failures]:
    try:
        content = json.loads(read_file(path, _LARGEST))["failures"]
        return {str(key): _Failures(int(one["count"]), float(one["at"])) for key, one in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}
