"""`edge-fer history`: what cameras saw today, this week or this year; and how a part of that is erased."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from edge_fer.cli._bars import bar, spark
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.zone import local_zone
from edge_fer.errors import ConfigError, HistoryError
from edge_fer.history.digest import Digest, Hour, leading
from edge_fer.history.file import NAME, HistoryFile, damaged_files, see_that_it_is_there
from edge_fer.history.look_back import LookBack, look_back
from edge_fer.history.tables import erase
from edge_fer.history.telling import PERIODS, csv_lines, period_of, told_history
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.mood import MoodScale, read_seconds
from edge_fer.types import LABEL_NAMES
from edge_fer.wiring import build_scale

__all__ = ["add_parser"]

_DESCRIPTION = """\
Shows what cameras saw, out of the history on this device (history.record: on), hour by hour or day by day: visits, how
satisfied people looked, alerts. An hour that too few people made (privacy.k_minimum) shows as held back. `erase`
deletes a part of the history for good.
"""
_EPILOG = """\
examples:
  edge-fer history week
  edge-fer history year --camera counter --csv > year.csv
  edge-fer history erase --camera counter --from 2026-11-02 --to 2026-11-04T12:00
"""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "history",
        help="show what cameras saw today, this week, this year",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_history,
    )
    parser.add_argument(
        "what",
        metavar="PERIOD",
        nargs="?",
        default="today",
        choices=[*PERIODS, "erase"],
        help="today (if left out), week: since Monday, year: the last 53 weeks; or erase",
    )
    parser.add_argument("--camera", metavar="NAME", help="of this camera alone")
    parser.add_argument("--csv", action="store_true", help="print the hours as CSV")
    parser.add_argument("--json", action="store_true", help="print hours, alerts, outside numbers and health as JSON")
    parser.add_argument("--from", dest="begin", metavar="WHEN", type=_moment, help="erase from there on, local time")
    parser.add_argument("--to", dest="end", metavar="WHEN", type=_moment, help="erase up to there; by default now")
    add_config_arguments(parser)


def _history(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    calendar = Calendar(local_zone(settings.node.timezone))
    path = settings.state_dir / NAME
    now = datetime.now(UTC)
    if args.what == "erase":
        return _erase(args, path, calendar, now)
    for given, option in ((args.begin, "--from"), (args.end, "--to")):
        if given is not None:
            msg = f"{option} is for `erase` alone"
            raise HistoryError(msg, remedy="Choose a period: today, week or year")
    period = period_of(args.what, calendar, now)
    past = look_back(path, period)
    names = [args.camera] if args.camera else past.cameras
    known = dict.fromkeys([*past.cameras, *settings.cameras])
    if args.camera and args.camera not in known:
        msg = f"--camera {args.camera}: there is nothing of it in the history, nor in the config"
        raise ConfigError(msg, remedy=f"Choose one of {', '.join(known)}")
    found = [past.digest(calendar, name, period, k_minimum=settings.privacy.k_minimum) for name in names]
    scale = build_scale(settings.mood)
    if args.json:
        say_json(told_history(past, found, period, calendar, scale))
        return 0
    for line in csv_lines(found, scale) if args.csv else _as_text(args.what, past, found, scale):
        say(line)
    return 0


def _erase(args: argparse.Namespace, path: Path, calendar: Calendar, now: datetime) -> int:
    if args.camera is None and args.begin is None and args.end is None:
        msg = "it is not said what to erase"
        remedy = "Say of which camera (--camera), from when (--from), up to when (--to), or some of these"
        raise HistoryError(msg, remedy=remedy)
    see_that_it_is_there(path)
    begin = datetime.fromtimestamp(0, UTC) if args.begin is None else _in_utc(args.begin, calendar)
    end = now if args.end is None else min(now, _in_utc(args.end, calendar))
    if begin >= end:
        msg = f"--from {begin.astimezone(calendar.zone):%Y-%m-%dT%H:%M} is not before --to"
        raise HistoryError(msg, remedy="Let the time begin before it ends, and in the past")
    # larger than any limit: what is there is to be erased, and not to be given up
    with HistoryFile(path, max_size=1 << 40) as file:
        gone = file.run(lambda connection: erase(connection, args.camera, begin, end))
        file.compact()
    for older in damaged_files(path):
        older.unlink()
        say(f"{older.name} is erased, too: it may hold the same.")
    whose = f"of camera {args.camera}" if args.camera else "of all cameras"
    counts = ", ".join(f"{count} {what}" for what, count in asdict(gone).items() if count) or "nothing was there"
    say(f"Erased {whose} from {_local(begin, calendar)} to {_local(end, calendar)}: {counts}.")
    return 0


def _as_text(what: str, past: LookBack, found: Sequence[Digest], scale: MoodScale) -> Iterator[str]:
    if not found:
        yield "There is nothing in the history yet: the first hour is written when it is over."
    for one in found:
        first, last = one.hours[0].since, one.hours[-1].since
        days = f"{first:%A, %d %B %Y}" if what == "today" else f"{first:%d %B %Y} to {last:%d %B %Y}"
        yield f"{one.camera}: {days}"
        yield from _table(what, one, scale)
        yield _sum(one, scale)
        yield ""
    if found and what == "today":
        yield "The hour that runs is written when it is over."
    if past.damaged:
        yield f"{past.damaged} records are damaged, and left out."
    for why, count in past.lost.items():
        reason = "the disk could not be written" if why == "disk" else "there was no room (history.keep.size)"
        yield f"{count} records were given up since the history began, because {reason}."


def _table(what: str, one: Digest, scale: MoodScale) -> Iterator[str]:
    rows = [(f"{hour.since:%H}", Digest(one.camera, one.period, [hour])) for hour in one.hours]
    if what == "week":
        rows = [(f"{_DAYS[day.weekday()]} {day.day:2}", of_day) for day, of_day in one.days()]
    elif what == "year":
        rows = list(_weeks(one))
    most = max((of.visits for _, of in rows), default=0)
    wide = max(len(name) for name, _ in rows)
    course = {"today": "", "week": "  visits by hour", "year": "  visits by day"}[what]
    yield f"{'':{wide}}  visits {'':20}  satisfaction  alerts{course}"
    for name, of in rows:
        if what == "today" and not (of.seen or of.held_back or of.alerts):
            continue
        index = scale.satisfaction(of.seconds)
        mood = (
            "held back"
            if of.held_back and not of.seen
            else "-"
            if index is None
            else f"{index:.0f} {bar(index, 100, 8)}"
        )
        visits = f"{of.visits:6} {bar(of.visits, most, 20):20}" if of.seen else f"{'-':>6} {'':20}"
        line = f"{name:{wide}}  {visits}  {mood:12}  {len(of.alerts) or '':>6}"
        if what != "today":
            line += f"  {_course(what, of)}"
        yield line.rstrip()


def _weeks(one: Digest) -> Iterator[tuple[str, Digest]]:
    by_week: dict[str, list[Hour]] = {}
    for hour in one.hours:
        year, week, _ = hour.since.isocalendar()
        by_week.setdefault(f"{year}-W{week:02}", []).append(hour)
    for name, hours in by_week.items():
        yield name, Digest(one.camera, one.period, hours)


def _course(what: str, of: Digest) -> str:
    if what == "week":
        return spark([hour.seen.people or 0 if hour.seen else None for hour in of.hours])
    return spark([of_day.visits if of_day.seen else None for _, of_day in of.days()])


def _sum(one: Digest, scale: MoodScale) -> str:
    index = scale.satisfaction(one.seconds)
    label = leading(one.seconds, LABEL_NAMES)
    parts = [_counted(one.visits, "visit"), f"watched {one.watched / 3600:.1f} h"]
    if index is not None and label:
        share = one.seconds[label] / read_seconds(one.seconds)
        parts += [f"satisfaction {index:.0f}", f"mostly {label} ({share:.0%})"]
    parts.append(_counted(len(one.alerts), "alert"))
    if one.held_back:
        parts.append(f"{_counted(one.held_back, 'hour')} held back (privacy.k_minimum)")
    return "; ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        msg = f"`{text}` is no moment. Write it like 2026-01-31 or 2026-01-31T09:00"
        raise argparse.ArgumentTypeError(msg) from None


def _in_utc(moment: datetime, calendar: Calendar) -> datetime:
    local = moment if moment.tzinfo else moment.replace(tzinfo=calendar.zone)
    return local.astimezone(UTC)


def _local(moment: datetime, calendar: Calendar) -> str:
    if moment.timestamp() == 0:
        return "the beginning"
    return f"{moment.astimezone(calendar.zone):%Y-%m-%d %H:%M}"
