"""A year of invented time through the history, and the page of its weeks, number by number."""

from __future__ import annotations

import html
import re
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from edge_fer.history.digest import day_of, hours_in, week_of
from edge_fer.history.file import reading
from edge_fer.history.look_back import look_back
from edge_fer.history.records import HOURLY, MINUTELY
from edge_fer.history.tables import read_windows
from edge_fer.report.week import Week, span_of, week_page
from edge_fer.rules.scene.calendar import Calendar
from tests.history.by_hand import ByHand, local
from tests.history.year import AUTUMN, BERLIN, SPRING, Live, frames
from tests.rules.kit import SCALE

FIRST, DAYS = date(2025, 10, 1), 366
CALENDAR = Calendar(BERLIN)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: An ordinary week, and the two in which the clocks change.
WEEKS = [(2026, 7, 168), (2026, SPRING.isocalendar()[1], 167), (2025, AUTUMN.isocalendar()[1], 169)]


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The file after a year, what the year amounts to by other code, and the file's size after each quarter."""
    path = tmp_path_factory.mktemp("year") / "history.sqlite"
    live, by_hand, sizes = Live(path), ByHand(), []
    seen = list(frames(FIRST, DAYS))
    by_hand.play(seen)
    quarter = len(seen) // 4
    for number in range(4):
        live.play(iter(seen[number * quarter : (number + 1) * quarter if number < 3 else None]))
        sizes.append(path.stat().st_size)
    live.file.close()
    return path, by_hand, sizes


def page_of(path, year, week, *, k_minimum=1):
    period = week_of(CALENDAR, date.fromisocalendar(year, week, 1))
    past = look_back(path, span_of(CALENDAR, period))
    return week_page(Week(CALENDAR, period, past, k_minimum, SCALE, "Main Street"), past.cameras)


