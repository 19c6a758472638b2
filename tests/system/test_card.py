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
        for name, script in {"dpkg": "echo arm64", "apt-get": f'echo "$@" >>{log}\n{apt}'}.items():
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "EDGE_FER_PAUSE": "0"}
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
    assert re.search(r"install -y \S+/edge-fer_0\.10\.0~deb\d+_arm64\.deb", apt)
    assert "is installed" in told


def test_without_a_package_it_says_which_to_copy(card):
    code, apt, told = card("edge-fer_1~deb99_arm64.deb")
    assert (code, apt) == (1, "")
    assert "arm64.deb there" in told


def test_without_a_network_it_tries_again_and_says_so(card):
    code, apt, told = card("edge-fer_1~debRELEASE_arm64.deb", apt="exit 100")
    assert code == 1
    assert apt.count("update") == 5
    assert "is there a network?" in told


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
