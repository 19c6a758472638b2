"""docs/install.md and docs/update.md walked on fresh Debian machines, every command as it stands there, at a
terminal; part of `make deb-test`. Cards and images have tests of their own."""

from __future__ import annotations

import os
import re
import shlex
import shutil

import pytest

from tests.deb.installed import ARCH, RELEASES, ROOT, newest_package
from tests.deb.later import later_version
from tests.install.machine import Machine
from tests.install.source import copy_source

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_DEB" not in os.environ, reason="takes minutes and root: make deb deb-test"),
    pytest.mark.timeout(1800),
]
INSTALL, UPDATE = "docs/install.md", "docs/update.md"
HOME = "/home/guest"
CAMERA = "cameras: {front: {source: sample, loop: true}}\n"


def commands(page, heading):
    """The commands in the blocks of one section, in their order, without the remarks behind them."""
    (section,) = re.findall(rf"^##+ {heading}\n(.*?)(?=^##|\Z)", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]


def in_text(page, command):
    """A command that a page names within a sentence."""
    assert f"`{command}`" in (ROOT / page).read_text().replace("\n", " "), f"{page} does not name {command}"
    return command


@pytest.fixture(scope="module", params=RELEASES)
def person(request, tmp_path_factory):
    """Somebody who is logged in on a machine that has booted, with the package in their home folder."""
    machine = Machine(request.param, tmp_path_factory.mktemp("walk") / request.param)
    try:
        machine.ok("apt-get update -qq && apt-get install -y -qq --no-install-recommends sudo python3-venv")
        machine.ok("useradd --create-home --shell /bin/bash guest")
        machine.write("/etc/sudoers.d/guest", "guest ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        # there is no camera in it
        machine.write("/boot/firmware/edge-fer.yaml", CAMERA)
        machine.boot()
        yield Person(machine)
    finally:
        machine.close()


class Person:
    """Who types what the pages say, for the package of their own system.

    Args:
        machine: where.
    """

    def __init__(self, machine):
        self.machine = machine
        self.suffix = f"~{RELEASES[machine.suite]}_{ARCH}"

    def types(self, command, typed="", folder=HOME):
        """What a command leads to that is given what is `typed`, or Enter again and again for what it asks."""
        # the camera's part is Raspberry Pi's alone
        command = command.replace("~deb13_arm64", self.suffix).replace(" python3-picamera2", "")
        print(f"\n$ {command}")
        login = f"su - guest -c {shlex.quote(f'cd {folder} && {command}')}"
        keys = f"printf %s {shlex.quote(typed)}" if typed else "while sleep 2; do echo || break; done 2>/dev/null"
        ended = self.machine.run(f"({keys}) | script -qefc {shlex.quote(login)} /dev/null")
        print(ended.stdout)
        assert "Traceback" not in ended.stdout
        assert ended.returncode == 0 or "doctor" in command, f"{command} ended with {ended.returncode}:\n{ended.stdout}"
        return ended.stdout

    def version(self):
        return self.machine.ok("dpkg-query -W -f '${Version}' edge-fer").strip()

    def runs(self):
        return self.machine.run("systemctl is-active edge-fer").stdout.strip() == "active"


def test_the_package(person):
    shutil.copy(newest_package(person.machine.suite, ARCH), person.machine.path(HOME))
    update, install, doctor, without_desktop = commands(INSTALL, "The package")
    person.types(update)
    person.types(install)
    assert person.machine.wait_for("systemctl is-active edge-fer")
    found = person.types(doctor)
    assert re.search(r"^ *ok ", found, re.MULTILINE)
    assert re.search(r"(Nothing is|One thing is|\d+ things are) wrong\.$", found.strip())
    assert person.types(in_text(INSTALL, "man edge-fer") + " >/dev/null 2>&1; dpkg -L edge-fer | grep man1")
    person.types(without_desktop)
    assert person.runs()


def test_where_the_broker_is(person):
    page = (ROOT / INSTALL).read_text()
    (shown,) = re.findall(r"## Say where your broker is\n.*?```yaml\n(.*?)```", page, re.DOTALL)
    password, restart, doctor = commands(INSTALL, "Say where your broker is")
    person.machine.write("/etc/edge-fer/config.yaml", shown, 0o640)
    person.machine.ok("chgrp edge-fer /etc/edge-fer/config.yaml")
    person.types(password, typed="correct-horse\n")
    assert person.machine.ok("stat -c '%a %U' /etc/edge-fer/mqtt-password").split() == ["600", "root"]
    person.types(restart)
    assert person.machine.wait_for("systemctl is-active edge-fer")
    found = person.types(doctor)
    assert re.search(r"FAULT.*192\.0\.2\.10", found), "the doctor does not say that nobody answers there"


def test_settings_on_the_card(person):
    person.machine.write("/boot/firmware/edge-fer.yaml", f"node: {{site: hall}}\n{CAMERA}")
    (restart,) = commands(INSTALL, "Settings on the card")
    person.types(restart)
    assert "/boot/firmware/edge-fer.yaml:1" in person.types("sudo edge-fer config explain | grep node.site")


def test_the_package_is_updated(person):
    before = person.version()
    old = next(person.machine.path(HOME).glob(f"edge-fer_*{person.suffix}.deb"))
    person.machine.path(f"{HOME}/new").mkdir()
    later_version(old, person.machine.path(f"{HOME}/new/edge-fer_99{person.suffix}.deb"))
    (update,) = commands(UPDATE, "The package")
    person.types(update, folder=f"{HOME}/new")
    assert person.version() != before
    assert person.machine.wait_for("systemctl is-active edge-fer")
    assert "192.0.2.10" in person.machine.path("/etc/edge-fer/config.yaml").read_text()
    for command in commands(UPDATE, "Before it goes into service again"):
        person.types(command)
    back = in_text(UPDATE, "sudo apt install --allow-downgrades ./edge-fer_….deb")
    person.types(back.replace("edge-fer_….deb", old.name))
    assert person.version() == before


def test_the_package_is_removed(person):
    person.types(in_text(INSTALL, "sudo apt remove edge-fer"))
    assert person.machine.path("/etc/edge-fer/config.yaml").is_file()
    person.types(in_text(INSTALL, "sudo apt purge edge-fer"))
    assert not person.machine.path("/etc/edge-fer").exists()
    assert not person.machine.path("/var/lib/edge-fer").exists()
    assert person.machine.run("getent passwd edge-fer").returncode != 0


def test_the_script(person):
    copy_source(person.machine)
    copy = f"{HOME}/edge-fer"
    person.machine.ok(f"mv /root/edge-fer {copy} && chown -R guest: {copy}")
    (install,) = commands(INSTALL, "The script")
    assert "pip install" in person.types(f"{install} --dry-run", folder=copy)
    assert not person.machine.path("/opt/edge-fer").exists()
    person.types(install, folder=copy)
    assert person.machine.wait_for("systemctl is-active edge-fer")
    person.types("sudo edge-fer doctor")
    (upgrade,) = commands(INSTALL, "Upgrading with the script")
    person.types(upgrade, folder=copy)
    assert person.machine.wait_for("systemctl is-active edge-fer")
    keeps, removes = commands(INSTALL, "Uninstalling with the script")
    person.types(keeps, folder=copy)
    assert person.machine.path("/etc/edge-fer/config.yaml").is_file()
    person.types(removes, folder=copy)
    assert not person.machine.path("/etc/edge-fer").exists()
    assert person.machine.run("getent passwd edge-fer").returncode != 0
