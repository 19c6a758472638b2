"""An outbox's file outlives upgrades, and going back to 0.1.0: nothing is lost, and no number is used twice."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import edge_fer.outbox.outbox as module
from edge_fer.contract.messages import MessageKind
from edge_fer.errors import OutboxError
from edge_fer.outbox.checksums import checksum
from edge_fer.outbox.limits import Limits
from edge_fer.outbox.outbox import Outbox
from edge_fer.outbox.sink import OutboxSink
from tests.invented import at
from tests.mqtt.kit import open_outbox

FILES = Path(__file__).parent / "files"
EARLIER = Path(__file__).with_name("earlier.py")
BOOT = "a boot"
BASE = "edge-fer/counter-1"
FRONT, BACK = f"{BASE}/camera/front", f"{BASE}/camera/back"
#: Sequence numbers, and the numbers in the texts, by topic; of each file.
WAITING = {
    "0.1.0": {
        f"{FRONT}/alert_event": [(2, 1), (3, 2), (4, 3)],
        f"{FRONT}/event": [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)],
        f"{BACK}/event": [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)],
        f"{FRONT}/summary": [(1, 0), (2, 1), (3, 2)],
    }
}
WAITING["unreleased"] = WAITING["0.1.0"] | {
    f"{FRONT}/event": [(1, 0), (2, 1), (4, 3), (5, 4)],
    f"{BACK}/event": [(2, 1), (3, 2), (4, 3), (5, 4)],
}
DAMAGED = {"0.1.0": 0, "unreleased": 2}


def unpack(version, folder):
    """The file that this version left behind."""
    path = folder / "outbox.sqlite"
    for end in ("", "-wal"):
        with gzip.open(FILES / f"{version}.sqlite{end}.gz") as source, Path(f"{path}{end}").open("wb") as to:
            shutil.copyfileobj(source, to)
    return path


def drain(outbox):
    """Takes and acknowledges everything: by topic, the sequence numbers with the numbers in the texts."""
    found = defaultdict(list)
    while letters := outbox.take(7, at(100)):
        for letter in letters:
            found[letter.topic].append((letter.seq, json.loads(letter.body)["number"]))
        outbox.acknowledge([letter.id for letter in letters])
    return dict(found)


def text(number):
    return json.dumps({"ts": "2026-01-01T00:00:00.000Z", "clock_synced": True, "number": number})


def earlier(path, *, taken=0, added=0, end="close", boot=BOOT, size=256_000_000):
    """What 0.1.0 does with the file."""
    command = [sys.executable, EARLIER, path, boot, size, taken, added, end]
    environment = os.environ | {"PYTHONPATH": f"{FILES / '0.1.0.zip'}:{FILES}"}
    ended = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("boot", [BOOT, "the next boot"])
@pytest.mark.parametrize("version", WAITING)
def test_a_file_of_an_earlier_version_is_taken_over_with_everything_in_it(tmp_path, version, boot):
    path = unpack(version, tmp_path)
    outbox = open_outbox(path, boot=boot)
    assert outbox.remembered() == {f"{BASE}/info", f"{FRONT}/state"}
    assert outbox.dropped == dict.fromkeys(MessageKind, 0)
    outbox.put(f"{FRONT}/event", MessageKind.EVENT, text(50), at(50))
    found = drain(outbox)
    (number, last) = found[f"{FRONT}/event"].pop()
    assert found == WAITING[version]
    assert last == 50
    assert number == 6 if boot == BOOT else number > 6, "after a power cut, numbers go on behind the reserved block"
    assert (outbox.damaged, outbox.depth) == (DAMAGED[version], 0)
    outbox.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT DISTINCT sink FROM topics").fetchall() == [("mqtt",)]
    assert not connection.execute("SELECT name FROM sqlite_schema WHERE name = 'messages_1'").fetchall()
    connection.close()


#: Pages that a file keeps free, as long as it can.
KEPT_FREE = 40


def fill(tmp_path, *, free):
    """A file of tables of version 1 with so few free pages, and how many events are in it."""
    path = unpack("unreleased", tmp_path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("DELETE FROM messages")
    (topic,) = connection.execute("SELECT id FROM topics WHERE name = ?", (f"{FRONT}/event",)).fetchone()
    connection.execute("BEGIN")
    count = 0
    while connection.execute("PRAGMA freelist_count").fetchone()[0] > free:
        for _ in range(20):
            count += 1
            row = ((1 << 48) + count, count, text(count) + 300 * " ", BOOT, float(count), 0.0, 1)
            crc = checksum(row[0], f"{FRONT}/event", *row[1:])
            connection.execute(
                "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row[0], topic, *row[1:], crc)
            )
    connection.execute("COMMIT")
    connection.close()
    return path, count


@pytest.mark.parametrize("free", [KEPT_FREE, 0])
def test_a_full_file_of_version_1_needs_no_more_room(tmp_path, caplog, free):
    """Without a single page to work with, it is drained first."""
    path, count = fill(tmp_path, free=free)
    size = path.stat().st_size
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=size))
    assert (outbox.depth, outbox.damaged) == (count, 1)
    assert ("disk is full" in caplog.text) is (free == 0)
    assert drain(outbox) == {f"{FRONT}/event": [(number, number) for number in range(1, count + 1)]}
    assert outbox.put(f"{FRONT}/event", MessageKind.EVENT, text(1), at(1))
    outbox.close()
    assert path.stat().st_size <= size
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    connection.close()


def test_a_migration_that_was_killed_goes_on_with_the_next_start(tmp_path, monkeypatch):
    path, count = fill(tmp_path, free=KEPT_FREE)
    move, calls = module.move_some, []

    def killed(connection):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return move(connection)

    monkeypatch.setattr(module, "move_some", killed)
    with pytest.raises(KeyboardInterrupt):
        open_outbox(path, boot=BOOT)
    monkeypatch.setattr(module, "move_some", move)
    outbox = open_outbox(path, boot=BOOT)
    assert drain(outbox) == {f"{FRONT}/event": [(number, number) for number in range(1, count + 1)]}
    assert outbox.damaged == 1, "the one that was found before"
    outbox.close()


@pytest.mark.outside
@pytest.mark.parametrize("end", ["close", "kill"])
@pytest.mark.parametrize("version", [*WAITING, "new"])
def test_0_1_0_goes_on_with_a_file_of_this_version_and_this_one_goes_on_after_it(tmp_path, caplog, version, end):
    path = tmp_path / "outbox.sqlite" if version == "new" else unpack(version, tmp_path)
    outbox = open_outbox(path, boot=BOOT)
    for number in range(20):
        outbox.put(f"{FRONT}/event", MessageKind.EVENT, text(number), at(number))
        outbox.put(f"{FRONT}/alert_event", MessageKind.ALERT_EVENT, text(number), at(number))
    waiting, damaged = outbox.depth, outbox.damaged
    outbox.close()
    went = earlier(path, taken=10, added=7, end=end)
    assert (len(went["taken"]), went["depth"]) == (10, waiting - 10 + 7)
    caplog.clear()
    after = open_outbox(path, boot=BOOT)
    assert (after.depth, after.damaged) == (waiting - 3, damaged)
    after.put(f"{FRONT}/event", MessageKind.EVENT, text(500), at(500))
    after.put(f"{FRONT}/alert_event", MessageKind.ALERT_EVENT, text(501), at(501))
    found = drain(after)
    for topic, number, content in reversed(went["taken"]):
        found[topic].insert(0, (number, content))
    for topic, messages in found.items():
        numbers = [number for number, _ in messages]
        assert numbers == sorted(set(numbers)), f"{topic}: in order, and none comes twice"
    harmed = int(version == "unreleased")
    assert sum(map(len, found.values())) == waiting + 7 + 2 - harmed
    assert after.damaged == damaged + harmed
    assert [record.levelname for record in caplog.records].count("ERROR") == harmed
    after.close()


@pytest.mark.outside
def test_0_1_0_sends_all_of_a_full_outbox(tmp_path):
    path, limits = tmp_path / "outbox.sqlite", Limits(size=400_000)
    outbox = open_outbox(path, boot=BOOT, limits=limits)
    count = 0
    while not any(outbox.dropped.values()):
        count += 1
        outbox.put(f"{FRONT}/event", MessageKind.EVENT, text(count), at(count))
    waiting, dropped = outbox.depth, outbox.dropped
    outbox.close()
    went = earlier(path, taken=count, size=limits.size)
    assert [number for *_, number in went["taken"]] == list(range(count - waiting + 1, count + 1))
    assert went["dropped"] == dropped
    after = open_outbox(path, boot=BOOT, limits=limits)
    assert (after.depth, after.dropped) == (0, dropped)
    after.close()


def test_a_file_of_a_newer_version_is_refused_with_a_word(tmp_path):
    path = tmp_path / "outbox.sqlite"
    open_outbox(path, boot=BOOT).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(OutboxError, match="newer edge-fer"):
        open_outbox(path, boot=BOOT)


PHONE = OutboxSink("phone", lambda name: name.startswith("+"))


def test_each_sink_has_its_own_messages_and_limits_and_acknowledges_its_own(tmp_path):
    mqtt = open_outbox(tmp_path / "outbox.sqlite", boot=BOOT)
    phone = Outbox(tmp_path / "outbox-phone.sqlite", sink=PHONE, boot=BOOT, limits=Limits(size=100_000))
    for number in range(600):
        mqtt.put(f"{FRONT}/event", MessageKind.EVENT, text(number) + 200 * " ", at(number))
        phone.put("+4912345", MessageKind.EVENT, text(number) + 200 * " ", at(number))
    assert mqtt.dropped[MessageKind.EVENT] == 0
    assert phone.dropped[MessageKind.EVENT] > 0
    waiting = mqtt.depth
    assert drain(phone).keys() == {"+4912345"}, "a name that MQTT would not take is one to this sink"
    assert (phone.depth, mqtt.depth) == (0, waiting)
    assert phone.damaged == 0
    phone.close()
    mqtt.close()
    connection = sqlite3.connect(tmp_path / "outbox-phone.sqlite")
    assert connection.execute("SELECT sink, name FROM topics").fetchall() == [("phone", "+4912345")]
    connection.close()


def test_the_file_of_another_sink_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(path, sink=PHONE, boot=BOOT)
    outbox.put("+4912345", MessageKind.EVENT, text(1), at(1))
    outbox.close()
    with pytest.raises(OutboxError, match="holds messages for phone, and not for mqtt"):
        open_outbox(path, boot=BOOT)
    again = Outbox(path, sink=PHONE, boot=BOOT)
    assert drain(again) == {"+4912345": [(1, 1)]}
    again.close()


def test_a_damaged_sink_is_no_reason_to_refuse_the_file(tmp_path):
    path = tmp_path / "outbox.sqlite"
    outbox = open_outbox(path, boot=BOOT)
    outbox.put(f"{FRONT}/event", MessageKind.EVENT, text(1), at(1))
    outbox.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE topics SET sink = 'mqtu'")
    connection.commit()
    connection.close()
    after = open_outbox(path, boot=BOOT)
    assert drain(after) == {f"{FRONT}/event": [(1, 1)]}
    after.close()
