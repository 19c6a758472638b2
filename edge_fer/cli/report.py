"""`edge-fer report`: the page of a week, out of the history."""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.zone import local_zone
from edge_fer.config import Config
from edge_fer.errors import ConfigError, HistoryError
from edge_fer.history.digest import week_of
from edge_fer.history.file import NAME
from edge_fer.history.look_back import look_back
from edge_fer.notify.items import ItemKind, NotifyItem
from edge_fer.notify.spool import Spool
from edge_fer.notify.waking import seen_spool
from edge_fer.report.week import Week, number_of, span_of, week_in_numbers, week_page
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.support.keeping import write_whole
from edge_fer.wiring import build_scale

__all__ = ["add_parser"]

#: Characters of a page that mail servers still take.
_LARGEST_MAIL = 2_000_000

_DESCRIPTION = """\
Writes the page of a week, out of the history on this device (history.record: on): busy hours, mood by hour of the week,
alerts, and how all that compares with the four weeks before, and how surely. The page needs no network, and can be
printed. Where one person is on shift, it rates that person: see docs/privacy.md.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(subparsers, "report", help="write the page of a week", description=_DESCRIPTION, handler=_report)
    parser.add_argument(
        "--week",
        metavar="WEEK",
        nargs="?",
        type=_week,
        const=None,
        help="such as 2026-W48, or a day in it such as 2026-11-25; by default the last that is over",
    )
    parser.add_argument("--camera", metavar="NAME", help="of this camera alone")
    parser.add_argument("--out", metavar="FILE", type=Path, help="by default edge-fer-WEEK.html, here")
    parser.add_argument(
        "--folder", metavar="FOLDER", type=Path, help="write it there, and delete all but the newest pages there"
    )
    parser.add_argument(
        "--keep", metavar="COUNT", type=_count, default=8, help="how many pages stay in --folder; 8 by default"
    )
    parser.add_argument(
        "--mail", action="store_true", help="send it, too, by mail to the targets that notify.week_page names"
    )
    add_config_arguments(parser)


def _report(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    calendar = Calendar(local_zone(settings.node.timezone))
    today = datetime.now(UTC).astimezone(calendar.zone).date()
    period = week_of(calendar, args.week or today - timedelta(weeks=1))
    past = look_back(settings.state_dir / NAME, span_of(calendar, period))
    if args.camera and args.camera not in past.cameras:
        msg = f"--camera {args.camera}: there is nothing of it in the history"
        raise ConfigError(msg, remedy=f"Choose one of {', '.join(past.cameras)}" if past.cameras else "")
    week = Week(
        calendar=calendar,
        period=period,
        past=past,
        k_minimum=settings.privacy.k_minimum,
        scale=build_scale(settings.mood),
        site=settings.node.site,
    )
    cameras = [args.camera] if args.camera else past.cameras
    page = week_page(week, cameras)
    name = f"edge-fer-{number_of(period.since.astimezone(calendar.zone))}.html"
    path = args.out or (args.folder / name if args.folder else Path(name))
    try:
        if args.folder:
            args.folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, page)
        # it is about people
        path.chmod(0o640)
        if args.folder:
            _forget_older(args.folder, args.keep)
    except OSError as error:
        msg = f"the page {path} cannot be written: {error.strerror}"
        raise HistoryError(msg, remedy="Name a file in a folder that you may write to") from error
    say(f"Look at {path}")
    if args.mail:
        _mail(settings, week, cameras, page)
    return 0


def _mail(settings: Config, week: Week, cameras: Sequence[str], page: str) -> None:
    """Puts the page into the spool of notifications, out of which the sender takes it."""
    to = settings.notify.week_page
    if not to:
        say("Nobody gets it by mail: notify.week_page names no target")
        return
    if len(page) > _LARGEST_MAIL:
        msg = f"the page has {len(page) / 1e6:.1f} MB, too much for a mail"
        raise HistoryError(msg, remedy="Make one page for each camera, with --camera")
    zone, now, spool = week.calendar.zone, time.time(), Spool(seen_spool(settings.state_dir, os.environ))
    first = week.period.since.astimezone(zone).date()
    number = number_of(week.period.since.astimezone(zone))
    alone = f"-{cameras[0]}" if len(cameras) == 1 else ""
    facts = {
        "name": f"edge-fer-{number}{alone}.html",
        "html": page,
        "first": first.isoformat(),
        "last": (first + timedelta(days=6)).isoformat(),
        "cameras": week_in_numbers(week, cameras),
    }
    for target in to:
        spool.add_page(NotifyItem(target, ItemKind.PAGE, f"{number}{alone}", "info", now, now, facts=facts), now)
    spool.wake()
    say(f"It is sent by mail to {', '.join(to)}; `edge-fer notify list` shows whether it was taken")


def _forget_older(folder: Path, keep: int) -> None:
    pages = sorted(path for path in folder.iterdir() if re.fullmatch(r"edge-fer-\d{4}-W\d\d\.html", path.name))
    for path in pages[:-keep]:
        path.unlink()


def _week(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-W\d{1,2}", text):
            year, week = text.split("-W")
            return date.fromisocalendar(int(year), int(week), 1)
        return date.fromisoformat(text)
    except ValueError:
        msg = f"`{text}` is no week. Write it like 2026-W48, or a day in it like 2026-11-25"
        raise argparse.ArgumentTypeError(msg) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"`{text}` is no count. Write a number of at least 1"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
