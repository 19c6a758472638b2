"""The doctor's checks of the machine, the cameras and the model, each good and each wrong."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from edge_fer.config.tree import CameraSection, EmotionSection, FacesSection
from edge_fer.doctor import machine, vision
from edge_fer.doctor.service import may_read, running_daemon, service
from edge_fer.inference.store import Store
from tests.broker import Mosquitto, free_port
from tests.capture.helpers import MjpegCamera, flat, write_video
from tests.daemon import Daemon, edge_fer
from tests.fetched import models_folder


def firmware(root, text):
    file = root / "sys/devices/platform/soc/soc:firmware/get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("flags", "state", "told"),
    [
        ("0\n", "good", "none since"),
        ("50005\n", "fault", "too little voltage"),
        ("e0008\n", "warning", "too warm"),
        ("50000\n", "warning", "too little voltage at times"),
        ("80000\n", "warning", "was slowed down"),
    ],
)
def test_throttling(tmp_path, flags, state, told):
    firmware(tmp_path, flags)
    found = machine.power(tmp_path)
    assert (str(found.state), told in found.what) == (state, True), found


def test_a_machine_without_that_firmware_or_with_nonsense_in_it(tmp_path):
    assert str(machine.power(tmp_path).state) == "skipped"
    firmware(tmp_path, "nonsense")
    assert str(machine.power(tmp_path).state) == "skipped"


@pytest.mark.parametrize(("milli", "state"), [("45100", "good"), ("81000", "warning"), ("86000", "warning")])
def test_temperature(tmp_path, milli, state):
    assert str(machine.warmth(tmp_path).state) == "skipped"
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.parent.mkdir(parents=True)
    zone.write_text(f"{milli}\n")
    assert str(machine.warmth(tmp_path).state) == state


@pytest.mark.outside
@pytest.mark.parametrize(
    ("told", "state"),
    [
        # as systemd 257 tells it, in an order of its own
        ("Result=success\nLoadState=loaded\nActiveState=active\n", "good"),
        ("Result=exit-code\nLoadState=loaded\nActiveState=activating\n", "fault"),
        ("Result=success\nLoadState=loaded\nActiveState=inactive\n", "warning"),
        ("Result=success\nLoadState=not-found\nActiveState=inactive\n", "skipped"),
    ],
)
def test_service(tmp_path, monkeypatch, told, state):
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert str(service(tmp_path).state) == state


def test_clock():
    assert str(machine.clock(lambda: True).state) == "good"
    assert "timedatectl" in machine.clock(lambda: False).remedy


def test_memory_ceiling(tmp_path):
    assert str(machine.memory(tmp_path).state) == "skipped"
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    controllers = tmp_path / "sys/fs/cgroup/cgroup.controllers"
    controllers.parent.mkdir(parents=True)
    controllers.write_text("cpu pids\n")
    assert "cgroup_enable=memory" in machine.memory(tmp_path).remedy
    controllers.write_text("cpu memory pids\n")
    assert str(machine.memory(tmp_path).state) == "good"


def test_disk(tmp_path):
    assert str(machine.disk(tmp_path / "not" / "yet", 1e6).state) == "good"
    assert "max_size" in machine.disk(tmp_path, 1e18).remedy
    (tmp_path / "file").touch()
    assert "cannot be written" in machine.disk(tmp_path / "file" / "state", 1e6).what


def test_a_disk_that_is_full(tmp_path):
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", tmp_path], check=False).returncode
    ):
        pytest.skip("needs leave to mount a small disk")
    try:
        assert str(machine.disk(tmp_path, 1e6).state) == "fault"
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_user_who_may_not_open_the_camera(tmp_path):
    """In a process of its own, because it gives up being root."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    device = tmp_path / "video0"
    device.touch(mode=0o600)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path; from edge_fer.doctor.machine import user\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); print(user([Path(sys.argv[1])]))"
    )
    out = subprocess.run([sys.executable, "-c", script, device], check=True, capture_output=True, text=True).stdout
    assert "State.FAULT" in out
    assert "usermod -aG root nobody" in out


def test_root_finds_out_what_another_user_may_read_and_stays_root(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    file = tmp_path / "home" / "program"
    file.parent.mkdir()
    file.touch(mode=0o644)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    nobody, groups = pwd.getpwnam("nobody"), os.getgroups()
    for mode, readable in ((0o700, False), (0o755, True), (0o700, False)):
        file.parent.chmod(mode)
        assert may_read(nobody, file) is readable
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)


