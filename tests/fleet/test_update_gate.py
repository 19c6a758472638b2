"""How an update is judged: the pure parts. With real packages on a real machine: tests/deb/test_updates.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fleet.gate import FILE, gate

WELL = gate.Sample(7, cameras=("front", "back"), connected=True)


def verdict(before, samples, *, within=100.0, steady=30.0, every=10.0):
    """What a watch finds, and after how many seconds."""
    watch = gate.Watch(before, 0.0, within=within, steady=steady)
    now, last = 0.0, samples[-1]
    samples = iter(samples)
    while (found := watch.look(now, next(samples, last))) is None:
        now += every
        assert now < 1000, "it comes to no end"
    return found, now


def test_well_is_who_stays_so():
    assert verdict(WELL, [WELL]) == ("", 30.0)


def test_a_start_may_take_its_time():
    assert verdict(WELL, [gate.Sample(0, "starts")] * 5 + [WELL]) == ("", 80.0)


def test_a_daemon_that_does_not_run_is_not_well():
    assert verdict(WELL, [gate.Sample(0, "the daemon does not run: failed")]) == (
        "the daemon does not run: failed",
        100,
    )


def test_a_daemon_that_starts_anew_again_and_again_is_not_well():
    samples = [gate.Sample(process, cameras=("front", "back"), connected=True) for process in range(1, 90)]
    found, after = verdict(WELL, samples)
    assert "again and again" in found
    assert after <= 140


def test_one_that_becomes_well_late_gets_the_time_to_stay_so():
    assert verdict(WELL, [gate.Sample(0)] * 9 + [WELL]) == ("", 120.0)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (WELL, WELL, ""),
        (WELL, gate.Sample(7, "the daemon does not answer: x"), "does not answer"),
        (WELL, gate.Sample(7, cameras=("front", "back"), broker="refused"), "not connected to its broker: refused"),
        (WELL, gate.Sample(7, cameras=("back",), lost={"front": "gone"}, connected=True), "camera front delivers"),
        # paused by somebody, or taken out of the config
        (WELL, gate.Sample(7, cameras=("back",), connected=True), ""),
        # what was not well before is not the update's doing
        (gate.Sample(7, lost={"front": "gone"}), gate.Sample(8, lost={"front": "gone"}), ""),
        (gate.Sample(7), gate.Sample(8, cameras=("front",), connected=True), ""),
    ],
)
def test_what_was_well_before_counts(before, now, said):
    found = gate.complaint(before, now)
    assert said in found
    assert bool(found) == bool(said)


def test_a_state_is_read_as_the_control_socket_tells_it_and_a_strange_one_is_told():
    camera = {"online": False, "paused": False, "problem": "unplugged"}
    state = {
        "cameras": {"a": {**camera, "online": True}, "b": camera, "c": {**camera, "paused": True}},
        "broker": {"connected": False, "problem": "refused"},
    }
    assert gate.Sample.of_state(7, state) == gate.Sample(
        7, cameras=("a",), lost={"b": "unplugged"}, connected=False, broker="refused"
    )
    for strange in ({}, {"cameras": []}, {"cameras": {"a": 1}, "broker": {}}, []):
        assert "not known" in gate.Sample.of_state(7, strange).problem


def test_the_version_and_file_are_found_in_what_apt_is_about_to_do():
    head = ["VERSION 3\n", "APT::Architecture=amd64\n", "\n"]
    other = "python3 3.11 amd64 none < 3.12 amd64 none /var/cache/apt/archives/python3.deb\n"
    ours = "edge-fer 1.0~deb12 amd64 none < 2.0~deb12 amd64 none /var/cache/my archives/edge-fer.deb\n"
    done = "edge-fer 1.0~deb12 amd64 none < 2.0~deb12 amd64 none **CONFIGURE**\n"
    file = Path("/var/cache/my archives/edge-fer.deb")
    assert gate.planned([*head, other, ours, done]) == ("1.0~deb12", "2.0~deb12", file)
    first = ours.replace("1.0~deb12 amd64 none <", "- - none <")
    assert gate.planned([*head, first]) == ("", "2.0~deb12", file)
    gone = "edge-fer 1.0~deb12 amd64 none > - - none **REMOVE**\n"
    assert gate.planned([*head, other, gone]) is None
    assert gate.planned(["", "VERSION 3", "edge-fer"]) is None


def test_what_is_to_be_judged_is_kept_on_disk_and_damage_ends_it(tmp_path, capsys):
    file = tmp_path / "pending.json"
    assert gate.Update.read(file) is None
    update = gate.Update("1", "2", WELL, "no camera")
    update.write(file)
    assert gate.Update.read(file) == update
    for damaged in ("", "[]", '{"old": 1}', file.read_text()[:40]):
        file.write_text(damaged)
        assert gate.Update.read(file) is None
        assert not file.exists()
        assert "is damaged" in capsys.readouterr().out


def test_a_wrong_call_is_told():
    done = subprocess.run([FILE, "rollback"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "edge-fer-update-gate: call it with keep or judge\n")


def test_the_unit_verifies(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "edge-fer-update-gate.service"
    unit.write_text(FILE.with_name(unit.name).read_text().replace("/usr/lib/edge-fer-updates/gate.py", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
