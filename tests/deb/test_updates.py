"""Updates from a signed repository on machines that have booted: taken, judged, taken back, not taken again; part of
`make deb-test`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.broker import free_port
from tests.deb.installed import ARCH, INSTALL, RELEASES, newest_package
from tests.fleet.repository import Repository
from tests.install.machine import Machine

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_DEB" not in os.environ, reason="takes minutes and root: make deb deb-test"),
    pytest.mark.timeout(1800),
]
UPDATE = "apt-get update -qq && unattended-upgrade --debug"
PROGRAM = "usr/lib/edge-fer/bin/edge-fer"


def changed(package: Path, folder: Path, release: str, change) -> Path:
    """The package with another version, and what `change` does to its files."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    version = re.search(r"^Version: (.*)$", control.read_text(), re.MULTILINE)[1]
    control.write_text(control.read_text().replace(f"\nVersion: {version}\n", f"\nVersion: {release}.{version}\n"))
    change(tree)
    made = folder / f"edge-fer_{release}.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, made], check=True)
    shutil.rmtree(tree)
    return made


def nothing(_tree):
    """A good one."""


def crashes(tree):
    """One of which the daemon ends at once, while the rest works."""
    program = tree / PROGRAM
    head, rest = program.read_text().split("\n", 1)
    program.write_text(f"{head}\nimport sys\nif sys.argv[1:] == ['run']: sys.exit('broken on purpose')\n{rest}")


def forgets_its_broker(tree):
    """One of which the daemon runs and never connects."""
    unit = next(tree.glob("*/systemd/system/edge-fer.service")) if (tree / "lib").exists() else None
    unit = unit or tree / "usr/lib/systemd/system/edge-fer.service"
    unit.write_text(unit.read_text().replace("edge-fer run", "edge-fer run -o mqtt.broker=mqtt://127.0.0.1:9"))


def cannot_be_installed(tree):
    """One whose own script fails."""
    script = tree / "DEBIAN" / "postinst"
    script.write_text("#!/bin/sh\nif [ \"$1\" = configure ]; then echo 'no, says postinst' >&2; exit 1; fi\n")


@pytest.fixture(scope="module", params=RELEASES)
def node(request, tmp_path_factory):
    """A machine whose edge-fer was installed by hand, and takes updates from canary since."""
    folder = tmp_path_factory.mktemp("updates")
    with ExitStack() as ending:
        machine = Machine(request.param, folder / request.param)
        ending.callback(machine.close)
        node = ending.enter_context(Node(machine, folder))
        yield node


