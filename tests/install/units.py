"""The units beside the daemon's, on a booted machine: what they do, and what they say in trouble.

The machine has a camera whose faces are always there, and Debian's Apprise.
"""

from __future__ import annotations

import http.server
import json
import re
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.install.visitor import HttpsVisitor

__all__ = ["walk_units"]

#: The most that `systemd-analyze security` may find exposed, of 10.
EXPOSED = {"edge-fer-web": 1.5, "edge-fer-notify": 1.5, "edge-fer-week": 1.5, "edge-fer": 2.0}


def walk_units(booted) -> None:
    """Has each unit do its work, and fail."""
    with _changed_config(booted):
        for step in (
            _little_is_exposed,
            _notifications_are_sent_by_the_unit,
            _the_page_of_the_week_is_written,
            _the_page_ends_when_nobody_looks,
            _a_masked_socket_is_told,
            _a_full_disk_is_told,
            _a_second_start_changes_nothing,
        ):
            print(f"\n{booted.suite}: {step.__name__[1:].replace('_', ' ')}")
            step(booted)


@contextmanager
def _changed_config(booted) -> Iterator[None]:
    before = booted.path("/etc/edge-fer/config.yaml").read_text()
    try:
        yield
    finally:
        booted.path("/etc/edge-fer/config.yaml").write_text(before)
        booted.ok("systemctl restart edge-fer")


def _configure(booted, **more):
    booted.path("/etc/edge-fer/config.yaml").write_text(json.dumps(booted.config | more))
    booted.ok("systemctl restart edge-fer")


def _little_is_exposed(booted):
    for unit, most in EXPOSED.items():
        text = booted.ok(f"systemd-analyze security --no-pager {unit}")
        found = float(re.search(r"exposure level for \S+ ([\d.]+)", text)[1])
        print(f"{unit}: {found}")
        assert found <= most, text


@contextmanager
def _a_target() -> Iterator[tuple[str, list[str]]]:
    """A webhook on this machine: its address, and what came."""
    came: list[str] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"json://127.0.0.1:{server.server_port}/hook", came
        finally:
            server.shutdown()


def _notifications_are_sent_by_the_unit(booted):
    booted.ok(
        "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends apprise"
    )
    with _a_target() as (address, came):
        booted.write("/etc/edge-fer/notify/nurse", address + "\n", 0o600)
        booted.ok("chown edge-fer-notify:edge-fer-notify /etc/edge-fer/notify/nurse")
        alerts = {"anybody": {"when": {"more_people_than": 0}, "for": "0s", "keep_firing_for": "5m"}}
        target = {"targets": {"nurse": {"url_file": "/etc/edge-fer/notify/nurse"}}}
        _configure(booted, notify=target, alerts=alerts, history={"record": "on"})
        assert "taken" in booted.ok("edge-fer notify test")
        assert came, "the test came"
        deadline = time.monotonic() + 120
        while len(came) < 2:
            told = booted.run("edge-fer notify list; journalctl --no-pager -n 20 -u edge-fer -u edge-fer-notify").stdout
            assert time.monotonic() < deadline, told
            time.sleep(1)
        booted.wait_for("! systemctl is-active --quiet edge-fer-notify")
        listed = booted.ok("edge-fer notify list")
        assert "last sent" in listed
        assert "127.0.0.1" not in listed, "the address is the sender's alone"
        journal = booted.ok("journalctl --no-pager -u edge-fer-notify")
        assert "Traceback" not in journal
    # not by one who may not read the address
    refused = booted.run("runuser -u nobody -- edge-fer notify test 2>&1")
    assert (refused.returncode, "Traceback" in refused.stdout) == (1, False), refused.stdout


def _the_page_of_the_week_is_written(booted):
    booted.wait_for("test -e /var/lib/edge-fer/history.sqlite")
    assert booted.run("systemctl is-enabled edge-fer-week.timer").stdout.strip() == "disabled"
    booted.ok("systemctl enable --now edge-fer-week.timer 2>&1")
    assert "edge-fer-week.timer" in booted.ok("systemctl list-timers --all --no-pager")
    booted.ok("systemctl start edge-fer-week || { journalctl --no-pager -u edge-fer-week; false; }")
    (page,) = booted.ok("ls /var/lib/edge-fer/reports").split()
    assert re.fullmatch(r"edge-fer-\d{4}-W\d\d\.html", page)
    assert booted.ok(f"stat -c '%U %a' /var/lib/edge-fer/reports/{page}").split() == ["edge-fer", "640"]
    booted.ok("edge-fer history")


