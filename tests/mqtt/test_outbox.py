"""The outbox alone, on a real file, with invented times."""

from __future__ import annotations

import json
import logging
import os
import resource
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_fer.contract.messages import MessageKind
from edge_fer.errors import OutboxError
from edge_fer.outbox.database import Database, _CorruptError
from edge_fer.outbox.limits import Limits
from edge_fer.types import Instant, QualityFault
from tests.invented import LABELS, at
from tests.mqtt.kit import BOOT, event, open_outbox, sealed
from tests.mqtt.outbox_kit import drain, killed, put

TOPIC = {kind: f"edge-fer/n/camera/front/{kind}" for kind in MessageKind}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "outbox.db"


@pytest.fixture
def outbox(path):
    found = open_outbox(path, boot=BOOT)
    yield found
    found.close()


def test_alert_events_overtake_and_each_topic_keeps_its_order(outbox):
    for kind in (MessageKind.SUMMARY, MessageKind.EVENT, MessageKind.ALERT_EVENT) * 3:
        put(outbox, kind)
    assert outbox.depth == 9
    assert drain(outbox) == [(kind, seq) for kind in ("alert_event", "event", "summary") for seq in (1, 2, 3)]
    assert outbox.depth == 0


def test_what_is_under_way_is_not_taken_again_until_it_is_put_back(outbox):
    for _ in range(3):
        put(outbox)
    first = outbox.take(2, at(0))
    assert [letter.seq for letter in first] == [1, 2]
    assert [letter.seq for letter in outbox.take(9, at(0))] == [3]
    assert outbox.take(9, at(0)) == []
    outbox.acknowledge([first[0].id])
    outbox.put_back()
    assert [letter.seq for letter in outbox.take(9, at(0))] == [2, 3]


def test_held_topics_are_left_out(outbox):
    put(outbox, camera="front")
    put(outbox, camera="back")
    held = {"edge-fer/n/camera/front/event"}
    assert [letter.topic for letter in outbox.take(9, at(0), held=held)] == ["edge-fer/n/camera/back/event"]


def test_numbers_count_on_over_restarts_without_a_gap(path):
    for run in range(3):
        outbox = open_outbox(path, boot=f"boot {run}")
        put(outbox)
        assert drain(outbox) == [("event", run + 1)]
        outbox.close()


def test_numbers_count_on_after_a_kill_without_a_gap(path, outbox):
    put(outbox)
    copy = killed(path)
    after = open_outbox(copy, boot=BOOT)
    put(after)
    assert drain(after) == [("event", 1), ("event", 2)]
    after.close()


def test_no_number_comes_twice_after_a_power_cut(path, outbox):
    for _ in range(150):
        put(outbox)
    outbox.sync()
    on_disk = killed(path)
    # sent, but the disk never knew
    for _ in range(49):
        put(outbox)
    sent = {seq for _, seq in drain(outbox)}
    after = open_outbox(on_disk, boot="another boot")
    put(after, MessageKind.ALERT_EVENT)
    put(after)
    again = drain(after)
    assert again[0] == ("alert_event", 1)
    assert [seq for _, seq in again[1:151]] == list(range(1, 151)), "what was on disk is sent again"
    assert again[151][1] > max(sent), "a new message has a number that was never sent"
    after.close()


def test_a_block_of_numbers_is_durable_before_the_first_is_sent(path, outbox, monkeypatch):
    durable_at = []
    sync = type(outbox._disk._db).sync
    monkeypatch.setattr(type(outbox._disk._db), "sync", lambda db: (sync(db), durable_at.append(outbox.depth)))
    for _ in range(250):
        put(outbox)
    assert durable_at == [1, 101, 201]


def test_time_of_capture_is_put_right_once_the_clock_is(outbox):
    wrong = Instant(100.0, datetime(1970, 1, 1, tzinfo=UTC), synced=False)
    outbox.put("t", MessageKind.EVENT, event(wrong).model_dump_json(), wrong)
    still = wrong.later(20)
    (letter,) = outbox.take(1, still)
    assert json.loads(sealed(letter))["clock_synced"] is False
    assert json.loads(sealed(letter))["ts"] == "1970-01-01T00:00:00.000Z"
    outbox.put_back()
    (letter,) = outbox.take(1, Instant(130.0, datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)))
    message = json.loads(sealed(letter))
    assert (message["ts"], message["clock_synced"], message["replayed"]) == ("2026-01-01T12:00:00.000Z", True, False)