class Node:
    """The machine and its repository.

    Args:
        machine: where edge-fer is to be.
        folder: for the repository and packages.
    """

    def __init__(self, machine, folder):
        self.machine, self.folder = machine, folder
        self.repository = Repository(folder / "repository")
        self.package = newest_package(machine.suite, ARCH)
        self.port = free_port()

    def __enter__(self):
        self.repository.__enter__()
        machine = self.machine
        config = {
            "node": {"id": "pi"},
            "cameras": {"front": {"source": "sample", "loop": True}},
            "mqtt": {"broker": f"mqtt://127.0.0.1:{self.port}"},
        }
        shutil.copy(self.package, machine.path("/root/edge-fer.deb"))
        shutil.copy(self.repository.updates("canary", machine.suite), machine.path("/root/edge-fer-updates.deb"))
        machine.ok(f"apt-get update -qq && {INSTALL} ./edge-fer.deb && {INSTALL} ./edge-fer-updates.deb", timeout=900)
        # of Debian's own packages there may be newer ones than those in the machine, which are not the matter here
        conf = machine.path("/etc/apt/apt.conf.d/52edge-fer-updates").read_text()
        (pattern,) = re.findall(r"^Unattended-Upgrade::.*$", conf, re.MULTILINE)
        machine.write("/etc/apt/apt.conf.d/99test", f"#clear Unattended-Upgrade::Origins-Pattern;\n{pattern}\n")
        machine.write("/etc/edge-fer/config.yaml", json.dumps(config))
        machine.write("/etc/mosquitto/conf.d/test.conf", f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        machine.write(
            "/etc/systemd/system/edge-fer-update-gate.service.d/test.conf",
            "[Service]\nEnvironment=EDGE_FER_UPDATE_WITHIN=90 EDGE_FER_UPDATE_STEADY=10\n",
        )
        machine.boot()
        self.connected()
        return self

    def __exit__(self, *_):
        self.repository.__exit__()

    def connected(self):
        self.machine.wait_for("edge-fer status --json | grep -q '\"connected\": *true'", 180)

    def version(self):
        return self.machine.ok("dpkg-query -W -f '${Status} ${Version}' edge-fer").split()

    def info(self):
        told = self.machine.ok(f"mosquitto_sub -h 127.0.0.1 -p {self.port} -t edge-fer/pi/info -C 1 -W 60")
        return json.loads(told)

    def updated(self, release, change):
        """What comes of an update that is put into canary: what the gate says in the end."""
        self.repository.ok("add", str(changed(self.package, self.folder, release, change)))
        self.machine.run(UPDATE)
        return self.judged()

    def judged(self):
        self.machine.wait_for("test ! -e /var/lib/edge-fer-updates/pending.json", 600)
        return self.journal()

    def journal(self):
        return self.machine.ok("journalctl --no-pager -o cat -u edge-fer-update-gate -n 40")


def test_a_good_update_stays_and_what_was_installed_by_hand_is_kept(node):
    said = node.updated("9", nothing)
    assert node.version()[:3] == ["install", "ok", "installed"]
    assert node.version()[3].startswith("9."), said
    assert re.search(r"9\.\S+ is well", said)
    kept = node.machine.ok("ls /var/lib/edge-fer-updates/kept").split()
    assert [name.partition("_9.")[0] for name in kept] == ["edge-fer"], "the one that is installed, and no other"
    assert node.info()["update_refused"] is None


@pytest.mark.parametrize(
    ("release", "change", "why"),
    [
        ("10", crashes, "the daemon does not run"),
        ("11", forgets_its_broker, "the daemon is not connected to its broker"),
        ("12", cannot_be_installed, "the package cannot be installed wholly"),
    ],
)
def test_a_bad_update_is_taken_back_told_and_not_tried_again(node, release, change, why):
    said = node.updated(release, change)
    assert node.version()[:3] == ["install", "ok", "installed"], said
    assert node.version()[3].startswith("9."), said
    assert f"is not well: {why}" in said
    assert "is well again" in said
    node.connected()
    refused = node.info()["update_refused"]
    assert refused["version"].startswith(f"{release}.")
    assert refused["reason"].startswith(why)
    node.machine.run(UPDATE)
    assert node.version()[3].startswith("9.")
    assert not node.machine.path("/var/lib/edge-fer-updates/pending.json").exists()
    # the config is as it was
    assert node.machine.path("/etc/edge-fer/config.yaml").read_text().startswith('{"node"')


def test_a_judgement_that_was_cut_short_goes_on(node):
    """As after a power cut while a bad update was watched: the machine finds it at boot."""
    node.repository.ok("add", str(changed(node.package, node.folder, "13", crashes)))
    node.machine.run(UPDATE)
    node.machine.wait_for("test -e /var/lib/edge-fer-updates/pending.json")
    node.machine.ok("systemctl kill -s KILL edge-fer-update-gate; systemctl stop edge-fer-update-gate")
    assert node.version()[3].startswith("13.")
    # what the boot does, as the unit is wanted by it
    assert "edge-fer-update-gate.service" in node.machine.ok("systemctl show -P Wants multi-user.target")
    node.machine.ok("systemctl start edge-fer-update-gate")
    assert "is well again" in node.judged()
    assert node.version()[3].startswith("9.")


def test_the_key_changes_without_anybody_at_the_node(node):
    keyring = node.machine.path("/usr/share/keyrings/edge-fer.pgp")
    before = keyring.read_bytes()
    node.repository.ok("rotate")
    node.machine.ok(UPDATE)
    both = keyring.read_bytes()
    assert before in both
    node.repository.ok("retire")
    node.machine.ok(UPDATE)
    assert keyring.read_bytes() == both.replace(before, b"")
    assert re.search(r"14\.\S+ is well", node.updated("14", nothing))
    assert node.version()[3].startswith("14.")


def test_purging_it_leaves_nothing(node):
    node.machine.ok("DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq edge-fer-updates-canary")
    found = node.machine.run("find /etc /usr /var/lib -xdev -name '*edge-fer-update*' -not -path '/var/lib/dpkg/*'")
    assert [one for one in found.stdout.split() if "update-gate.service.d" not in one] == []
    assert not node.machine.path("/etc/apt/preferences.d/edge-fer-refused").exists()
