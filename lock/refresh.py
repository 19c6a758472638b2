"""Writes the lock anew, prints what changed in it, and asks for known vulnerabilities: `make lock`.

Runs in an environment with what `tools.txt` names, in the repository's root.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "lock"
WHEELS = ROOT / "deploy/deb/wheels"
#: The oldest Python that edge-fer runs on; what is locked holds for all newer ones, too.
OLDEST_PYTHON = "3.11"
#: Of backports.strenum, 1.3 refuses the Pythons from 3.11 on, which uv overlooks and pip does not.
CONSTRAINTS = ("backports-strenum<1.3",)
#: Debian's releases: their Python, and their packages that ours use; of PyAV, bookworm's is nowhere else.
DEBIAN = {
    "bookworm": ("3.11", {"cryptography": "38.0.4", "numpy": "1.24.2", "pillow": "9.4.0"}),
    "trixie": ("3.13", {"cryptography": "43.0.0", "numpy": "2.2.4", "pillow": "11.1.0"}),
}
#: Those, and what they need in turn, which Debian brings along.
OF_DEBIAN = ("av", "cffi", "pycparser")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
TOOLS = ("uv", "pip-audit")
#: Seconds after which a scan is given up.
PATIENCE = 300

_PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\\n]+)(?: ; ([^\\\n]+?))?(?: \\)?$", re.MULTILINE)

#: A lock's versions: by package and by the marker that says where they hold.
Pins = Mapping[tuple[str, str], str]


def pins(text: str) -> dict[tuple[str, str], str]:
    """The versions in a lock."""
    return {(name, (marker or "").strip()): version for name, version, marker in _PIN.findall(text)}


def changes(before: Pins, after: Pins) -> list[str]:
    """What changed, a line for each package."""
    lines = []
    for name in sorted({name for name, _ in (*before, *after)}):
        old, new = (
            " or ".join(dict.fromkeys(version for (of, _), version in lock.items() if of == name))
            for lock in (before, after)
        )
        if old != new:
            lines.append(f"{name} {old or 'absent'} → {new or 'removed'}")
    return lines


def rounds(locked: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Packages and versions in as few lists as can be with no package twice in one: a scan takes no more at once."""
    lists: list[list[tuple[str, str]]] = []
    for name, version in sorted(set(locked)):
        place = next((one for one in lists if all(name != other for other, _ in one)), None)
        if place is None:
            lists.append(place := [])
        place.append((name, version))
    return lists


def in_order(text: str) -> str:
    """The lock with each package's hashes in order, so that only what changed differs."""

    def ordered(found: re.Match[str]) -> str:
        hashes = sorted(line.removesuffix(" \\") for line in found[0].splitlines())
        return " \\\n".join(hashes) + "\n"

    return re.sub(r"(?:^    --hash=\S+(?: \\)?\n)+", ordered, text, flags=re.MULTILINE)


_RUN = "edge-fer with the small broker, notifications and the page"


