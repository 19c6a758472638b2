"""Makes a release from a clean tree: `make release VERSION=x.y.z`. RELEASING.md says what comes before and after.

It writes the version and the changelog's section, commits them, builds the wheel, the packages and the image into
`dist/`, and tags the commit once all are built. It publishes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

UNRELEASED = "## Unreleased\n"
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
ASSIGNED = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)

#: What is built, in this order, and how. All but the wheel need root or mmdebstrap.
PARTS = {
    "wheel": [
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    ],
    "deb": [["make", "deb"], ["make", "deb", "ARCH=arm64"]],
    "image": [["make", "image"]],
}


class ReleaseError(Exception):
    """Why there is no release, and what to do about it."""


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a version."""
    found = VERSION.fullmatch(version)
    if not found:
        msg = f"{version!r} is no version: give three numbers, as in `make release VERSION=1.2.3`"
        raise ReleaseError(msg)
    return tuple(map(int, found.groups()))


def released(changelog: str, version: str, on: date) -> str:
    """The changelog, in which what was unreleased is this version's section, below an empty one for what comes next."""
    if changelog.count(UNRELEASED) != 1:
        msg = f"CHANGELOG.md has no single line {UNRELEASED.strip()!r}: put it above what is new"
        raise ReleaseError(msg)
    before, after = changelog.split(UNRELEASED)
    if not re.search(r"^- ", after.partition("\n## ")[0], re.MULTILINE):
        msg = "CHANGELOG.md lists nothing as unreleased: say there what is new"
        raise ReleaseError(msg)
    return f"{before}{UNRELEASED}\n## {version} - {on.isoformat()}\n{after}"


def with_version(source: str, version: str) -> str:
    """The package's `__init__.py` with another version, which must not be lower than the one it has."""
    found = ASSIGNED.search(source)
    if not found:
        msg = "edge_fer/__init__.py has no line `__version__ = …`"
        raise ReleaseError(msg)
    if numbers(version) < numbers(found[1]):
        msg = f"{version} is lower than {found[1]}, which edge_fer/__init__.py has: give a higher one"
        raise ReleaseError(msg)
    return ASSIGNED.sub(f'__version__ = "{version}"', source, count=1)


def git(root: Path, *arguments: str) -> str:
    """What a git command says."""
    ended = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if ended.returncode:
        msg = f"`git {' '.join(arguments)}` failed: {ended.stderr.strip()}"
        raise ReleaseError(msg)
    return ended.stdout.strip()


def release(root: Path, version: str, *, skip: set[str], on: date) -> None:
    """Makes the release in this checkout.

    Raises:
        ReleaseError: if there can be none, or a part of it cannot be built; then there is no tag.
    """
    tag = f"v{version}"
    numbers(version)
    if changed := git(root, "status", "--porcelain"):
        msg = f"the tree is not clean: commit these, or take them back, and try again\n{changed}"
        raise ReleaseError(msg)
    if git(root, "tag", "--list", tag):
        msg = f"there is a tag {tag}: give another version, or remove it with `git tag --delete {tag}`"
        raise ReleaseError(msg)
    if (dist := root / "dist").exists() and any(dist.iterdir()):
        msg = f"{dist} holds files of an earlier build: move them away, so that only this release's are in it"
        raise ReleaseError(msg)
    source, changelog = root / "edge_fer" / "__init__.py", root / "CHANGELOG.md"
    texts = {
        source: with_version(source.read_text(encoding="utf-8"), version),
        changelog: released(changelog.read_text(encoding="utf-8"), version, on),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    git(root, "commit", "--quiet", "--message", f"release: {version}", "--", *map(str, texts))
    for part in (part for part in PARTS if part not in skip):
        print(f"release: building the {part}", flush=True)
        build(root, part)
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(dist.glob("*"))]
    if sums:
        (dist / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    git(root, "tag", "--annotate", "--message", f"edge-fer {version}", tag)
    print(f"release: {tag} is tagged, and {len(sums)} files are in dist/. RELEASING.md says how to publish them.")


def build(root: Path, part: str) -> None:
    """Builds a part into `dist/`."""
    for command in PARTS[part]:
        if subprocess.run(command, cwd=root, check=False).returncode:
            msg = (
                f"`{' '.join(command)}` failed, so nothing is tagged. Take the release's commit back with "
                f"`git reset --keep HEAD~1`, empty dist/, and try again; SKIP={part} leaves the {part} out"
            )
            raise ReleaseError(msg)


def main() -> None:
    """Makes the release that the command line asks for."""
    parser = argparse.ArgumentParser(prog="make release", usage='make release VERSION=x.y.z [SKIP="deb image"]')
    parser.add_argument("version", nargs="?", default="")
    parser.add_argument("--skip", nargs="*", choices=list(PARTS), default=[])
    given = parser.parse_args()
    try:
        release(ROOT, given.version, skip=set(given.skip), on=datetime.now(UTC).date())
    except ReleaseError as error:
        sys.exit(f"release: {error}")


if __name__ == "__main__":
    main()
