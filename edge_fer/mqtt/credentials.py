"""Secrets that systemd hands over: https://systemd.io/CREDENTIALS/."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["usable"]


def usable(file: Path) -> Path:
    """The file itself where it can be read, else the credential of the same name.

    So one setting serves both: a file that the daemon may read, and one that is root's alone, which the unit's
    LoadCredential= hands over when the daemon starts.
    """
    if os.access(file, os.R_OK):
        return file
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, file.name) if folder else file
    try:
        # where there is nothing to hand over, the unit leaves an empty line
        return credential if credential.read_bytes().strip() else file
    except OSError:
        return file
