"""The file of the history: what is in it comes out again, and neither kills, power cuts nor damage spoil it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta

import pytest

from edge_fer.errors import HistoryError
from edge_fer.history.file import DamagedError, HistoryFile, damaged_files, reading
from edge_fer.history.records import HOURLY, MINUTELY, AlertEnded, Keep
from edge_fer.history.tables import (
    cameras_in,
    erase,
    insert,
    lost_in,
    make_room,
    prune,
    read_alerts,
    read_health,
    read_signals,
    read_windows,
)
from tests.history.power import disks, noted
from tests.history.records import EVER, NOON, alert, health, hour, minute, pulse

SIZE = 64_000_000
KEEP = Keep(35 * 86_400, 730 * 86_400, SIZE)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite"


def written(path, *records):
    with HistoryFile(path, max_size=SIZE) as file:
        file.run(lambda connection: insert(connection, records))


def content(path):
    with reading(path) as connection:
        return {
            "minutes": read_windows(connection, MINUTELY, *EVER)[0],
            "hours": read_windows(connection, HOURLY, *EVER)[0],
            "alerts": read_alerts(connection, *EVER)[0],
            "signals": read_signals(connection, *EVER)[0],
            "health": read_health(connection, *EVER)[0],
        }


def test_what_is_written_is_read(path):
    records = [minute(0), minute(1, people=None), hour(0), alert(3), pulse(0), health(0)]
    written(path, *records)
    assert [one for found in content(path).values() for one in found] == records
    assert path.stat().st_mode & 0o777 == 0o640, "it is about people"


def test_an_alert_ends_later_and_only_one_that_is_known(path):
    written(path, alert(0, seconds=None))
    over = NOON + timedelta(seconds=75)
    written(
        path, AlertEnded("alert-0", "counter", over, None, "left"), AlertEnded("other", "counter", over, 1.0, "over")
    )
    (found,) = content(path)["alerts"]
    assert (found.ended, found.seconds, found.reason) == (over, 75.0, "left")


def test_a_window_that_is_told_twice_is_added_up(path):
    written(path, minute(0), minute(0), hour(0), hour(0, people=None), pulse(0), pulse(0), health(0), health(0))
    found = content(path)
    (twice,) = found["minutes"]
    assert (twice.people, twice.watched, twice.seconds["happy"]) == (4, 120.0, 40.0)
    assert found["hours"][0].people is None, "part of it was held back, so is the whole"
    assert (found["signals"][0].count, found["signals"][0].mean) == (6, 70.0)
    assert (found["health"][0].looks, found["health"][0].losses) == (120, 2)


def test_what_is_too_old_goes(path):
    written(path, minute(0), hour(0), alert(0), pulse(0), health(0))
    with HistoryFile(path, max_size=SIZE) as file:
        file.run(lambda connection: prune(connection, KEEP, NOON + timedelta(days=34)))
        assert len(content(path)["minutes"]) == 1
        file.run(lambda connection: prune(connection, KEEP, NOON + timedelta(days=36)))
        assert [len(found) for found in content(path).values()] == [0, 1, 1, 0, 1]
        file.run(lambda connection: prune(connection, KEEP, NOON + timedelta(days=732)))
    assert [len(found) for found in content(path).values()] == [0] * 5


def test_where_there_is_no_room_the_oldest_minutes_go_first(path):
    written(path, *(minute(n) for n in range(3000)), hour(0), alert(0))
    with HistoryFile(path, max_size=SIZE) as file:
        assert file.run(make_room)
        found = content(path)
        assert found["minutes"][0].since == NOON + timedelta(days=1)
        assert len(found["hours"]) == len(found["alerts"]) == 1
        while file.run(make_room):
            pass
    assert [len(found) for found in content(path).values()] == [0] * 5
    with reading(path) as connection:
        assert lost_in(connection) == {"room": 3002}


def test_a_row_that_a_disk_has_changed_is_left_out_and_counted(path):
    written(path, minute(0), minute(1))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE minutes SET people = 200 WHERE since = ?", (int(NOON.timestamp()),))
    connection.close()
    with reading(path) as connection:
        found, damaged = read_windows(connection, MINUTELY, *EVER)
    assert ([one.since for one in found], damaged) == ([NOON + timedelta(minutes=1)], 1)


@pytest.mark.parametrize("damage", ["head", "middle", "text"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(path, damage, caplog):
    written(path, *(minute(n) for n in range(500)))
    whole = bytearray(path.read_bytes())
    if damage == "text":
        whole = bytearray(b"this is no database " * 500)
    else:
        begin = 0 if damage == "head" else 4096
        whole[begin : begin + 40_000] = random.Random(1).randbytes(40_000)  # noqa: S311
    path.write_bytes(whole)
    with pytest.raises(DamagedError, match="is damaged"):
        content(path)
    with HistoryFile(path, max_size=SIZE, mend=True) as file:
        file.run(lambda connection: insert(connection, [*(minute(n) for n in range(500)), hour(0)]))
    assert len(content(path)["minutes"]) == 500
    assert [one.name.startswith("history.sqlite.corrupt-") for one in damaged_files(path)] == [True]
    assert "is kept as history.sqlite.corrupt-" in caplog.text


def test_a_newer_file_is_left_alone(path):
    written(path, minute(0))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    for use in (lambda: HistoryFile(path, max_size=SIZE, mend=True), lambda: content(path)):
        with pytest.raises(HistoryError, match=r"newer edge-fer \(version 9 .* Install that version again"):
            use()
    assert damaged_files(path) == []


def test_what_somebody_else_put_there_is_told(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE foreign_one (a); PRAGMA user_version = 1;")
    with (
        pytest.raises(HistoryError, match="is no history of edge-fer: no such table") as raised,
        reading(path) as found,
    ):
        read_windows(found, HOURLY, *EVER)
    assert raised.value.remedy == "Move it away to begin a new one"
    path.unlink()
    path.mkdir()
    with pytest.raises(HistoryError, match="is no file"), reading(path):
        pass


def test_what_is_not_there_or_no_file_is_told(path):
    with pytest.raises(HistoryError, match=r"there is no history: .* Set `history: \{record: on\}`"):
        content(path)
    path.mkdir()
    with pytest.raises(HistoryError, match=r"is no file\. Move away what is there"):
        HistoryFile(path, max_size=SIZE, mend=True)


@pytest.mark.parametrize("whose", ["counter", None])
def test_what_is_erased_is_really_gone(path, whose):
    hidden = "very-hidden-counter"
    name = hidden if whose else "other"
    records = [kind(n, camera=hidden) for n in range(300) for kind in (minute, alert, pulse)]
    records += [hour(n, camera=hidden) for n in range(8)]
    written(path, *records, *(minute(n, camera="door") for n in range(10_000, 10_010)), health(0), health(100))
    assert hidden.encode() in path.read_bytes()
    with HistoryFile(path, max_size=SIZE) as daemon, HistoryFile(path, max_size=SIZE) as file:
        # the daemon goes on meanwhile, with the file open
        daemon.run(lambda connection: insert(connection, [minute(5000, camera="door")]))
        upto = NOON + timedelta(hours=9)
        gone = file.run(lambda connection: erase(connection, name if whose else None, NOON, upto))
        before = path.stat().st_size
        file.compact()
        assert path.stat().st_size < before / 2
        files = [one for one in path.parent.iterdir() if one.name.startswith(path.name)]
        assert len(files) == 3, "with its log and index"
        left = b"".join(one.read_bytes() for one in files)
        # it is named among what must not be written late, and nowhere else
        assert left.count(hidden.encode()) == (1 if whose else 0)
        assert b"unhappy-guest" not in left
        assert b"ward/pulse" not in left
    assert (gone.minutes, gone.hours, gone.alerts, gone.signals, gone.health) == (300, 8, 300, 300, 0 if whose else 1)
    assert len(content(path)["minutes"]) == 11
    with reading(path) as connection:
        assert cameras_in(connection) == ["door"]


def test_a_window_that_overlaps_what_is_erased_goes_as_a_whole_and_does_not_come_late(path):
    written(path, minute(10), minute(11), minute(12), hour(0), hour(1))
    begin = NOON + timedelta(minutes=11, seconds=30)
    with HistoryFile(path, max_size=SIZE) as file:
        file.run(lambda connection: erase(connection, "counter", begin, begin + timedelta(minutes=1)))
        # what the daemon still held of that time
        late = [minute(11), hour(0), hour(2), minute(11, camera="door")]
        file.run(lambda connection: insert(connection, late))
    found = content(path)
    assert found["minutes"] == [minute(10), minute(11, camera="door")]
    assert found["hours"] == [hour(1), hour(2)]


@pytest.mark.slow
def test_the_file_stays_within_its_size(path):
    limit = 4_000_000
    with HistoryFile(path, max_size=limit, mend=True) as file:
        for day in range(60):
            while file.used() > 0.95 and file.run(make_room):
                pass
            file.run(lambda connection, day=day: insert(connection, [minute(1440 * day + n) for n in range(1440)]))
            taken = sum(one.stat().st_size for one in path.parent.iterdir() if not one.name.endswith("-shm"))
            assert taken <= limit, day
        with reading(path) as connection:
            assert lost_in(connection)["room"] > 10_000
    assert content(path)["minutes"][-1] == minute(1440 * 60 - 1)


WRITER = """
import sys
from pathlib import Path
from edge_fer.history.file import HistoryFile
from edge_fer.history.records import Keep
from edge_fer.history.tables import erase, insert, prune
from tests.history.records import NOON, alert, hour, minute
from datetime import timedelta

