"""Checks whether people can be told: what is installed, each target's address, and what waits for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from edge_fer.config.tree import Config
from edge_fer.doctor.finding import CheckResult, fault, good, skipped, warning
from edge_fer.doctor.page_links import linked_page
from edge_fer.errors import EdgeFerError
from edge_fer.notify.sender import SenderTarget
from edge_fer.notify.spool import FILE, Spool
from edge_fer.notify.texts import NotifyTexts
from edge_fer.notify.waking import INSTALLED, seen_spool, spool_closed_to_us
from edge_fer.sinks.notify import notify_problem, sender_settings

__all__ = ["notifications"]

PATH_UNIT = "edge-fer-notify.path"


def notifications(config: Config) -> Iterator[CheckResult]:
    """Whether each target can be told. Sends nothing: `edge-fer notify test` does."""
    from edge_fer.notify.delivery import INSTALL  # noqa: PLC0415 - few need it

    if find_spec("apprise") is None:
        yield fault("notify", "the Python package apprise, which sends notifications, is not installed", INSTALL)
        return
    settings = sender_settings(config)
    try:
        NotifyTexts(settings.language, place=settings.place)
    except EdgeFerError as error:
        yield fault("notify", error.message, error.remedy)
    yield from _path_unit()
    folder = seen_spool(config.state_dir, os.environ)
    if closed := spool_closed_to_us(folder):
        yield skipped("notify", f"whether targets take messages is not known: {closed}")
    told = _status(folder)
    for name, target in settings.targets.items():
        yield _target(f"notify {name}", target, told.get(name), page=name in config.notify.week_page)
    if config.notify.page is not None:
        yield from linked_page(config.notify.page)


def _target(name: str, target: SenderTarget, problem: str | None, *, page: bool) -> CheckResult:
    from edge_fer.notify.delivery import address_of, is_mail  # noqa: PLC0415 - few need it

    if target.url_file and not os.access(target.url_file, os.R_OK):
        if Path(target.url_file).exists() and os.geteuid() != 0:
            return skipped(name, f"{target.url_file} is for the sender alone to read: try `sudo edge-fer notify test`")
        remedy = "Write the address into it, and make it the sender's: docs/notifications.md"
        return fault(name, f"there is no `url_file` {target.url_file}", remedy)
    try:
        address = address_of(target)
    except EdgeFerError as error:
        return fault(name, error.message, error.remedy)
    if page and not is_mail(address):
        remedy = "Take it out of `notify.week_page`, or give it an address of mail"
        return fault(name, "it is to get the page of a week, but has no address of mail", remedy)
    if problem:
        return fault(name, f"it takes no messages: {problem}", "Put that right; what waits is sent then")
    return good(name, "its address is in order")


def _status(folder: Path) -> dict[str, str]:
    """What is wrong with targets, by name, as the sender found."""
    try:
        if not (folder / FILE).is_file():
            return {}
        status = Spool(folder).status()
    except (EdgeFerError, OSError):
        return {}
    return {name: notify_problem(name, one) for name, one in status.items() if one.problem}


def _path_unit() -> Iterator[CheckResult]:
    """Whether systemd starts the sender, where the service is installed."""
    if not INSTALLED.is_dir() or shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        return
    try:
        asked = ["systemctl", "is-active", PATH_UNIT]
        state = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout.strip()  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return
    if state != "active":
        remedy = f"Run `sudo systemctl enable --now {PATH_UNIT}`"
        yield warning("notify", f"{PATH_UNIT}, which has notifications sent, is {state or 'not there'}", remedy)
