"""The page of the installed service, on a booted machine whose daemon runs, whichever way it was installed."""

from __future__ import annotations

import json
import re
import shlex
import socket
import time
from pathlib import Path

import cv2
import pytest

from edge_fer.sample import sample_picture
from tests.install.visitor import HttpsVisitor

__all__ = ["sandbox_report", "walk_page"]

#: Of every account here.
PASSWORD = "correct horse"  # noqa: S105 - opens nothing
PROBE = Path(__file__).with_name("probe.py")


def walk_page(booted) -> None:
    """Switches the page on, uses it, and switches it off."""
    for step in (
        _it_is_off_until_it_is_switched_on,
        _it_is_reached_by_https_and_a_link_logs_the_first_admin_in,
        _a_picture_is_read_within_the_sandbox,
        _it_ends_when_nobody_looks_and_comes_back,
        _its_sandbox_holds,
        _it_is_switched_off,
    ):
        print(f"\n{booted.suite}: {step.__name__[1:].replace('_', ' ')}")
        step(booted)


def is_listened_to():
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", 8443)) == 0


def _it_is_off_until_it_is_switched_on(booted):
    assert booted.ok("systemctl is-enabled edge-fer-web.socket").strip() == "enabled"
    assert booted.run("systemctl is-active edge-fer-web.socket edge-fer-web.service").stdout.split() == ["inactive"] * 2
    assert not is_listened_to()
    assert not booted.path("/var/lib/edge-fer-web/authority.pem").exists()


def _it_is_reached_by_https_and_a_link_logs_the_first_admin_in(booted):
    booted.wait_for("systemctl is-active edge-fer")
    said = booted.ok("edge-fer web on")
    token = re.search(r"/link\?token=(\S+)", said)[1]
    mark = re.search(r"SHA-256\): (\S+)", said)[1]
    assert booted.run("systemctl is-active edge-fer-web.service").stdout.strip() == "inactive", "nobody looks yet"
    guest = HttpsVisitor(booted)
    begun = time.monotonic()
    assert guest.get("/")[:1] == (303,)
    print(f"\n{booted.suite}: the page started and answered in {time.monotonic() - begun:.1f} s")
    assert guest.ask("GET", "/", host="evil.example")[0] == 421
    ann = HttpsVisitor(booted)
    assert ann.ask("POST", "/link", {"token": token})[0] == 303
    status, headers, text = ann.get("/")
    assert (status, "front" in text) == (200, True), text
    assert "max-age" in headers["strict-transport-security"]
    assert "__Host-" in ann.cookie
    assert mark in ann.get("/certificate")[2]
    certificate = ann.get("/certificate/edge-fer.crt")
    assert certificate[1]["content-type"] == "application/x-x509-ca-cert"
    assert certificate[2] == booted.path("/var/lib/edge-fer-web/authority.pem").read_text()
    # the daemon takes the person's role, as the page's user alone may name it
    assert ann.send("/cameras/pause", camera="front")[0] == 303
    assert "paused" in ann.get("/")[2]
    assert ann.send("/cameras/resume", camera="front")[0] == 303
    assert ann.send("/accounts/put", name="bob", password=PASSWORD, role="viewer")[0] == 303
    add = "printf 'correct horse\\n' | edge-fer web account add cid --role operator"
    assert "cid may log in" in booted.ok(add)
    for name, expected in (("bob", 403), ("cid", 303)):
        other = HttpsVisitor(booted)
        assert other.ask("POST", "/login", {"name": name, "password": "correct horse"})[0] == 303
        assert other.send("/cameras/resume", camera="front")[0] in {expected, 409}
    assert booted.ok("stat -c '%U %a' /var/lib/edge-fer-web/state/accounts.json").split() == ["edge-fer-web", "600"]
    assert "Traceback" not in booted.ok("journalctl --no-pager -u edge-fer-web")


def _a_picture_is_read_within_the_sandbox(booted):
    cid = HttpsVisitor(booted)
    assert cid.ask("POST", "/login", {"name": "cid", "password": PASSWORD})[0] == 303
    encoded = cv2.imencode(".jpg", cv2.cvtColor(sample_picture(), cv2.COLOR_RGB2BGR))[1].tobytes()
    status, text = cid.send_picture(encoded)
    assert status == 200, text
    (face,) = json.loads(text)["faces"]
    assert face["label"] == "happy"
    assert booted.ok("systemctl show -P NRestarts edge-fer-web").strip() == "0"