def rows_of(part):
    """The rows of tables, each as texts of its cells."""
    rows = re.findall(r"<tr.*?</tr>", part, re.DOTALL)
    return [
        [html.unescape(re.sub("<.*?>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows
    ]


def section(page, name):
    return page.partition(f"<h2>{name}</h2>")[2].partition("</section>")[0]


def number(value, form=".0f"):
    return "-" if value is None else f"{value:{form}}"


def expected_cells(sums):
    """The cells of a row of numbers, from the hours watched on."""
    distress = "-" if sums.distress is None else f"{100 * sums.distress:.0f} %"
    uncertain = f"{100 * sums.uncertain:.0f} %" if sum(sums.seconds.values()) else "-"
    visits = str(len(sums.visits)) if sums.watched else "-"
    confidence = "-" if sums.confidence is None else f"{100 * sums.confidence:.0f} %"
    told = [f"{sums.watched / 3600:.1f}", visits, number(sums.satisfaction), distress, sums.leads or "-", confidence]
    return [*told, uncertain, str(len(sums.alerts)), "0"]


@pytest.mark.slow
def test_every_hour_of_a_year_is_as_other_code_makes_it(year):
    path, by_hand, _ = year
    with reading(path) as connection:
        hours, damaged = read_windows(connection, HOURLY, *EVER)
    assert damaged == 0
    kept = {int(hour.since.timestamp()): hour for hour in hours}
    assert kept.keys() == {at for at, sums in by_hand.hours.items() if sums.watched}
    for at, hour in kept.items():
        sums = by_hand.hours[at]
        assert hour.watched == sums.watched, local(at)
        assert (hour.people, hour.arrived) == (len(sums.visits), sums.arrived), local(at)
        assert dict(hour.seconds) == {label: spent for label, spent in sums.seconds.items() if spent}, local(at)


@pytest.mark.slow
def test_minutes_are_kept_for_35_days_and_add_up_to_their_hours(year):
    path, _, _ = year
    with reading(path) as connection:
        minutes, _ = read_windows(connection, MINUTELY, *EVER)
        hours, _ = read_windows(connection, HOURLY, *EVER)
    last = max(hour.until for hour in hours)
    assert timedelta(days=34) < last - min(minute.since for minute in minutes) <= timedelta(days=36)
    for hour in [hour for hour in hours if hour.since >= minutes[0].since + timedelta(hours=1)]:
        within = [minute for minute in minutes if hour.since <= minute.since < hour.until]
        assert sum(minute.watched for minute in within) == hour.watched
        assert sum(minute.presence for minute in within) == hour.presence


@pytest.mark.slow
@pytest.mark.parametrize(("year_number", "week", "true_hours"), WEEKS)
def test_every_number_of_the_page_is_as_other_code_makes_it(year, year_number, week, true_hours):
    path, by_hand, _ = year
    page, hand = page_of(path, year_number, week), by_hand.week(year_number, week)
    whole, monday = hand.whole(), date.fromisocalendar(year_number, week, 1)

    tiles = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)<small>", page))
    places = [(day, hour) for day in range(7) for hour in range(24)]
    busiest = max(places, key=lambda place: len(hand.field(*place).visits))
    assert tiles == {
        "Visits": str(len(whole.visits)),
        "Busiest": f"{NAMES[busiest[0]]} {busiest[1]:02}:00",
        "Mostly": whole.leads,
        "Satisfaction": number(whole.satisfaction),
        "Distress": f"{100 * whole.distress:.0f} %",
        "Alerts": str(len(whole.alerts)),
    }
    small = re.findall(r"<small>(.*?)</small></dd>", page)
    assert small[0] == f"in {whole.watched / 3600:.1f} h watched"
    assert small[1] == f"{len(hand.field(*busiest).visits)} visits"
    assert small[2] == f"{100 * whole.share(whole.leads):.0f} % of readable time"

    for name, told in (("Busy hours", lambda of: str(len(of.visits))), ("Mood by hour of the week", _mood)):
        head, *rows = rows_of(section(page, name))
        assert [row[0] for row in rows] == list(NAMES)
        for day, row in enumerate(rows):
            for hour, cell in zip(head[1:], row[1:], strict=True):
                of = hand.field(day, int(hour))
                assert cell == (told(of) if of.watched else ""), (name, day, hour)

    days = rows_of(section(page, "Day by day"))[1:]
    for offset, row in enumerate(days[:-1]):
        day = monday + timedelta(days=offset)
        assert row[0] == f"{NAMES[offset]} {day:%d.%m.}"
        assert int(row[1]) == {SPRING: 23, AUTUMN: 25}.get(day, 24)
        assert row[2:] == expected_cells(hand.day(day))
    assert days[-1] == ["All", str(true_hours), *expected_cells(whole)]
    assert f"{true_hours} hours" in page or true_hours == 168

    bars = re.findall(r'<rect class="warning" x="([\d.]+)" y="10" width="([\d.]+)" .*?<title>(.*?)</title>', page)
    begin = min(at for at in map(int, [datetime(monday.year, monday.month, monday.day, tzinfo=BERLIN).timestamp()]))
    assert len(bars) == len(whole.alerts)
    for (left, _, told), (began, ended) in zip(bars, whole.alerts, strict=True):
        assert float(left) == pytest.approx(1000 * (began - begin) / (3600 * true_hours), abs=0.01)
        lasted = ended - began
        assert told == f"{local(began):%a %H:%M} for {f'{lasted} s' if lasted < 90 else f'{lasted / 60:.0f} min'}"
    minutes = sum(ended - began for began, ended in whole.alerts) / 60
    assert f"{minutes:.0f} min in all: angry and sad" in page


def _mood(of):
    return number(of.satisfaction) if of.read else ""


@pytest.mark.slow
def test_the_comparison_is_of_the_four_weeks_before_and_of_this_one(year):
    path, by_hand, _ = year
    part = section(page_of(path, 2026, 13), "Compared with the weeks before")
    rows = rows_of(part)
    before, this = ByHand(), by_hand.week(2026, 13).whole()
    for week in range(9, 13):
        before.hours |= by_hand.week(2026, week).hours
    whole = before.whole()
    told = {row[0]: row[1:] for row in rows}
    for name, of_before, of_this in (
        ("satisfaction", whole.satisfaction, this.satisfaction),
        ("distress", 100 * whole.distress, 100 * this.distress),
        ("happy", 100 * whole.share("happy"), 100 * this.share("happy")),
        ("uncertain", 100 * whole.uncertain, 100 * this.uncertain),
    ):
        assert told[name][0].startswith(f"{of_before:.0f} ["), name
        assert told[name][1].startswith(f"{of_this:.0f} ["), name
        change = f"{of_this - of_before:+.0f}"
        assert told[name][2].startswith(f"{'0' if change in {'+0', '-0'} else change} ["), name
    visits = [len(by_hand.week(2026, week).whole().visits) for week in range(9, 13)]
    assert f"{len(this.visits)} visits; the 4 weeks before had {min(visits)} to {max(visits)}: more than in any" in part
    for week in range(9, 14):
        assert told[f"2026-W{week:02}"] == expected_cells(by_hand.week(2026, week).whole())


@pytest.mark.slow
def test_size_and_time_stay_bounded(year):
    path, _, sizes = year
    assert sizes[-1] < 4_000_000
    # by the second quarter the minutes that are kept are all there, and hours alone are added
    assert sizes[3] - sizes[2] < 200_000
    period = week_of(CALENDAR, date(2026, 3, 23))
    of_a_week, of_a_year = [], []
    for _ in range(3):
        for taken, span in ((of_a_week, period), (of_a_year, day_of(CALENDAR, FIRST, days=DAYS))):
            begun = time.perf_counter()
            look_back(path, span)
            taken.append(time.perf_counter() - begun)
    # as much slower as there is more, and not more than that
    assert min(of_a_year) < 200 * min(of_a_week)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
def test_days_and_weeks_have_their_true_hours(day, hours):
    of_day = list(hours_in(CALENDAR, day_of(CALENDAR, day)))
    of_week = list(hours_in(CALENDAR, week_of(CALENDAR, day)))
    assert (len(of_day), len(of_week)) == (hours, 144 + hours)
    for found in (of_day, of_week):
        assert all(until - since == timedelta(hours=1) for since, until in found)
        assert all(until == later for (_, until), (later, _) in pairwise(found))


def test_a_page_of_a_week_of_which_nothing_is_known_says_so(tmp_path):
    live = Live(tmp_path / "history.sqlite")
    live.play(frames(date(2026, 2, 2), 2))
    live.file.close()
    assert "Nothing was watched in this week." in page_of(live.path, 2026, 20)
    page = page_of(live.path, 2026, 6)
    assert "has no weeks before this one to compare with" in page
    assert "Where one person is on shift, an hour rates that person." in page


def test_an_hour_that_too_few_people_made_shows_nowhere(tmp_path):
    live = Live(tmp_path / "history.sqlite", k_minimum=12)
    seen = list(frames(date(2026, 2, 2), 5))
    live.play(iter(seen))
    live.file.close()
    by_hand = ByHand()
    by_hand.play(seen)
    page = page_of(live.path, 2026, 6, k_minimum=12)
    shown, held = 0, 0
    head, *rows = rows_of(section(page, "Busy hours"))
    for day, row in enumerate(rows):
        for hour, cell in zip(head[1:], row[1:], strict=True):
            of = by_hand.field(day, int(hour))
            if cell not in {"", "·"}:
                assert int(cell) == len(of.visits) >= 12
                shown += 1
            held += cell == "·"
    assert shown > 5
    assert held > 5
    assert "Hours that fewer than 12 people made are not shown" in page
    with reading(live.path) as connection:
        hours, _ = read_windows(connection, HOURLY, *EVER)
        assert {hour.people is None or hour.people >= 12 for hour in hours} == {True}
        text = str(connection.execute("SELECT * FROM alerts").fetchall())
    kept = set(re.findall(r"alert-\d+", text))
    whose = {number: at for frame in seen for number, over in frame.alerts if not over for at in [frame.at]}
    told = {int(hour.since.timestamp()) for hour in hours if hour.people is not None}
    assert kept == {number for number, at in whose.items() if at - at % 3600 in told}
    assert kept < whose.keys()


def test_a_k_minimum_that_was_raised_later_hides_what_is_in_the_file(tmp_path):
    live = Live(tmp_path / "history.sqlite")
    live.play(frames(date(2026, 2, 2), 5))
    live.file.close()
    page = page_of(live.path, 2026, 6, k_minimum=12)
    cells = [cell for row in rows_of(section(page, "Busy hours"))[1:] for cell in row[1:]]
    assert all(cell in {"", "·"} or int(cell) >= 12 for cell in cells)
    assert "·" in cells
    assert page_of(live.path, 2026, 6).count('class="warning" x=') > page.count('class="warning" x=') > 0


def test_text_of_others_is_escaped(tmp_path):
    live = Live(tmp_path / "history.sqlite", camera="<script>alert(1)</script>")
    live.play(frames(date(2026, 2, 2), 1))
    live.file.close()
    assert "<script" not in page_of(live.path, 2026, 6)
