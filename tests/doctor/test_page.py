"""What the doctor says of the installed page."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.config.sections.web import WebSection
from edge_fer.control.place import NAME
from edge_fer.doctor.page import page
from edge_fer.web.installed import InstalledPage, prepare
from tests.daemon import Daemon
from tests.running import ENDLESS

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OFF, ON = WebSection(), WebSection(enabled=True)


class Device:
    """A device with the page installed, whose systemd says what it is told to say."""

    def __init__(self, root, monkeypatch):
        self.root = root
        (root / "run/systemd/system").mkdir(parents=True)
        (root / "bin").mkdir()
        self.files = InstalledPage(root / "lib", root / "run/edge-fer-web/wanted", root / "card")
        self.files.state.mkdir(parents=True)
        program = root / "bin/systemctl"
        program.write_text(f'#!/bin/sh\nfor unit; do :; done\ncat "{root}/bin/$unit"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(root / "bin"), prepend=os.pathsep)
        self.socket("active", listen="[::]:8443 (Stream)")
        self.says("edge-fer-web.service", "inactive")
        self.says("edge-fer-web-prepare.service", "inactive")

    def says(self, unit, active, result="success", loaded="loaded", listen=""):
        lines = [
            f"Result={result}",
            f"LoadState={loaded}",
            f"ActiveState={active}",
            *([f"Listen={listen}"] * bool(listen)),
        ]
        (self.root / "bin" / unit).write_text("\n".join(lines) + "\n")

    def socket(self, active, **told):
        self.says("edge-fer-web.socket", active, **told)

    def prepared(self, section=ON):
        prepare(self.files, section, NOW.timestamp(), names=("counter-1",), addresses=(), user=None)

    def findings(self, section=ON, *, group=None, now=NOW):
        found = page(section, root=self.root, group=lambda: os.getgid() if group is None else group, now=lambda: now)
        return {one.name: one for one in found}


@pytest.fixture
def device(tmp_path, monkeypatch):
    return Device(tmp_path, monkeypatch)


def test_where_it_is_not_there_or_off_nothing_is_wrong(device, tmp_path):
    assert [str(one.state) for one in page(ON, root=tmp_path / "none")] == ["skipped"]
    found = device.findings(OFF)
    assert list(found) == ["page"]
    assert (str(found["page"].state), "web on" in found["page"].what) == ("skipped", True)
    device.socket("inactive", loaded="not-found")
    assert "not installed" in device.findings(ON)["page"].what
    device.socket("inactive", loaded="masked")
    assert "unmask" in device.findings(ON)["page"].what
    device.prepared()
    device.prepared(OFF)
    assert list(device.findings(OFF)) == ["page"], "switched off again"


def test_on_it_listens_and_its_certificate_is_good(device):
    device.prepared()
    found = device.findings()
    assert found["page"].what == "it is on, and listens at [::]:8443"
    assert (str(found["page https"].state), "for 397 more days" in found["page https"].what) == (
        "good",
        True,
    )
    assert "does not run" in found["page control"].what
    assert str(found["page control"].state) == "skipped"


def test_what_keeps_browsers_away_is_a_fault_with_a_remedy(device):
    found = device.findings(ON)["page"]
    assert (str(found.state), "edge-fer-web-prepare" in found.remedy) == ("fault", True), "wanted, but not prepared"
    device.prepared()
    device.socket("failed", result="resources")
    found = device.findings()["page"]
    assert (str(found.state), "(resources)" in found.what, "the port" in found.remedy) == ("fault", True, True)
    device.socket("active")
    device.says("edge-fer-web.service", "failed", result="exit-code")
    found = device.findings()["page"]
    assert (str(found.state), "journalctl -u edge-fer-web.service" in found.remedy) == ("fault", True)


def test_a_certificate_that_has_ended_or_cannot_be_made_or_read(device):
    device.prepared()
    late = device.findings(now=NOW + timedelta(days=400))["page https"]
    assert (str(late.state), "2027-06-02" in late.what) == ("fault", True)
    device.says("edge-fer-web-prepare.service", "failed", result="exit-code")
    assert "web prepare" in device.findings()["page https"].remedy
    device.says("edge-fer-web-prepare.service", "inactive")
    for content in (b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        device.files.shown_certificate.write_bytes(content)
        assert str(device.findings()["page https"].state) == "fault"


def test_whether_the_pages_user_reaches_the_daemon(device, tmp_path, monkeypatch):
    device.prepared()
    folder = tmp_path / "run" / "edge-fer"
    folder.mkdir(mode=0o750)
    folder.chmod(0o750)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    with Daemon(tmp_path / "node", {"cameras": {"front": ENDLESS}, "mqtt": {"broker": "mqtt://127.0.0.1:1"}}) as daemon:
        daemon.wait_for("camera front is online")
        socket = folder / NAME
        socket.chmod(0o660)
        assert str(device.findings()["page control"].state) == "good"
        assert "not open to the group" in device.findings(group=os.getgid() + 1)["page control"].what
        folder.chmod(0o700)
        found = device.findings()["page control"]
        assert (str(found.state), "restart edge-fer" in found.remedy) == ("fault", True)
        folder.chmod(0o750)
        socket.chmod(0o600)
        assert str(device.findings()["page control"].state) == "fault"
    socket.unlink(missing_ok=True)
    os.mknod(socket, 0o660 | 0o140000)
    socket.chmod(0o660)
    found = device.findings()["page control"]
    assert (str(found.state), bool(found.remedy)) == ("fault", True), "nobody answers there"