@contextmanager
def _as_a_unit(booted, unit: str, *lines: str) -> Iterator[None]:
    """The unit with further settings."""
    folder = f"/run/systemd/system/{unit}.d"
    # what is in /run is the machine's own
    booted.ok(f"mkdir -p {folder}; printf '%s\\n' '[Service]' {shlex.join(lines)} > {folder}/test.conf")
    booted.ok("systemctl daemon-reload")
    try:
        yield
    finally:
        booted.ok(f"rm -r {folder}; systemctl daemon-reload")


def _the_page_ends_when_nobody_looks(booted):
    command = booted.ok("grep ^ExecStart= $(systemctl show -P FragmentPath edge-fer-web.service)").strip()
    booted.ok("edge-fer web on; systemctl stop edge-fer-web.service")
    with _as_a_unit(booted, "edge-fer-web.service", "ExecStart=", command.replace("600", "3")):
        visitor = HttpsVisitor(booted)
        assert visitor.get("/login")[0] == 200
        first = booted.ok("systemctl show -P MainPID edge-fer-web.service").strip()
        booted.wait_for("systemctl show -P ActiveState -P Result edge-fer-web.service | grep -qx inactive")
        assert booted.ok("systemctl show -P Result edge-fer-web.service").strip() == "success"
        assert visitor.get("/login")[0] == 200, "it comes back for whoever looks"
        assert booted.ok("systemctl show -P MainPID edge-fer-web.service").strip() not in {"0", first}


def _a_masked_socket_is_told(booted):
    booted.ok("edge-fer web off; systemctl mask --runtime edge-fer-web.socket 2>&1")
    try:
        refused = booted.run("edge-fer web on 2>&1")
    finally:
        booted.ok("systemctl unmask --runtime edge-fer-web.socket 2>&1")
    assert refused.returncode == 1, refused.stdout
    assert "systemctl unmask edge-fer-web.socket" in refused.stdout
    assert "Traceback" not in refused.stdout


def _a_full_disk_is_told(booted):
    """The page answers, and logs in; what it cannot write, it says."""
    state = "/var/lib/edge-fer-web/state"
    said = booted.ok("edge-fer web on")
    token = re.search(r"/link\?token=(\S+)", said)[1]
    booted.ok("systemctl stop edge-fer-web.service edge-fer-web.socket")
    booted.ok(
        f"cp -a {state} /root/kept; mount -t tmpfs -o size=64k,mode=700 tmpfs {state}; cp -a /root/kept/. {state}"
    )
    try:
        booted.ok(f"chown edge-fer-web: {state}; cat /dev/zero > {state}/fill || true")
        booted.ok("systemctl start edge-fer-web.socket")
        visitor = HttpsVisitor(booted)
        assert visitor.ask("POST", "/link", {"token": token})[0] == 303
        # the link that was used may have made room
        booted.ok(f"cat /dev/zero > {state}/more || true")
        status, _, text = visitor.send("/accounts/put", name="dot", password="correct horse", role="viewer")  # noqa: S106
        assert (status, "cannot be written" in text) == (503, True), text
        refused = booted.run("printf 'correct horse\\n' | edge-fer web account add dot 2>&1")
        assert (refused.returncode, "No space left" in refused.stdout) == (1, True), refused.stdout
        assert "Traceback" not in refused.stdout + booted.ok("journalctl --no-pager -u edge-fer-web")
    finally:
        booted.ok(f"systemctl stop edge-fer-web.socket edge-fer-web.service; umount {state}; rm -r /root/kept")
    booted.ok("systemctl start edge-fer-web.socket; edge-fer web off")


def _a_second_start_changes_nothing(booted):
    """By systemd, and by hand beside the unit."""
    before = booted.ok("systemctl show -P MainPID edge-fer")
    booted.ok(
        "systemctl start edge-fer edge-fer-notify edge-fer-boot-config edge-fer-web-prepare; systemctl start edge-fer"
    )
    assert booted.ok("systemctl show -P MainPID edge-fer") == before
    second = booted.run(
        "cd /; export STATE_DIRECTORY=/var/lib/edge-fer; timeout 60 runuser -u edge-fer -- edge-fer run 2>&1",
        timeout=90,
    )
    assert second.returncode not in {0, 124}, second.stdout
    assert "Traceback" not in second.stdout
    assert booted.ok("systemctl show -P MainPID edge-fer") == before
