"""Puts the files of a backup where they belong, after everything was looked at; what they replace is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_fer.backup.archive import BOOT, CONFIG, HISTORY, SECRET, SETTINGS, BackupContent
from edge_fer.backup.making import LEFT_OUT
from edge_fer.backup.secret_files import may_be_written, named_files, secret_files
from edge_fer.config import BOOT_COPY, SETTINGS_NAME, SYSTEM_FILE, Layer, load
from edge_fer.config.engine.entries import Entry
from edge_fer.errors import BackupError
from edge_fer.history.file import NAME
from edge_fer.history.tables import VERSION

__all__ = ["RestorePlan", "Restored", "plan_restore", "put_in_place"]

#: What SQLite keeps beside a file, which belongs to the old one.
_BESIDE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """A file that was put in its place.

    Attributes:
        path: where.
        kept: where that is which was there before; None: there was nothing.
    """

    path: Path
    kept: Path | None


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What is to be put where.

    Attributes:
        state_dir: of the config that is restored.
        moves: the file of the backup, and the place that it belongs to.
        left_out: lines, each a file and its number, in which a secret is to be filled in.
        missing: files that the config names, and that are neither in the backup nor on this device.
    """

    state_dir: Path
    moves: tuple[tuple[Path, Path], ...]
    left_out: tuple[str, ...]
    missing: tuple[Path, ...]


def plan_restore(content: BackupContent, config: Path | None, environ: Mapping[str, str]) -> RestorePlan:
    """Looks at everything, and changes nothing.

    Args:
        content: of the backup.
        config: the file that was named in place of the system's; None: the system's.
        environ: what the config may ask for by `${NAME}`.

    Raises:
        ConfigFaults: everything that is wrong with the config in the backup.
        BackupError: the history in it cannot be used.
    """
    files = content.files
    layers = [Layer.file(files[name], name=f"{name} in the backup") for name in (CONFIG, BOOT) if name in files]
    kept = Layer.file(files[SETTINGS], name=f"{SETTINGS} in the backup") if SETTINGS in files else False
    loaded = load(layers, environ=environ, settings=kept)
    if HISTORY in files:
        _see_that_it_is_a_history(files[HISTORY])
    places = {
        CONFIG: config or SYSTEM_FILE,
        BOOT: BOOT_COPY,
        SETTINGS: loaded.config.state_dir / SETTINGS_NAME,
        HISTORY: loaded.config.state_dir / NAME,
    }
    places |= _of_secrets(content, loaded.root, places[CONFIG])
    moves = [(path, places[name]) for name, path in files.items()]
    coming = {place for _, place in moves}
    missing = [path for path in named_files(loaded.root) if path not in coming and not path.exists()]
    left_out = [line for name in (CONFIG, BOOT, SETTINGS) if name in files for line in _gaps(files[name], places[name])]
    return RestorePlan(loaded.config.state_dir, tuple(moves), tuple(left_out), tuple(dict.fromkeys(missing)))


def _of_secrets(content: BackupContent, root: Entry, config: Path) -> dict[str, Path]:
    """Where the files with secrets belong: no place but those that the config itself names, in its own folder."""
    named = secret_files(root)
    found: dict[str, Path] = {}
    paths = content.about["paths"]
    for name in content.files:
        if SECRET.fullmatch(name):
            place = Path(str(paths.get(name, ""))) if isinstance(paths, Mapping) else Path()
            if place not in named or not may_be_written(place, config) or place in found.values():
                msg = f"the backup has a file for {str(place)[:200]!r}, which is no place for a secret of this config"
                raise BackupError(msg, remedy="Restore a backup that `edge-fer backup` has written")
            found[name] = place
    return found


def put_in_place(plan: RestorePlan, mark: str) -> list[Restored]:
    """Puts every file in its place, or none.

    Args:
        plan: of `plan_restore`.
        mark: the end of the names under which old files are kept.

    Raises:
        BackupError: that cannot be done; everything is as it was.
    """
    done: list[Restored] = []
    fresh: list[Path] = []
    place = plan.state_dir
    try:
        for source, place in plan.moves:
            place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            fresh.append(_copied_beside(source, place))
        for new, (_, place) in zip(fresh, plan.moves, strict=True):
            done.append(Restored(place, _moved_aside(place, mark)))
            new.replace(place)
    except OSError as error:
        for one in reversed(done):
            _put_back(one, mark)
        for new in fresh:
            with suppress(OSError):
                new.unlink(missing_ok=True)
        msg = f"{error.filename or place}: cannot be written: {error.strerror}; nothing has changed"
        raise BackupError(msg, remedy="Run it as root, and see that the disk is not full") from error
    for folder in {place.parent for _, place in plan.moves}:
        _settle(folder)
    return done


def _copied_beside(source: Path, place: Path) -> Path:
    """A copy in the folder where it belongs, owned and readable as what it replaces, or as its folder's other files."""
    new = place.with_name(f".{place.name}.restored")
    new.unlink(missing_ok=True)
    with source.open("rb") as given, open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        shutil.copyfileobj(given, file)
        try:
            like, mode = place.stat(), None
        except FileNotFoundError:
            # the state is the service's alone; a config is for everybody to read
            like, mode = place.parent.stat(), 0o644 if source.name in {CONFIG, BOOT} else 0o600
        os.fchown(file.fileno(), like.st_uid, like.st_gid)
        os.fchmod(file.fileno(), like.st_mode & 0o777 if mode is None else mode)
        file.flush()
        os.fsync(file.fileno())
    return new


def _moved_aside(place: Path, mark: str) -> Path | None:
    for end in _BESIDE:
        with suppress(FileNotFoundError):
            place.with_name(place.name + end).rename(place.with_name(f"{place.name}{mark}{end}"))
    kept = place.with_name(place.name + mark)
    try:
        place.rename(kept)
    except FileNotFoundError:
        return None
    return kept


def _put_back(one: Restored, mark: str) -> None:
    with suppress(OSError):
        if one.kept is None:
            one.path.unlink(missing_ok=True)
        else:
            one.kept.replace(one.path)
    for end in _BESIDE:
        with suppress(OSError):
            one.path.with_name(f"{one.path.name}{mark}{end}").rename(one.path.with_name(one.path.name + end))


def _settle(folder: Path) -> None:
    """The new names are to outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _see_that_it_is_a_history(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (sound,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        sound, version = str(error), 0
    if sound != "ok":
        msg = f"the history in the backup is damaged: {sound}"
        raise BackupError(msg, remedy="Take another backup, or restore this one with --without-history")
    if version > VERSION:
        msg = f"the history in the backup is of version {version}, and this edge-fer reads {VERSION}"
        raise BackupError(msg, remedy="Install a newer edge-fer first, or restore with --without-history")


def _gaps(path: Path, place: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if LEFT_OUT in line:
            yield f"{place}:{number}"
