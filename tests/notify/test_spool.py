"""What waits on disk: kept, told in order, never twice unless killed, and bounded."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from edge_fer.errors import NotifyError
from edge_fer.notify import spool as module
from edge_fer.notify.items import ItemKind
from edge_fer.notify.spool import FILE, MAX_AGE, Spool, TargetStatus
from edge_fer.notify.texts import NotifyMessage
from tests.notify.making import item

NOW = 1e9


def spool_in(folder, **options):
    return Spool(folder / "notify", **({"boot": "b1", "mono": lambda: 100.0} | options))


def make(items, lost):
    return NotifyMessage(f"{len(items)} lost {lost}", " ".join(one.key for one in items), "critical", ItemKind.FIRING)


def test_what_waits_is_one_message_that_stays_the_same_until_it_is_taken(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item(key="a"), item(key="b"), item("boss", key="c")], NOW)
    first = spool.prepare("nurse", NOW, make)
    assert first.message.text == "a b"
    # killed here: another process finds the same message, whatever has come since
    spool.add([item(key="d")], NOW)
    again = spool_in(tmp_path).prepare("nurse", NOW + 1, make)
    assert again == first
    spool.taken("nurse", again.id, NOW + 2)
    second = spool.prepare("nurse", NOW + 3, make)
    assert (second.message.text, second.id != first.id) == ("d", True)
    assert spool.prepare("boss", NOW, make).message.text == "c"
    spool.taken("nurse", second.id, NOW)
    assert spool.prepare("nurse", NOW, make) is None


def test_what_may_not_be_told_yet_stays(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item(key="later", not_before=NOW + 100), item(key="now")], NOW)
    assert spool.prepare("nurse", NOW, make).message.text == "now"
    assert spool.queues(NOW)["nurse"].waiting == [(NOW + 100, False)]


def test_an_acknowledged_alert_is_not_escalated(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item(key="a"), item("boss", key="a", kind=ItemKind.ESCALATED), item("boss", key="b")], NOW)
    spool.acknowledge(["a", "unknown"])
    assert spool.prepare("nurse", NOW, make).message.text == "a"
    assert spool.prepare("boss", NOW, make).message.text == "b"


@pytest.mark.parametrize(("calm", "left"), [(True, 0), (False, 1)])
def test_an_alert_that_is_over_is_escalated_only_where_nobody_saw_it_end(tmp_path, calm, left):
    spool = spool_in(tmp_path)
    spool.add([item("boss", key="a", kind=ItemKind.ESCALATED)], NOW)
    spool.end_alert("a", NOW + 5, calm=calm, items=[], now=NOW)
    assert len(spool.queues(NOW).get("boss", module.TargetQueue()).waiting) == left


def test_what_is_told_late_knows_that_it_is_over(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item(key="a")], NOW)
    spool.end_alert("a", NOW + 5, calm=True, items=[item(key="a", kind=ItemKind.RESOLVED)], now=NOW)
    found = []
    spool.prepare("nurse", NOW, lambda items, lost: found.extend(items) or make(items, lost))
    assert [(one.kind, one.ended) for one in found] == [(ItemKind.FIRING, NOW + 5), (ItemKind.RESOLVED, None)]


def test_a_refusal_is_told_until_something_is_taken(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item()], NOW)
    prepared = spool.prepare("nurse", NOW, make)
    spool.refused("nurse", NOW + 30, "it is down")
    queue = spool.queues(NOW)["nurse"]
    assert (queue.has_message, queue.retry_at, queue.last_try, queue.urgent_since_try) == (True, NOW + 30, NOW, False)
    assert spool.status() == {"nurse": TargetStatus(1, 1, "it is down")}
    assert spool.prepare("nurse", NOW + 30, make).failures == 1
    spool.taken("nurse", prepared.id, NOW + 31)
    assert spool.status() == {"nurse": TargetStatus(0, 0, "", NOW + 31)}


def test_something_urgent_that_comes_after_a_try_is_known(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item(urgent=True)], NOW)
    spool.prepare("nurse", NOW, make)
    spool.refused("nurse", NOW + 300, "it is down")
    assert not spool.queues(NOW + 1)["nurse"].urgent_since_try
    spool.add([item(urgent=True)], NOW + 1)
    assert spool.queues(NOW + 1)["nurse"].urgent_since_try


def test_the_least_urgent_and_oldest_make_room_and_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 10)
    spool = spool_in(tmp_path)
    spool.add([item(key="urgent", urgent=True), *(item(key=f"k{n}") for n in range(12))], NOW)
    prepared = spool.prepare("nurse", NOW, make)
    assert prepared.message.text == " ".join(["urgent", *(f"k{n}" for n in range(3, 12))])
    assert prepared.message.title == "10 lost 3"
    spool.taken("nurse", prepared.id, NOW)
    spool.add([item()], NOW)
    assert spool.prepare("nurse", NOW, make).message.title == "1 lost 0"
    assert spool.status()["nurse"].lost == 3


def test_what_is_a_day_old_is_given_up_and_counted(tmp_path):
    clock = [100.0]
    spool = spool_in(tmp_path, mono=lambda: clock[0])
    spool.add([item(key="old")], NOW)
    spool.prepare("nurse", NOW, make)
    clock[0] += MAX_AGE + 1
    spool.add([item(key="new")], NOW + MAX_AGE)
    spool.expire(NOW + MAX_AGE + 1, ["nurse"])
    assert spool.prepare("nurse", NOW + MAX_AGE, make).message == make([item(key="new")], 1)


def test_a_clock_that_is_set_gives_nothing_up(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item()], NOW)
    spool.expire(NOW + 100 * MAX_AGE, ["nurse"])
    assert spool.status()["nurse"].waiting == 1


def test_what_is_for_nobody_any_more_is_forgotten(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item("gone"), item()], NOW)
    spool.prepare("gone", NOW, make)
    spool.expire(NOW, ["nurse"])
    assert spool.status().keys() == {"nurse"}
    assert spool.queues(NOW).keys() == {"nurse"}


def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(tmp_path, caplog):
    spool = spool_in(tmp_path)
    spool.add([item()], NOW)
    (spool.folder / FILE).write_bytes(b"nothing of SQLite's" * 1000)
    with pytest.raises(NotifyError, match="cannot be kept"):
        spool.add([item()], NOW)
    spool.add([item(key="b")], NOW)
    assert spool.prepare("nurse", NOW, make).message.text == "b"
    assert (spool.folder / f"{FILE}.corrupt").exists()
    assert "is damaged" in caplog.text


def test_a_file_of_a_newer_release_is_left_alone(tmp_path):
    spool = spool_in(tmp_path)
    spool.add([item()], NOW)
    with sqlite3.connect(spool.folder / FILE) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(NotifyError, match="written by a newer edge-fer"):
        spool.status()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "notify").write_text("a file")
    with pytest.raises(NotifyError, match=re.escape(str(tmp_path / "notify"))) as error:
        spool_in(tmp_path).add([item()], NOW)
    assert error.value.remedy


@pytest.mark.parametrize(("mode", "file_mode"), [(0o2770, 0o660), (0o700, 0o600)])
def test_a_folder_that_is_shared_has_a_file_that_its_group_may_write(tmp_path, mode, file_mode):
    folder = tmp_path / "notify"
    folder.mkdir()
    folder.chmod(mode)
    before = os.umask(0o077)
    try:
        Spool(folder).add([item()], NOW)
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {file_mode}


@pytest.mark.slow
def test_many_threads_share_it(tmp_path):
    def put(name):
        spool = spool_in(tmp_path)
        for number in range(20):
            spool.add([item(key=f"{name}-{number}")], NOW)

    threads = [threading.Thread(target=put, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = spool_in(tmp_path).prepare("nurse", NOW, make).message.text.split()
    assert len(told) == 60
    for name in "abc":
        assert [key for key in told if key.startswith(name)] == [f"{name}-{number}" for number in range(20)]


def test_the_sender_is_asked_for_by_a_file(tmp_path):
    spool = spool_in(tmp_path)
    spool.note("x", {"a": 1})
    assert not spool.is_woken
    spool.wake()
    spool.wake()
    assert spool.is_woken
    spool.clear_wake()
    spool.clear_wake()
    assert not spool.is_woken
    assert (spool.noted("x"), spool.noted("y")) == ({"a": 1}, None)


@pytest.mark.outside
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two other users")
@pytest.mark.parametrize("first", ["daemon", "sender"])
def test_daemon_and_sender_are_two_users_that_share_a_folder(first):
    """As the installer makes it: the daemon's user is a member of the sender's group, and not the other way round."""
    daemon = ["--reuid", "64901", "--regid", "64901", "--groups", "64902"]
    users = {"daemon": daemon, "sender": ["--reuid", "64902", "--regid", "64902", "--clear-groups"]}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as above:
        # /var/tmp, because a folder of pytest's is for root alone
        Path(above).chmod(0o755)
        folder = Path(above, "spool")
        folder.mkdir()
        os.chown(folder, 64901, 64902)
        folder.chmod(0o2770)

        def as_user(name, code):
            begin = "import os\nfrom pathlib import Path\nfrom edge_fer.notify.spool import *\nos.umask(0o077)\n"
            script = f"{begin}spool = Spool(Path({str(folder)!r}))\n{code}"
            command = ["setpriv", *users[name], sys.executable, "-c", script]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (ended.returncode, ended.stderr) == (0, "")

        if subprocess.run(["setpriv", *daemon, "test", "-r", module.__file__], check=False).returncode:
            pytest.skip("this checkout is for its owner alone to read")
        other = {"daemon": "sender", "sender": "daemon"}[first]
        for number, name in enumerate((first, other, first, other)):
            as_user(
                name, f"spool.note('n{number}', {number}); spool.wake(); assert spool.noted('n{number}') == {number}"
            )
        # killed in the midst of a change, each leaves a journal that the other has to roll back
        for killed, heir in ((first, other), (other, first)):
            as_user(
                killed,
                "import sqlite3\nif os.fork() == 0:\n"
                "    c = spool._opened(); c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN IMMEDIATE')\n"
                "    [c.execute('INSERT INTO notes VALUES (?, ?)', (f'k{i}', '\"x\"' * 999)) for i in range(99)]\n"
                "    os.kill(os.getpid(), 9)\nos.wait()",
            )
            as_user(heir, "assert (spool.noted('k0'), spool.noted('n0')) == (None, 0)")
        as_user("daemon", "spool.wake(); spool.wake()")
        as_user("sender", "assert spool.is_woken; spool.clear_wake(); assert not spool.is_woken")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("facts", "x"),
        ("facts", "[1]"),
        ("kind", "firinh"),
        ("at", "x"),
        ("not_before", "x"),
        ("put", "x"),
        ("ended", "x"),
    ],
)
def test_one_that_is_damaged_holds_up_no_other_and_is_counted(tmp_path, column, value):
    spool = spool_in(tmp_path)
    spool.add([item("a", key="1"), item("a", key="2"), item("b", key="3")], NOW)
    with closing(sqlite3.connect(tmp_path / "notify" / FILE)) as connection:
        connection.execute(f"UPDATE items SET {column} = ? WHERE key = '1'", (value,))  # noqa: S608 - our own words
        connection.commit()
    assert set(spool.queues(NOW)) == {"a", "b"}
    prepared = spool.prepare("a", NOW, make)
    assert prepared is not None
    assert spool.prepare("b", NOW, make) is not None
    assert spool.status()["a"].lost == (0 if column == "put" else 1)


def test_a_note_that_is_damaged_is_none_and_a_foreign_file_is_kept_aside(tmp_path):
    spool = spool_in(tmp_path)
    spool.note("settings", {"node": "n"})
    with closing(sqlite3.connect(tmp_path / "notify" / FILE)) as connection:
        connection.execute("UPDATE notes SET value = '{'")
        connection.commit()
    assert spool.noted("settings") is None
    (tmp_path / "notify" / FILE).unlink()
    with closing(sqlite3.connect(tmp_path / "notify" / FILE)) as connection:
        connection.executescript("CREATE TABLE items (id); CREATE TABLE notes (x); PRAGMA user_version = 1;")
    with pytest.raises(NotifyError):
        spool.note("settings", {})
    spool.note("settings", {"node": "m"})
    assert spool.noted("settings") == {"node": "m"}
