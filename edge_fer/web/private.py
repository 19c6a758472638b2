"""Files of the page that nobody else may read."""

from __future__ import annotations

from pathlib import Path

from edge_fer.errors import KeepingError
from edge_fer.support.keeping import write_whole

__all__ = ["write_private"]


def write_private(path: Path, text: str) -> None:
    """Writes a file whole, in a folder that only its owner may enter.

    Raises:
        KeepingError: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise KeepingError(msg, remedy="Make room on the disk, and let this user write to the folder") from error
