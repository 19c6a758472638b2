"""What the script that builds the Debian packages says where it cannot; what it builds is looked at in tests/deb."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "deb" / "build.sh"


@pytest.fixture
def build(tmp_path):
    """The script, on a machine that has nothing but these programs."""

    def run(environment="/bin/true", **programs):
        for name in ("bash", "dirname"):
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, script in {"dpkg": "echo amd64", **programs}.items():
            (tmp_path / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name.replace("_", "-")).chmod(0o755)
        variables = os.environ | {"PATH": str(tmp_path), "PYTHON": environment}
        ended = subprocess.run([SCRIPT], capture_output=True, text=True, check=False, env=variables)
        return ended.returncode, ended.stderr

    return run


def test_without_mmdebstrap_it_says_what_to_install(build):
    assert build() == (1, "build.sh: mmdebstrap is missing: sudo apt install mmdebstrap\n")


def test_without_an_environment_it_says_how_to_make_one(build):
    code, told = build(mmdebstrap="exit 9", environment="/nowhere/python")
    assert (code, told) == (
        1,
        "build.sh: there is no /nowhere/python: run `make deb`, which makes it, or name another in PYTHON\n",
    )
