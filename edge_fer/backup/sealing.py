"""Encrypts a backup with a passphrase: AES-256-GCM by `cryptography`, with a key made by scrypt.

The file is cut into chunks, each sealed with its number and whether it is the last (the STREAM construction), so that
no chunk can be changed, moved, left out or added unnoticed, and none has to fit into memory with the others.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

from edge_fer.errors import BackupError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["LEAST_PASSPHRASE", "MAGIC", "seal", "see_that_it_will_do", "unseal"]

MAGIC: Final = b"edge-fer sealed backup 1\n"
#: Characters that a passphrase must have, and may have.
LEAST_PASSPHRASE: Final = 12
_LONGEST_PASSPHRASE: Final = 1024
_SALT, _PREFIX, _TAG, _CHUNK = 16, 7, 16, 1 << 16
#: 2**15 with blocks of 8 takes 32 MiB of memory, and a Raspberry Pi about a quarter of a second.
_COST, _BLOCK = 1 << 15, 8


def see_that_it_will_do(passphrase: str) -> None:
    """Refuses a passphrase that is too short or too long.

    Raises:
        BackupError: it will not do.
    """
    if not LEAST_PASSPHRASE <= len(passphrase) <= _LONGEST_PASSPHRASE:
        msg = f"a passphrase of {len(passphrase)} characters will not do"
        raise BackupError(msg, remedy=f"Take {LEAST_PASSPHRASE} to {_LONGEST_PASSPHRASE} characters")


def seal(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Encrypts a file.

    Raises:
        BackupError: the passphrase will not do, or the library is not there.
        OSError: it cannot be read or written.
    """
    see_that_it_will_do(passphrase)
    salt, prefix = os.urandom(_SALT), os.urandom(_PREFIX)
    cipher = _cipher(passphrase, salt)
    target.write(MAGIC + salt + prefix)
    for number, data, is_last in _chunks(source, _CHUNK):
        sealed = cipher.encrypt(_nonce(prefix, number, is_last), data, MAGIC)
        target.write(sealed)


def unseal(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Decrypts a file that begins with `MAGIC`; what is written counts only once it has returned.

    Raises:
        BackupError: the passphrase is wrong, the file is damaged, or the library is not there.
        OSError: it cannot be read or written.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - few backups are encrypted

    head = source.read(len(MAGIC) + _SALT + _PREFIX)
    salt, prefix = head[len(MAGIC) : len(MAGIC) + _SALT], head[len(MAGIC) + _SALT :]
    if not head.startswith(MAGIC) or len(prefix) != _PREFIX:
        msg = "the backup is damaged: it is cut off"
        raise BackupError(msg, remedy="Take another copy of it")
    cipher = _cipher(passphrase, salt)
    for number, data, is_last in _chunks(source, _CHUNK + _TAG):
        try:
            target.write(cipher.decrypt(_nonce(prefix, number, is_last), data, MAGIC))
        except InvalidTag:
            msg = "the backup is damaged" if number else "the passphrase is wrong, or the backup is damaged"
            raise BackupError(msg, remedy="Type the passphrase in again, or take another copy of the backup") from None


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - few backups are encrypted
    except ImportError:
        msg = "a backup with secrets needs the Python package `cryptography`"
        raise BackupError(msg, remedy="Install it: pip install 'edge-fer[web]'") from None
    key = hashlib.scrypt(passphrase.encode(), salt=salt, n=_COST, r=_BLOCK, p=1, maxmem=64 << 20, dklen=32)
    return AESGCM(key)


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:  # noqa: FBT001 - three parts of one value
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Chunks, their numbers, and whether each is the last one; there is always one."""
    data, number = source.read(size), 0
    while True:
        following = source.read(size)
        yield number, data, not following
        if not following:
            return
        data, number = following, number + 1
