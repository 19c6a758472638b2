"""The installer, as far as it can be looked at without installing; the rest is in tests/install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.missing import missing

ROOT = Path(__file__).resolve().parents[2]
INSTALLER = ROOT / "deploy" / "install.sh"
OURS = [Path(path) for path in ("/opt/edge-fer", "/etc/edge-fer", "/etc/systemd/system/edge-fer.service")]


@pytest.fixture
def machine(tmp_path):
    """Commands by which the installer learns of the machine, in place of the machine's own."""
    (tmp_path / "bin").mkdir()

    def pretend(**programs):
        for name, script in programs.items():
            file = tmp_path / "bin" / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)

    def run(*arguments):
        environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run([INSTALLER, *arguments], capture_output=True, text=True, check=False, env=environment)

    pretend(dpkg="echo arm64", apt_cache="printf 'python3-picamera2:\\n  Candidate: 0.3.31\\n'", apt_get="exit 9")
    run.pretend = pretend
    return run


def test_shellcheck_finds_nothing():
    path = shutil.which("shellcheck")
    if path is None:
        missing("needs shellcheck (apt install shellcheck)")
    scripts = [INSTALLER, ROOT / "tests" / "install-tools.sh", *sorted((ROOT / "deploy").glob("*/*.sh"))]
    ended = subprocess.run([path, *scripts], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_a_dry_run_prints_every_step_and_does_none(machine):
    before = [path.exists() for path in OURS]
    ended = machine("--dry-run")
    assert (ended.returncode, ended.stderr) == (0, "")
    for step in ("apt-get install", "python3-picamera2", "-m venv --system-site-packages", "models fetch"):
        assert step in ended.stdout
    assert [path.exists() for path in OURS] == before


@pytest.mark.parametrize(
    ("programs", "told"),
    [
        ({"dpkg": "echo armhf"}, "64-bit Raspberry Pi OS"),
        ({"dpkg": "echo riscv64"}, "riscv64"),
        ({"dpkg": "exit 1"}, "no Debian or Raspberry Pi OS"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_why(machine, programs, told):
    machine.pretend(**programs)
    ended = machine("--dry-run")
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "would run" not in ended.stdout


def test_picamera2_is_found_however_much_apt_has_to_say(machine):
    machine.pretend(apt_cache="echo python3-picamera2:; echo '  Candidate: 0.3.31'; sleep 0.3; echo more && echo more")
    assert "ca-certificates python3-picamera2" in machine("--dry-run").stdout


def test_a_system_without_picamera2_is_told_and_survived(machine):
    machine.pretend(apt_cache="true")
    ended = machine("--dry-run")
    assert ended.returncode == 0
    assert "the Pi camera will not work" in ended.stdout
    assert "ca-certificates python3-picamera2" not in ended.stdout


@pytest.mark.parametrize("arguments", [("--nonsense",), ("--purge",), ("install",)])
def test_a_wrong_command_line(machine, arguments):
    assert machine(*arguments).returncode == 2


def test_uninstalling_dry_names_what_it_would_remove(machine):
    ended = machine("--uninstall", "--purge", "--dry-run")
    assert ended.returncode == 0
    for path in ("/opt/edge-fer", "/etc/edge-fer", "/var/lib/edge-fer", "edge-fer.service"):
        assert path in ended.stdout
