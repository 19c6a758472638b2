"""An outbox in which single rows are damaged: what is whole arrives all the same."""

from __future__ import annotations

import logging
import sqlite3

import pytest

from edge_fer.contract.messages import MessageKind
from edge_fer.doctor import broker as doctor
from edge_fer.mqtt.outbox import Limits, Outbox
from edge_fer.mqtt.settings import BrokerSettings
from tests.broker import Mosquitto, Subscriber
from tests.invented import at
from tests.mqtt.kit import BOOT, COMPOSER, NODE, TOPICS, alert_event, event, linked, now, until

BAND = 1 << 48
#: What may happen to one of the messages, as SQL.
DAMAGES = {
    "a zero byte in the text": "UPDATE messages SET body = substr(body, 1, 9) || char(0) || body WHERE id = {id}",
    "another digit in the text": "UPDATE messages SET body = replace(body, '1', '2') WHERE id = {id}",
    "text that is no UTF-8": "UPDATE messages SET body = CAST(x'7bff7d' AS TEXT) WHERE id = {id}",
    "bytes in the place of text": "UPDATE messages SET body = CAST(body AS BLOB) WHERE id = {id}",
    "another number": "UPDATE messages SET seq = seq + 64 WHERE id = {id}",
    "a number that is none": "UPDATE messages SET seq = 'x' WHERE id = {id}",
    "a topic that is not there": "UPDATE messages SET topic = 9999 WHERE id = {id}",
    "a time beyond all calendars": "UPDATE messages SET utc = 1e300 WHERE id = {id}",
    "a time that is none": "UPDATE messages SET mono = 'soon' WHERE id = {id}",
    "a boot that is none": "UPDATE messages SET boot = x'00' WHERE id = {id}",
    "another id": "UPDATE messages SET id = id + 4096 WHERE id = {id}",
    "an id of no kind": "UPDATE messages SET id = id + (9 << 48) WHERE id = {id}",
    "a negative id": "UPDATE messages SET id = -id WHERE id = {id}",
    "the last id of its kind": "UPDATE messages SET id = (2 << 48) - 1 WHERE id = {id}",
    "another checksum": "UPDATE messages SET crc = crc + 1 WHERE id = {id}",
}


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


def fill(path, count=5):
    outbox = Outbox(path, boot=BOOT)
    for number in range(count):
        outbox.put(TOPICS.event("front"), MessageKind.EVENT, event(at(0), duration=number).model_dump_json(), at(0))
    outbox.close()


def harm(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    ids = [row for (row,) in connection.execute("SELECT id FROM messages ORDER BY id")]
    for statement in statements:
        connection.execute(statement.format(id=ids[1] if len(ids) > 1 else 0))
    connection.close()


def drain(outbox):
    """Takes everything as the link does; the numbers."""
    found = []
    while letters := outbox.take(3, at(0)):
        for letter in letters:
            letter.sealed()
            found.append(letter.seq)
        outbox.acknowledge([letter.id for letter in letters])
    return found


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_message_stops_no_other(tmp_path, log, damage):
    path = tmp_path / "outbox.db"
    fill(path)
    harm(path, DAMAGES[damage])
    outbox = Outbox(path, boot=BOOT)
    outbox.put(TOPICS.event("front"), MessageKind.EVENT, event(at(0)).model_dump_json(), at(0))
    assert drain(outbox) == [1, 3, 4, 5, 6]
    assert (outbox.depth, outbox.damaged) == (0, 1)
    assert "set aside" in log.text
    outbox.close()
    again = Outbox(path, boot=BOOT)
    assert (again.depth, again.damaged) == (0, 1), "it is counted over restarts"
    again.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE topics SET name = 'edge-fer/other'",
        "UPDATE topics SET name = CAST(x'ff' AS TEXT)",
        "UPDATE topics SET name = 'edge-fer/#'",
        "UPDATE topics SET next = 2",
        "UPDATE topics SET next = 'x', reserved = x'00'",
        "UPDATE topics SET reserved = 0",
        "UPDATE meta SET value = 'x' WHERE name = 'begun'",
        "DELETE FROM meta WHERE name = 'begun'",
        "UPDATE meta SET value = x'ff' WHERE name = 'syncs'",
        "UPDATE meta SET value = CAST(x'ff' AS TEXT) WHERE name = 'boot'",
        "INSERT INTO boots VALUES ('another', 'x')",
        "INSERT INTO dropped VALUES ('event', 'x')",
        "INSERT INTO dropped VALUES (x'ff', -1)",
        "INSERT INTO retained VALUES (CAST(x'ff' AS TEXT))",
        "INSERT INTO retained VALUES ('edge-fer/#')",
    ],
)
def test_damage_beside_the_messages_costs_none_and_repeats_no_number(tmp_path, damage):
    path = tmp_path / "outbox.db"
    fill(path)
    harm(path, damage)
    outbox = Outbox(path, boot=BOOT)
    for camera in ("front", "back"):
        outbox.put(TOPICS.event(camera), MessageKind.EVENT, event(at(0)).model_dump_json(), at(0))
    assert outbox.remembered() == set()
    *whole, sixth, _ = drain(outbox)
    assert whole == [1, 2, 3, 4, 5]
    assert sixth > 5
    assert outbox.damaged == 0
    assert outbox.dropped == dict.fromkeys(MessageKind, 0)
    outbox.close()


