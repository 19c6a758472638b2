"""The page of a week by mail: from the history to a real SMTP server, past a real sender."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import date
from email import message_from_bytes, policy

import pytest

from edge_fer.config import Layer, load
from edge_fer.history.file import HistoryFile
from edge_fer.history.records import HOURLY, AlertBegan, HistoryWindow
from edge_fer.history.tables import insert
from edge_fer.notify.items import ItemKind
from edge_fer.notify.spool import Spool
from edge_fer.sinks.notify import sender_settings
from tests.daemon import Daemon, edge_fer
from tests.history.year import BERLIN
from tests.mqtt.kit import until
from tests.notify.making import item
from tests.notify.servers import MailServer, Webhook

pytestmark = pytest.mark.outside
WEEK = "2026-W12"
ENGLISH = """\
Main Street · front. Visits: 120. Satisfaction: 75 of 100. Alerts: 1.
The whole page is attached: open it in a browser. It is about people: show it to nobody who need not see it."""


def hour(day, at, people):
    from datetime import UTC, datetime, timedelta

    since = datetime(2026, 3, day, at, tzinfo=BERLIN).astimezone(UTC)
    seconds = {"happy": 300.0, "sad": 100.0}
    until = since + timedelta(hours=1)
    return HistoryWindow("front", HOURLY, since, until, 3600.0, True, people, people, 400.0, seconds, 300.0)


@pytest.fixture
def site(tmp_path):
    """A folder with the history of a week, and what writes a config beside it."""
    (tmp_path / "state").mkdir()
    began = hour(17, 9, 1).since
    alert = AlertBegan("a1", "front", "unhappy-guest", "warning", ("sad",), True, began, began, 30.0, "over")
    with HistoryFile(tmp_path / "state" / "history.sqlite", max_size=64_000_000) as file:
        hours = [hour(day, at, 5) for day in (16, 17, 18) for at in range(9, 17)]
        file.run(lambda connection: insert(connection, [*hours, alert]))

    def config(targets, week_page=("owner",), **more):
        notify = {"targets": targets, "week_page": list(week_page), "group": 0, **more}
        given = {
            "node": {"id": "counter-1", "site": "Main Street", "timezone": "Europe/Berlin"},
            "state_dir": str(tmp_path / "state"),
            "history": {"record": "on"},
            "mqtt": {"broker": "mqtt://127.0.0.1:9"},
            "notify": notify,
        }
        (tmp_path / "config.yaml").write_text(json.dumps(given))
        spool = Spool(tmp_path / "state" / "notify")
        spool.configure(asdict(sender_settings(load([Layer("x", json.dumps(given))], settings=False).config)))
        return given, spool

    config.folder = tmp_path
    return config


def mail_it(site, *arguments):
    out = site.folder / "week.html"
    ended = edge_fer(
        "report", "--week", WEEK, "--mail", "--out", str(out), "--config", str(site.folder / "config.yaml"), *arguments
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return out.read_text("utf-8"), ended.stdout


def send(spool):
    command = [sys.executable, "-m", "edge_fer.notify", str(spool.folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0
    return ended.stderr


def full(server):
    return {"url": server.url, "detail": "full"}


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("en", "Main Street: the week from 2026-03-16 to 2026-03-22", ENGLISH),
        ("de", "Main Street: die Woche vom 16.03.2026 bis 22.03.2026", "Besuche: 120. Zufriedenheit: 75 von 100."),
    ],
)
def test_the_page_comes_as_html_with_its_numbers_as_text(site, language, title, text):
    with MailServer() as server:
        _, spool = site({"owner": full(server)}, language=language)
        page, told = mail_it(site)
        assert "It is sent by mail to owner" in told
        assert send(spool) == ""
        (taken,) = server.taken
        (mail,) = [message_from_bytes(one, policy=policy.default) for one in server.raw]
    assert taken.title == title
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (f"edge-fer-{WEEK}-front.html", "text/html")
    assert attached.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n") == page
    plain = mail.get_body(("plain",)).get_content()
    assert text in plain.replace("\r\n", "\n"), plain
    # what was about people is not kept, once it was sent
    assert spool.queues(time.time()) == {}


def test_alerts_go_before_a_page_that_is_not_taken_and_the_page_stays_the_same_mail(site):
    with MailServer() as server:
        _, spool = site({"owner": full(server)})
        mail_it(site)
        server.refusal = "552 too large"
        prepared = spool.prepare("owner", time.time(), lambda items, lost: message_of(items))
        spool.refused("owner", 0.0, "too large")
        spool.add([item("owner", began=time.time(), urgent=True)], time.time())
        server.refusal = None
        send(spool)
        assert ["please look" in one.title for one in server.taken] == [True, False]
        assert server.taken[1].id == f"<{prepared.id}@counter-1>"


def message_of(items):
    from edge_fer.notify.texts import NotifyTexts

    return NotifyTexts("en", place="Main Street", zone=BERLIN).message(items, now=time.time())


def test_a_page_goes_by_mail_alone(site):
    with Webhook() as hook:
        address = site.folder / "address"
        address.write_text(hook.url + "\n")
        _, spool = site({"owner": {"url_file": str(address), "detail": "full"}})
        mail_it(site)
        prepared = spool.prepare("owner", time.time(), lambda items, lost: message_of(items))
        from edge_fer.notify.delivery import AppriseDelivery
        from edge_fer.notify.sender import SenderTarget

        delivered = AppriseDelivery("n")(SenderTarget(url_file=str(address)), prepared)
        assert (delivered.taken, delivered.slow, hook.taken) == (False, True, [])
        assert delivered.problem == "a page goes by mail alone, and this is no address of mail"


def test_nothing_is_mailed_where_nobody_wants_it(site):
    _, spool = site({"owner": {"url": "json://127.0.0.1:9"}}, week_page=())
    assert "Nobody gets it by mail: notify.week_page names no target" in mail_it(site)[1]
    assert (spool.queues(time.time()), spool.is_woken) == ({}, False)


def test_pages_that_wait_are_few_and_one_a_week(tmp_path):
    spool = Spool(tmp_path)
    facts = {"name": "x.html", "html": "x" * 100}
    for week in (*range(10), 9, 9):
        spool.add_page(item("owner", kind=ItemKind.PAGE, key=f"2026-W{week}", facts=facts), 1e9)
    assert (spool.status()["owner"].waiting, spool.status()["owner"].lost) == (4, 6)


@pytest.mark.slow
def test_a_daemon_at_work_has_it_sent(site):
    """As with `make run`, where the daemon starts the sender."""
    with MailServer() as server:
        given, _ = site({"owner": full(server)})
        given["cameras"] = {"front": {"source": "sample", "loop": True, "faces": {"detector": "haar"}}}
        given["alerts"] = {"unhappy-guest": False}
        with Daemon(site.folder, given) as daemon:
            daemon.wait_for("camera front is online")
            mail_it(site)
            until(lambda: [one for one in server.taken if "the week from" in one.title], timeout=120)
            assert daemon.stop() == 0
    assert date(2026, 3, 16).isoformat() in server.taken[0].title
