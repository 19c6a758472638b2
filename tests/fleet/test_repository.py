"""The signed repository: real reprepro and gpg, and a real apt with folders of its own. On machines: tests/deb."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fleet.gate import gate
from tests.fleet.kit import Fleet
from tests.fleet.repository import SCRIPT, Repository

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("reprepro", "apt-get", "gpg"))), reason="needs reprepro, apt and gpg (install-tools.sh)"
)


def package(folder: Path, version: str, name: str = "edge-fer", architecture: str = "amd64") -> Path:
    """One that holds nothing."""
    tree = folder / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: x <x@localhost>\n"
        "Section: misc\nPriority: optional\nDescription: none\n"
    )
    made = folder / f"{name}_{version}_{architecture}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, made], check=True, capture_output=True)
    return made


def is_not_signed(said: str) -> bool:
    """Whether apt has refused a list because no key that it trusts has signed it; apt 3 has other words."""
    return "NO_PUBKEY" in said or "OpenPGP signature verification failed" in said


class Apt:
    """apt with folders and a status of its own, and what a package of the repository put into them.

    Args:
        folder: for all that.
        installed: version of edge-fer that is there.
    """

    def __init__(self, folder: Path, installed: str = "1.0~deb12") -> None:
        self.root = folder
        for name in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "none.conf").touch()
        (folder / "status").write_text(
            f"Package: edge-fer\nStatus: install ok installed\nVersion: {installed}\nArchitecture: amd64\n"
            "Maintainer: x <x@localhost>\nDescription: none\n"
        )

    def take(self, updates: Path) -> None:
        """Unpacks a package `edge-fer-updates-…` here, as dpkg would."""
        shutil.rmtree(self.root / "usr", ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", updates, self.root], check=True)
        sources = self.root / "etc/apt/sources.list.d/edge-fer.sources"
        sources.write_text(sources.read_text().replace("Signed-By: /usr", f"Signed-By: {self.root}/usr"))

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of apt's programs."""
        own = {
            "Dir::Etc": self.root / "etc/apt", "Dir::State": self.root / "state", "Dir::Cache": self.root / "cache",
            "Dir::State::status": self.root / "status", "APT::Architecture": "amd64", "APT::Sandbox::User": "root",
        }  # fmt: skip
        options = [f"-o{key}={value}" for key, value in own.items()]
        return subprocess.run(
            [program, *options, *arguments],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "APT_CONFIG": str(self.root / "none.conf")},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def update(self) -> str:
        """What is wrong with the repository; empty: nothing."""
        ended = self.run("apt-get", "update", "-q")
        problems = [
            line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith(("E:", "W:", "Err:"))
        ]
        return "\n".join(problems)

    def candidate(self, name: str = "edge-fer") -> str:
        """Which version apt would install."""
        shown = self.run("apt-cache", "policy", name).stdout
        found = re.search(r"Candidate: (\S+)", shown)
        return found[1] if found else "(none)"


@pytest.fixture
def repository(tmp_path):
    with Repository(tmp_path / "repository") as found:
        yield found


@pytest.fixture
def canary(tmp_path, repository):
    return node(tmp_path, repository, "canary")


def node(tmp_path, repository, suite):
    apt = Apt(tmp_path / suite)
    apt.take(repository.updates(suite, "bookworm"))
    return apt


def test_canary_gets_a_version_first_and_stable_once_it_is_promoted(tmp_path, repository, canary):
    stable = node(tmp_path, repository, "stable")
    repository.ok("add", str(package(tmp_path, "2.0~deb12")), str(package(tmp_path, "2.1~deb13")))
    assert (canary.update(), stable.update()) == ("", "")
    assert (canary.candidate(), stable.candidate()) == ("2.0~deb12", "1.0~deb12"), "and not that of another release"
    repository.ok("promote")
    assert stable.update() == ""
    assert stable.candidate() == "2.0~deb12"
    shown = stable.run("apt-get", "install", "-s", "edge-fer").stdout
    assert "Inst edge-fer [1.0~deb12] (2.0~deb12 edge-fer:stable" in shown


