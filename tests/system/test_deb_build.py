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

    def run(*arguments, **programs):
        for name in ("bash", "dirname"):
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, script in {"dpkg": "echo amd64", **programs}.items():
            (tmp_path / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name.replace("_", "-")).chmod(0o755)
        environment = os.environ | {"PATH": str(tmp_path), "PYTHON": shutil.which("true")}
        ended = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False, env=environment)
        return ended.returncode, ended.stderr

    return run


def test_without_mmdebstrap_it_says_what_to_install(build):
    assert build() == (1, "build.sh: mmdebstrap is missing: sudo apt install mmdebstrap\n")


@pytest.mark.parametrize("programs", [{}, {"arch_test": "exit 1"}], ids=["no arch-test", "no binfmt_misc"])
def test_where_the_other_architecture_does_not_run_it_says_what_to_do(build, programs):
    code, told = build("--arch", "arm64", mmdebstrap="exit 9", **programs)
    assert code == 1
    (line,) = told.splitlines()
    assert "does not run programs for arm64" in line
    assert "apt install arch-test qemu-user-static" in line
    assert "systemctl restart systemd-binfmt" in line
