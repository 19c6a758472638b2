"""Alerts, summaries and audit reach a real PostgreSQL once each and in order, whatever is killed meanwhile."""

from __future__ import annotations

import configparser
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from edge_fer.contract.messages import seal
from edge_fer.fleet.rows import StoredRow, row_of
from tests.daemon import COMMAND, edge_fer
from tests.fleet.database import SCHEMA, Postgres
from tests.fleet.kit import Fleet
from tests.fleet.loading import Loading, count, mixed
from tests.mqtt.kit import alert_event, now, until
from tests.mqtt_page import examples

NODES = int(os.environ.get("EDGE_FER_TEST_FLEET_NODES", "8"))
SECONDS = int(os.environ.get("EDGE_FER_TEST_FLEET_SECONDS", "60"))
TOPIC = "edge-fer/counter-1/camera/front/alert_event"


@pytest.fixture(scope="module")
def database():
    with Postgres() as found:
        yield found


def test_each_message_is_stored_once_and_in_order_over_kills_of_everything(tmp_path, database):
    table = tmp_path / "nodes.csv"
    table.write_text("node,site\n" + "".join(f"n{number},s{number // 10}\n" for number in range(NODES)))
    fleet = Fleet(tmp_path)
    fleet.ok("add", "--csv", str(table))
    dice = random.Random(7)  # noqa: S311
    with fleet, Loading(fleet, database) as loading:
        # its session is there from its first connection on
        until(lambda: b"its session was new" in (tmp_path / "loader.log").read_bytes())
        size = ["--nodes", str(NODES), "--for", str(SECONDS), "--json"]
        simulated = subprocess.Popen(
            [*COMMAND, "simulate", "--folder", str(fleet.path), *size, "--storm", "20"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        begun = time.monotonic()
        kills = 0
        while time.monotonic() - begun < SECONDS - 15:
            time.sleep(dice.uniform(1, 3))
            match kills % 3:
                case 0:
                    loading.kill()
                    time.sleep(dice.uniform(0, 2))
                    loading.start()
                case 1:
                    fleet.stop(kill=True)
                    time.sleep(dice.uniform(0, 2))
                    fleet.start()
                case 2:
                    database.kill()
                    time.sleep(dice.uniform(0, 2))
                    database.start()
            kills += 1
        out, _ = simulated.communicate(timeout=SECONDS + 120)
        assert simulated.returncode == 0, out
        told = json.loads(out)
        wanted = {
            topic: (last, last, last)
            for topic, last in told["last_seq"].items()
            if topic.endswith(("alert_event", "summary"))
        }
        until(lambda: count(database) == wanted, timeout=120)
        print(f"{NODES} nodes, {SECONDS} s, {kills} kills: {sum(last for last, *_ in wanted.values())} rows")
    assert loading.code == 0
    assert not mixed(database), "in order within each topic"
    assert not database.rows("select * from edge_fer.rejected")
    assert kills >= 9 or SECONDS < 60


def message(seq, *, at=None, replayed=False):
    at = at or now()
    return seal(alert_event(at).model_dump_json(), seq=seq, replayed=replayed, at=at).encode()


def test_the_same_message_sent_again_is_the_same_row_and_another_device_of_that_name_is_not():
    at = now()
    first, again = row_of(TOPIC, message(1, at=at)), row_of(TOPIC, message(1, at=at, replayed=True))
    assert isinstance(first, StoredRow)
    assert first.values[:3] == again.values[:3]
    # its clock was put right before it was sent again
    late = json.loads(message(1, at=at)) | {"ts": "2026-02-01T00:00:00.000Z", "since": "2026-02-01T00:00:00.000Z"}
    assert row_of(TOPIC, json.dumps(late).encode()).values[:3] == first.values[:3]
    fresh = json.loads(message(1, at=at)) | {"alert_id": "another"}
    assert row_of(TOPIC, json.dumps(fresh).encode()).values[:3] != first.values[:3]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TOPIC, b"junk"),
        (TOPIC, b"[1]"),
        (TOPIC, b"{}"),
        (TOPIC, b'"text"'),
        (TOPIC.replace("counter-1", "counter-2"), message(1)),
        (TOPIC.replace("front", "back"), message(1)),
        ("edge-fer/counter-1/camera/front/event", message(1)),
    ],
)
def test_what_is_none_of_ours_is_no_row(topic, payload):
    assert not isinstance(row_of(topic, payload), StoredRow)


@pytest.mark.parametrize("kind", ["alert_event", "summary", "audit"])
def test_each_kind_is_stored_with_its_columns_and_more_fields_are_kept(tmp_path, database, kind):
    with Fleet(tmp_path, "counter-1") as fleet, Loading(fleet, database):
        until(lambda: b"its session was new" in (tmp_path / "loader.log").read_bytes())
        example = examples()[kind] | {"later": "field", "seq": 4711}
        leaf = kind if kind == "audit" else f"camera/front/{kind}"
        topic = f"edge-fer/counter-1/{leaf}"
        for payload in ("{", json.dumps(example)):
            assert fleet.client("mosquitto_pub", "counter-1", "-q", "1", "-t", topic, "-m", payload).returncode == 0
        query = f"select body, ts from edge_fer.{kind} where seq = 4711"  # noqa: S608
        until(lambda: database.rows(query))
    ((body, ts),) = database.rows(query)
    assert body == example
    assert ts == datetime.fromisoformat(example["ts"])
    problems = database.rows(f"select payload from edge_fer.rejected where topic = '{topic}'")  # noqa: S608
    assert problems == [(b"{",)]


