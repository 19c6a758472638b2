"""Makes a backup of a node out of the files that its config and its state are in."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from edge_fer import __version__
from edge_fer.backup.archive import BOOT, CONFIG, HISTORY, LARGEST, LARGEST_SECRET, SETTINGS, write_archive
from edge_fer.backup.sealing import seal
from edge_fer.backup.secret_files import secret_files
from edge_fer.config import BOOT_COPY, SETTINGS_NAME, SYSTEM_FILE, Loaded
from edge_fer.errors import BackupError
from edge_fer.history.file import NAME
from edge_fer.support.credentials import usable
from edge_fer.support.files import read_file
from edge_fer.support.redact import HIDDEN

__all__ = ["LEFT_OUT", "BackupWish", "make_backup"]

#: Stands in the place of each secret that was left out; a word that YAML reads as it stands.
LEFT_OUT: Final = "SECRET-LEFT-OUT"
_MOST_SECRETS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupWish:
    """What is to be in a backup.

    Attributes:
        config: the file that was named in place of the system's; None: the system's.
        hide: takes secrets out of a text, with `HIDDEN` in their place.
        passphrase: by which it is encrypted, with secrets; None: it has none of them, and is not encrypted.
    """

    config: Path | None
    hide: Callable[[str], str]
    passphrase: str | None = None


def make_backup(loaded: Loaded, wish: BackupWish, out: BinaryIO, now: datetime) -> None:
    """Writes a backup.

    Args:
        loaded: the config in force.
        wish: what is to be in it.
        out: where to.
        now: when.

    Raises:
        BackupError: a file cannot be read, or the backup cannot be written.
    """
    settings = loaded.config
    texts = {
        CONFIG: wish.config or SYSTEM_FILE,
        BOOT: BOOT_COPY,
        SETTINGS: settings.state_dir / SETTINGS_NAME,
    }
    about: dict[str, Any] = {
        "node": settings.node.id,
        "version": __version__,
        "made": now.astimezone(UTC).isoformat(timespec="seconds"),
        "secrets": wish.passphrase is not None,
    }
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=settings.state_dir) as folder:
            files: dict[str, Path] = {}
            for name, path in texts.items():
                with suppress(FileNotFoundError):
                    files[name] = _copied(path, Path(folder, name), wish)
            if (history := settings.state_dir / NAME).exists():
                files[HISTORY] = _history(history, Path(folder, HISTORY))
            if wish.passphrase is not None:
                about["paths"] = dict(_secrets(loaded, Path(folder), files))
            if wish.passphrase is None:
                write_archive(out, about, files)
                return
            with Path(folder, "archive").open("w+b") as plain:
                write_archive(plain, about, files)
                plain.seek(0)
                seal(plain, out, wish.passphrase)
    except OSError as error:
        msg = f"the backup cannot be made: {error.filename or settings.state_dir}: {error.strerror}"
        raise BackupError(msg, remedy="Make room on the disk, and see that this user may read the file") from error


def _copied(path: Path, copy: Path, wish: BackupWish) -> Path:
    text = read_file(path, LARGEST[copy.name]).decode("utf-8", "surrogateescape")
    if wish.passphrase is None:
        text = wish.hide(text).replace(HIDDEN, LEFT_OUT)
    copy.write_bytes(text.encode("utf-8", "surrogateescape"))
    return copy


def _secrets(loaded: Loaded, folder: Path, files: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Copies each file with a secret that may be read; gives its name in the backup, and where it belongs."""
    for number, path in enumerate(secret_files(loaded.root)[:_MOST_SECRETS]):
        name = f"secret-{number}"
        # what root alone may read, and the service is not given, must be kept in another way; a restore tells of it
        with suppress(OSError):
            (folder / name).write_bytes(read_file(usable(path), LARGEST_SECRET))
            files[name] = folder / name
            yield name, str(path)


def _history(path: Path, copy: Path) -> Path:
    """The history as it is at one moment, also while the daemon writes it."""
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            # one file, without a log beside it
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        msg = f"the history {path} cannot be read: {error}"
        raise BackupError(msg, remedy="Look what the log says of it: journalctl -u edge-fer") from None
    return copy
