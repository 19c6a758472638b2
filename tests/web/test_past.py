"""The history, the log, the doctor and the notice: beside a real daemon, and as the command line prints it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from edge_fer.control.client import ControlClient
from edge_fer.errors import CommandError
from edge_fer.history.file import HistoryFile
from edge_fer.history.records import HOURLY, AlertBegan, HistoryWindow
from edge_fer.history.tables import insert
from edge_fer.log.recent import MOST_LINES, RecentLines
from edge_fer.pipeline.step import Told
from edge_fer.sinks.board import Seen
from edge_fer.types import AlertChange, Instant
from edge_fer.web.past import bars_of, chart_of, week_of
from edge_fer.web.views import clock_of, day_of
from tests.broker import Mosquitto
from tests.daemon import Daemon, edge_fer
from tests.mqtt.kit import until
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage, logged_in

#: Yesterday is watched in three hours, the last of which too few people made.
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FEW, MANY = 3, 12


def hour(at, people):
    since = MIDNIGHT - timedelta(days=1) + timedelta(hours=at)
    seconds = {"happy": 300.0, "sad": 100.0, "uncertain": 50.0}
    return HistoryWindow(
        "front", HOURLY, since, since + timedelta(hours=1), 3600.0, True, people, 1, 450.0, seconds, 300.0
    )


def alert(at):
    began = MIDNIGHT - timedelta(days=1) + timedelta(hours=at, minutes=5)
    return AlertBegan("a1", "front", "unhappy-guest", "warning", ("sad",), True, began, began, 30.0, "over")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("past")
    (folder / "node" / "state").mkdir(parents=True)
    with HistoryFile(folder / "node" / "state" / "history.sqlite", max_size=64_000_000) as file:
        file.run(lambda connection: insert(connection, [hour(9, MANY), hour(10, 2 * MANY), hour(11, FEW), alert(9)]))
    privacy = {"k_minimum": 5, "purpose": "how content <guests> are", "contact": "Anna & Co"}
    settings = {"history": {"record": "on"}, "privacy": privacy, "node": {"id": "test", "timezone": "UTC"}}
    settings |= {"alerts": {"happy-guest": {"when": {"emotion": ["happy"], "score": 0.2}, "for": "0s"}}}
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, ENDLESS, **settings)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        for role in ("viewer", "operator"):
            page.account(role, role)
        page.daemon, page.control = daemon, folder / "node" / "state" / "control.sock"
        yield page
        assert "Traceback" not in page.output + daemon.output


def test_a_day_is_shown_hour_by_hour_and_an_hour_of_few_is_held_back(house):
    ann = logged_in(house, "viewer")
    status, _, text = ann.get("/history?back=1")
    assert status == 200
    for part in (
        "09:00",
        f"</span>{MANY}",
        f"</span>{2 * MANY}",
        "held back",
        "fewer than 5",
        "09:05:00 unhappy-guest",
    ):
        assert part in text, part
    assert f"</span>{FEW}<" not in text
    assert (MIDNIGHT - timedelta(days=1)).date().isoformat() in text
    assert "No hour to show yet" in ann.get("/history?back=300")[2]


def test_a_week_is_a_table_and_odd_questions_are_answered_with_today(house):
    ann = logged_in(house, "viewer")
    monday = MIDNIGHT.weekday() == 0
    text = ann.get(f"/history?period=week&back={int(monday)}")[2]
    assert f'<td class="h10">{2 * MANY}</td>' in text
    assert f'<td class="h5">{MANY}</td>' in text
    for odd in ("period=year", "back=-1", "back=9999", "back=%EF%BC%91", "period=week&back=abc"):
        assert ann.get(f"/history?{odd}")[0] == 200


def test_it_is_downloaded_for_a_spreadsheet(house):
    status, headers, text = logged_in(house, "viewer").get("/history/edge-fer.csv?back=1")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in headers["content-disposition"]
    assert [(row["visits"], row["held_back"]) for row in rows] == [("12", "0"), ("24", "0"), ("", "1")]


def test_the_log_is_for_operators(house):
    assert logged_in(house, "viewer").get("/log")[0] == 403
    text = logged_in(house, "operator").get("/log")[2]
    assert "camera front is online" in text
    assert "info" in text


def test_the_doctor_tells_what_is_wrong_and_what_to_do(house):
    assert logged_in(house, "viewer").get("/findings")[0] == 403
    status, _, text = logged_in(house, "operator").get("/findings")
    assert status == 200
    assert "broker" in text
    assert "camera front" in text
    shown = edge_fer("doctor", "--json", "--config", str(house.daemon._file))
    for one in json.loads(shown.stdout)["findings"]:
        assert one["name"] in text


def test_an_alert_that_is_over_is_still_shown(house):
    ann = logged_in(house, "operator")
    until(lambda: "Ended in the last hour" in ann.get("/")[2], timeout=120)
    with ControlClient([house.control]) as client:
        ended = client.ask("state")["cameras"]["front"]["ended"]
    assert {one["rule"] for one in ended} == {"happy-guest"}
    assert ended == sorted(ended, key=lambda one: one["ended"], reverse=True)
    assert len(ended) <= 16
    # each once, and only when it is over
    assert len({one["alert_id"] for one in ended}) == len(ended)


def test_people_who_are_watched_need_no_login(house):
    for language, words, live, recent in (
        ("en", "Nobody is recognised", "faces made unrecognisable", "Numbers of the last hour"),
        ("de", "Niemand wird erkannt", "unkenntlich gemachten Gesichtern", "Zahlen der letzten Stunde"),
    ):
        status, headers, text = Visitor(house).get("/notice", accept_language=language)
        assert status == 200
        assert "set-cookie" not in headers
        for part in (words, live, recent, "how content &lt;guests&gt; are", "Anna &amp; Co", "730", " 5 "):
            assert part in text, part
        assert words in Visitor(house).get(f"/notice?language={language}", accept_language="fr")[2]


def test_the_notice_is_printed_as_a_page_of_its_own(house):
    shown = edge_fer("web", "notice", "--language", "de", "--config", str(house.daemon._file))
    assert shown.returncode == 0, shown.stderr
    assert "Niemand wird erkannt" in shown.stdout
    assert "Anna &amp; Co" in shown.stdout
    assert "src=" not in shown.stdout
    assert "href=" not in shown.stdout


def test_a_bad_value_is_told_beside_its_field(house):
    ann = logged_in(house, "operator")
    status, _, text = ann.send("/tune/set", key="emotion.min_confidence", value="7<b>")
    assert status == 409
    field = text[text.index('id="emotion.min_confidence"') :][:700]
    assert 'value="7&lt;b&gt;"' in field
    assert 'aria-invalid="true"' in field
    assert 'role="alert"' in field
    assert "This is no number" in field[field.index('role="alert"') :]
    text = ann.send("/tune/set", key="emotion.min_confidence", value="7")[2]
    said = text[text.index('role="alert"') :][:300]
    assert "is out of range" in said
    assert "emotion.min_confidence: " not in said
    assert ann.send("/tune/set", key="node.id", value="x")[0] == 409


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"what": "nothing"},
        {"what": "history", "with_": {"period": "year"}},
        {"what": "history", "with_": {"back": True}},
        {"what": "history", "with_": {"back": 4000}},
        {"what": "history", "with_": {"csv": 1}},
        {"what": "history", "with_": 3},
    ],
)
def test_what_there_is_not_is_refused(house, fields):
    with ControlClient([house.control]) as client, pytest.raises(CommandError):
        client.ask("read", **fields)


def test_without_a_history_the_page_says_so(tmp_path):
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Daemon(tmp_path / "node", config(broker, ENDLESS)) as daemon,
        WebPage(tmp_path / "web", tmp_path / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        ann = Visitor(page)
        ann.follow(page.token)
        status, _, text = ann.get("/history")
        assert status == 200
        assert "The history is off: this device keeps nothing" in text


def test_the_newest_lines_are_kept_without_secrets():
    import logging

    recent = RecentLines()
    for number in range(MOST_LINES + 5):
        record = logging.LogRecord(
            "x", logging.WARNING, "", 0, "line %d of rtsp://ann:hunter22@host/\nforged", (number,), None
        )
        assert recent.filter(record)
    lines = recent.lines()
    assert len(lines) == MOST_LINES
    assert lines[-1][1] == "warning"
    assert lines[-1][2].startswith("line 1004 of ")
    assert not [text for _, _, text in lines if "hunter22" in text or "\n" in text]


def told(*hours):
    return {
        "hours": [{"since": since, "held_back": visits is None, "visits": visits} for since, visits in hours],
        "alerts": [],
    }


def test_an_hour_that_comes_twice_is_one_field_of_the_week():
    days = week_of(
        told(("2026-10-25T02:00:00+02:00", 3), ("2026-10-25T02:00:00+01:00", 9), ("2026-10-26T04:00:00+01:00", 1))
    )
    assert [(day.weekday, [one.visits for one in day.hours]) for day in days] == [
        (6, [9, None, None]),
        (0, [None, None, 1]),
    ]
    twice = bars_of(told(("2026-10-25T02:00:00+02:00", 3), ("2026-10-25T02:00:00+01:00", 9)))
    assert [one.visits for one in twice] == [3, 9]
    assert week_of(told()) == []


def test_times_are_those_of_the_place():
    assert clock_of("2026-03-02T22:30:00.000Z", "Europe/Berlin") == "23:30:00"
    assert day_of("2026-03-02T23:30:00.000Z", "Europe/Berlin") == "2026-03-03"
    assert clock_of("2026-03-02T22:30:00.000Z", "Nowhere/Else") == "22:30:00"


def test_the_newest_alerts_that_are_over_are_remembered():
    at = Instant(5.0, datetime(2026, 3, 2, tzinfo=UTC), synced=True)
    seen = Seen()
    for number in range(20):
        seen = seen.after(Told(at, changes=(AlertChange(False, number, at), AlertChange(True, number, at))))
    assert [change.alert for change in seen.ended] == list(range(19, 3, -1))
    assert {change.resolved for change in seen.ended} == {True}


def test_a_chart_has_every_hour_from_the_first_to_the_last_also_those_that_nobody_watched():
    camera = told(("2026-05-01T09:00:00+02:00", 3), ("2026-05-01T12:00:00+02:00", 9))
    words = {"people_label": "People"}
    chart = json.loads(chart_of(camera, words, timezone="Europe/Berlin", is_week=False))
    assert chart["people"] == [3, None, None, 9]
    assert [later - at for at, later in pairwise(chart["at"])] == [3600] * 3
    assert (chart["timezone"], chart["people_label"], chart["is_week"]) == ("Europe/Berlin", "People", False)
    assert chart_of(told(("2026-05-01T09:00:00+02:00", 3)), words, timezone="UTC", is_week=False) == ""
    assert chart_of(told(), words, timezone="UTC", is_week=True) == ""
