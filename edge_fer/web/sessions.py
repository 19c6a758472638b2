"""Who is logged in: sessions and one-time links. Both survive the end of the page's process."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from edge_fer.errors import KeepingError
from edge_fer.remote.asker import Role
from edge_fer.support.files import read_file
from edge_fer.web.private import write_private

__all__ = ["FIRST_LINK_LASTS", "LINK_LASTS", "LoginSession", "OneTimeLinks", "SessionBook"]

log = logging.getLogger(__name__)

#: Seconds after which a session ends: in any case, and when nothing was asked for.
_LASTS, _IDLE = 12 * 3600.0, 2 * 3600.0
#: Seconds in which a one-time link must be used.
LINK_LASTS: Final = 15 * 60.0
#: The same of the one on a memory card: a device may lie about for years, and its clock may be wrong.
FIRST_LINK_LASTS: Final = 100 * 365 * 86_400.0
#: Sessions at once; the oldest goes first.
_MOST: Final = 64
#: Seconds between two times at which it is written down that a session is used.
_NOTED_EVERY: Final = 60.0
_LARGEST: Final = 1 << 20
#: What reading a file may end in, whatever is in it.
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class LoginSession:
    """Somebody who is logged in.

    Attributes:
        name: of the person.
        role: how much they may do.
        csrf: what each form that they send must have in it.
        proof: `Account.proof` of their account; empty: they followed a one-time link.
        begun: Unix seconds.
        seen: when they last asked for something, in Unix seconds.
    """

    name: str
    role: Role
    csrf: str
    proof: str
    begun: float
    seen: float

    @property
    def by_link(self) -> bool:
        """Whether they have no account."""
        return not self.proof

    def is_over(self, now: float) -> bool:
        """Whether it has lasted too long; a clock that goes back ends nothing."""
        return now - self.begun > _LASTS or now - self.seen > _IDLE


class SessionBook:
    """The sessions, in a file that has hashes of their tokens alone.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sessions = dict(_read(path))

    def begin(self, name: str, role: Role, now: float, *, proof: str) -> str:
        """Logs somebody in; the token for their cookie.

        A session that cannot be written lasts until the page's process ends.
        """
        token = secrets.token_urlsafe(32)
        self._sessions = {key: one for key, one in self._sessions.items() if not one.is_over(now)}
        while len(self._sessions) >= _MOST:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].seen)]
        self._sessions[_hashed(token)] = LoginSession(name, role, secrets.token_urlsafe(32), proof, now, now)
        try:
            self._write()
        except KeepingError as error:
            log.warning("%s. Whoever logs in now has to do so again when the page has ended", error)
        return token

    def of(self, token: str, now: float) -> LoginSession | None:
        """The session of a cookie; None where there is none, or it is over."""
        key = _hashed(token)
        session = self._sessions.get(key)
        if session is None:
            return None
        if session.is_over(now):
            self._forget(key)
            return None
        if now - session.seen > _NOTED_EVERY:
            self._sessions[key] = session = replace(session, seen=now)
            with suppress(OSError):
                self._write()
        return session

    def end(self, token: str) -> None:
        """Logs out."""
        self._forget(_hashed(token))

    def _forget(self, key: str) -> None:
        if self._sessions.pop(key, None):
            with suppress(OSError):
                self._write()

    def _write(self) -> None:
        write_private(self._path, json.dumps({"v": 1, "sessions": {k: asdict(s) for k, s in self._sessions.items()}}))


def _read(path: Path) -> Mapping[str, LoginSession]:
    """Those of an earlier process; what cannot be read is over."""
    try:
        content = json.loads(read_file(path, _LARGEST))["sessions"]
        return {
            str(key): LoginSession(
                str(one["name"]),
                Role(one["role"]),
                str(one["csrf"]),
                str(one["proof"]),
                float(one["begun"]),
                float(one["seen"]),
            )
            for key, one in content.items()
        }
    except _UNREADABLE:
        return {}


class OneTimeLinks:
    """Links that log somebody in once. Each is a file, so that taking it away uses it up, whoever is quicker.

    Args:
        folder: for the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, name: str, role: Role, now: float, *, lasts: float = LINK_LASTS) -> str:
        """A new one; its token.

        Args:
            name: by which the log and `audit` call whoever follows it.
            role: of them.
            now: Unix seconds.
            lasts: seconds in which it must be used.

        Raises:
            KeepingError: it cannot be kept.
        """
        # 128 random bits, so that the link fits into a line of a terminal
        token = secrets.token_urlsafe(16)
        content = {"name": name, "role": role, "until": now + lasts}
        write_private(self._folder / _hashed(token), json.dumps(content))
        return token

    def is_waiting(self, token: str) -> bool:
        """Whether it was not used up yet."""
        return (self._folder / _hashed(token)).exists()

    def use(self, token: str, now: float) -> tuple[str, Role] | None:
        """Uses one up; the name and role of whoever may log in by it; None where it is none, or too old."""
        self._sweep(now)
        path = self._folder / _hashed(token)
        try:
            name, role, until = _link_in(path)
            path.unlink()
        except _UNREADABLE:
            return None
        return (name, role) if now <= until else None

    def _sweep(self, now: float) -> None:
        """Takes old ones away."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                with suppress(*_UNREADABLE):
                    if _link_in(path)[2] < now:
                        path.unlink(missing_ok=True)


def _link_in(path: Path) -> tuple[str, Role, float]:
    content = json.loads(read_file(path, 4096))
    return str(content["name"]), Role(content["role"]), float(content["until"])


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
