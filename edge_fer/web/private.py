"""Files of the page that nobody else may read."""

from __future__ import annotations

from pathlib import Path

from edge_fer.support.keeping import write_whole

__all__ = ["write_private"]


def write_private(path: Path, text: str) -> None:
    """Writes a file whole, in a folder that only its owner may enter.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, text)
