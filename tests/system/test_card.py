"""What is put on the boot partition of a stock Raspberry Pi OS, as far as it can be tried without one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_fer.boot.secrets import move_secrets
from edge_fer.config import Layer, load
from tests.missing import missing

CARD = Path(__file__).resolve().parents[2] / "deploy" / "card"


@pytest.fixture
def card(tmp_path):
    """A boot partition, and a machine whose apt does what it is told."""
    (tmp_path / "firmware").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(CARD / "edge-fer-install.sh", tmp_path / "firmware")
    release = re.search(r'VERSION_ID="?(\d+)', Path("/etc/os-release").read_text())[1]

    def run(*packages, apt="exit 0"):
        for name in packages:
            (tmp_path / "firmware" / name.replace("RELEASE", release)).touch()
        log = tmp_path / "log"
        dpkg = f'[ "$1" != --configure ] || touch {tmp_path}/configured; echo arm64'
        for name, script in {"dpkg": dpkg, "apt-get": f'echo "$@" >>{log}\n{apt}'}.items():
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        script = tmp_path / "firmware" / "edge-fer-install.sh"
        ended = subprocess.run(["sh", script], capture_output=True, text=True, check=False, env=environment)
        told = (tmp_path / "firmware" / "edge-fer-install.log").read_text()
        return ended.returncode, log.read_text() if log.exists() else "", told

    return run


def test_the_newest_package_for_this_system_is_installed(card):
    versions = ["0.9.0~debRELEASE_arm64", "0.10.0~debRELEASE_arm64", "0.11.0~deb99_arm64", "0.12.0~debRELEASE_amd64"]
    packages = [f"edge-fer_{version}.deb" for version in versions]
    code, apt, told = card(*packages)
    assert code == 0
    assert re.search(
        r"^install .*--no-install-recommends \S+/edge-fer_0\.10\.0~deb\d+_arm64\.deb mosquitto", apt, re.MULTILINE
    )
    assert "is installed" in told


def test_without_a_package_it_says_which_to_copy(card):
    code, apt, told = card("edge-fer_1~deb99_arm64.deb")
    assert (code, apt) == (2, "")
    assert "arm64.deb there" in told


def test_without_a_network_it_says_so_and_can_be_run_again(card, tmp_path):
    code, _, told = card("edge-fer_1~debRELEASE_arm64.deb", apt="exit 100")
    assert code == 1
    assert "is there a network?" in told
    note = tmp_path / "firmware" / "edge-fer-install.log"
    os.utime(note, (1, 1))
    assert card(apt="exit 100")[0] == 1
    assert note.stat().st_mtime == 1, "the card was written to for nothing"
    code, _, told = card()
    assert code == 0
    assert "is installed" in told


def test_what_a_pulled_plug_left_half_done_is_finished_first(card, tmp_path):
    code, apt, _ = card("edge-fer_1~debRELEASE_arm64.deb", apt=f"[ -e {tmp_path}/configured ]")
    assert (code, apt.splitlines()[-1].split()[:3]) == (0, ["install", "-y", "--fix-broken"])


def test_a_service_installs_it_at_each_boot_until_that_has_succeeded(tmp_path):
    (tmp_path / "etc" / "systemd" / "system").mkdir(parents=True)
    run = ["sh", CARD / "edge-fer-firstrun.sh"]
    subprocess.run(run, check=True, env=os.environ | {"EDGE_FER_ROOT": str(tmp_path)})
    unit = tmp_path / "etc/systemd/system/multi-user.target.wants/edge-fer-install.service"
    text = unit.read_text()
    assert "Condition" not in text
    assert text.index("edge-fer-install.sh") < text.index("disable")
    tool = shutil.which("systemd-analyze")
    if tool is None:
        missing("needs systemd-analyze")
    ended = subprocess.run([tool, "verify", "--man=no", unit.resolve()], capture_output=True, text=True, check=False)
    assert "edge-fer-install" not in ended.stdout + ended.stderr, ended.stderr


def test_cloud_init_accepts_the_user_data():
    tool = shutil.which("cloud-init")
    if tool is None:
        pytest.skip("needs cloud-init (apt install cloud-init)")
    ended = subprocess.run(
        [tool, "schema", "--config-file", CARD / "user-data"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_settings_load_when_they_are_uncommented():
    text = re.sub(r"^#(?! )( *[a-z]+:)", r"\1", (CARD / "edge-fer.yaml").read_text(), flags=re.MULTILINE)
    text = text.replace("#  ", "  ")
    moved = move_secrets(text, Path("/x"))
    assert moved.keys == ("mqtt.password",)
    config = load([Layer("card", moved.text)], environ={}, settings=False).config
    assert (config.node.id, config.mqtt.password_file) == ("counter-1", Path("/x"))
