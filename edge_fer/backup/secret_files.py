"""The files that a config names, as far as backups go: those with secrets, and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from edge_fer.config.engine.entries import Entry

__all__ = ["may_be_written", "named_files", "secret_files"]

#: Keys that name a file with a secret.
_SECRET: Final = frozenset({"password_file", "key_file", "secret_file", "url_file"})
#: The folder in which the installed service has them.
_FOLDER: Final = Path("/etc/edge-fer")


def named_files(root: Entry) -> list[Path]:
    """Every file that a config names."""
    return [path for _, path in _named(root)]


def secret_files(root: Entry) -> list[Path]:
    """Those that hold secrets, each once."""
    return list(dict.fromkeys(path for key, path in _named(root) if key in _SECRET))


def may_be_written(path: Path, config: Path) -> bool:
    """Whether a backup may bring a file back: it is below the folder of the config, or the service's."""
    folders = (_FOLDER, config.absolute().parent)
    return ".." not in path.parts and any(path.is_relative_to(folder) for folder in folders)


def _named(entry: Entry) -> Iterator[tuple[str, Path]]:
    if isinstance(entry.value, Mapping):
        for inner in entry.value.values():
            yield from _named(inner)
    elif isinstance(entry.value, tuple):
        for inner in entry.value:
            yield from _named(inner)
    elif entry.value is not None and str(entry.path[-1]).endswith("_file"):
        yield str(entry.path[-1]), Path(str(entry.value))