def test_what_is_not_signed_by_our_key_is_refused(tmp_path, repository, canary):
    repository.ok("add", str(package(tmp_path, "2.0~deb12")))
    dists = repository.folder / "public" / "dists" / "canary"
    with Repository(tmp_path / "foreign") as foreign:
        foreign.ok("add", str(package(tmp_path, "3.0~deb12")))
        ours = dists.with_name("ours")
        dists.rename(ours)
        shutil.copytree(foreign.folder / "public" / "dists" / "canary", dists)
        assert is_not_signed(canary.update())
        assert canary.candidate() == "1.0~deb12"
        for signature in ("InRelease", "Release.gpg"):
            (dists / signature).unlink()
        assert "is not signed" in canary.update()
        assert canary.candidate() == "1.0~deb12"
    shutil.rmtree(dists)
    ours.rename(dists)
    assert canary.update() == ""
    assert canary.candidate() == "2.0~deb12"


def test_a_package_that_was_changed_afterwards_is_refused(tmp_path, repository, canary):
    repository.ok("add", str(package(tmp_path, "2.0~deb12")))
    (file,) = (repository.folder / "public" / "pool").glob("**/edge-fer_2.0*.deb")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert canary.update() == ""
    ended = canary.run("apt-get", "install", "-qq", "-y", "--download-only", "edge-fer")
    assert ended.returncode == 100
    assert "Hash Sum mismatch" in ended.stderr


