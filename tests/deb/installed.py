"""What holds of an installed package on every architecture, on a machine that has just got it.

A module imports these tests and brings the fixture `machine`, which `fresh` makes.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from tests.install.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
RELEASES = {"bookworm": "deb12", "trixie": "deb13"}
SITE = "/usr/lib/edge-fer/lib/python3*/site-packages"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
#: Debian's name for the architecture of this machine.
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
#: What `make deb` may take of the disk for itself, in bytes.
LARGEST = 250e6


def newest_package(suite: str, architecture: str) -> Path:
    """The package that was built last for a system."""
    found = sorted(
        ROOT.glob(f"dist/edge-fer_*~{RELEASES[suite]}_{architecture}.deb"), key=lambda file: file.stat().st_mtime
    )
    assert found, f"there is no package for {suite} on {architecture} in dist: make deb ARCH={architecture}"
    return found[-1]


@contextlib.contextmanager
def fresh(suite: str, architecture: str, root: Path, *, emulated: bool = False) -> Iterator[Machine]:
    """A new machine with the newest package for it in /root, which reaches Debian's archive and nothing else."""
    package = newest_package(suite, architecture)
    machine = Machine(suite, root, architecture if emulated else None)
    try:
        # only apt may reach anything: no pip could, whatever a package's scripts try
        machine.path("/etc/pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:1/\n")
        shutil.copy(package, machine.path("/root/edge-fer.deb"))
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
        "755 root root",
        "644 root root",
        "700 edge-fer edge-fer",
    ]
    assert "video" in machine.ok("id -nG edge-fer").split()
    assert "edge-fer " in machine.ok("edge-fer version")
    assert "The config is valid" in machine.ok("edge-fer config check")


def test_it_takes_little_of_the_disk(machine):
    """By what it says of itself, and by what its files take."""
    said = int(machine.ok("dpkg-query -W -f '${Installed-Size}' edge-fer")) * 1024
    files = [machine.path(name) for name in machine.ok("dpkg -L edge-fer").split()]
    taken = sum(file.lstat().st_blocks * 512 for file in files if not file.is_dir())
    print(f"\n{machine.suite}: {said / 1e6:.0f} MB as said, {taken / 1e6:.0f} MB on the disk")
    assert max(said, taken) <= LARGEST


def test_the_units_verify(machine):
    services = [f"edge-fer{name}.service" for name in ("", "-boot-config", "-notify", "-week", "-web", "-web-prepare")]
    for unit in (*services, "edge-fer-notify.path", "edge-fer-week.timer", "edge-fer-web.socket"):
        assert machine.ok(f"systemd-analyze verify --man=no {unit}") == ""


def test_numpy_and_pyav_are_debians_and_every_library_is_found(machine):
    show = "import numpy, av, cv2; print(numpy.__file__, av.__file__, cv2.__file__)"
    numpy, av, cv2 = machine.ok(f"/usr/lib/edge-fer/bin/python -P -c '{show}'").split()
    assert numpy.startswith("/usr/lib/python3/dist-packages/")
    assert av.startswith("/usr/lib/python3/dist-packages/")
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
    patterns = re.findall(r"\bwheels/\S+", licences)
    assert not [
        name
        for name in metadata
        if not name.startswith("edge_fer-") and not any(fnmatch(f"wheels/{name}", pattern) for pattern in patterns)
    ]
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
