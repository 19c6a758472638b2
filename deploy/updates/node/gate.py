#!/usr/bin/python3
"""Looks after updates of edge-fer on a node: keeps the installed package, and goes back to it if a new one is not well.

It stands in a package of its own and needs nothing of edge-fer, so that no update of edge-fer can break it. apt calls
`keep` before it installs; edge-fer-update-gate.service calls `judge` then, and at boot where one was cut short.
docs/update.md says what counts as well.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "edge-fer"
UNIT: Final = "edge-fer-update-gate.service"
STATE: Final = Path("/var/lib/edge-fer-updates")
#: Where apt reads which versions it must not install.
PINS: Final = Path("/etc/apt/preferences.d/edge-fer-refused")
LOCK: Final = Path("/var/lib/dpkg/lock-frontend")

#: Seconds within which the daemon must be well, for which it must stay so, and between two looks.
WITHIN: Final = float(os.environ.get("EDGE_FER_UPDATE_WITHIN", "600"))
STEADY: Final = float(os.environ.get("EDGE_FER_UPDATE_STEADY", "120"))
LOOK: Final = 2.0
#: Seconds for apt to finish, and for the daemon to answer.
_APT, _ANSWER = 3600.0, 30.0


class GateError(Exception):
    """Something that a person must look at."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How the daemon is at one time.

    Attributes:
        process: its process; 0: it does not run.
        problem: why it cannot be said how it is; empty: it can.
        cameras: those that deliver frames.
        lost: those that do not, though nobody paused them, and why.
        connected: whether it is connected to its broker.
        broker: why not.
    """

    process: int = 0
    problem: str = ""
    cameras: tuple[str, ...] = ()
    lost: Mapping[str, str] = field(default_factory=dict)
    connected: bool = False
    broker: str = ""

    @classmethod
    def of_state(cls, process: int, state: Mapping[str, Any]) -> Sample:
        """What `edge-fer status --json` says."""
        try:
            cameras = {str(name): one for name, one in state["cameras"].items()}
            return cls(
                process,
                cameras=tuple(name for name, one in cameras.items() if one["online"]),
                lost={n: str(one["problem"]) for n, one in cameras.items() if not (one["online"] or one["paused"])},
                connected=bool(state["broker"]["connected"]),
                broker=str(state["broker"]["problem"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            return cls(process, f"the daemon tells its state in a way that is not known: {error!r}")


def complaint(before: Sample, now: Sample) -> str:
    """What was well before an update and is not now; empty: nothing."""
    if not now.process:
        return now.problem or "the daemon does not run"
    if now.problem:
        return now.problem
    if before.connected and not now.connected:
        return f"the daemon is not connected to its broker: {now.broker or 'no reason is known'}"
    for camera in before.cameras:
        if camera in now.lost:
            return f"the camera {camera} delivers nothing: {now.lost[camera] or 'no reason is known'}"
    return ""


class Watch:
    """Judges by samples whether the daemon is well with a new version. Pure.

    Args:
        before: how it was with the old one.
        began: when this began, in seconds.
        within: seconds within which it must be well.
        steady: seconds for which it must stay so, without being started anew.
    """

    def __init__(self, before: Sample, began: float, *, within: float, steady: float) -> None:
        self._before = before
        self._until = began + within
        self._steady = steady
        self._well: tuple[float, int] | None = None
        self._last = ""

    def look(self, now: float, sample: Sample) -> str | None:
        """The verdict: empty: it is well; a reason: it is not; None: that is not known yet."""
        found = complaint(self._before, sample)
        if found:
            self._well, self._last = None, found
        elif self._well is None or self._well[1] != sample.process:
            if self._well is not None:
                self._last = "the daemon was started anew again and again"
            self._well = (now, sample.process)
        elif now - self._well[0] >= self._steady:
            return ""
        # whoever has just become well gets the time to stay so
        late = self._until if self._well is None else self._until + self._steady
        return self._last or "the daemon did not stay well" if now >= late else None


@dataclass(frozen=True, slots=True)
class Update:
    """An update that is not judged yet.

    Attributes:
        old: version that was installed before.
        new: version that takes its place.
        before: how the daemon was.
        taken_back: why the old version is to be installed again; empty: it is not.
    """

    old: str
    new: str
    before: Sample
    taken_back: str = ""

    @classmethod
    def read(cls, file: Path) -> Update | None:
        """The one that a file tells of; None: there is none."""
        try:
            told = json.loads(file.read_text("utf-8"))
            before = Sample(**{**told["before"], "cameras": tuple(told["before"]["cameras"])})
            return cls(told["old"], told["new"], before, told["taken_back"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            say(f"{file} is damaged ({error!r}), so the update is not judged")
            file.unlink(missing_ok=True)
            return None

    def write(self, file: Path) -> None:
        """Has the file tell of it."""
        write(file, json.dumps(asdict(self)))


def planned(lines: Iterable[str]) -> tuple[str, str, Path] | None:
    """What apt is about to do with our package, in the words of its third protocol for hooks. Pure.

    Returns:
        The version that is there (empty: none), the new one, and its file; None: nothing of ours is installed.
    """
    for line in lines:
        words = line.rstrip("\n").split(" ", 8)
        if len(words) == 9 and words[0] == PACKAGE and not words[8].startswith("**"):
            return words[1].strip("-"), words[5], Path(words[8])
    return None


def keep() -> None:
    """Keeps the installed package and the new one, and remembers how the daemon is. Standard input: what apt does."""
    found = planned(sys.stdin)
    if found is None:
        return
    old, new, file = found
    kept = STATE / "kept"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if old and not kept_file(old).exists():
            repack(old)
        if not kept_file(new).exists():
            fresh = kept / ".new"
            shutil.copyfile(file, fresh)
            fresh.replace(kept_file(new))
    except (OSError, GateError) as error:
        msg = f"the packages cannot be kept to go back to, so edge-fer is not updated: {error}"
        raise GateError(msg) from error
    if not old or old == new:
        return
    (STATE / "refused.json").unlink(missing_ok=True)
    Update(old, new, sampled()).write(STATE / "pending.json")
    if Path("/run/systemd/system").is_dir():
        call("systemctl", "start", "--no-block", UNIT)


def repack(version: str) -> None:
    """Makes the installed package anew out of its files, where it was not kept when it was installed."""
    folder = STATE / "kept" / ".repack"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = call("dpkg-repack", "--deb-option=-Zzstd", "--deb-option=-z1", PACKAGE, cwd=folder)
    made = list(folder.glob("*.deb"))
    if done.returncode or len(made) != 1:
        msg = f"dpkg-repack failed: {last_line(done)}"
        raise GateError(msg)
    made[0].replace(kept_file(version))
    shutil.rmtree(folder)


def judge() -> None:
    """Waits until apt is done, watches the daemon, and goes back to the old version where it is not well."""
    with locked():
        update = Update.read(STATE / "pending.json")
    if update is None:
        return
    if update.taken_back:
        take_back(update, update.taken_back)
        return
    state, version = installed()
    if version == update.old and state == "ii":
        say(f"{update.new} was not installed; {update.old} stays")
    elif version not in {update.old, update.new}:
        say(f"{version or 'nothing'} is installed, neither {update.old} nor {update.new}: somebody else saw to that")
    elif not update.before.process:
        say(f"edge-fer did not run before the update to {update.new}, so it is not judged")
    else:
        reason = "" if state == "ii" else unfinished()
        reason = reason or watched(update.before)
        if reason:
            take_back(update, reason)
            return
        say(f"{update.new} is well")
    settle()


def unfinished() -> str:
    """Completes what dpkg has left half done; why it cannot; empty: it could."""
    with locked():
        done = call("dpkg", "--force-confold", "--configure", "-a")
    return "" if installed()[0] == "ii" else f"the package cannot be installed wholly: {last_line(done)}"


def take_back(update: Update, reason: str) -> None:
    """Installs the old version again, and sees that the new one is not installed again."""
    say(f"{update.new} is not well: {reason}. Going back to {update.old}")
    Update(update.old, update.new, update.before, reason).write(STATE / "pending.json")
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    write(STATE / "refused.json", json.dumps({"version": update.new, "reason": reason[:500], "at": at}), 0o644)
    pin(update.new)
    with locked() as lock:
        # dpkg takes the lock itself
        lock.close()
        done = call("dpkg", "--force-confold", "--force-downgrade", "--install", str(kept_file(update.old)))
    if done.returncode or installed() != ("ii", update.old):
        msg = f"{update.old} cannot be installed again: {last_line(done)}"
        raise GateError(msg)
    call("systemctl", "reset-failed", f"{PACKAGE}.service")
    call("systemctl", "start", "--no-block", f"{PACKAGE}.service")
    if still := watched(update.before):
        unpin(update.new)
        say(f"{update.old} is not well either ({still}), so {update.new} may be tried again")
    else:
        say(f"{update.old} is well again; {update.new} is not installed any more")
    settle()


def settle() -> None:
    """Forgets what is judged, and every kept package but the installed one."""
    _, version = installed()
    for file in (STATE / "kept").iterdir():
        if file != kept_file(version):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    (STATE / "pending.json").unlink(missing_ok=True)


def watched(before: Sample) -> str:
    """Watches the daemon; what is not well; empty: nothing."""
    watch = Watch(before, time.monotonic(), within=WITHIN, steady=STEADY)
    while (verdict := watch.look(time.monotonic(), sampled())) is None:
        time.sleep(LOOK)
    return verdict


def sampled() -> Sample:
    """How the daemon is now."""
    shown = call("systemctl", "show", f"{PACKAGE}.service", "-p", "ActiveState", "-p", "MainPID", "-p", "Result").stdout
    facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    process = int(facts.get("MainPID") or 0)
    if facts.get("ActiveState") != "active" or not process:
        return Sample(0, f"the daemon does not run: {facts.get('ActiveState')}, {facts.get('Result')}")
    asked = call("edge-fer", "status", "--json")
    try:
        return Sample.of_state(process, json.loads(asked.stdout))
    except ValueError:
        return Sample(process, f"the daemon does not answer: {last_line(asked)}")


def installed() -> tuple[str, str]:
    """State of the package, `ii` where it is wholly installed, and its version."""
    words = call("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", PACKAGE).stdout.split()
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def pin(version: str) -> None:
    """Has apt never choose a version by itself."""
    text = PINS.read_text("utf-8") if PINS.exists() else ""
    if f"Pin: version {version}\n" not in text:
        header = "# By edge-fer-update-gate: edge-fer was not well with these. Take the lines away to let one in.\n"
        write(PINS, f"{text or header}\nPackage: {PACKAGE}\nPin: version {version}\nPin-Priority: -1\n", 0o644)


def unpin(version: str) -> None:
    """Lets apt choose it again."""
    lines = f"\nPackage: {PACKAGE}\nPin: version {version}\nPin-Priority: -1\n"
    text = PINS.read_text("utf-8").replace(lines, "")
    write(PINS, text, 0o644) if "Package:" in text else PINS.unlink()


def kept_file(version: str) -> Path:
    """Where a version of the package is kept."""
    return STATE / "kept" / f"{PACKAGE}_{version.replace(':', '%3a')}.deb"


@contextlib.contextmanager
def locked() -> Any:
    """Within it, neither apt nor dpkg changes anything.

    Raises:
        GateError: apt does not come to an end.
    """
    until = time.monotonic() + _APT
    with LOCK.open("a") as lock:
        while True:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if time.monotonic() > until:
                    msg = f"apt has held {LOCK} for {_APT:g} s"
                    raise GateError(msg) from error
                time.sleep(0.2)
            else:
                break
        yield lock


def write(file: Path, text: str, mode: int = 0o600) -> None:
    """Writes a file whole or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    with fresh.open("w", encoding="utf-8") as opened:
        os.fchmod(opened.fileno(), mode)
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)


def call(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; its output is kept, and one that is missing or hangs has failed."""
    limit = _ANSWER if command[0] in {"systemctl", "edge-fer"} else None
    surroundings = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    # for hooks and units, whose PATH may lack them
    surroundings["PATH"] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
    try:
        return subprocess.run(
            command, cwd=cwd, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=limit, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def last_line(ended: subprocess.CompletedProcess[str]) -> str:
    """What a program said last."""
    lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
    return lines[-1] if lines else f"exit status {ended.returncode}"


def say(text: str) -> None:
    """Prints a line, which goes to the journal."""
    print(f"edge-fer-update-gate: {text}", flush=True)


def main() -> int:
    """One call."""
    verbs = {"keep": keep, "judge": judge}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        say("call it with keep or judge")
        return 2
    try:
        verbs[sys.argv[1]]()
    except (GateError, OSError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