def test_nothing_but_edge_fer_is_taken_out_of_it(tmp_path, repository, canary):
    own = ["reprepro", "--silent", "--basedir", repository.folder, "--outdir", repository.folder / "public"]
    shell = package(tmp_path, "99", "bash")
    with tempfile.TemporaryDirectory() as short:
        # gpg's socket lies there, whose name must be short
        keys = Path(short) / "keys"
        keys.symlink_to(repository.folder / "keys")
        done = subprocess.run(
            [*own, "--component", "bookworm", "includedeb", "canary", shell],
            env={"GNUPGHOME": str(keys), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        subprocess.run(["gpgconf", "--kill", "all"], env={"GNUPGHOME": str(keys), "PATH": "/usr/bin:/bin"}, check=True)
    assert done.returncode == 0, done.stderr
    assert canary.update() == ""
    assert "99" in canary.run("apt-cache", "show", "bash").stdout
    assert canary.candidate("bash") == "(none)"


def test_a_refused_version_is_no_candidate_and_a_later_one_is(tmp_path, repository, canary, monkeypatch):
    monkeypatch.setattr(gate, "PINS", canary.root / "etc/apt/preferences.d/edge-fer-refused")
    repository.ok("add", str(package(tmp_path, "2.0~deb12")))
    assert canary.update() == ""
    gate.pin("2.0~deb12")
    gate.pin("2.0~deb12")
    assert canary.candidate() == "1.0~deb12"
    gate.pin("1.5~deb12")
    gate.unpin("2.0~deb12")
    assert canary.candidate() == "2.0~deb12"
    gate.pin("2.0~deb12")
    repository.ok("add", str(package(tmp_path, "2.1~deb12")))
    assert canary.update() == ""
    assert canary.candidate() == "2.1~deb12"


def test_the_key_is_changed_while_nodes_take_updates(tmp_path, repository, canary):
    late = Apt(tmp_path / "late")
    late.take(repository.updates("canary", "bookworm"))
    first = repository.updates("canary", "bookworm")
    assert "Both keys sign" in repository.ok("rotate")
    repository.ok("add", str(package(tmp_path, "2.0~deb12")))
    assert canary.update() == "", "a node that knows the old key alone goes on"
    assert canary.candidate() == "2.0~deb12"
    fresh = repository.updates("canary", "bookworm")
    assert fresh.name > first.name
    assert canary.candidate("edge-fer-updates-canary") == fresh.name.split("_")[1]
    canary.take(fresh)
    assert canary.update() == ""
    repository.ok("retire")
    repository.ok("add", str(package(tmp_path, "2.1~deb12")))
    assert canary.update() == ""
    assert canary.candidate() == "2.1~deb12"
    assert is_not_signed(late.update()), "one that was away all that time needs the package by hand"
    assert repository.run("retire").returncode == 1


class Page:
    """docs/update.md: the commands in the blocks of one section, in their order."""

    def __init__(self, heading):
        page = (SCRIPT.parents[2] / "docs" / "update.md").read_text("utf-8")
        (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        blocks = re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        self.commands = [line for block in blocks for line in block.splitlines()]


def test_the_page_is_walked(tmp_path):
    """But for what installs: apt has folders of its own here, and tests/deb does it on a machine."""
    with Fleet(tmp_path, "counter-1 --ring canary", "ward-1") as fleet:
        built = SCRIPT.parents[2] / "dist"
        # not entered: the page makes it
        repository = Repository(tmp_path / "repository")
        for command in (*Page("From a repository of your own").commands, *Page("Another key").commands):
            match command.split()[:2]:
                case ["sudo", "apt"]:
                    assert "reprepro gpg" in command or repository.updates("canary", "trixie")
                case ["make", "repo"]:
                    makefile = (built.parent / "Makefile").read_text()
                    assert "\nrepo:\n\tdeploy/updates/repository.sh add\n" in makefile
                    repository.ok("add", str(package(tmp_path, "2.0~deb12")), str(package(tmp_path, "2.0~deb13")))
                case [_, "promote"]:
                    promoted_by_the_fleet(tmp_path, fleet, repository)
                case [script, *_]:
                    assert script == "deploy/updates/repository.sh"
                    repository.ok(*command.split()[1:])


def promoted_by_the_fleet(tmp_path, fleet, repository):
    def tell(version, **more):
        said = {"version": version, "update_refused": None, **more}
        health = {"ts": datetime.now(UTC).isoformat()}
        for leaf, text in (("availability", "online"), ("info", json.dumps(said)), ("health", json.dumps(health))):
            done = fleet.client(
                "mosquitto_pub", "counter-1", "-q", "1", "-r", "-t", f"edge-fer/counter-1/{leaf}", "-m", text
            )
            assert done.returncode == 0, done.stderr

    folder = str(fleet.path)
    for version, more, why in (
        ("1.0", {}, "counter-1: runs 1.0"),
        (
            "1.0",
            {"update_refused": {"version": "2.0~deb12", "reason": "no camera"}},
            "update refused: 2.0~deb12: no camera",
        ),
    ):
        tell(version, **more)
        ended = repository.run("promote", folder)
        assert ended.returncode == 1
        assert why in ended.stderr
        assert ended.stderr.splitlines()[-1] == "repository.sh: stable stays as it is"
        assert "edge-fer 2.0" not in repository.ok("list").partition("stable|")[2]
    tell("2.0")
    assert "stable|bookworm|amd64: edge-fer 2.0~deb12" in repository.ok("promote", folder)
    ended = fleet.run("status", "--ring", "cannary")
    assert "Did you mean `canary`?" in ended.stderr


def test_keys_are_secret_and_nothing_secret_is_served(repository):
    assert (repository.folder / "keys").stat().st_mode & 0o777 == 0o700
    for file in repository.folder.rglob("*"):
        secret = file.is_file() and b"PRIVATE KEY" in file.read_bytes()
        assert not secret or "keys" in file.parts
    exported = subprocess.run(
        ["gpg", "--show-keys", repository.folder / "edge-fer.pgp"], capture_output=True, text=True, check=True
    )
    assert "pub " in exported.stdout
    assert "sec " not in exported.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "--url", "updates.example"], "is no address"),
        (["init"], "say where nodes find it"),
        (["init", "--url", "https://updates.example"], "there is a repository in"),
        (["add", "missing.deb"], "there is no missing.deb"),
        (["add", __file__], "is no Debian package"),
        (["retire"], "one key alone signs"),
    ],
)
def test_what_is_wrong_is_told(repository, arguments, said):
    ended = repository.run(*arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("repository.sh: ")


@pytest.mark.parametrize(("name", "version"), [("bash", "1~deb12"), ("edge-fer", "1")])
def test_other_packages_are_refused(tmp_path, repository, name, version):
    assert repository.run("add", str(package(tmp_path, version, name))).returncode == 1


def test_shellcheck_finds_nothing():
    if not (path := shutil.which("shellcheck")):
        pytest.skip("needs shellcheck (apt install shellcheck)")
    scripts = [SCRIPT, *(SCRIPT.parent / "node" / name for name in ("postinst", "prerm", "postrm"))]
    done = subprocess.run([path, *scripts], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