def test_time_of_capture_of_another_boot_cannot_be_put_right(path):
    wrong = Instant(100.0, datetime(1970, 1, 1, tzinfo=UTC), synced=False)
    before = open_outbox(path, boot="before")
    before.put("t", MessageKind.EVENT, event(wrong).model_dump_json(), wrong)
    before.close()
    after = open_outbox(path, boot="after")
    (letter,) = after.take(1, at(5))
    message = json.loads(sealed(letter))
    assert (message["ts"], message["clock_synced"], message["replayed"]) == ("1970-01-01T00:00:00.000Z", False, True)
    assert after.oldest(at(5)) is None
    after.close()


def test_a_clock_that_is_set_before_the_power_is_cut_puts_right_what_came_before(path):
    """Its own boot's clock was right once, so another boot can tell what its times were."""
    before = open_outbox(path, boot="before")
    wrong = Instant(100.0, datetime(1970, 1, 1, tzinfo=UTC), synced=False)
    before.put("t", MessageKind.EVENT, event(wrong).model_dump_json(), wrong)
    before.note_clock(wrong.later(5))
    before.note_clock(Instant(130.0, datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)))
    before.sync()
    (letter,) = before.take(1, wrong.later(40))
    assert not letter.at.synced, "in its own boot, the present clock tells, and it is wrong again"
    before.put_back()
    after = open_outbox(killed(path), boot="after")
    now = Instant(3.0, datetime(2026, 1, 1, 12, 10, tzinfo=UTC))
    assert after.oldest(now) == 600
    (letter,) = after.take(1, now)
    message = json.loads(sealed(letter))
    assert (message["ts"], message["clock_synced"], message["replayed"]) == ("2026-01-01T12:00:00.000Z", True, True)
    after.acknowledge([letter.id])
    after.close()
    before.close()


def test_alert_events_do_not_count_among_what_may_be_spared(outbox):
    for kind in (MessageKind.SUMMARY, MessageKind.EVENT, MessageKind.ALERT_EVENT) * 2:
        put(outbox, kind)
    assert [letter.kind for letter in outbox.take(9, at(0), spare=1)] == ["alert_event", "alert_event", "event"]
    assert outbox.take(9, at(0), spare=0) == []
    assert len(outbox.take(9, at(0))) == 3, "what was spared is not under way"


@pytest.mark.parametrize(("waited", "replayed"), [(0, False), (59, False), (61, True)])
def test_what_is_late_is_marked(outbox, waited, replayed):
    put(outbox)
    (letter,) = outbox.take(1, at(waited))
    assert json.loads(sealed(letter))["replayed"] is replayed


def test_lateness_is_by_the_wall_clock_over_boots(path):
    before = open_outbox(path, boot="before")
    put(before)
    before.close()
    after = open_outbox(path, boot="after")
    now = Instant(3.0, at(0).utc + timedelta(hours=2))
    (letter,) = after.take(1, now)
    assert letter.late
    assert after.oldest(now) == 7200
    after.close()


def test_a_recording_that_is_played_ahead_of_the_clock_has_no_age(outbox):
    put(outbox, seconds=60)
    assert outbox.oldest(at(10)) == 0


def test_what_is_too_old_is_given_up_and_counted(path):
    outbox = open_outbox(path, boot=BOOT, limits=Limits(age=100))
    for seconds in range(0, 200, 2):
        put(outbox, seconds=seconds)
        put(outbox, MessageKind.ALERT_EVENT, seconds=seconds)
    outbox.expire(at(250))
    assert outbox.dropped == {MessageKind.ALERT_EVENT: 75, MessageKind.EVENT: 75, MessageKind.SUMMARY: 0}
    assert outbox.oldest(at(250)) == 100
    assert drain(outbox)[0] == ("alert_event", 76)
    outbox.close()