def _it_ends_when_nobody_looks_and_comes_back(booted):
    """Ten minutes are not waited for: it is stopped, as it stops itself."""
    ann = HttpsVisitor(booted)
    assert ann.ask("POST", "/login", {"name": "bob", "password": "correct horse"})[0] == 303
    pid = booted.ok("systemctl show -P MainPID edge-fer-web").strip()
    assert booted.ok(f"stat -c %U /proc/{pid}").strip() == "edge-fer-web"
    status = booted.ok(f"cat /proc/{pid}/status")
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
        assert line in status
    memory = int(re.search(r"VmHWM:\s+(\d+)", status)[1])
    print(f"\n{booted.suite}: the page takes {memory // 1024} MiB at most")
    assert booted.ok(f"readlink /proc/{pid}/ns/net") != booted.ok("readlink /proc/1/ns/net")
    booted.ok(f"kill {pid}")
    booted.wait_for("! systemctl is-active --quiet edge-fer-web.service")
    assert ann.get("/")[0] == 200, "the session goes on in the next process"
    assert booted.ok("systemctl show -P MainPID edge-fer-web").strip() != pid


def sandbox_report(booted, unit, command="ExecStart="):
    """What a program may do in the place of a unit's own."""
    lines = [line for line in unit.splitlines() if not line.startswith(("Type=", "ExecReload", "Watchdog", "Restart"))]
    probe = "ExecStart=/usr/bin/python3 /usr/local/lib/edge-fer-probe.py\nType=oneshot"
    lines = [probe if line.startswith(command) else line for line in lines]
    # its own is taken away when it ends, and would take the daemon's along
    lines = [line.replace("RuntimeDirectory=edge-fer", "RuntimeDirectory=edge-fer-probe") for line in lines]
    booted.write("/etc/systemd/system/edge-fer-probe.service", "\n".join(lines) + "\n")
    booted.write("/usr/local/lib/edge-fer-probe.py", PROBE.read_text())
    # a device that anybody may open, and a folder that anybody may write to; elsewhere, a user can
    booted.ok("test -e /dev/edge-fer-test || mknod /dev/edge-fer-test c 10 237; chmod 666 /dev/edge-fer-test")
    booted.ok("mkdir -p -m 1777 /srv/open")
    booted.ok("runuser -u edge-fer -- sh -c 'exec < /dev/edge-fer-test && touch /srv/open/file /tmp/file'")
    booted.ok("systemctl daemon-reload; systemctl start edge-fer-probe")
    folder = re.search(r"^StateDirectory=(.*)$", unit, re.MULTILINE)[1]
    return json.loads(booted.ok(f"cat /var/lib/{folder}/probe.json"))


def _its_sandbox_holds(booted):
    unit = booted.ok("systemctl cat edge-fer-web.service")
    unit = "\n".join(line for line in unit.splitlines() if not line.startswith(("Requires=", "Wants=", "After=")))
    report = sandbox_report(booted, unit)
    print(f"\n{booted.suite}: {report}")
    assert report.pop("user") == int(booted.ok("id -u edge-fer-web"))
    assert {
        folder for folder in report.pop("writable") if not folder.startswith("/var/lib/edge-fer-web/state")
    } == set()
    assert {name for name, what in report.items() if what == "done"} == set()
    folders = ("/etc/edge-fer/config.yaml", "/var/lib/edge-fer/settings.yaml", "/var/lib/edge-fer-web/authority.key")
    for path in folders:
        reads = f"ExecStart=/bin/sh -c {shlex.quote(f'! cat {path}')}\nType=oneshot"
        lines = [line for line in unit.splitlines() if not line.startswith(("Type=", "Restart"))]
        lines = [reads if line.startswith("ExecStart=") else line for line in lines]
        booted.write("/etc/systemd/system/edge-fer-probe.service", "\n".join(lines) + "\n")
        booted.ok("systemctl daemon-reload; systemctl start edge-fer-probe")
    booted.ok("rm /etc/systemd/system/edge-fer-probe.service /usr/local/lib/edge-fer-probe.py; systemctl daemon-reload")


def _it_is_switched_off(booted):
    booted.ok("edge-fer web off")
    assert not is_listened_to()
    assert booted.run("systemctl is-active edge-fer-web.socket edge-fer-web.service").stdout.split() == ["inactive"] * 2
    with pytest.raises(ConnectionRefusedError):
        HttpsVisitor(booted).get("/")
