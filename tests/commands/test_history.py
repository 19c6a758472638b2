"""`edge-fer history` and `edge-fer report`: what they print, write and erase."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edge_fer.cli._bars import bar, spark
from edge_fer.cli.main import main
from edge_fer.history.file import HistoryFile, reading
from edge_fer.history.records import HOURLY, MINUTELY, AlertBegan, HealthHour, HistoryWindow, SignalWindow
from edge_fer.history.tables import count_lost, insert, read_windows
from tests.history.records import EVER

BERLIN = ZoneInfo("Europe/Berlin")
#: The hour before the last whole one, which is not always of today.
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


def stretch(hours=0, *, camera="counter", length=HOURLY, people=12):
    since = HOUR - timedelta(hours=hours)
    until = since + timedelta(seconds=length)
    if people is None:
        return HistoryWindow(camera, length, since, until, float(length), True, None)
    seconds = {"happy": 300.0, "sad": 100.0, "uncertain": 50.0}
    return HistoryWindow(camera, length, since, until, float(length), True, people, 9, 420.0, seconds, 300.0)


def alert(number, hours=0, *, camera="counter"):
    began = HOUR - timedelta(hours=hours) + timedelta(minutes=5)
    ended = began + timedelta(seconds=30)
    return AlertBegan(f"alert-{number}", camera, "unhappy-guest", "warning", ("sad",), True, began, ended, 30.0, "over")


@pytest.fixture
def history(tmp_path):
    """Writes records, and runs the command on them."""
    config = tmp_path / "edge-fer.yaml"
    config.write_text(f"state_dir: {tmp_path}\nnode: {{timezone: Europe/Berlin}}\nhistory: {{record: on}}\n")

    def write(*records, lost=0):
        with HistoryFile(tmp_path / "history.sqlite", max_size=64_000_000) as file:
            file.run(lambda connection: insert(connection, records))
            if lost:
                file.run(lambda connection: count_lost(connection, "disk", lost))

    def run(*arguments):
        return main([*arguments[:1], "--config", str(config), *arguments[1:]])

    return write, run


@pytest.fixture
def said(capsys):
    return capsys.readouterr


def hours_of(tmp_path):
    with reading(tmp_path / "history.sqlite") as connection:
        return [(one.camera, one.since) for one in read_windows(connection, HOURLY, *EVER)[0]]


def test_a_year_holds_what_was_and_weeks_are_named(history, said):
    write, run = history
    write(stretch(), stretch(camera="door", people=3), alert(1), lost=7)
    assert run("history", "year") == 0
    out = said().out
    year, week, _ = HOUR.astimezone(BERLIN).isocalendar()
    row = next(line for line in out.splitlines() if line.startswith(f"{year}-W{week:02}"))
    assert re.search(r" 12 █{20}  75 ██████ +1  .*█", row)
    assert out.startswith("counter: ")
    assert "\ndoor: " in out
    assert "12 visits; watched 1.0 h; satisfaction 75; mostly happy (75%); 1 alert\n" in out
    assert "3 visits; watched 1.0 h; satisfaction 75; mostly happy (75%); 0 alerts\n" in out
    assert "7 records were given up since the history began, because the disk could not be written." in out


def test_a_day_is_told_by_the_hour_and_a_week_by_the_day(history, said):
    write, run = history
    write(stretch(), alert(1))
    local = HOUR.astimezone(BERLIN)
    today = datetime.now(UTC).astimezone(BERLIN)
    for what in ("today", "week"):
        assert run("history", what) == 0
        rows = said().out.splitlines()
        begins = f"{local:%H}  " if what == "today" else f"{local:%a} {local.day:2}  "
        in_it = local.date() == today.date() if what == "today" else local.isocalendar()[:2] == today.isocalendar()[:2]
        assert any(re.match(rf"{begins} +12 ", row) for row in rows) == in_it


def test_an_hour_that_is_held_back_says_so(history, said, tmp_path):
    write, run = history
    write(stretch(people=None), stretch(1, people=4))
    config = tmp_path / "edge-fer.yaml"
    config.write_text(config.read_text() + "privacy: {k_minimum: 5}\n")
    run("history", "year")
    out = said().out
    assert "0 visits; watched 0.0 h; 0 alerts; 2 hours held back (privacy.k_minimum)" in out
    run("history", "year", "--csv")
    rows = list(csv.DictReader(io.StringIO(said().out)))
    assert [(row["held_back"], row["visits"]) for row in rows] == [("1", ""), ("1", "")]


def test_csv_has_a_row_for_each_hour(history, said):
    write, run = history
    write(stretch(), stretch(1, people=4), stretch(camera="door"), alert(1, 1))
    run("history", "year", "--camera", "counter", "--csv")
    early, late = csv.DictReader(io.StringIO(said().out))
    assert early["hour"] == (HOUR - timedelta(hours=1)).astimezone(BERLIN).isoformat()
    assert [early[key] for key in ("camera", "visits", "arrived", "alerts")] == ["counter", "4", "9", "1"]
    assert (late["happy_s"], late["uncertain_s"], late["satisfaction"]) == ("300.000", "50.000", "75.00")
    assert [late[key] for key in ("distress", "presence_s", "watched_s", "confidence")] == [
        "0.2500",
        "450.000",
        "3600.000",
        "0.7500",
    ]
    assert "angry_s" not in late


def test_json_has_all_of_it(history, said):
    write, run = history
    end = HOUR + timedelta(minutes=1)
    write(
        stretch(),
        alert(1),
        SignalWindow("counter", "ward/pulse", HOUR, end, 3, 60.0, 70.0, 80.0),
        HealthHour(HOUR, 60, 59, 1, 61.5, 150_000_000, 4),
    )
    run("history", "year", "--json")
    told = json.loads(said().out)
    counter = told["cameras"]["counter"]
    (hour,) = counter["hours"]
    assert (hour["visits"], hour["satisfaction"], hour["confidence"], hour["seconds"]["sad"]) == (12, 75.0, 0.75, 100.0)
    assert datetime.fromisoformat(hour["since"]) == HOUR
    assert [one["id"] for one in counter["alerts"]] == ["alert-1"]
    assert [one["mean"] for one in counter["signals"]] == [70.0]
    assert [one["temperature"] for one in told["health"]] == [61.5]
    assert (told["lost"], told["damaged"]) == ({}, 0)


def test_an_empty_history_says_so(history, said):
    write, run = history
    write()
    assert run("history") == 0
    assert said().out == "There is nothing in the history yet: the first hour is written when it is over.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["history"], "there is no history: .*history.sqlite does not exist. Set `history: {record: on}`"),
        (["history", "erase"], "it is not said what to erase. Say of which camera"),
        (["history", "erase", "--camera", "x"], "there is no history"),
        (["history", "today", "--from", "2026-01-01"], "--from is for `erase` alone"),
        (["report"], "there is no history"),
    ],
)
def test_what_cannot_be_done_is_told(history, said, arguments, told):
    _, run = history
    assert run(*arguments) == 1
    assert re.search(told.replace("{", r"\{").replace("}", r"\}"), said().err)


def test_a_camera_that_is_not_there_is_told(history, said):
    write, run = history
    write(stretch())
    for verb in ("history", "report"):
        assert run(verb, "--camera", "dor") == 78
        assert re.search(r"--camera dor: there is nothing of it.*Choose one of counter", said().err)


@pytest.mark.parametrize("arguments", [["erase", "--from", "soon"], ["tomorrow"]])
def test_a_wrong_command_line_is_told(history, arguments, said):
    _, run = history
    with pytest.raises(SystemExit) as ended:
        run("history", *arguments)
    assert ended.value.code == 2
    assert re.search("is no moment. Write it like|invalid choice: 'tomorrow'", said().err)


class TestErase:
    def test_a_camera_and_a_time(self, history, said, tmp_path):
        write, run = history
        damaged = tmp_path / "history.sqlite.corrupt-20260101T000000.0Z"
        damaged.write_text("old")
        write(*(stretch(n, camera=name) for n in range(4) for name in ("counter", "door")))
        begin, end = (f"{(HOUR - timedelta(hours=n)).astimezone(BERLIN):%Y-%m-%dT%H:%M}" for n in (2, 0))
        assert run("history", "erase", "--camera", "counter", "--from", begin, "--to", end) == 0
        out = said().out
        assert f"{damaged.name} is erased, too" in out
        assert not damaged.exists()
        assert "Erased of camera counter from" in out
        assert out.endswith("2 hours.\n")
        left = {("door", HOUR - timedelta(hours=n)) for n in range(4)}
        assert set(hours_of(tmp_path)) == left | {("counter", HOUR), ("counter", HOUR - timedelta(hours=3))}

    def test_all_of_a_camera(self, history, said, tmp_path):
        write, run = history
        write(stretch(), stretch(camera="door"), stretch(length=MINUTELY), alert(1))
        assert run("history", "erase", "--camera", "counter") == 0
        assert "from the beginning to " in said().out
        assert hours_of(tmp_path) == [("door", HOUR)]

    def test_never_what_is_to_come(self, history, said):
        write, run = history
        write(stretch())
        assert run("history", "erase", "--from", "2999-01-01") == 1
        assert "--from 2999-01-01T00:00 is not before --to" in said().err


class TestReport:
    def test_the_last_week_that_is_over(self, history, said, tmp_path, monkeypatch):
        write, run = history
        write(stretch(7 * 24))
        monkeypatch.chdir(tmp_path)
        assert run("report", "--week") == 0
        year, week, _ = (datetime.now(UTC).astimezone(BERLIN) - timedelta(weeks=1)).isocalendar()
        name = f"edge-fer-{year}-W{week:02}.html"
        assert said().out == f"Look at {name}\n"
        assert f"Week {week} of {year}" in (tmp_path / name).read_text()
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o640

    @pytest.mark.parametrize("week", ["2026-W13", "2026-03-29"])
    def test_any_week(self, history, tmp_path, week):
        write, run = history
        write(stretch())
        assert run("report", "--week", week, "--out", str(tmp_path / "page.html")) == 0
        assert "Monday, 23 March 2026 to Sunday, 29 March 2026" in (tmp_path / "page.html").read_text()

    def test_a_folder_keeps_the_newest_pages(self, history, tmp_path):
        write, run = history
        write(stretch())
        folder = tmp_path / "pages"
        folder.mkdir()
        (folder / "mine.html").write_text("mine")
        for week in range(10, 20):
            run("report", "--week", f"2026-W{week}", "--folder", str(folder), "--keep", "3")
        assert sorted(path.name for path in folder.iterdir()) == [
            *(f"edge-fer-2026-W{week}.html" for week in (17, 18, 19)),
            "mine.html",
        ]

    def test_where_it_cannot_be_written(self, history, said, tmp_path):
        write, run = history
        write(stretch())
        assert run("report", "--out", str(tmp_path / "none" / "page.html")) == 1
        assert "page.html cannot be written: No such file or directory. Name a file" in said().err


def test_bars_and_sparks():
    assert [bar(value, 8, 2) for value in (0, 1, 4, 8, 9)] == ["", "▎", "█", "██", "██"]
    assert bar(1, 0, 5) == ""
    assert spark([0, None, 7, 14]) == "▁·▅█"
    assert spark([0, 0]) == "▁▁"