def test_no_number_comes_twice_after_two_damages_with_the_clock_set_back(tmp_path, monkeypatch):
    path = tmp_path / "outbox.db"
    numbers = []
    for clock in (2e9, 2e9 - 50, 2e9 - 100):
        monkeypatch.setattr("edge_fer.mqtt.outbox.time", lambda: clock)  # noqa: B023 - used at once
        if path.exists():
            path.write_bytes(b"no database" * 1000)
        outbox = Outbox(path, boot=BOOT)
        for _ in range(250):
            outbox.put(TOPICS.event("front"), MessageKind.EVENT, event(at(0)).model_dump_json(), at(0))
        numbers += drain(outbox)
        outbox.close()
    assert len(set(numbers)) == 750


def test_dead_letters_are_bounded(tmp_path):
    path = tmp_path / "outbox.db"
    fill(path, 250)
    harm(path, "UPDATE messages SET body = 'x' WHERE id % 5 <> 0")
    outbox = Outbox(path, boot=BOOT)
    assert len(drain(outbox)) == 50
    assert outbox.damaged == 200
    outbox.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM dead").fetchone() == (100,)
    connection.close()


def test_a_file_from_before_there_were_checksums_is_taken_over(tmp_path):
    path = tmp_path / "outbox.db"
    fill(path)
    harm(
        path,
        "ALTER TABLE messages DROP COLUMN crc",
        "ALTER TABLE topics DROP COLUMN crc",
        "DELETE FROM meta WHERE name LIKE 'topic %'",
        "UPDATE messages SET body = 'no JSON' WHERE id = {id}",
        "PRAGMA user_version = 0",
    )
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with linked(tmp_path, broker.url, limits=Limits(age=1e12)) as link:
            at_ = now()
            link.retain(
                TOPICS.health,
                COMPOSER.health(
                    at_, uptime=0.0, rss=0, temperature=None, throttling=None, cameras={}, link=link.status()
                ),
                at_,
            )
            link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at_), at_)
            seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=4)
            until(lambda: link.status().depth == 0 and link.status().damaged == 1)
            link.retain(
                TOPICS.health,
                COMPOSER.health(
                    at_, uptime=0.0, rss=0, temperature=None, throttling=None, cameras={}, link=link.status()
                ),
                at_,
            )
            seen.wait_for(lambda m: m.topic == TOPICS.health and m.json["outbox"]["damaged"] == 1)
            found = doctor.broker(BrokerSettings.from_url(broker.url, node=NODE), TOPICS, ["front"], daemon=True)
        assert [m.json["seq"] for m in seen.of("/event")] == [1, 3, 4, 5]
    (told,) = [finding for finding in found if finding.name == "outbox"]
    assert "1 messages were damaged" in told.what
