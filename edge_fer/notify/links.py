"""Links by which whoever was told of an alert acknowledges it: signed, for one alert, for 15 minutes, once.

The daemon alone makes links and checks them. The page passes on what is in a link, and knows no key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from edge_fer.errors import KeepingError
from edge_fer.support.files import read_file
from edge_fer.support.keeping import write_whole

__all__ = ["LINK_LASTS", "LONGEST_TOKEN", "AcknowledgeLink", "LinkBook"]

log = logging.getLogger(__name__)

#: Seconds for which a link can be used.
LINK_LASTS: Final = 900.0
#: Characters of a token; what is longer is none of ours.
LONGEST_TOKEN: Final = 1000
#: Seconds by which a link may be used too early, because a clock was put right meanwhile.
_EARLY: Final = 60.0
_KEY, _USED = "link.key", "links-used.json"
_KEY_BYTES: Final = 32
#: Bytes of the file of used links, and links that it holds at most; those that end first go first.
_LARGEST, _MOST_USED = 1 << 20, 2000
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class AcknowledgeLink:
    """What a link is for.

    Attributes:
        camera: the alert's.
        alert_id: of the one alert.
        target: who was told.
        ends: until when it can be used, in seconds since 1970.
    """

    camera: str
    alert_id: str
    target: str
    ends: float


class LinkBook:
    """Makes links and checks them.

    Args:
        folder: where the key and the used links are kept; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._key_file = folder / _KEY
        self._used_file = folder / _USED

    def make(self, link: AcknowledgeLink) -> str:
        """The token of a link.

        Raises:
            KeepingError: there is no key, and none can be written.
        """
        content = _text(json.dumps(astuple(link), separators=(",", ":"), ensure_ascii=False).encode())
        return f"{content}.{_signature(self._key() or self._fresh_key(), content)}"

    def look(self, token: str, now: float) -> AcknowledgeLink | None:
        """What a token is for; None where it is none of ours, is not valid now, or was used."""
        link = self._signed(token)
        if link is None or not link.ends - LINK_LASTS - _EARLY <= now <= link.ends:
            return None
        return None if _mark(token) in self._used() else link

    def use(self, token: str, now: float) -> AcknowledgeLink | None:
        """The same, and from now on it is used.

        Raises:
            KeepingError: that cannot be noted, so that it is not used.
        """
        link = self.look(token, now)
        if link is None:
            return None
        used = {mark: ends for mark, ends in self._used().items() if ends >= now} | {_mark(token): link.ends}
        newest = sorted(used.items(), key=lambda pair: pair[1])[-_MOST_USED:]
        try:
            write_whole(self._used_file, json.dumps(dict(newest)))
        except OSError as error:
            raise _unwritten(self._used_file, error) from error
        return link

    def _signed(self, token: str) -> AcknowledgeLink | None:
        key = self._key()
        if key is None or len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        content, _, signature = token.partition(".")
        if not hmac.compare_digest(signature, _signature(key, content)):
            return None
        camera, alert_id, target, ends = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        return AcknowledgeLink(camera, alert_id, target, ends)

    def _key(self) -> bytes | None:
        """The key; None where there is none, or others may have read it."""
        try:
            if self._key_file.stat().st_mode & _OTHERS:
                return None
            key = read_file(self._key_file, _KEY_BYTES)
        except (OSError, ValueError):
            return None
        return key if len(key) == _KEY_BYTES else None

    def _fresh_key(self) -> bytes:
        key, fresh = secrets.token_bytes(_KEY_BYTES), self._key_file.with_name(f".{_KEY}.new")
        try:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._key_file)
        except OSError as error:
            raise _unwritten(self._key_file, error) from error
        return key

    def _used(self) -> Mapping[str, float]:
        """The used links; where they cannot be read, no link that was made before counts any more."""
        try:
            return {str(mark): float(ends) for mark, ends in json.loads(read_file(self._used_file, _LARGEST)).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read (%s): no link sent before counts any more", self._used_file, error)
            with suppress(OSError):
                self._key_file.unlink(missing_ok=True)
                self._used_file.unlink(missing_ok=True)
            return _Everything()


class _Everything(dict[str, float]):
    """Has each link in it."""

    def __contains__(self, mark: object) -> bool:
        return True


def _signature(key: bytes, content: str) -> str:
    return _text(hmac.digest(key, content.encode(), "sha256"))


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unwritten(file: Path, error: OSError) -> KeepingError:
    msg = f"{file} cannot be written: {error.strerror}"
    return KeepingError(msg, remedy="Make room on the disk, and let this user write to the folder")
