"""The life of the Debian packages on fresh Debian machines: `make deb deb-test`, as root; takes minutes.

The machines reach Debian's archive and nothing else of the network.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.broker import free_port
from tests.install.machine import Machine

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_DEB" not in os.environ, reason="takes minutes and root: make deb deb-test"),
    pytest.mark.timeout(1800),
]
ROOT = Path(__file__).resolve().parents[2]
RELEASES = {"bookworm": "deb12", "trixie": "deb13"}
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
SITE = "/usr/lib/edge-fer/lib/python3*/site-packages"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"


@pytest.fixture(scope="module", params=RELEASES)
def machine(request, tmp_path_factory):
    found = sorted(
        ROOT.glob(f"dist/edge-fer_*~{RELEASES[request.param]}_{ARCH}.deb"), key=lambda file: file.stat().st_mtime
    )
    assert found, f"there is no package for {request.param} in dist: make deb"
    machine = Machine(request.param, tmp_path_factory.mktemp("machines") / request.param)
    try:
        # only apt may reach anything: no pip could, whatever a package's scripts try
        machine.path("/etc/pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:1/\n")
        shutil.copy(found[-1], machine.path("/root/edge-fer.deb"))
        machine.files_before = files_of(machine)
        yield machine
    finally:
        machine.close()


def files_of(machine):
    """Everything that has our name, wherever it is; not what dpkg and systemd keep for themselves."""
    places = "/etc /usr /var/lib /opt /lib/systemd /run"
    return set(
        machine.run(f"find {places} -xdev -name '*edge*fer*' -not -path '/var/lib/dpkg/*' 2>/dev/null").stdout.split()
    )


def test_it_installs_with_nothing_but_debian(machine):
    output = machine.ok(f"apt-get update -qq && {INSTALL} ./edge-fer.deb")
    assert "Traceback" not in output
    assert machine.ok("stat -c '%a %U %G' /etc/edge-fer /etc/edge-fer/config.yaml /var/lib/edge-fer").splitlines() == [
        "750 root edge-fer",
        "640 root edge-fer",
        "750 edge-fer edge-fer",
    ]
    assert "video" in machine.ok("id -nG edge-fer").split()
    assert "edge-fer " in machine.ok("edge-fer version")
    assert "The config is valid" in machine.ok("edge-fer config check")


def test_the_units_verify(machine):
    for unit in ("edge-fer.service", "edge-fer-boot-config.service"):
        assert machine.ok(f"systemd-analyze verify --man=no {unit}") == ""


def test_the_numpy_is_debians_and_every_library_is_found(machine):
    show = "import numpy, cv2; print(numpy.__file__, cv2.__file__)"
    numpy, cv2 = machine.ok(f"/usr/lib/edge-fer/bin/python -P -c '{show}'").split()
    assert numpy.startswith("/usr/lib/python3/dist-packages/")
    assert cv2.startswith("/usr/lib/edge-fer/")
    assert "not found" not in machine.ok(f"find {SITE}/cv2* {SITE}/pydantic_core -name '*.so' -exec ldd {{}} +")


def test_the_detector_models_are_inside(machine):
    listed = machine.ok("edge-fer models list")
    assert listed.count("state     there") == 2
    assert "blazeface: /usr/lib/edge-fer/share" in machine.ok("edge-fer models fetch blazeface")


def test_what_is_inside_is_named(machine):
    folder = "/usr/share/doc/edge-fer"
    bill = json.loads(machine.ok(f"cat {folder}/sbom.cdx.json"))
    parts = {part["name"].lower().replace("_", "-").replace(".", "-"): part for part in bill["components"]}
    metadata = machine.ok(f"cd {SITE} && ls -d *.dist-info").split()
    inside = {name.partition("-")[0].lower().replace("_", "-").replace(".", "-") for name in metadata}
    assert inside == {name for name, part in parts.items() if part["type"] == "library"} | {"edge-fer"}
    licences = machine.ok(f"cat {folder}/copyright")
    assert not {
        name
        for name in inside - {"edge-fer"}
        if f"wheels/{name.replace('-', '_')}"
        not in licences.replace("ruamel*", "ruamel_yaml*")
        .replace("backports*", "backports_strenum*")
        .replace("paho*", "paho_mqtt*")
    }
    models = [part for part in bill["components"] if part["type"] == "machine-learning-model"]
    assert len(models) == 3
    for part in models:
        assert part["hashes"][0]["content"] in machine.ok(
            "find /usr/lib/edge-fer -name '*.tflite' -exec sha256sum {} +"
        )


def test_manual_and_completion(machine):
    manual = machine.ok("zcat /usr/share/man/man1/edge-fer.1.gz 2>/dev/null || dpkg -L edge-fer")
    assert "edge\\-fer boot\\-config" in manual or "/usr/share/man/man1/edge-fer.1.gz" in manual
    script = (
        ". /usr/share/bash-completion/completions/edge-fer; COMP_WORDS=(edge-fer do); COMP_CWORD=1; _shtab_edge_fer"
    )
    assert "doctor" in machine.ok(f"bash -c '{script}; echo ${{COMPREPLY[@]}}'")


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
    ended = machine.run(f"mosquitto_sub -h 127.0.0.1 -p {machine.port} -t '{topic}' -C 1 -W 60")
    journal = machine.run("journalctl --no-pager -u edge-fer -n 30").stdout
    assert ended.returncode == 0, f"nothing came on {topic}:\n{ended.stdout}{journal}"
    return ended.stdout


def test_it_runs_from_boot_and_the_doctor_finds_nothing_wrong(booted):
    booted.wait_for("systemctl is-active edge-fer")
    assert json.loads(heard(booted, "edge-fer/pi/camera/front/event"))["event_type"]
    ended = booted.run("edge-fer doctor --json")
    findings = json.loads(ended.stdout)["findings"]
    assert not [finding for finding in findings if finding["state"] == "fault"], findings
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
    assert "edge-fer.yaml:1: node.sight is no key of ours" in booted.ok("cat /boot/firmware/edge-fer.log")


def test_an_upgrade_keeps_the_config_and_restarts_the_daemon(booted):
    """The same package with a later version and a new default config."""
    before = booted.ok("systemctl show -P MainPID edge-fer")
    newer = booted.path("/root/newer")
    subprocess.run(["dpkg-deb", "-R", booted.path("/root/edge-fer.deb"), newer], check=True)
    control = newer / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 9."))
    default = newer / "etc/edge-fer/config.yaml"
    default.write_text(default.read_text() + "# new\n")
    subprocess.run(
        ["dpkg-deb", "-Znone", "--root-owner-group", "-b", newer, booted.path("/root/newer.deb")], check=True
    )
    shutil.rmtree(newer)
    booted.ok(f"{INSTALL} -o Dpkg::Options::=--force-confold ./newer.deb")
    assert json.loads(booted.path("/etc/edge-fer/config.yaml").read_text()) == booted.config
    assert booted.path("/etc/edge-fer/config.yaml.dpkg-dist").read_text().endswith("# new\n")
    assert booted.ok("stat -c '%a %U %G' /etc/edge-fer/config.yaml").split() == ["640", "root", "edge-fer"]
    booted.wait_for("systemctl is-active edge-fer")
    assert booted.ok("systemctl show -P MainPID edge-fer") != before
    heard(booted, "edge-fer/pi/camera/front/event")


def test_remove_keeps_the_config_and_purge_leaves_nothing(booted):
    booted.ok("DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq edge-fer")
    assert booted.run("systemctl is-active edge-fer").stdout.strip() in {"inactive", "failed"}
    assert booted.path("/etc/edge-fer/config.yaml").exists()
    assert not booted.path("/usr/lib/edge-fer").exists()
    booted.ok("DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq edge-fer")
    assert files_of(booted) - booted.files_before == set()
    assert booted.run("getent passwd edge-fer").returncode != 0
