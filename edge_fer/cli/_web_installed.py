"""`edge-fer web on`, `off` and `prepare`: the page of the installed service."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edge_fer.cli._say import say
from edge_fer.config import load, standard_files
from edge_fer.config.sections.web import WebSection
from edge_fer.errors import ConfigError, EdgeFerError
from edge_fer.remote.asker import Role
from edge_fer.web.installed import (
    INSTALLED,
    InstalledPage,
    PreparedPage,
    becoming,
    own_addresses,
    own_names,
    prepare,
    web_user,
)
from edge_fer.web.place import SERVICE, SOCKET
from edge_fer.web.sessions import LINK_LASTS, OneTimeLinks

__all__ = ["link_to_installed", "prepare_installed", "turn_off", "turn_on"]


def turn_on(page: InstalledPage = INSTALLED) -> int:
    """Serves the page from now on, also after a restart, and makes a link for the first admin."""
    _see_that_it_is_installed(page)
    with _writing(page):
        page.switch.touch(mode=0o644)
    prepared = _prepared(page)
    _systemctl("restart", SOCKET)
    say("The page is on. It runs while somebody looks.")
    for address in prepared.addresses:
        say(f"  {address}")
    say(f"Its authority's fingerprint (SHA-256): {prepared.fingerprint}")
    say("Browsers warn of it until you trust that authority: log in, and open the page `Certificate`.")
    say()
    _say_link(page, prepared.addresses[0], "admin", Role.ADMIN)
    return 0


def turn_off(page: InstalledPage = INSTALLED) -> int:
    """Ends the page; accounts and certificates stay."""
    _see_that_it_is_installed(page)
    with _writing(page):
        page.switch.unlink(missing_ok=True)
        page.forget_wanted()
    _systemctl("stop", SOCKET, SERVICE)
    say("The page is off. Accounts and certificates stay.")
    if _section().enabled:
        say("At the next boot it is on again: the config says `web.enabled: true` (edge-fer config explain).")
    return 0


def prepare_installed(page: InstalledPage = INSTALLED) -> int:
    """What root does before the page is served."""
    prepared = _prepared(page)
    if prepared.wanted:
        say(f"The page has the addresses {', '.join(prepared.addresses)}, and an authority {prepared.fingerprint}")
        if prepared.is_new_authority:
            say("The authority is new: browsers warn until they trust it")
    else:
        say("The page is off: sudo edge-fer web on")
    return 0


def link_to_installed(name: str, role: Role, address: str | None, page: InstalledPage = INSTALLED) -> int:
    """Makes a link to the page of the installed service."""
    _see_that_it_is_installed(page)
    reached = address or _prepared(page).addresses[0]
    _say_link(page, reached, name, role)
    return 0


def _say_link(page: InstalledPage, address: str, name: str, role: Role) -> None:
    with becoming(web_user()):
        token = OneTimeLinks(page.state / "links").make(name, role, time.time())
    say(f"{address.rstrip('/')}/link?token={token}")
    say(f"It works once, within {LINK_LASTS / 60:.0f} min.")


def _prepared(page: InstalledPage) -> PreparedPage:
    with _writing(page):
        return prepare(
            page,
            _section(),
            time.time(),
            names=own_names(),
            addresses=own_addresses(),
            user=web_user(),
        )


@contextmanager
def _writing(page: InstalledPage) -> Iterator[None]:
    """Says which of the page's files cannot be written, and what to do."""
    try:
        yield
    except EdgeFerError:
        raise
    except OSError as error:
        msg = f"{error.filename or page.folder}: cannot be written: {error.strerror}"
        raise EdgeFerError(msg, remedy="Run it as root, and see that the disk is not full") from error


def _section() -> WebSection:
    return load(standard_files(), settings=False).config.web


def _see_that_it_is_installed(page: InstalledPage) -> None:
    if not page.folder.is_dir() or web_user() is None:
        msg = "edge-fer is not installed as a service here"
        raise ConfigError(msg, remedy="Install it (docs/install.md), or serve the page by hand: edge-fer web serve")
    if os.geteuid() != 0:
        msg = "the page of the service is root's to switch"
        raise ConfigError(msg, remedy="Use sudo")


def _systemctl(what: str, *units: str) -> None:
    command: Sequence[str] = ["systemctl", what, *units]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"systemctl does not answer: {error}"
        raise EdgeFerError(msg, remedy="It takes effect at the next boot") from None
    if ended.returncode:
        msg = f"systemctl {what} {' '.join(units)}: {ended.stderr.strip()}"
        remedy = f"Look at journalctl -u {SOCKET}"
        if " is masked" in ended.stderr:
            remedy = f"Allow it again: sudo systemctl unmask {' '.join(units)}"
        raise EdgeFerError(msg, remedy=remedy)
