"""`make release`: a clean tree becomes a version, a section of the changelog, a wheel and a tag, or stays as it was."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import pytest

from tools.release import ReleaseError, numbers, release, released, with_version

ROOT = Path(__file__).resolve().parents[1]
ON = date(2026, 5, 4)
CHANGELOG = "# Changes\n\n## Unreleased\n\n### Added\n- a door\n\n## 0.1.0\n\n- a house\n"


def test_what_was_unreleased_becomes_a_section_of_its_own():
    assert released(CHANGELOG, "0.2.0", ON) == (
        "# Changes\n\n## Unreleased\n\n## 0.2.0 - 2026-05-04\n\n### Added\n- a door\n\n## 0.1.0\n\n- a house\n"
    )


@pytest.mark.parametrize(
    ("changelog", "word"),
    [
        ("# Changes\n\n## 0.1.0\n\n- a house\n", "put it above what is new"),
        ("# Changes\n\n## Unreleased\n\n## 0.1.0\n\n- a house\n", "say there what is new"),
    ],
)
def test_a_changelog_that_tells_nothing_new_is_no_release(changelog, word):
    with pytest.raises(ReleaseError, match=word):
        released(changelog, "0.2.0", ON)


@pytest.mark.parametrize("version", ["", "1", "1.2", "v1.2.3", "1.2.3rc1", "01.2.3", "1.2.3\n"])
def test_a_version_is_three_numbers(version):
    with pytest.raises(ReleaseError, match="three numbers"):
        numbers(version)


def test_versions_go_upwards():
    assert with_version('a = 1\n__version__ = "0.9.0"\n', "0.10.0") == 'a = 1\n__version__ = "0.10.0"\n'
    with pytest.raises(ReleaseError, match=r"lower than 0\.10\.0"):
        with_version('__version__ = "0.10.0"\n', "0.9.0")


def test_this_changelog_can_be_released():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "(.*)"', (ROOT / "edge_fer/__init__.py").read_text(encoding="utf-8"))[1]
    assert re.search(rf"^## {re.escape(version)}( - \d{{4}}-\d\d-\d\d)?$", changelog, re.MULTILINE)
    assert changelog.index("## Unreleased") < changelog.index(f"## {version}")


def git(root, *arguments):
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@localhost"]
    return subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with what a wheel is built from, and one commit."""
    root = tmp_path / "checkout"
    for name in ("edge_fer", "models"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "recipe", "report"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, root)
    (root / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@localhost")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a house")
    return root


def test_a_release_is_a_commit_a_tag_and_a_wheel_of_that_version(checkout):
    release(checkout, "9.8.7", skip={"deb", "image"}, on=ON)
    assert git(checkout, "show", "--format=%s", "--name-only", "v9.8.7^{commit}").split() == (
        ["release:", "9.8.7", "CHANGELOG.md", "edge_fer/__init__.py"]
    )
    assert git(checkout, "status", "--porcelain") == ""
    (wheel,) = (checkout / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        assert b'__version__ = "9.8.7"' in opened.read("edge_fer/__init__.py")
    sums = (checkout / "dist/SHA256SUMS").read_text(encoding="utf-8")
    assert sums == f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n"
    with pytest.raises(ReleaseError, match=r"there is a tag v9\.8\.7"):
        release(checkout, "9.8.7", skip={"deb", "image"}, on=ON)


def test_what_is_not_committed_is_told_and_nothing_is_changed(checkout):
    (checkout / "note").write_text("x", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"not clean.*\n.*note"):
        release(checkout, "9.8.7", skip={"deb", "image"}, on=ON)
    assert (checkout / "CHANGELOG.md").read_text(encoding="utf-8") == CHANGELOG
    assert git(checkout, "tag") == ""


def test_what_cannot_be_built_is_not_tagged(checkout):
    (checkout / "setup.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    git(checkout, "commit", "--quiet", "--all", "--message", "broken")
    with pytest.raises(ReleaseError, match=r"nothing is tagged.*SKIP=wheel"):
        release(checkout, "9.8.7", skip={"deb", "image"}, on=ON)
    assert git(checkout, "tag") == ""
