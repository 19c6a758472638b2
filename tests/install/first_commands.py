"""A newcomer's first commands, as README and the pages show them, and what each must say.

They are walked wherever edge-fer is installed: by the script, by the package, in a checkout, in a virtual environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.install.machine import Machine

__all__ = ["COMMANDS", "GUEST", "add_guest", "walk"]

#: Somebody who is not root.
GUEST = "guest"
#: How long a command may take on a slow machine, in seconds.
PATIENCE = 180


@dataclass(frozen=True)
class _Command:
    """A command, what its output must hold, and the exit statuses that it may have."""

    line: str
    says: str
    codes: tuple[int, ...] = (0,)


PROGRAM = """\
from edge_fer import Analyzer
from edge_fer.sample import sample_picture
print([face.label for face in Analyzer().read(sample_picture()).faces])
"""
#: Runs the demo until it tells an event, then ends it as systemd would.
DEMO = """\
edge-fer run --demo >demo.txt 2>&1 &
waited=0
until grep -q appeared demo.txt || [ $waited -ge 120 ] || ! kill -0 $!; do sleep 1; waited=$((waited + 1)); done
kill $!
wait $!
code=$?
cat demo.txt
exit $code
"""
COMMANDS = [
    _Command("edge-fer --help", "run --demo"),
    _Command("edge-fer version", "edge-fer "),
    _Command("sh demo.sh", "appeared"),
    _Command("edge-fer predict sample", "happy"),
    _Command("edge-fer predict photo.jpg", "photo.jpg cannot be read: No such file", (1,)),
    _Command("edge-fer analyze sample --out visit --to 3s", "visit/report.html"),
    _Command("edge-fer compare visit visit", "satisfaction"),
    _Command("edge-fer config default", "node:"),
    _Command("edge-fer config check", "The config is valid"),
    _Command("edge-fer config explain", "faces.detector"),
    _Command("edge-fer models list", "state     there"),
    _Command("edge-fer models fetch", "already there"),
    _Command("edge-fer record sample.trace --for 2s -o cameras.front.source=sample", "were recorded"),
    _Command("edge-fer replay sample.trace", "readings"),
    _Command("edge-fer bench --source sample --frames 5", "frames a second"),
    # what this machine cannot do well is told, too
    _Command("edge-fer acceptance --quick --out fit", "fit/acceptance.json", (0, 1)),
    # it tells of what is amiss here, such as a broker that nobody has started
    _Command("edge-fer doctor", "disk", (0, 1)),
    _Command("edge-fer history", "there is no history", (1,)),
    _Command("edge-fer collect-logs", "== versions"),
    _Command("python use.py", "happy"),
]


def add_guest(machine: Machine) -> None:
    """Makes sure that there is somebody who is not root."""
    machine.ok(f"id {GUEST} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {GUEST}")


def walk(machine: Machine, who: str, name: str, *bins: str) -> None:
    """Runs each command as that user, and holds it to what it must say.

    Args:
        machine: where edge-fer is installed.
        who: `root` or `GUEST`.
        name: a name for the folder in which they are run.
        bins: the folders where `edge-fer` and its `python` are, before those of everybody's PATH.
    """
    home = machine.ok(f"getent passwd {who} | cut -d: -f6").strip()
    folder = f"{home}/{name}"
    machine.ok(f"runuser -u {who} -- mkdir -p {folder}")
    for file, text in (("use.py", PROGRAM), ("demo.sh", DEMO)):
        machine.write(f"{folder}/{file}", text)
    # the PATH of a login, which has no sbin for one who is not root
    path = ":".join([*bins, "/usr/local/bin", "/usr/bin", "/bin", *(["/usr/sbin", "/sbin"] if who == "root" else [])])
    environment = f"HOME={home} PATH={path}"
    wrong = list(_walked(machine, who, folder, environment))
    assert not wrong, "\n\n".join(wrong)


def _walked(machine: Machine, who: str, folder: str, environment: str) -> Iterator[str]:
    """What went wrong."""
    for command in COMMANDS:
        line = f"cd {folder} && export {environment} && {command.line}"
        ended = machine.run(f"runuser -u {who} -- sh -c '{line}'", timeout=PATIENCE)
        unwanted = [word for word in ("Traceback", "Permission denied") if word in ended.stdout]
        if ended.returncode not in command.codes or command.says not in ended.stdout or unwanted:
            yield f"{who} in {folder}: {command.line} ended with {ended.returncode}:\n{ended.stdout}"
