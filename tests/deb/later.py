"""The same package with a later version and a new default config, to upgrade to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["later_version"]


def later_version(package: Path, later: Path) -> Path:
    """Makes one; its file."""
    folder = later.with_suffix("")
    subprocess.run(["dpkg-deb", "-R", package, folder], check=True)
    control = folder / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 9."))
    default = folder / "etc/edge-fer/config.yaml"
    default.write_text(default.read_text() + "# new\n")
    subprocess.run(["dpkg-deb", "-Zzstd", "-z1", "--root-owner-group", "-b", folder, later], check=True)
    shutil.rmtree(folder)
    return later
