"""Backups over the control socket: made in a process of their own, kept in a file without a name, read in pieces."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeGuard

from edge_fer.control.protocol import Code
from edge_fer.errors import CommandError

__all__ = ["Backups"]

#: Seconds in which it has to be made, and in which it has to be fetched.
_MADE, _KEPT = 120.0, 600.0
#: Bytes of a piece; in Base64 it stays below what the socket keeps for a client.
_LARGEST_PIECE: Final = 1 << 19
_LONGEST_PASSPHRASE: Final = 1024


@dataclass(slots=True)
class _Made:
    token: str
    file: IO[bytes]
    size: int
    begun: float


class Backups:
    """The newest backup, until it was read to its end or has waited too long. For one thread.

    Args:
        command: makes a backup and writes it to standard output; with a passphrase, it is given at standard input.
        folder: where there is room.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._made: _Made | None = None

    def read(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Makes a backup, or gives a piece of the one that was made.

        Args:
            fields: nothing or `passphrase` to make one; `token`, `offset` and `length` for a piece.

        Raises:
            CommandError: the fields are wrong, or there is no backup.
        """
        if "token" in fields:
            return self._piece(fields)
        passphrase = fields.get("passphrase")
        if passphrase is not None and not (
            isinstance(passphrase, str) and 0 < len(passphrase) <= _LONGEST_PASSPHRASE and passphrase.isprintable()
        ):
            remedy = f"Send a line of 1 to {_LONGEST_PASSPHRASE} characters"
            raise CommandError(Code.MALFORMED, "passphrase is none", remedy=remedy, field="passphrase")
        return self._make(passphrase)

    def _make(self, passphrase: str | None) -> Mapping[str, Any]:
        self._let_go()
        if not self._command:
            remedy = "Run on the device: sudo edge-fer backup --local FILE"
            raise CommandError(Code.FAILED, "no backup is made here", remedy=remedy, field="backup")
        file = tempfile.TemporaryFile(dir=self._folder, prefix=".backup-")  # noqa: SIM115 - kept until it was read
        try:
            command = [*self._command, *(["--secrets"] if passphrase is not None else [])]
            given = f"{passphrase or ''}\n".encode()
            ended = subprocess.run(  # noqa: S603
                command, input=given, stdout=file, stderr=subprocess.PIPE, timeout=_MADE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            file.close()
            msg = f"the backup was not made: {type(error).__name__}"
            raise CommandError(
                Code.FAILED, msg, remedy="Run on the device: sudo edge-fer backup --local FILE"
            ) from None
        if ended.returncode:
            file.close()
            why = ended.stderr.decode(errors="replace").strip().removeprefix("edge-fer: ")[-500:]
            raise CommandError(
                Code.FAILED, why or "the backup was not made", remedy="See the log: journalctl -u edge-fer"
            )
        file.seek(0)
        seen = hashlib.file_digest(file, "sha256").hexdigest()
        self._made = _Made(secrets.token_hex(16), file, file.seek(0, 2), time.monotonic())
        return {"token": self._made.token, "size": self._made.size, "sha256": seen}

    def _piece(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        token, offset, length = fields["token"], fields.get("offset"), fields.get("length", _LARGEST_PIECE)
        made = self._made
        if made is None or time.monotonic() - made.begun > _KEPT or not hmac.compare_digest(made.token, str(token)):
            self._let_go()
            remedy = "Ask for another: leave out `token`"
            raise CommandError(Code.FAILED, "this backup is no longer kept", remedy=remedy, field="token")
        if not _is_whole(offset, made.size) or not _is_whole(length, _LARGEST_PIECE) or length == 0:
            remedy = f"Send an `offset` within its size, and a `length` of 1 to {_LARGEST_PIECE}"
            raise CommandError(Code.MALFORMED, "there is no such piece", remedy=remedy, field="offset", value=offset)
        made.file.seek(offset)
        data = made.file.read(length)
        if offset + len(data) >= made.size:
            self._let_go()
        return {"data": base64.b64encode(data).decode()}

    def _let_go(self) -> None:
        if self._made is not None:
            self._made.file.close()
            self._made = None


def _is_whole(value: Any, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
