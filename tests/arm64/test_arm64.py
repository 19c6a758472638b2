"""The arm64 packages without a Pi, on a fresh Debian of that architecture whose programs are emulated by qemu-user:
`make deb arm64-test ARCH=arm64`, as root; takes an hour or two.

What needs a machine that has booted is in tests/deb.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.broker import free_port
from tests.deb.installed import *  # noqa: F403 - the tests that hold on every architecture
from tests.deb.installed import RELEASES, ROOT, files_of, fresh

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_ARM64" not in os.environ, reason="takes an hour and root: make arm64-test"),
    pytest.mark.timeout(7200),
]
PYTHON = "/usr/lib/edge-fer/bin/python"
MODELS = "/usr/lib/edge-fer/share/edge-fer/models"
#: What decides whether events and alerts are right and arrive: config, tracking, rules, emotion, detection, outbox.
CORE = (
    "tests/config",
    "tests/rules",
    "tests/emotion",
    "tests/faces/test_tracking.py",
    "tests/faces/test_assignment.py",
    "tests/faces/test_haar.py",
    "tests/faces/test_blazeface.py",
    "tests/faces/test_blazeface_network.py",
    "tests/mqtt/test_outbox.py",
)
#: Behind the package's own packages on the path, so that none of these takes the place of one that is delivered.
WITH_TOOLS = "import sys; sys.path += ['/root/tools']; import pytest; sys.exit(pytest.main(sys.argv[1:]))"


@pytest.fixture(scope="module", params=RELEASES)
def machine(request, tmp_path_factory):
    emulated = shutil.which("arch-test") and subprocess.run(["arch-test", "arm64"], check=False).returncode == 0
    assert emulated, (
        "this machine does not run programs for arm64: apt install arch-test qemu-user-static && "
        "systemctl restart systemd-binfmt; in a container, on the machine that it runs on"
    )
    with fresh(request.param, "arm64", tmp_path_factory.mktemp("arm64") / request.param, emulated=True) as machine:
        yield machine


def test_it_is_another_architecture_than_this_machines(machine):
    assert machine.ok("dpkg --print-architecture").strip() == "arm64"
    assert machine.ok(f"{PYTHON} -c 'import platform; print(platform.machine())'").strip() == "aarch64"


@pytest.fixture(scope="module")
def checkout(machine):
    """The machine with the tests, but none of the code, and with pytest beside the package."""
    for name in ("tests", "docs", "deploy"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, machine.path(f"/root/check/{name}"), ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", machine.path("/root/check"))
    tools(machine.ok(f"{PYTHON} -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'").strip(), machine)
    return machine


def tools(python, machine):
    """pytest and what the tests import, as wheels for that Python, put there by this machine's pip."""
    platforms = ["--platform=manylinux2014_aarch64", *(f"--platform=manylinux_2_{n}_aarch64" for n in range(17, 37))]
    wanted = ["pytest>=8", "pytest-timeout>=2.3", "hypothesis>=6.100", "jsonschema>=4.21"]
    for_it = [f"--python-version={python}", "--implementation=cp", "--only-binary=:all:", *platforms]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, *for_it, f"--target={machine.path('/root/tools')}", *wanted], check=True)


def test_the_core_of_the_test_suite_passes_on_the_installed_package(checkout):
    used = checkout.ok(f"cd check && {PYTHON} -c 'import edge_fer; print(edge_fer.__file__)'")
    assert used.startswith("/usr/lib/edge-fer/")
    arguments = ["-q", "-p", "no:cacheprovider", "-o", "timeout=1800", "--hypothesis-profile=emulated", *CORE]
    output = checkout.ok(
        f"cd check && EDGE_FER_MODELS={MODELS} {PYTHON} -c {shlex.quote(WITH_TOOLS)} {shlex.join(arguments)}",
        timeout=1200,
    )
    print(f"\n{checkout.suite}:\n{output[-3000:]}")


def test_a_run_on_the_sample_reaches_a_broker_and_the_doctor_finds_nothing_wrong(machine):
    port = free_port()
    config = {
        "node": {"id": "pi"},
        "cameras": {"front": {"source": "sample", "loop": True}},
        "mqtt": {"broker": f"mqtt://127.0.0.1:{port}"},
    }
    machine.path("/etc/edge-fer/config.yaml").write_text(json.dumps(config))
    ended = machine.run(
        f"mosquitto -p {port} 2>/dev/null & broker=$!;"
        f"until mosquitto_pub -h 127.0.0.1 -p {port} -t up -m yes; do sleep 1; done;"
        "setpriv --reuid edge-fer --regid edge-fer --init-groups edge-fer run >/root/log 2>&1 & daemon=$!;"
        f"mosquitto_sub -h 127.0.0.1 -p {port} -t edge-fer/pi/camera/front/event -C 1 -W 900 >/root/event; heard=$?;"
        "edge-fer doctor --json >/root/findings; found=$?;"
        "kill $daemon; wait $daemon; ended=$?; kill $broker; echo heard $heard found $found ended $ended",
    )
    log, findings = (machine.path(f"/root/{name}").read_text() for name in ("log", "findings"))
    assert ended.stdout.strip().endswith("heard 0 found 0 ended 0"), f"{ended.stdout}{log}{findings}"
    event = json.loads(machine.path("/root/event").read_text())
    print(f"\n{machine.suite}: {event}")
    assert (event["node"], event["camera"]) == ("pi", "front")
    assert "Traceback" not in log
    assert not [finding for finding in json.loads(findings)["findings"] if finding["state"] == "fault"]


def test_purge_leaves_nothing(machine):
    machine.ok("DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq edge-fer")
    assert files_of(machine) - machine.files_before == set()
    assert machine.run("getent passwd edge-fer").returncode != 0
