"""The life of an installation on fresh Debian machines: `make test-install`, as root; takes minutes."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.broker import free_port
from tests.install.first_commands import GUEST, add_guest, walk
from tests.install.machine import Machine
from tests.install.page import sandbox_report, walk_page
from tests.install.source import copy_source
from tests.install.units import walk_units

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_INSTALL" not in os.environ, reason="takes minutes and root: make test-install"),
    pytest.mark.timeout(1200),
]
LOGIN = {"edge": "correct-horse"}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def machine(request, tmp_path_factory):
    for tool in ("mmdebstrap", "systemd-nspawn"):
        assert shutil.which(tool), f"install {tool} first: apt install mmdebstrap systemd-container"
    machine = Machine(request.param, tmp_path_factory.mktemp("machines") / request.param)
    try:
        copy_source(machine)
        yield machine
    finally:
        machine.close()


INSTALL = "edge-fer/deploy/install.sh"


def test_a_dry_run_changes_nothing(machine):
    before = snapshot(machine)
    output = machine.ok(f"{INSTALL} --dry-run")
    assert "pip install --no-deps /root/edge-fer" in output
    assert snapshot(machine) == before


def snapshot(machine):
    places = "/etc /opt /usr/local /var/lib/edge-fer"
    return machine.run(f"find {places} -printf '%p %s %m %u %T@\\n' 2>/dev/null | sort").stdout


def test_it_installs_where_systemd_does_not_run(machine):
    output = machine.ok(INSTALL)
    assert "python3-picamera2 is not among this system's packages" in output
    assert "the service will start at the next boot" in output
    assert machine.ok("readlink /etc/systemd/system/multi-user.target.wants/edge-fer.service").strip()
    assert "video" in machine.ok("id -nG edge-fer").split()
    assert machine.ok("stat -c '%a %U %G' /etc/edge-fer /etc/edge-fer/config.yaml /var/lib/edge-fer").splitlines() == [
        "755 root root",
        "644 root root",
        "700 edge-fer edge-fer",
    ]
    assert "edge-fer " in machine.ok("edge-fer version")


@pytest.mark.parametrize("package", ["numpy", "av"])
def test_what_picamera2_is_built_on_is_the_systems(machine, package):
    show = f"import {package}, cv2; print({package}.__version__, {package}.__file__)"
    ours = machine.ok(f"/opt/edge-fer/current/bin/python -P -c '{show}'")
    assert ours == machine.ok(f"/usr/bin/python3 -P -c '{show.replace(', cv2', '')}'")
    assert ours.split()[1].startswith("/usr/lib/python3/dist-packages/")


@pytest.mark.parametrize("who", ["root", GUEST])
def test_the_first_commands_after_installation(machine, who):
    add_guest(machine)
    walk(machine, who, "installed", "/usr/local/bin", "/opt/edge-fer/current/bin")


def test_the_manual_and_the_completions(machine):
    assert "edge" in machine.ok("zcat /usr/local/share/man/man1/edge-fer.1.gz")
    assert "predict" in machine.ok("cat /usr/local/share/bash-completion/completions/edge-fer")
    assert "predict" in machine.ok("cat /usr/local/share/zsh/site-functions/_edge-fer")


@pytest.fixture(scope="module")
def booted(machine):
    """The machine with a broker that asks for a password, and with the sample in front of its camera."""
    port = free_port()
    machine.port = port
    machine.config = {
        "node": {"id": "pi"},
        "cameras": {"front": {"source": "sample", "loop": True}},
        "mqtt": {"broker": f"mqtt://edge@127.0.0.1:{port}", "password_file": "/etc/edge-fer/mqtt-password"},
        "log_level": "info",
    }
    machine.write("/etc/edge-fer/config.yaml", json.dumps(machine.config))
    # root's alone: systemd hands it over
    machine.write("/etc/edge-fer/mqtt-password", LOGIN["edge"], 0o600)
    machine.ok(
        f"mosquitto_passwd -c -b /etc/mosquitto/passwd edge {LOGIN['edge']} && chown mosquitto /etc/mosquitto/passwd"
    )
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", "password_file /etc/mosquitto/passwd"]
    machine.write("/etc/mosquitto/conf.d/test.conf", "\n".join(lines) + "\n")
    machine.boot()
    return machine


def heard(machine, topic, seconds=40):
    """One message from the broker, by a client that is not ours."""
    login = f"-h 127.0.0.1 -p {machine.port} -u edge -P {LOGIN['edge']}"
    ended = machine.run(f"mosquitto_sub {login} -t '{topic}' -C 1 -W {seconds}")
    journal = machine.run("systemctl status edge-fer --no-pager -n 30; journalctl --no-pager -u mosquitto -n 10").stdout
    assert ended.returncode == 0, f"nothing came on {topic}:\n{ended.stdout}{journal}"
    return ended.stdout


def pid(machine):
    return int(machine.ok("systemctl show -P MainPID edge-fer"))


def test_it_runs_from_boot_as_its_user_and_messages_arrive(booted):
    booted.wait_for("systemctl is-active edge-fer")
    assert json.loads(heard(booted, "edge-fer/pi/camera/front/event"))["event_type"]
    assert heard(booted, "edge-fer/pi/availability").strip() == "online"
    assert booted.ok(f"stat -c %U /proc/{pid(booted)}").strip() == "edge-fer"
    status = booted.ok(f"cat /proc/{pid(booted)}/status")
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
        assert line in status
    memory = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    print(f"\n{booted.suite}: {memory // 1024} MiB at most so far")


def test_the_journal_can_be_searched_by_camera(booted):
    lines = booted.ok("journalctl --no-pager -o json -u edge-fer CAMERA=front").splitlines()
    assert any(json.loads(line)["MESSAGE"] == "camera front is online" for line in lines)


def test_the_sandbox_holds(booted):
    report = sandbox_report(booted, booted.path("/etc/systemd/system/edge-fer.service").read_text())
    print(f"\n{booted.suite}: {report}")
    assert report.pop("user") == int(booted.ok("id -u edge-fer"))
    own = ("/var/lib/edge-fer", "/run/edge-fer-probe")
    assert {folder for folder in report.pop("writable") if not folder.startswith(own)} == set()
    allowed = {"read credential", "internet socket", "netlink socket", "ask the clock"}
    assert {name for name, what in report.items() if what == "done"} == allowed


def test_the_page(booted):
    walk_page(booted)


def test_the_units_beside_the_daemon(booted):
    walk_units(booted)


def test_a_faulty_config_fails_the_reload_and_the_daemon_goes_on(booted):
    before = pid(booted)
    booted.write("/etc/edge-fer/config.yaml", json.dumps(booted.config | {"faces": {"min_sise": "48px"}}))
    assert booted.run("systemctl reload edge-fer").returncode != 0
    assert "min_size" in booted.ok("journalctl --no-pager -u edge-fer -n 20")
    assert pid(booted) == before
    # valid, and yet the daemon cannot go by it
    unfetched = {"faces": {"detector": "blazeface"}, "models_dir": "/srv/none"}
    booted.write("/etc/edge-fer/config.yaml", json.dumps(booted.config | unfetched))
    assert booted.run("systemctl reload edge-fer").returncode != 0
    assert "was not taken over" in booted.ok("journalctl --no-pager -u edge-fer -n 20")
    assert pid(booted) == before
    booted.write("/etc/edge-fer/config.yaml", json.dumps(booted.config | {"node": {"id": "pi", "site": "moved"}}))
    booted.ok("systemctl reload edge-fer")
    # it waits until the daemon has started over
    assert json.loads(heard(booted, "edge-fer/pi/camera/front/event"))["site"] == "moved"
    assert pid(booted) == before, "it starts over in the same process"


def test_it_comes_back_when_it_is_killed_but_not_with_a_wrong_config(booted):
    before = pid(booted)
    booted.ok(f"kill -9 {before}")
    booted.wait_for(
        f"test $(systemctl show -P MainPID edge-fer) -gt 0 -a $(systemctl show -P MainPID edge-fer) != {before}"
    )
    booted.wait_for("systemctl is-active edge-fer")
    good = booted.path("/etc/edge-fer/config.yaml").read_text()
    booted.write("/etc/edge-fer/config.yaml", "faces: {min_sise: 48px}")
    assert booted.run("systemctl restart edge-fer").returncode != 0
    shown = booted.ok("sleep 7; systemctl show -P ActiveState -P ExecMainStatus edge-fer").split()
    assert sorted(shown) == ["78", "failed"]
    booted.write("/etc/edge-fer/config.yaml", good)
    booted.ok("systemctl restart edge-fer")


def test_the_control_socket_is_for_root_and_for_members_of_the_group(booted):
    add_guest(booted)
    booted.wait_for("edge-fer status | grep -q 'front  online'")
    assert booted.ok("stat -c '%a %U %G' /run/edge-fer /run/edge-fer/control.sock").splitlines() == [
        "750 edge-fer edge-fer",
        "660 edge-fer edge-fer",
    ]
    booted.ok("edge-fer pause front && edge-fer resume front")
    as_guest = f"runuser -u {GUEST} --"
    refused = booted.run(f"{as_guest} edge-fer status 2>&1")
    assert (refused.returncode, "usermod -aG edge-fer" in refused.stdout) == (1, True), refused.stdout
    booted.ok(f"usermod -aG edge-fer {GUEST}")
    booted.ok(f"{as_guest} edge-fer pause front && {as_guest} edge-fer resume front")
    refused = booted.run(f"{as_guest} edge-fer set alerts.queue.schedule '[]' 2>&1")
    assert (refused.returncode, "needs the role admin" in refused.stdout) == (1, True), refused.stdout
    booted.wait_for(f"journalctl -u edge-fer | grep -q 'command resume .* by {GUEST} over the control socket'")
    assert booted.run(f"{as_guest} ls /var/lib/edge-fer").returncode != 0, "members may not look at what is kept"


def test_the_doctor_finds_nothing_wrong_and_the_report_holds_no_secret(booted):
    ended = booted.run("edge-fer doctor --json")
    findings = {finding["name"]: finding for finding in json.loads(ended.stdout)["findings"]}
    print(f"\n{booted.suite}: {ended.stdout}")
    assert not [finding for finding in findings.values() if finding["state"] == "fault"], findings
    assert ended.returncode == 0
    report = booted.ok("edge-fer collect-logs")
    assert "camera front is online" in report
    assert LOGIN["edge"] not in report


def test_an_upgrade_keeps_the_config_and_takes_the_place_of_the_old_version(booted):
    version = booted.path("/root/edge-fer/edge_fer/__init__.py")
    version.write_text(version.read_text().replace('__version__ = "', '__version__ = "9.'))
    config, before = booted.path("/etc/edge-fer/config.yaml").read_text(), pid(booted)
    booted.ok(INSTALL)
    assert booted.path("/etc/edge-fer/config.yaml").read_text() == config
    assert pid(booted) != before
    assert "9." in booted.ok("edge-fer version").splitlines()[0]
    assert len(booted.ok("ls /opt/edge-fer/releases").split()) == 1
    heard(booted, "edge-fer/pi/camera/front/event")


@pytest.mark.parametrize(
    ("file", "old", "new", "undisturbed"),
    [
        ("pyproject.toml", '"setuptools.build_meta"', '"no.such.backend"', True),
        (
            "edge_fer/config/sections/faces.py",
            "class FacesSection(Section):",
            "class FacesSection(Section):\n    x: int = 1 / 0",
            True,
        ),
        ("edge_fer/daemon/service.py", 'notify("READY=1")', "raise SystemExit(3)", False),
    ],
    ids=["does not install", "does not run at all", "does not start"],
)
def test_an_upgrade_that_fails_leaves_the_old_version_running(booted, file, old, new, undisturbed):
    path = booted.path(f"/root/edge-fer/{file}")
    good, before, release = path.read_text(), pid(booted), booted.ok("readlink /opt/edge-fer/current")
    assert old in good
    path.write_text(good.replace(old, new))
    try:
        ended = booted.run(INSTALL)
    finally:
        path.write_text(good)
    assert ended.returncode == 1, ended.stdout
    assert booted.ok("readlink /opt/edge-fer/current") == release
    assert len(booted.ok("ls /opt/edge-fer/releases").split()) == 1
    booted.ok("systemctl is-active edge-fer")
    assert (pid(booted) == before) is undisturbed
    heard(booted, "edge-fer/pi/camera/front/event")


def test_it_uninstalls_and_purges(booted):
    booted.ok(f"{INSTALL} --uninstall")
    gone = ["/opt/edge-fer", "/usr/local/bin/edge-fer", "/etc/systemd/system/edge-fer.service"]
    gone += [f"/etc/systemd/system/edge-fer-web{unit}" for unit in (".socket", ".service", "-prepare.service")]
    gone += ["/usr/local/share/man/man1/edge-fer.1.gz", "/usr/local/share/bash-completion/completions/edge-fer"]
    assert not [path for path in gone if booted.path(path).exists()]
    assert booted.path("/etc/edge-fer/config.yaml").exists()
    assert booted.path("/var/lib/edge-fer/outbox.sqlite").exists()
    assert booted.run("systemctl is-active edge-fer").stdout.strip() == "inactive"
    booted.ok(f"{INSTALL} --uninstall --purge")
    assert not [
        path for path in ("/etc/edge-fer", "/var/lib/edge-fer", "/var/lib/edge-fer-web") if booted.path(path).exists()
    ]
    for account in ("edge-fer", "edge-fer-notify", "edge-fer-web"):
        for kind in ("passwd", "group"):
            assert booted.run(f"getent {kind} {account}").returncode != 0
    assert not booted.path("/var/lib/systemd/timers/stamp-edge-fer-week.timer").exists()


@pytest.fixture(scope="module")
def homemade(machine):
    """The machine with what an ordinary user makes without any installation: a checkout, and a virtual environment.

    The user's home folder is closed to others, as Debian 13 makes it.
    """
    add_guest(machine)
    machine.ok(f"chmod 700 /home/{GUEST}")
    machine.ok("apt-get update -qq && apt-get install -y -qq --no-install-recommends make python3-venv")
    home = f"/home/{GUEST}"
    machine.ok(f"cp -R edge-fer {home}/checkout && chown -R {GUEST}: {home}/checkout")
    pip = f"PIP_DEFAULT_TIMEOUT={os.environ.get('PIP_DEFAULT_TIMEOUT', '60')}"
    # as README and docs/api.md say
    for line in (
        "cd checkout && make models",
        "python3 -m venv own && . own/bin/activate && pip install --quiet ./checkout && edge-fer models fetch",
    ):
        machine.ok(f"runuser -u {GUEST} -- sh -c 'cd {home} && export HOME={home} {pip} && {line}'", timeout=1200)
    return machine


@pytest.mark.parametrize("who", ["root", GUEST])
@pytest.mark.parametrize("place", ["checkout", "environment"])
def test_the_first_commands_without_an_installation(homemade, place, who):
    bins = {"checkout": f"/home/{GUEST}/checkout/.venv/bin", "environment": f"/home/{GUEST}/own/bin"}
    walk(homemade, who, f"in-{place}", bins[place])