INSERT = (
    "insert into edge_fer.summary (topic, seq, content, node, site, camera, ts, clock_synced, replayed,"
    ' "window", since, until, body, received)'
    " values ('t', %s, '', 'n', %s, 'c', %s, %s, false, '1m', now(), now(), '{}', %s)"
)
OLD, NEW, AHEAD = (datetime.now(UTC) + timedelta(days=days) for days in (-200, 0, 4000))


@pytest.fixture
def kept(database):
    """Stores summaries, each as its site, `ts`, whether the clock was synchronised, and arrival; gives what is left."""

    def left():
        return {row[0] for row in database.rows("select site from edge_fer.summary")}

    def store(*rows):
        with psycopg.connect(database.words) as connection:
            # the schema can be run again
            connection.execute(SCHEMA.read_text())
            # other tests have left rows of any age
            connection.execute("truncate edge_fer.alert_event, edge_fer.summary, edge_fer.audit, edge_fer.rejected")
            for number, row in enumerate(rows):
                connection.execute(INSERT, (number, *row))
        return left

    return store


def test_what_is_old_is_erased_by_site_and_time(database, kept):
    left = kept(("east", OLD, True, OLD), ("west", OLD, True, OLD), ("new", NEW, True, NEW))
    erase = "select edge_fer.erase({}, now() - interval '6 months')"
    assert database.rows(erase.format("'east'")) == [(1,)]
    assert left() == {"west", "new"}
    assert database.rows(erase.format("null")) == [(1,)]
    assert left() == {"new"}


def test_a_clock_that_is_wrong_neither_shortens_nor_lengthens_what_is_kept(database, kept):
    left = kept(
        ("behind, not synchronised", datetime(1970, 1, 2, tzinfo=UTC), False, NEW),
        ("ahead", AHEAD, True, OLD),
        ("ahead, not synchronised", AHEAD, False, OLD),
        ("sent late", OLD, True, NEW),
    )
    assert database.rows("select edge_fer.erase(null, now() - interval '6 months')") == [(3,)]
    assert left() == {"behind, not synchronised"}


def shipped(name):
    return SCHEMA.with_name(name)


def command_of(unit, **environment):
    """The words of a unit's `ExecStart`, as systemd makes them."""
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.optionxform = str
    read.read(unit)
    line = read["Service"]["ExecStart"]
    for name, value in environment.items():
        line = line.replace(f"${{{name}}}", value)
    return shlex.split(line)


def test_the_shipped_job_erases_as_the_user_that_the_loader_has(database):
    with psycopg.connect(database.words, autocommit=True) as connection:
        connection.execute('create role "edge-fer-fleet" login')
        connection.execute('create database fleet owner "edge-fer-fleet"')
    unit = shipped("edge-fer-fleet-erase.service")
    assert "\nUser=edge-fer-fleet\n" in unit.read_text()
    assert "\nUser=edge-fer-fleet\n" in shipped("edge-fer-fleet-load.service").read_text()
    words = f"host={database.folder} user=edge-fer-fleet dbname=fleet"
    with psycopg.connect(words) as connection:
        connection.execute(SCHEMA.read_text())
        for number, at in enumerate((OLD, NEW)):
            connection.execute(INSERT, (number, "east", at, True, at))
    place = os.environ | {"PGHOST": str(database.folder), "PGUSER": "edge-fer-fleet"}

    def left_after(kept):
        done = subprocess.run(
            command_of(unit, KEPT=kept), env=place, capture_output=True, text=True, check=False, timeout=60
        )
        with psycopg.connect(words) as connection:
            return done.returncode, connection.execute("select count(*) from edge_fer.summary").fetchone()[0]

    assert 'Environment="KEPT=6 months"' in unit.read_text()
    assert left_after("1 year") == (0, 2)
    assert left_after("6 months") == (0, 1)
    # a wrong word makes the unit fail, and erases nothing
    assert left_after("six moons") == (1, 1)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_shipped_units(tmp_path):
    for file in SCHEMA.parent.glob("edge-fer-fleet-*"):
        # what they start need not be installed here
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", file.read_text(), flags=re.MULTILINE)
        (tmp_path / file.name).write_text(text.replace("User=edge-fer-fleet", "User=root"))
    units = sorted(tmp_path.iterdir())
    assert len(units) == 6
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, [line for line in done.stderr.splitlines() if "edge-fer" in line]) == (0, [])


@pytest.mark.parametrize(
    ("words", "said"), [("host=/nowhere", "cannot be reached"), ("dbname=template1", "schema.sql")]
)
def test_a_database_that_is_not_there_or_has_no_tables_is_told(tmp_path, database, words, said):
    fleet = Fleet(tmp_path, "one")
    where = words if "host" in words else f"{database.words} {words}"
    ended = edge_fer("fleet", "load", "--folder", str(fleet.path), "--database", where)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
