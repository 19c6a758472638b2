"""The page of the installed service: whether browsers reach it, and whether it reaches the daemon."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge_fer.config.sections.web import WebSection
from edge_fer.control.client import ControlClient
from edge_fer.control.peers import GROUP
from edge_fer.control.place import NAME, SERVICE_FOLDER
from edge_fer.doctor.finding import CheckResult, fault, good, of_error, skipped
from edge_fer.doctor.service import unit_state
from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.mqtt.certificates import days_left, end_in_file
from edge_fer.web.place import PREPARED, SERVICE, SHOWN_CERTIFICATE, SOCKET, WANTED

__all__ = ["page"]

_AGAIN: Final = f"Run `sudo systemctl restart {PREPARED} {SOCKET}`"
#: Seconds for the daemon to answer.
_PATIENCE: Final = 5.0


def page(
    section: WebSection,
    *,
    root: Path = Path("/"),
    group: Callable[[], int | None] = lambda: _group_id(GROUP),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[CheckResult]:
    """Every finding about the page. The page is not started for it.

    Args:
        section: of the config.
        root: where the files of this machine are.
        group: whose members may ask the daemon.
        now: UTC.
    """
    if not (root / "run/systemd/system").is_dir():
        yield skipped("page", "systemd does not run here")
        return
    try:
        socket, service, prepared = map(unit_state, (SOCKET, SERVICE, PREPARED))
    except OSError as error:
        yield skipped("page", str(error))
        return
    is_wanted = _below(root, WANTED).exists()
    yield _served(section, socket, service, is_wanted=is_wanted)
    # what the remaining checks are about is not there where it is off
    if is_wanted and socket.get("LoadState") == "loaded":
        yield _certificate(_below(root, WANTED.with_name(SHOWN_CERTIFICATE)), prepared, now())
        yield _way_to_the_daemon(_below(root, SERVICE_FOLDER / NAME), group())


def _served(
    section: WebSection, socket: Mapping[str, str], service: Mapping[str, str], *, is_wanted: bool
) -> CheckResult:
    loaded = socket.get("LoadState")
    if loaded == "masked":
        return skipped("page", f"it is switched off for good (sudo systemctl unmask {SOCKET})")
    if loaded != "loaded":
        return skipped("page", "it is not installed")
    if is_wanted:
        return _listening(socket, service)
    if section.enabled:
        what = "`web.enabled` asks for it, but it was not prepared"
        return fault("page", what, f"{_AGAIN}, and look at journalctl -u {PREPARED}")
    return skipped("page", "it is off (sudo edge-fer web on)")


def _listening(socket: Mapping[str, str], service: Mapping[str, str]) -> CheckResult:
    if socket.get("ActiveState") != "active":
        what = f"it is on, but does not listen ({socket.get('Result') or 'not started'})"
        remedy = f"{_AGAIN}, and look at journalctl -u {SOCKET}: another program may have the port"
        return fault("page", what, remedy)
    if service.get("ActiveState") == "failed":
        what = f"browsers reach it, but it did not start the last time ({service.get('Result')})"
        return fault("page", what, f"Look at journalctl -u {SERVICE}, then run `sudo systemctl restart {SOCKET}`")
    return good("page", f"it is on, and listens at {socket.get('Listen', '').partition(' ')[0] or SOCKET}")


def _certificate(path: Path, prepared: Mapping[str, str], now: datetime) -> CheckResult:
    name = "page https"
    again = f"Run `sudo edge-fer web prepare`, and look at journalctl -u {PREPARED}"
    if prepared.get("ActiveState") == "failed":
        return fault(name, f"it could not be looked after ({prepared.get('Result')})", again)
    ends = end_in_file(path)
    if ends is None:
        return fault(name, f"{path} cannot be read", again)
    if ends <= now:
        return fault(name, f"{days_left(ends, now)}, or the clock is wrong", f"{again}, and at `timedatectl`")
    return good(name, f"it holds {days_left(ends, now)}, and is made anew before")


def _way_to_the_daemon(path: Path, group: int | None) -> CheckResult:
    """Whether the page's user, who is a member of the group by its unit, may ask the daemon, and gets an answer."""
    name = "page control"
    restart = "Run `sudo systemctl restart edge-fer`"
    try:
        found, folder = path.stat(), path.parent.stat()
    except FileNotFoundError:
        return skipped(name, "the daemon does not run, so the page has nothing to show")
    except OSError as error:
        return skipped(name, f"{path}: {error.strerror}")
    if group is None:
        return fault(name, f"there is no group {GROUP}, by which the page may ask the daemon", "Install edge-fer again")
    if not (_lets_in(found, group, stat.S_IRGRP | stat.S_IWGRP) and _lets_in(folder, group, stat.S_IXGRP)):
        what = f"the page's user may not ask the daemon: {path} is not open to the group {GROUP}"
        return fault(name, what, f"{restart}, and see that its unit has `Group={GROUP}` and `UMask=0077`")
    try:
        with ControlClient([path], timeout=_PATIENCE) as client:
            client.ask("hello")
    except CommandError:
        # whoever runs the doctor may not ask; that the daemon answers is what is to be known
        pass
    except EdgeFerError as error:
        return of_error(name, error)
    return good(name, "the page's user may ask the daemon, which answers")


def _lets_in(found: os.stat_result, group: int, bits: int) -> bool:
    """Whether a file lets the members of a group do what these bits stand for."""
    return found.st_gid == group and found.st_mode & bits == bits


def _group_id(name: str) -> int | None:
    with suppress(KeyError):
        return grp.getgrnam(name).gr_gid
    return None


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")