def test_a_full_outbox_gives_up_summaries_then_events_then_alert_events(path, caplog):
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=400_000))
    kept = dict.fromkeys(MessageKind, 0)
    for kind in (MessageKind.ALERT_EVENT, MessageKind.EVENT, MessageKind.SUMMARY):
        for _ in range(100):
            kept[kind] += put(outbox, kind)
    assert outbox.dropped == dict.fromkeys(MessageKind, 0), "the test wants room for the first ones"
    while not outbox.dropped[MessageKind.EVENT]:
        assert outbox.dropped[MessageKind.ALERT_EVENT] == 0
        kept[MessageKind.ALERT_EVENT] += put(outbox, MessageKind.ALERT_EVENT)
    assert outbox.dropped[MessageKind.SUMMARY] == 100, "the summaries have gone before the first event"
    while not outbox.dropped[MessageKind.ALERT_EVENT]:
        kept[MessageKind.ALERT_EVENT] += put(outbox, MessageKind.ALERT_EVENT)
    assert outbox.dropped[MessageKind.EVENT] == 100
    dropped = dict(outbox.dropped)
    outbox.close()
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=400_000))
    assert outbox.dropped == dropped, "the counts outlive a restart"
    left = [seq for _, seq in drain(outbox)]
    assert left == list(range(dropped[MessageKind.ALERT_EVENT] + 1, kept[MessageKind.ALERT_EVENT] + 1)), (
        "the oldest went"
    )
    assert path.stat().st_size <= 400_000
    outbox.close()
    assert caplog.text.count("is full") == 1


