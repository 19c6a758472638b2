"""The service: whether it runs, and who it runs as."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from edge_fer.doctor.finding import CheckResult, fault, good, skipped, warning

__all__ = ["become_the_service", "environment_of_the_service", "may_read", "running_daemon", "service", "unit_state"]

ACCOUNT = "edge-fer"
UNIT = "edge-fer.service"
#: Where systemd puts what it hands over to the service while it runs.
CREDENTIALS = Path("/run/credentials") / UNIT
#: What the unit's EnvironmentFile= are.
ENVIRONMENT = (Path("/etc/edge-fer/environment"), Path("/var/lib/edge-fer-boot/environment"))


def service(root: Path = Path("/")) -> CheckResult:
    """Whether systemd runs the daemon."""
    if not (root / "run/systemd/system").is_dir():
        return skipped("service", "systemd does not run here")
    try:
        told = unit_state(UNIT)
    except OSError as error:
        return skipped("service", str(error))
    active, result = told.get("ActiveState", ""), told.get("Result", "")
    if told.get("LoadState") != "loaded":
        return skipped("service", "it is not installed")
    if active == "active":
        return good("service", "it runs")
    if active in {"failed", "activating"}:
        return fault(
            "service", f"it does not start ({result})", f"Look at the other findings, and at journalctl -u {UNIT}"
        )
    return warning("service", f"it does not run ({active})", f"Run `sudo systemctl enable --now {UNIT}`")


def unit_state(unit: str) -> Mapping[str, str]:
    """What systemd says of a unit: `LoadState`, `ActiveState`, `Result`, and of a socket `Listen`.

    Raises:
        OSError: it does not say.
    """
    command = ["systemctl", "show", "-p", "LoadState", "-p", "ActiveState", "-p", "Result", "-p", "Listen", unit]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"systemctl does not answer: {error}"
        raise OSError(msg) from None
    # in an order of its own, whatever was asked for first
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def running_daemon(proc: Path = Path("/proc")) -> int | None:
    """The id of a process that is the daemon, as far as this user may see; None where there is none."""
    for pid, arguments in _processes(proc):
        names = [Path(argument).name for argument in arguments[:3]]
        if pid != os.getpid() and ("edge-fer" in names or "edge_fer" in names) and "run" in arguments:
            return pid
    return None


def become_the_service() -> bool:
    """Where this is root and the service has a user of its own: becomes that user, and sees what it is given.

    What root may do says nothing about what the service may do. Root stays root where the service may not read this
    program, as in a checkout in somebody's home folder.

    Returns:
        Whether it did.
    """
    if os.geteuid() != 0:
        return False
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    if not may_read(account, Path(__file__)):
        return False
    for name, value in environment_of_the_service().items():
        os.environ.setdefault(name, value)
    if CREDENTIALS.is_dir():
        os.environ.setdefault("CREDENTIALS_DIRECTORY", str(CREDENTIALS))
    os.environ["HOME"] = account.pw_dir
    os.initgroups(ACCOUNT, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    return True


def may_read(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether a user may read a file, with all folders on the way to it; root alone can find that out."""
    own = os.geteuid(), os.getegid(), os.getgroups()
    os.initgroups(account.pw_name, account.pw_gid)
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        return os.access(path, os.R_OK, effective_ids=True)
    finally:
        os.seteuid(own[0])
        os.setegid(own[1])
        os.setgroups(own[2])


def _processes(proc: Path) -> Iterator[tuple[int, list[str]]]:
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
            yield int(folder.name), line.rstrip("\0").split("\0")


def environment_of_the_service() -> Mapping[str, str]:
    """What the unit gives the service for `${NAME}` in the config, as far as this user may read it."""
    return dict(_environment())


def _environment() -> Iterator[tuple[str, str]]:
    for file in ENVIRONMENT:
        with suppress(OSError):
            for line in file.read_text(encoding="utf-8").splitlines():
                name, equals, value = line.strip().partition("=")
                if equals and name.isidentifier():
                    yield name, value.strip("\"'")
