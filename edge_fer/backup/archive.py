"""The file of a backup: a gzipped tar archive of a manifest and a few files whose names are known.

What is read comes from anywhere. So nothing is unpacked by a name that the archive gives, nothing larger than a bound
is read, and each file has to match the manifest.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from edge_fer.errors import BackupError

__all__ = [
    "BOOT",
    "CONFIG",
    "HISTORY",
    "LARGEST",
    "LARGEST_SECRET",
    "SECRET",
    "SETTINGS",
    "BackupContent",
    "read_archive",
    "write_archive",
]

#: The files that a backup may hold: the config, the boot partition's settings, what was set by command, the history.
CONFIG, BOOT, SETTINGS, HISTORY = "config.yaml", "boot.yaml", "settings.yaml", "history.sqlite"
#: Bytes that each may have.
LARGEST: Final[Mapping[str, int]] = {CONFIG: 1 << 20, BOOT: 1 << 20, SETTINGS: 1 << 20, HISTORY: 2 << 30}
#: The files with secrets that the config names, by number; the manifest says where each belongs.
SECRET: Final = re.compile(r"secret-[1-9]?[0-9]")
LARGEST_SECRET: Final = 1 << 16
_MANIFEST, _LARGEST_MANIFEST = "manifest.json", 65_536
_FORMAT, _VERSION = "edge-fer backup", 1
_CHUNK: Final = 1 << 18
#: Bytes of the zeros at the end of an archive.
_LONGEST_END: Final = 1 << 16
_ANOTHER: Final = "Take another copy of the backup, or another backup"


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What was read out of a backup.

    Attributes:
        about: what the manifest says: `node`, `version`, `made`, `secrets`, and `paths` of files with secrets.
        files: where each file was put, by its name.
    """

    about: Mapping[str, Any]
    files: Mapping[str, Path]


def write_archive(out: BinaryIO, about: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Writes a backup.

    Args:
        out: where to.
        about: for the manifest.
        files: by their names in the backup.

    Raises:
        OSError: a file cannot be read, or the backup cannot be written.
    """
    told = {name: {"size": path.stat().st_size, "sha256": _hash_of(path)} for name, path in files.items()}
    manifest = json.dumps({"format": _FORMAT, "v": _VERSION, **about, "files": told}, indent=1).encode()
    with tarfile.open(fileobj=out, mode="w|gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_entry(_MANIFEST, len(manifest)), io.BytesIO(manifest))
        for name, path in files.items():
            with path.open("rb") as file:
                archive.addfile(_entry(name, path.stat().st_size), file)


def read_archive(source: BinaryIO, folder: Path) -> BackupContent:
    """Reads a backup, and puts its files into a folder of ours.

    Args:
        source: the backup, decrypted.
        folder: empty, and nobody else's.

    Raises:
        BackupError: it is none, or is damaged.
        OSError: a file cannot be written.
    """
    if source.read(2) != b"\x1f\x8b":
        msg = "it is no gzipped archive"
        raise _foreign(msg)
    source.seek(0)
    with _faults(), gzip.GzipFile(fileobj=source) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
        members = iter(archive)
        about = _manifest(archive, next(members, None))
        files: dict[str, Path] = {}
        for member in members:
            name = member.name
            if not member.isreg() or name not in about["files"] or name in files:
                msg = f"it holds {name[:80]!r}, which is no part of it"
                raise _foreign(msg)
            files[name] = folder / name
            _take_out(archive, member, about["files"][name], files[name])
        if missing := sorted(about["files"].keys() - files.keys()):
            msg = f"{missing[0]} is missing"
            raise _damaged(msg)
        # to the end, where the checksum of the whole is
        if len(packed.read(_LONGEST_END + 1)) > _LONGEST_END:
            msg = "something comes after its end"
            raise _foreign(msg)
    return BackupContent({key: about.get(key) for key in ("node", "version", "made", "secrets", "paths")}, files)


def _manifest(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> Mapping[str, Any]:
    if member is None or member.name != _MANIFEST or not member.isreg() or member.size > _LARGEST_MANIFEST:
        msg = "it does not begin with a manifest"
        raise _foreign(msg)
    opened = archive.extractfile(member)
    assert opened is not None  # noqa: S101 - it is a file
    try:
        about = json.loads(opened.read(_LARGEST_MANIFEST + 1))
    except (ValueError, RecursionError):
        msg = "its manifest cannot be read"
        raise _foreign(msg) from None
    match about:
        case {"format": str(kind), "v": int(version), "files": dict(files)} if kind == _FORMAT:
            pass
        case _:
            msg = "its manifest is another program's"
            raise _foreign(msg)
    if version != _VERSION:
        msg = f"the backup is of format {version}, and this edge-fer reads {_VERSION}"
        raise BackupError(msg, remedy="Restore it with the edge-fer that made it, or a newer one")
    for name, one in files.items():
        match one:
            case {"size": int(size), "sha256": str()} if 0 <= size <= _most(str(name)):
                continue
        msg_0 = f"its manifest names {name[:80]!r} wrongly"
        raise _foreign(msg_0)
    found: Mapping[str, Any] = about
    return found


def _most(name: str) -> int:
    """Bytes that a file may have; less than none where it is no part of a backup."""
    return LARGEST_SECRET if SECRET.fullmatch(name) else LARGEST.get(name, -1)


def _take_out(archive: tarfile.TarFile, member: tarfile.TarInfo, told: Mapping[str, Any], target: Path) -> None:
    if member.size != told["size"]:
        msg = f"{member.name} has another size than its manifest says"
        raise _damaged(msg)
    opened, seen = archive.extractfile(member), hashlib.sha256()
    assert opened is not None  # noqa: S101 - it is a file
    with target.open("xb") as file:
        while data := opened.read(_CHUNK):
            seen.update(data)
            file.write(data)
    if seen.hexdigest() != told["sha256"]:
        msg = f"{member.name} is not what it was"
        raise _damaged(msg)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(str(error) or type(error).__name__) from None
    except UnicodeError:
        msg = "its names cannot be read"
        raise _damaged(msg) from None


def _damaged(why: str) -> BackupError:
    return BackupError(f"the backup is damaged: {why}", remedy=_ANOTHER)


def _foreign(why: str) -> BackupError:
    return BackupError(f"this is no backup of edge-fer: {why}", remedy="Name a file that `edge-fer backup` has written")


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