def test_a_camera_that_works_one_that_is_dark_and_one_that_is_not_there(tmp_path):
    lit = write_video(tmp_path / "lit.mp4", [flat(120)] * 3)
    dark = write_video(tmp_path / "dark.mp4", [flat(3)] * 3)
    assert "64 x 48" in vision.camera("front", CameraSection(source=str(lit)), None).what
    assert "lens cover" in vision.camera("front", CameraSection(source=str(dark)), None).remedy
    for source in (str(tmp_path / "none.mp4"), "/dev/video99", f"http://127.0.0.1:{free_port()}/video", "/nonsense"):
        found = vision.camera("front", CameraSection(source=source), None)
        assert (str(found.state), bool(found.remedy)) == ("fault", True), found


def test_a_camera_that_says_nothing(monkeypatch):
    camera = MjpegCamera()
    try:
        assert "160 x 120" in vision.camera("front", CameraSection(source=camera.url), None).what
        monkeypatch.setattr(vision, "FIRST_PICTURE", 2.0)
        camera.silent.set()
        assert str(vision.camera("front", CameraSection(source=camera.url), None).state) == "fault"
    finally:
        camera.die()


def test_a_device_is_left_to_the_daemon_that_runs(tmp_path):
    found = vision.camera("front", CameraSection(source="/dev/video0"), 42)
    assert (str(found.state), "process 42" in found.what) == ("skipped", True)
    assert running_daemon(tmp_path) is None
    with Mosquitto(tmp_path / "broker") as broker:
        config = {"cameras": {"front": {"source": "sample", "loop": True}}, "mqtt": {"broker": broker.url}}
        with Daemon(tmp_path, config) as daemon:
            daemon.wait_for("online")
            assert running_daemon() is not None
            (tmp_path / "7").mkdir()
            (tmp_path / "7" / "cmdline").write_bytes(Path(f"/proc/{daemon.pid}/cmdline").read_bytes())
            assert running_daemon(tmp_path) == 7


def test_the_model_and_the_detector(tmp_path):
    assert "run by" in vision.model(EmotionSection()).what
    missing = vision.model(EmotionSection(model=tmp_path / "none.tflite"))
    assert (str(missing.state), "none" in missing.what) == ("fault", True)
    found = vision.detector("front", CameraSection(faces=FacesSection(detector="haar")), Store(tmp_path))
    assert (str(found.state), "haar finds the face" in found.what, "ms a frame" in found.what) == ("good", True, True)
    broken = CameraSection(emotion=EmotionSection(model=tmp_path / "none.tflite"))
    assert str(vision.detector("front", broken, Store(tmp_path)).state) == "fault"


def test_a_detector_whose_files_are_missing_is_told(tmp_path):
    found = vision.detector("front", CameraSection(), Store(tmp_path))
    assert (str(found.state), "cannot read the model" in found.what) == ("fault", True)
    assert "edge-fer models fetch" in found.remedy
    assert "detector: haar" in found.remedy


def test_the_better_detector():
    found = vision.detector("front", CameraSection(), Store(models_folder()))
    assert (str(found.state), "blazeface finds the face" in found.what) == ("good", True)


def doctor(tmp_path, config, *arguments):
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"node": {"id": "test"}, "state_dir": str(tmp_path)} | config))
    return edge_fer("doctor", "--config", str(file), *arguments)


def test_the_command_tells_each_thing_on_a_line_and_by_its_exit_code(tmp_path):
    camera = {"cameras": {"front": {"source": "sample"}}}
    with Mosquitto(tmp_path / "broker") as broker:
        well = doctor(tmp_path, camera | {"mqtt": {"broker": broker.url}})
    assert (well.returncode, well.stderr) == (0, "")
    assert "Nothing is wrong." in well.stdout
    ill = doctor(tmp_path, camera | {"mqtt": {"broker": broker.url}})
    assert ill.returncode == 1
    assert "FAULT    broker" in ill.stdout
    assert "One thing is wrong." in ill.stdout


def test_the_command_gives_json(tmp_path):
    ended = doctor(tmp_path, {"cameras": {"front": {"source": "/none.mp4"}}, "mqtt": {"broker": "embedded"}}, "--json")
    findings = {finding["name"]: finding for finding in json.loads(ended.stdout)["findings"]}
    assert ended.returncode == 1
    assert set(findings) >= {"clock", "disk", "user", "model", "detector", "camera front", "broker", "temperature"}
    assert findings["camera front"]["state"] == "fault"
    assert set(findings["disk"]) == {"name", "state", "what", "remedy"}


def test_a_wrong_config_is_told_in_full(tmp_path):
    ended = doctor(tmp_path, {"faces": {"min_sise": 1}, "mqtt": {"broker": "http://x"}})
    assert ended.returncode == 78
    assert "min_size" in ended.stderr
    assert "mqtt.broker" in ended.stderr