path, count, mark = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
path.parent.mkdir(exist_ok=True)
with HistoryFile(path, max_size=64_000_000, mend=True) as file:
    for number in range(count):
        records = [minute(number), hour(number), *(alert(number) for _ in range(number % 3))]
        file.run(lambda connection: insert(connection, records))
        if mark == "loud":
            print(number, flush=True)
        if mark == "work" and number in (8, 16):
            file.run(lambda connection: prune(connection, Keep(600, 10**9, 0), NOON + timedelta(minutes=number)))
            file.run(lambda connection: erase(connection, "door", NOON, NOON + timedelta(days=1)))
            file.compact()
"""


@pytest.mark.slow
def test_a_power_cut_at_any_step_leaves_a_file_that_opens(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "disk" / "history.sqlite"), "24", "work"]
    steps = noted(tmp_path, command, dict(os.environ)).steps
    assert len([step for step in steps if step.what == "write"]) > 100
    assert {"sync", "truncate"} <= {step.what for step in steps}
    after = tmp_path / "after"
    seen = set()
    for cut in range(len(steps) + 1):
        for left in disks(steps[:cut], seed=cut):
            for older in after.glob("*"):
                older.unlink()
            after.mkdir(exist_ok=True)
            for name, text in left.items():
                (after / name).write_bytes(text)
            with HistoryFile(after / "history.sqlite", max_size=SIZE) as file:
                assert file.run(lambda c: c.execute("PRAGMA integrity_check").fetchone()) == ("ok",), cut
                hours = file.run(lambda c: read_windows(c, HOURLY, *EVER))
                assert hours == ([hour(n) for n in range(len(hours[0]))], 0), f"what is lost is the newest: {cut}"
                file.run(lambda connection: insert(connection, [minute(50_000)]))
            seen.add(len(hours[0]))
    assert seen == set(range(25))


@pytest.mark.slow
def test_kills_lose_nothing_that_was_written(path):
    env = {**os.environ}
    chance = random.Random(3)  # noqa: S311
    for _ in range(8):
        command = [sys.executable, "-c", WRITER, str(path), "100000", "loud"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=env, text=True) as writer:
            said = [writer.stdout.readline() for _ in range(1 + chance.randrange(60))]
            time.sleep(chance.random() / 20)
            os.kill(writer.pid, signal.SIGKILL)
            said += writer.stdout.read().splitlines()
        last = max(int(line) for line in said if line.strip())
        assert len(content(path)["hours"]) >= last + 1
        with HistoryFile(path, max_size=SIZE) as file:
            assert file.run(lambda c: c.execute("PRAGMA integrity_check").fetchone()) == ("ok",)
            file.run(lambda c: c.execute("DELETE FROM hours"))
            file.run(lambda c: c.execute("DELETE FROM minutes"))
