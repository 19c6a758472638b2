"""The life of the Debian packages on fresh Debian machines: `make deb deb-test`, as root; takes minutes.

The machines reach Debian's archive and nothing else of the network.
"""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from tests.broker import free_port
from tests.deb.installed import *  # noqa: F403 - the tests that hold on every architecture
from tests.deb.installed import ARCH, INSTALL, RELEASES, ROOT, files_of, fresh
from tests.deb.later import later_version
from tests.install.first_commands import GUEST, add_guest, walk
from tests.install.page import walk_page
from tests.install.units import walk_units
from tests.install.visitor import HttpsVisitor

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_DEB" not in os.environ, reason="takes minutes and root: make deb deb-test"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module", params=RELEASES)
def machine(request, tmp_path_factory):
    with fresh(request.param, ARCH, tmp_path_factory.mktemp("machines") / request.param) as machine:
        yield machine


@pytest.mark.parametrize("who", ["root", GUEST])
def test_the_first_commands_after_installation(machine, who):
    add_guest(machine)
    walk(machine, who, "installed", "/usr/bin", "/usr/lib/edge-fer/bin")


@pytest.fixture(scope="module")
def booted(machine):
    """The machine with a broker, the sample in front of its camera, and a boot partition."""
    port = free_port()
    machine.port = port
    machine.config = {
        "node": {"id": "pi"},
        "cameras": {"front": {"source": "sample", "loop": True}},
        "mqtt": {"broker": f"mqtt://127.0.0.1:{port}"},
    }
    with machine.path("/etc/edge-fer/config.yaml").open("w") as file:
        json.dump(machine.config, file)
    machine.write("/etc/mosquitto/conf.d/test.conf", f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    machine.path("/boot/firmware").mkdir()
    machine.boot()
    return machine


def heard(machine, topic):
    ended = machine.run(f"mosquitto_sub -h 127.0.0.1 -p {machine.port} -t '{topic}' -C 1 -W 120")
    journal = machine.run("journalctl --no-pager -u edge-fer -n 30").stdout
    assert ended.returncode == 0, f"nothing came on {topic}:\n{ended.stdout}{journal}"
    return ended.stdout


def test_it_runs_from_boot_and_the_doctor_finds_nothing_wrong(booted):
    booted.wait_for("systemctl is-active edge-fer")
    assert json.loads(heard(booted, "edge-fer/pi/camera/front/event"))["event_type"]
    ended = booted.run("edge-fer doctor --json")
    findings = json.loads(ended.stdout)["findings"]
    assert not [finding for finding in findings if finding["state"] == "fault"], findings
    assert next(finding["state"] for finding in findings if finding["name"] == "service") == "good"
    assert ended.returncode == 0


def test_the_boot_partition_is_a_layer(booted):
    booted.write(
        "/boot/firmware/edge-fer.yaml",
        f"mqtt: {{password: hunter22, broker: 'mqtt://edge@127.0.0.1:{booted.port}'}}\nnode: {{site: hall}}\n",
    )
    booted.ok("systemctl restart edge-fer-boot-config edge-fer")
    assert json.loads(heard(booted, "edge-fer/pi/camera/front/event"))["site"] == "hall"
    assert "/boot/firmware/edge-fer.yaml:2" in booted.ok("edge-fer config explain | grep node.site")
    assert "hunter22" not in booted.ok("cat /boot/firmware/* /var/lib/edge-fer-boot/edge-fer.yaml")
    assert "mqtt.password" in booted.ok("cat /boot/firmware/edge-fer.log")
    assert booted.ok("stat -c '%a %U' /var/lib/edge-fer-boot/boot-mqtt-password").split() == ["600", "root"]
    assert booted.ok("cat /run/credentials/edge-fer.service/boot-mqtt-password").strip() == "hunter22"
    booted.write("/boot/firmware/edge-fer.yaml", "node: {sight: hall}\n")
    assert booted.run("systemctl restart edge-fer-boot-config").returncode != 0
    booted.ok("systemctl restart edge-fer")
    assert json.loads(heard(booted, "edge-fer/pi/camera/front/event"))["site"] == "hall"
    assert "edge-fer.yaml:1: node.sight is not a known setting" in booted.ok("cat /boot/firmware/edge-fer.log")


def test_the_page(booted):
    walk_page(booted)


def test_the_units_beside_the_daemon(booted):
    walk_units(booted)


def test_the_card_switches_the_page_on_and_says_how_to_open_it(booted):
    booted.ok("rm /var/lib/edge-fer-web/state/accounts.json")
    booted.write("/boot/firmware/edge-fer.yaml", "node: {site: hall}\nweb:\n  enabled: true\n")
    booted.ok("systemctl restart edge-fer-boot-config edge-fer-web.socket")
    booted.wait_for("systemctl is-active edge-fer-web.socket")
    note = booted.path("/boot/firmware/edge-fer-web.log").read_text()
    ann = HttpsVisitor(booted)
    assert ann.ask("POST", "/link", {"token": re.search(r"token=(\S+)", note)[1]})[0] == 303
    assert ann.get("/accounts")[0] == 200


def test_an_upgrade_keeps_the_config_and_restarts_the_daemon(booted):
    """The same package with a later version and a new default config."""
    booted.ok("chown root:edge-fer /etc/edge-fer/config.yaml && chmod 640 /etc/edge-fer/config.yaml")
    mode = ["640", "root", "edge-fer"]
    before = booted.ok("systemctl show -P MainPID edge-fer")
    later_version(booted.path("/root/edge-fer.deb"), booted.path("/root/newer.deb"))
    booted.ok(f"{INSTALL} -o Dpkg::Options::=--force-confold ./newer.deb")
    assert json.loads(booted.path("/etc/edge-fer/config.yaml").read_text()) == booted.config
    assert booted.path("/etc/edge-fer/config.yaml.dpkg-dist").read_text().endswith("# new\n")
    assert booted.ok("stat -c '%a %U %G' /etc/edge-fer/config.yaml").split() == mode
    booted.wait_for("systemctl is-active edge-fer")
    assert booted.ok("systemctl show -P MainPID edge-fer") != before
    booted.wait_for("systemctl is-active edge-fer-web.socket")
    assert HttpsVisitor(booted).get("/login")[0] == 200, "the page is on as before"
    assert booted.ok("systemctl is-active edge-fer-week.timer").strip() == "active", "the week goes on"
    heard(booted, "edge-fer/pi/camera/front/event")


def test_remove_keeps_the_config_and_purge_leaves_nothing(booted):
    booted.ok("DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq edge-fer")
    assert booted.run("systemctl is-active edge-fer").stdout.strip() in {"inactive", "failed"}
    assert booted.path("/etc/edge-fer/config.yaml").exists()
    assert not booted.path("/usr/lib/edge-fer").exists()
    assert "edge-fer" not in booted.ok("systemctl list-units --no-legend --state=active 'edge-fer*'")
    add_guest(booted)
    booted.ok(f"usermod -aG edge-fer {GUEST}")
    booted.ok("DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq edge-fer")
    assert files_of(booted) - booted.files_before == set()
    for kind in ("passwd", "group"):
        assert booted.run(f"getent {kind} edge-fer edge-fer-notify edge-fer-web").stdout == ""
    assert booted.ok("ls /boot/firmware").split() == ["edge-fer.yaml"], "settings are the user's, logs are ours"


def test_the_installer_takes_the_package_that_lies_beside_it(booted):
    beside = booted.path("/root/edge-fer/deploy")
    beside.mkdir(parents=True)
    shutil.copy(ROOT / "setup.cfg", beside.parent)
    shutil.copy(ROOT / "deploy/install.sh", beside)
    shutil.copy(booted.path("/root/edge-fer.deb"), beside / f"edge-fer_0~{RELEASES[booted.suite]}_{ARCH}.deb")
    # of another release, and newer: not this one's
    (beside / f"edge-fer_9~deb99_{ARCH}.deb").touch()
    booted.write("/etc/edge-fer/config.yaml", json.dumps(booted.config))
    output = booted.ok("edge-fer/deploy/install.sh")
    assert f"installing /root/edge-fer/deploy/edge-fer_0~{RELEASES[booted.suite]}_{ARCH}.deb" in output
    heard(booted, "edge-fer/pi/camera/front/event")
    assert not booted.path("/opt/edge-fer").exists()
    booted.ok("edge-fer/deploy/install.sh --uninstall --purge")
    assert files_of(booted) - booted.files_before == set()
    assert booted.run("getent passwd edge-fer edge-fer-notify edge-fer-web").stdout == ""
