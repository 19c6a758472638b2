"""`edge-fer report`: the page of a week, out of the history."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.zone import local_zone
from edge_fer.errors import ConfigError, HistoryError
from edge_fer.history.digest import week_of
from edge_fer.history.file import NAME
from edge_fer.history.look_back import look_back
from edge_fer.report.week import Week, number_of, span_of, week_page
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.support.keeping import write_whole
from edge_fer.wiring import build_scale

__all__ = ["add_parser"]

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
    page = week_page(week, [args.camera] if args.camera else past.cameras)
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
    return 0


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