@pytest.fixture
def small_disk():
    """No file may grow beyond a size, which the outbox cannot tell from a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_a_full_disk_stops_nothing_and_the_counts_are_exact(path, small_disk, caplog):
    caplog.set_level(logging.INFO)
    outbox = open_outbox(path, boot=BOOT)
    for _ in range(6000):
        assert put(outbox)
    for _ in range(500):
        assert put(outbox, MessageKind.ALERT_EVENT)
    assert outbox.dropped[MessageKind.EVENT] > 1000
    found = drain(outbox)
    assert [seq for kind, seq in found if kind == "alert_event"] == list(range(1, 501))
    assert [seq for kind, seq in found if kind == "event"] == list(range(outbox.dropped[MessageKind.EVENT] + 1, 6001))
    assert put(outbox)
    outbox.close()
    assert caplog.text.count("is full") == 1
    assert caplog.text.count("has room again") == 1


def test_nothing_is_given_up_for_something_less_important(path):
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=100_000))
    while put(outbox, MessageKind.SUMMARY):
        (summary,) = outbox.take(1, at(0), held={TOPIC[MessageKind.ALERT_EVENT]})
        outbox.acknowledge([summary.id])
        put(outbox, MessageKind.ALERT_EVENT)
    assert outbox.dropped == {MessageKind.ALERT_EVENT: 0, MessageKind.EVENT: 0, MessageKind.SUMMARY: 1}
    after = open_outbox(killed(path), boot=BOOT, limits=Limits(size=100_000))
    assert after.dropped == outbox.dropped, "a process that is killed right after has counted it"
    after.close()
    outbox.close()


def test_what_is_under_way_is_not_given_up(path):
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=200_000))
    put(outbox)
    (sent,) = outbox.take(1, at(0))
    while not outbox.dropped[MessageKind.EVENT]:
        put(outbox)
    assert sent.seq == 1
    depth = outbox.depth
    outbox.acknowledge([sent.id])
    assert outbox.depth == depth - 1
    assert drain(outbox)[0] == ("event", outbox.dropped[MessageKind.EVENT] + 2)
    outbox.close()


def test_72_hours_of_one_event_a_second_fit(path):
    """As many bytes as 72 hours take, scaled down by 100 to be quick."""
    limits = Limits(size=Limits().size // 100)
    outbox = open_outbox(path, boot=BOOT, limits=limits)
    scores = dict.fromkeys(LABELS, 0.1429)
    body = (
        event(at(0)).model_copy(update={"scores": scores, "quality_faults": [QualityFault.TOO_SMALL]}).model_dump_json()
    )
    for second in range(72 * 36):
        assert put(outbox, seconds=second, body=body)
    assert not any(outbox.dropped.values())
    outbox.close()


def test_a_message_that_the_broker_will_never_take_is_counted(outbox):
    put(outbox)
    (letter,) = outbox.take(1, at(0))
    outbox.give_up(letter)
    assert outbox.depth == 0
    assert outbox.dropped[MessageKind.EVENT] == 1


def test_names_of_retained_topics_are_kept(path):
    outbox = open_outbox(path, boot=BOOT)
    for topic in ("a", "b", "b"):
        outbox.remember(topic)
    outbox.forget("a")
    outbox.close()
    outbox = open_outbox(path, boot=BOOT)
    assert outbox.remembered() == {"b"}
    outbox.close()


@pytest.mark.parametrize(
    "content", [b"this is not a database, whatever its name says " * 100, b"SQLite format 3\0" + b"\xff" * 8000]
)
def test_a_damaged_file_is_moved_aside(path, caplog, content):
    path.parent.mkdir()
    path.write_bytes(content)
    outbox = open_outbox(path, boot=BOOT)
    put(outbox)
    ((_, seq),) = drain(outbox)
    assert seq > 1_700_000_000, "numbers that may have been used are not used again"
    outbox.close()
    (aside,) = path.parent.glob("outbox.db.corrupt-*")
    assert aside.read_bytes() == content
    assert "is damaged" in caplog.text
    assert aside.name in caplog.text


def test_of_files_that_were_damaged_the_last_one_is_kept(path):
    for number in range(3):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"damage {number} ".encode() * 500)
        open_outbox(path, boot=BOOT).close()
    (aside,) = path.parent.glob("outbox.db.corrupt-*")
    assert aside.read_bytes().startswith(b"damage 2")


def test_a_file_that_is_damaged_later_is_moved_aside(path, caplog):
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=4_000_000))
    for _ in range(500):
        put(outbox)
    outbox.close()
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xaa" * 64
    path.write_bytes(content)
    outbox = open_outbox(path, boot=BOOT, limits=Limits(size=4_000_000))
    assert put(outbox)
    assert len(drain(outbox)) == outbox.depth + 1 == 1
    outbox.close()
    assert "is damaged" in caplog.text


def test_a_damaged_file_that_cannot_be_moved_stops_nothing(path, caplog, monkeypatch):
    outbox = open_outbox(path, boot=BOOT)

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    def be_damaged(*_, **__):
        msg = "the outbox is damaged"
        raise _CorruptError(msg)

    monkeypatch.setattr(type(path), "replace", refuse)
    monkeypatch.setattr(Database, "_run", be_damaged)
    assert put(outbox)
    assert put(outbox)
    outbox.close()
    assert "cannot be moved aside" in caplog.text
    assert "2 messages that its disk did not take are lost" in caplog.text


def test_a_second_user_in_the_same_process_is_refused(path, outbox):
    with pytest.raises(OutboxError, match="in use by this process"):
        open_outbox(path, boot=BOOT)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match="cannot be opened") as refused:
        open_outbox(tmp_path / "file" / "outbox.db", boot=BOOT)
    assert refused.value.remedy


def test_a_disk_that_refuses_everything_raises_nothing(path, caplog):
    outbox = open_outbox(path, boot=BOOT)
    put(outbox)
    (letter,) = outbox.take(1, at(0))
    outbox._disk._db._connection.execute("PRAGMA query_only = ON")
    outbox.acknowledge([letter.id])
    outbox.remember("t")
    outbox.sync()
    assert outbox.depth == 0
    assert outbox.take(9, at(0)) == [], "what was acknowledged is not sent again, even if it is still there"
    assert caplog.text.count("cannot be used") == 1
    outbox._disk._db._connection.execute("PRAGMA query_only = OFF")
    assert put(outbox)
    assert drain(outbox) == [("event", 2)]
    outbox.close()
    outbox = open_outbox(path, boot=BOOT)
    assert outbox.depth == 0
    outbox.close()


#: Numbers that are made of the time are above this.
MADE_OF_TIME = 10**12


class OutboxMachine(RuleBasedStateMachine):
    """An outbox among restarts, kills and losses of the connection, against a model of lists."""

    @initialize(folder=st.uuids())
    def begin(self, folder):
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / f"{folder}.db"
        self.outbox = open_outbox(self.path, boot=BOOT, limits=Limits(size=100_000))
        self.put = dict.fromkeys(self.topics(), 0)
        self.waiting = {topic: [] for topic in self.topics()}
        self.under_way = []
        self.clock = 0.0
        self.restarts = 0

    @staticmethod
    def topics():
        return [(kind, camera) for kind in MessageKind for camera in ("front", "back")]

    @rule(kind=st.sampled_from(MessageKind), camera=st.sampled_from(["front", "back"]), count=st.integers(1, 60))
    def put_some(self, kind, camera, count):
        for _ in range(count):
            before = self.outbox.dropped
            kept = put(self.outbox, kind, self.clock, camera=camera)
            if kept:
                self.waiting[kind, camera].append(self.newest(kind, camera))
            self.forget_dropped(kind, before, kept=kept)

    def newest(self, kind, camera):
        """The number of the message that was just kept: the next one, or made of the time where it waits in memory."""
        topic, last = f"edge-fer/n/camera/{camera}/{kind}", self.put[kind, camera]
        (seq,) = [letter.seq for letter in self.peek() if letter.topic == topic and letter.seq > last]
        assert seq == last + 1 or seq > MADE_OF_TIME
        self.put[kind, camera] = seq
        return seq

    def forget_dropped(self, kind, before, *, kept):
        """What was given up must be the oldest of the least important that there were."""
        lost = {k: self.outbox.dropped[k] - before[k] for k in MessageKind}
        if not kept:
            # others may have gone before it showed that their room is not enough: a page is free once all on it are
            lost[kind] -= 1
        for victim in MessageKind:
            if lost[victim]:
                assert list(MessageKind).index(victim) >= list(MessageKind).index(kind)
        left = {(letter.topic, letter.seq) for letter in self.peek()}
        for victim, camera in self.topics():
            topic = f"edge-fer/n/camera/{camera}/{victim}"
            busy = {letter.seq for letter in self.under_way if letter.topic == topic}
            gone = [seq for seq in self.waiting[victim, camera] if (topic, seq) not in left and seq not in busy]
            free = [seq for seq in self.waiting[victim, camera] if seq not in busy]
            assert gone == free[: len(gone)], "not the oldest"
            lost[victim] -= len(gone)
            self.waiting[victim, camera] = [seq for seq in self.waiting[victim, camera] if seq not in gone]
        assert not any(lost.values()), "the counts do not match what is gone"

    def peek(self):
        found = self.outbox.take(10_000, at(self.clock))
        self.outbox.put_back(letter.id for letter in found)
        return found

    @precondition(lambda self: self.outbox.depth > len(self.under_way))
    @rule(count=st.integers(1, 20))
    def send(self, count):
        letters = self.outbox.take(count, at(self.clock))
        ranks = [list(MessageKind).index(letter.kind) for letter in letters]
        assert ranks == sorted(ranks), "the more important goes first"
        self.under_way += letters

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def acknowledge_some(self, data):
        done = data.draw(st.lists(st.sampled_from(self.under_way), unique=True))
        self.outbox.acknowledge([letter.id for letter in done])
        for letter in done:
            *_, camera, kind = letter.topic.split("/")
            self.waiting[MessageKind(kind), camera].remove(letter.seq)
            self.under_way.remove(letter)

    @rule()
    def lose_connection(self):
        self.outbox.put_back()
        self.under_way = []

    @rule(properly=st.booleans())
    def restart(self, properly):
        if properly:
            self.outbox.close()
        else:
            self.restarts += 1
            self.path, old = killed(self.path, f"killed-{self.restarts}.db"), self.outbox
            old.close()
        self.outbox = open_outbox(self.path, boot=BOOT, limits=Limits(size=100_000))
        self.under_way = []

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds):
        self.clock += seconds
        self.outbox.sync()

    @invariant()
    def order_and_depth_are_right(self):
        assert self.outbox.depth == sum(map(len, self.waiting.values()))
        seen = {}
        for letter in self.peek():
            seen.setdefault(letter.topic, []).append(letter.seq)
        for sequence in seen.values():
            assert all(a < b for a, b in pairwise(sequence))

    def teardown(self):
        self.outbox.close()
        self.folder.cleanup()


OutboxMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestOutboxMachine = pytest.mark.slow(OutboxMachine.TestCase)


@pytest.mark.slow
@given(st.lists(st.sampled_from(MessageKind), max_size=30))
@settings(max_examples=30, deadline=None)
def test_sending_is_by_importance_then_by_arrival(tmp_path_factory, kinds):
    outbox = open_outbox(tmp_path_factory.mktemp("outbox") / "outbox.db", boot=BOOT)
    for kind in kinds:
        put(outbox, kind)
    found = drain(outbox)
    assert [kind for kind, _ in found] == sorted(kinds, key=list(MessageKind).index)
    outbox.close()


def test_the_file_is_plain_sqlite(path):
    outbox = open_outbox(path, boot=BOOT)
    put(outbox)
    outbox.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_a_path_that_is_no_file_is_told_and_nothing_hangs(tmp_path, make):
    path = tmp_path / "outbox.db"
    make(path)
    with pytest.raises(OutboxError, match=r"outbox\.db (is no file|cannot be opened: Is a directory)"):
        open_outbox(path, boot=BOOT)
