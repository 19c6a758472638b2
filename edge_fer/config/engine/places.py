"""What is taken where the config leaves it out: names and folders, as this machine has them."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

__all__ = ["default_id", "default_models_dir", "default_state_dir"]

#: Where services keep their state.
_SERVICES = Path("/var/lib/edge-fer")


def default_id() -> str:
    """The host's name and four hex digits that tell apart hosts of one name."""
    host = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in socket.gethostname())
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    return "-".join(part for part in (host.strip("-")[:59], machine[:4]) if part) or "edge-fer"


def default_state_dir() -> Path:
    """Where systemd says, else where services keep their state, else where users do."""
    if given := _given_state_dir():
        return given
    if _writable(_SERVICES):
        return _SERVICES
    return Path(os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser(), _SERVICES.name)


def default_models_dir() -> Path:
    """The first folder of models that has some in it; where none has, the first that may be written.

    They are: beside the program, in its virtual environment (a checkout's, the installer's, the package's); beside the
    state of services; and one of the user's own.
    """
    environment = Path(sys.prefix, "share", _SERVICES.name, "models")
    system = (_given_state_dir() or _SERVICES) / "models"
    user = Path(os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser(), _SERVICES.name, "models")
    for folder in (environment, system, user):
        if _has_files(folder):
            return folder
    # outside a virtual environment, the program's folders are those of the system's packages
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return environment
    return system if _writable(system.parent) else user


def _given_state_dir() -> Path | None:
    """Where systemd says."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else None


def _has_files(folder: Path) -> bool:
    """Whether there are files in it that may be read; those that are being written have names that begin with a dot."""
    try:
        return any(not file.name.startswith(".") and os.access(file, os.R_OK) for file in folder.iterdir())
    except OSError:
        return False


def _writable(folder: Path) -> bool:
    """Whether the folder can be written, or be made in one that is there."""
    return os.access(folder if os.access(folder, os.F_OK) else folder.parent, os.W_OK)
