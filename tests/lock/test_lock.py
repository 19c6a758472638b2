"""The lock: it holds what setup.cfg asks for, says nothing of where it was made, and tells what changed in it."""

from __future__ import annotations

import configparser
import importlib.util
import re
from fnmatch import fnmatch
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
FILES = [*sorted((ROOT / "lock").glob("*.txt")), *sorted((ROOT / "deploy/deb/wheels").glob("*.txt"))]
SPECIFICATION = importlib.util.spec_from_file_location("refresh", ROOT / "lock" / "refresh.py")
refresh = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(refresh)
BEFORE = "numpy==1.26.4 ; python_full_version < '3.12' \\\n    --hash=sha256:a\nsix==1.16.0 \\\n    --hash=sha256:b\n"
AFTER = "numpy==1.26.4 ; python_full_version < '3.12' \\\n    --hash=sha256:a\nnumpy==2.5.5 ; x > '1'\nidna==3.20\n"


def wanted(*extras):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in extras)]
    return [Requirement(line) for line in "\n".join(texts).splitlines() if line and not line.startswith("#")]


def locked(path, environment):
    found = {}
    for (name, marker), version in refresh.pins(path.read_text()).items():
        if not marker or Requirement(f"{name}; {marker}").marker.evaluate(environment):
            assert name not in found, f"{path.name} holds {name} twice for {environment}"
            found[name] = version
    return found


def environment(python, machine):
    return {
        "python_version": python, "python_full_version": f"{python}.2", "platform_machine": machine,
        "sys_platform": "linux", "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip


@pytest.mark.parametrize(("python", "machine"), list(product(["3.11", "3.12", "3.13"], ["x86_64", "aarch64"])))
@pytest.mark.parametrize(
    ("file", "extras"),
    [
        ("run.txt", ["embedded", "notify", "web"]),
        ("test.txt", ["embedded", "fleet", "metrics", "notify", "web", "test"]),
        ("install.txt", []),
    ],
    ids=["run", "test", "install"],
)
def test_it_holds_what_setup_cfg_asks_for(file, extras, python, machine):
    here = environment(python, machine)
    versions = locked(ROOT / "lock" / file, here)
    for requirement in wanted(*extras):
        if requirement.marker is None or requirement.marker.evaluate(here):
            name = requirement.name.lower().replace(".", "-").replace("_", "-")
            assert requirement.specifier.contains(versions[name]), f"{requirement} but {versions[name]}: run make lock"


@pytest.mark.parametrize(("python", "machine"), list(product(["3.11", "3.13"], ["x86_64", "aarch64"])))
def test_what_runs_is_what_is_tested(python, machine):
    here = environment(python, machine)
    tested = locked(ROOT / "lock" / "test.txt", here)
    for file in ("run.txt", "install.txt", "build.txt"):
        assert locked(ROOT / "lock" / file, here).items() <= tested.items()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_version_has_hashes_and_no_address(path):
    text = path.read_text()
    for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_what_changed_is_told_by_package():
    assert refresh.changes(refresh.pins(BEFORE), refresh.pins(AFTER)) == [
        "idna absent → 3.20",
        "numpy 1.26.4 → 1.26.4 or 2.5.5",
        "six 1.16.0 → removed",
    ]


def test_a_scan_has_no_package_twice():
    assert refresh.rounds([("a", "1"), ("b", "1"), ("a", "2")]) == [[("a", "1"), ("b", "1")], [("a", "2")]]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ([{"name": "a", "version": "1", "skip_reason": "unknown"}], 0, "NOT SCANNED"),
        ([{"name": "a", "version": "1", "vulns": []}], 0, "1 versions scanned, no known vulnerabilities"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}],
            1,
            "VULNERABLE: a 1: PYSEC-1, fixed in 2",
        ),
    ],
)
def test_what_a_scan_says(monkeypatch, capsys, answer, code, says):
    monkeypatch.setattr(refresh, "_asked", lambda _: answer)
    assert refresh.scan([("a", "1")]) == code
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("wheels", sorted((ROOT / "deploy/deb/wheels").glob("*.txt")), ids=lambda path: path.stem)
def test_the_packages_name_the_licence_of_all_that_is_in_them(wheels):
    patterns = re.findall(r"\bwheels/(\S+)", (ROOT / "deploy/deb/debian/copyright").read_text("utf-8"))
    inside = {name.replace("-", "_") for name, _ in refresh.pins(wheels.read_text("utf-8"))}
    assert inside
    assert not {name for name in inside if not any(fnmatch(name, pattern) for pattern in patterns)}