def write_all() -> dict[Path, tuple[str, str]]:
    """Writes every file; what each held before, and holds now."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    own = _lines(setup["options"]["install_requires"])
    extras = {name: _lines(lines) for name, lines in setup["options.extras_require"].items()}
    build = ["setuptools>=70.1"]

    test = [
        *own,
        *extras["embedded"],
        *extras["metrics"],
        *extras["notify"],
        *extras["web"],
        *extras["fleet"],
        *extras["test"],
    ]
    written = {LOCK / "test.txt": _universal("test.txt", test, "everything that the tests need")}
    # what runs is what is tested
    tested = [LOCK / "test.txt"]
    for name, wanted, what in (
        ("run.txt", [*own, *extras["embedded"], *extras["notify"], *extras["web"]], _RUN),
        ("install.txt", own, "edge-fer alone"),
        ("build.txt", build, "what builds edge-fer"),
    ):
        written[LOCK / name] = _universal(name, wanted, what, tested)
    written[LOCK / "tools.txt"] = _universal("tools.txt", TOOLS, "what makes the lock")
    for suite, (python, theirs) in DEBIAN.items():
        for arch, machine in MACHINES.items():
            path = WHEELS / f"{suite}-{arch}.txt"
            what = f"what goes into the package for {suite}-{arch}, and what deploy/install.sh installs there"
            options = [
                "--python-version", python, "--python-platform", f"{machine}-manylinux_2_36",
                *(part for name in (*OF_DEBIAN, *theirs) for part in ("--no-emit-package", name)),
            ]  # fmt: skip
            constraints = [*CONSTRAINTS, *(f"{name}=={version}" for name, version in theirs.items())]
            wanted = [*own, *extras["web"]]
            written[path] = _compiled(
                path, wanted, f"{what}; numpy, Pillow, PyAV and cryptography are Debian's", options, constraints
            )
    return written


def _universal(name: str, wanted: Sequence[str], what: str, tested: Sequence[Path] = ()) -> tuple[str, str]:
    options = ["--universal", "--python-version", OLDEST_PYTHON]
    options += [part for path in tested for part in ("--constraint", str(path))]
    return _compiled(LOCK / name, wanted, what, options, CONSTRAINTS)


def _compiled(
    path: Path, wanted: Sequence[str], what: str, options: Sequence[str], constraints: Sequence[str]
) -> tuple[str, str]:
    """Has uv choose versions and writes them; the file before, and now."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        asked, capped = Path(folder, "asked.in"), Path(folder, "capped.txt")
        asked.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        capped.write_text("\n".join(constraints) + "\n", encoding="utf-8")
        command = [_tool("uv"), "pip", "compile", str(asked), "--quiet", "--no-header", "--no-annotate", "--upgrade"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--only-binary", ":all:"]
        command += ["--constraint", str(capped)]
        done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"lock: {path.relative_to(ROOT)} could not be made; nothing was written to it:\n{done.stderr}")
    after = f"# Made by `make lock`: {what}.\n{in_order(done.stdout)}"
    path.write_text(after, encoding="utf-8")
    return before, after


def scan(locked: Iterable[tuple[str, str]]) -> int:
    """Prints the known vulnerabilities of these versions; how many there are, 0 where nobody could be asked."""
    answers: list[Mapping[str, Any]] = []
    for some in rounds(locked):
        try:
            answers += _asked(some)
        except _UnreachableError as error:
            return _not_scanned(str(error))
    unknown = [package["name"] for package in answers if "skip_reason" in package]
    if len(unknown) == len(answers):
        return _not_scanned("it knows none of the packages")
    found = [(package, one) for package in answers for one in package.get("vulns", ())]
    for package, one in found:
        fixed = ", ".join(one["fix_versions"]) or "no version yet"
        print(f"lock: VULNERABLE: {package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    if unknown:
        print(f"lock: not scanned, because PyPI's advisories do not know them: {', '.join(unknown)}")
    print(f"lock: {len(answers) - len(unknown)} versions scanned, {len(found) or 'no'} known vulnerabilities")
    return len(found)


class _UnreachableError(Exception):
    """Nobody answered who knows of vulnerabilities."""


def _asked(some: Sequence[tuple[str, str]]) -> Sequence[Mapping[str, Any]]:
    """What pip-audit says of each package."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(f"{name}=={version}\n" for name, version in some)
        file.flush()
        command = [_tool("pip-audit"), "--requirement", file.name, "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            msg = f"no answer within {PATIENCE} s"
            raise _UnreachableError(msg) from error
    try:
        answer: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError) as error:
        raise _UnreachableError((done.stderr.strip() or "no answer").splitlines()[-1]) from error
    return answer


def _not_scanned(why: str) -> int:
    print(f"lock: NOT SCANNED for known vulnerabilities, because PyPI's advisories cannot be reached from here: {why}")
    print("lock: run `make lock` again where they can be reached")
    return 0


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def main() -> int:
    """Does it all; the exit status: 1 where a locked version is known to be vulnerable."""
    os.environ.setdefault("UV_NO_PROGRESS", "1")
    written = write_all()
    changed = False
    for path, (before, after) in written.items():
        told = changes(pins(before), pins(after))
        if told:
            changed = True
            print(f"{path.relative_to(ROOT)}:")
            print(*(f"  {line}" for line in told), sep="\n")
    if not changed:
        print("lock: no version changed")
    locked = {(name, version) for _, after in written.values() for (name, _), version in pins(after).items()}
    return 1 if scan(locked) else 0


if __name__ == "__main__":
    sys.exit(main())
