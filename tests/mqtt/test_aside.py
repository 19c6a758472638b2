"""An outbox whose disk can no longer be written: the limit on the size of files, and a real one that goes read-only."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_fer.contract.messages import MessageKind
from edge_fer.outbox.limits import AHEAD, Limits
from edge_fer.outbox.numbers import number_in_memory
from tests.broker import Mosquitto, Subscriber
from tests.faults.node import fill, small_disk
from tests.invented import at
from tests.mqtt.kit import BOOT, TOPICS, linked, open_outbox, post_events, until
from tests.mqtt.outbox_kit import drain, killed, put


class Disk:
    """What can be written, for this process: all of it, or nothing."""

    def __init__(self):
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fail(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, self._before[1]))

    def mend(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.fixture
def disk():
    found = Disk()
    yield found
    found.mend()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path, disk):
    found = open_outbox(path, boot=BOOT)
    yield found
    disk.mend()
    found.close()


def test_what_the_disk_does_not_take_is_sent_from_memory_behind_what_it_has(outbox, disk, caplog):
    for _ in range(2):
        put(outbox)
    disk.fail()
    for kind in (MessageKind.SUMMARY, MessageKind.EVENT, MessageKind.ALERT_EVENT) * 2:
        assert put(outbox, kind)
    outbox.sync()
    assert outbox.depth == 8
    kinds, seqs = zip(*drain(outbox), strict=True)
    assert kinds == ("alert_event",) * 2 + ("event",) * 4 + ("summary",) * 2
    assert seqs[2:4] == (1, 2)
    assert seqs[4] == number_in_memory(at(0).utc.timestamp()), "none that the disk gives out again"
    assert all(later == earlier + 1 for earlier, later in (seqs[:2], seqs[4:6], seqs[6:]))
    assert (outbox.depth, outbox.oldest(at(9))) == (0, None)
    assert not any(outbox.dropped.values())
    assert caplog.text.count("wait in memory") == 1


def test_numbers_go_on_from_there_once_it_can_be_written_again(outbox, path, disk, caplog):
    caplog.set_level("INFO")
    disk.fail()
    put(outbox)
    ((_, first),) = drain(outbox)
    disk.mend()
    put(outbox)
    assert drain(outbox) == [("event", first + 1)]
    assert caplog.text.count("has room again") == 1
    after = open_outbox(killed(path), boot=BOOT)
    put(after)
    ((_, behind),) = drain(after)
    assert behind > first + 2, "it might have been killed while it sent from memory again"
    after.close()


def test_no_number_is_used_twice_after_a_kill_amid_messages_from_memory(outbox, path, disk):
    used = []
    for _ in range(2):
        disk.fail()
        for _ in range(5):
            put(outbox)
        used += [seq for _, seq in drain(outbox)]
        # between the two, the disk gets to know which numbers are used
        disk.mend()
        put(outbox)
        used += [seq for _, seq in drain(outbox)]
    disk.fail()
    for _ in range(5):
        put(outbox)
    used += [seq for _, seq in drain(outbox)]
    disk.mend()
    after = open_outbox(killed(path), boot=BOOT)
    for _ in range(50):
        put(after)
    used += [seq for _, seq in drain(after)]
    after.close()
    assert len(used) == len(set(used)) == 67
    assert used == sorted(used)


def test_the_disk_takes_messages_that_are_under_way_and_knows_them_by_their_old_names(outbox, path, disk):
    disk.fail()
    for _ in range(6):
        put(outbox)
    sent = outbox.take(4, at(0))
    disk.mend()
    put(outbox)
    assert outbox.take(9, at(0)) != []
    outbox.put_back([letter.id for letter in sent[2:]])
    outbox.acknowledge([letter.id for letter in sent[:2]])
    assert outbox.depth == 5
    after = open_outbox(killed(path), boot=BOOT)
    assert [seq for _, seq in drain(after)] == [sent[0].seq + number for number in range(2, 7)]
    after.close()
    again = outbox.take(9, at(0))
    assert [letter.seq for letter in again] == [letter.seq for letter in sent[2:]]
    outbox.set_aside(again[0], "it cannot be sent")
    outbox.put_back()
    assert (outbox.depth, outbox.damaged) == (4, 1)
    assert [seq for _, seq in drain(outbox)] == [sent[0].seq + number for number in range(3, 7)]


def test_what_waits_in_memory_goes_to_the_disk_as_soon_as_that_takes_it(outbox, path, disk):
    put(outbox)
    disk.fail()
    for kind in (MessageKind.EVENT, MessageKind.ALERT_EVENT, MessageKind.EVENT):
        put(outbox, kind, seconds=5)
    disk.mend()
    outbox.sync()
    after = open_outbox(killed(path), boot=BOOT)
    assert after.oldest(at(7)) == 7
    (_, alert), (_, on_disk), *later = drain(after)
    assert (on_disk, [seq - alert for _, seq in later]) == (1, [0, 1])
    after.close()


def test_what_is_under_way_goes_to_the_disk_only_if_it_has_not_arrived(outbox, disk):
    disk.fail()
    for _ in range(3):
        put(outbox)
    first, second = outbox.take(2, at(0))
    disk.mend()
    outbox.sync()
    outbox.acknowledge([first.id])
    outbox.put_back([second.id])
    outbox.sync()
    assert [seq - first.seq for _, seq in drain(outbox)] == [1, 2]


def test_no_more_than_so_many_wait_in_memory_and_what_is_given_up_is_counted(outbox, disk, monkeypatch):
    monkeypatch.setattr(outbox._memory, "_size", 10)
    disk.fail()
    for kind in (MessageKind.SUMMARY, MessageKind.EVENT):
        for _ in range(6):
            assert put(outbox, kind)
    assert outbox.dropped == {MessageKind.ALERT_EVENT: 0, MessageKind.EVENT: 0, MessageKind.SUMMARY: 2}
    for _ in range(8):
        assert put(outbox, MessageKind.ALERT_EVENT)
    assert not put(outbox, MessageKind.SUMMARY), "for nothing less important"
    assert outbox.dropped == {MessageKind.ALERT_EVENT: 0, MessageKind.EVENT: 4, MessageKind.SUMMARY: 7}
    assert outbox.depth == 10
    begun = number_in_memory(at(0).utc.timestamp())
    assert [seq - begun for _, seq in drain(outbox)] == [*range(8), 4, 5], "the oldest went"
    disk.mend()
    outbox.sync()
    counted = outbox._disk._db.run(lambda c: dict(c.execute("SELECT kind, count FROM dropped")))
    assert counted == {"event": 4, "summary": 7}


def test_what_waits_in_memory_may_get_too_old(path, disk):
    outbox = open_outbox(path, boot=BOOT, limits=Limits(age=100))
    disk.fail()
    put(outbox, seconds=0)
    put(outbox, seconds=60)
    outbox.expire(at(120))
    assert (outbox.depth, outbox.dropped[MessageKind.EVENT]) == (1, 1)
    disk.mend()
    outbox.close()


def test_what_is_lost_with_the_process_is_told_and_its_numbers_are_not_used_again(path, disk, caplog):
    outbox = open_outbox(path, boot=BOOT)
    put(outbox)
    disk.fail()
    put(outbox)
    used = [seq for _, seq in drain(outbox)]
    put(outbox)
    outbox.close()
    assert "1 messages that its disk did not take are lost" in caplog.text
    disk.mend()
    outbox = open_outbox(path, boot=BOOT)
    for _ in range(150):
        put(outbox)
    assert not {seq for _, seq in drain(outbox)} & set(used[1:]), "its disk still knows the first one"
    outbox.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(MessageKind)),
        st.tuples(st.sampled_from(["fail", "mend", "sync", "lose"]), st.none()),
        st.tuples(st.sampled_from(["take", "take one of each", "acknowledge"]), st.integers(1, 4)),
    ),
    max_size=60,
)


def test_names_of_retained_topics_are_kept_once_the_disk_takes_them(outbox, path, disk):
    disk.fail()
    outbox.remember("state")
    assert outbox.remembered() == {"state"}
    disk.mend()
    outbox.sync()
    after = open_outbox(killed(path), boot=BOOT)
    assert after.remembered() == {"state"}
    after.close()


class Traffic:
    """What is told to an outbox and taken from it; nothing may be sent behind what is newer."""

    def __init__(self, outbox, disk):
        self.outbox = outbox
        self.told, self.arrived, self.under_way = [], [], []
        self._steps = {
            "put": self.put,
            "take": self.take,
            "take one of each": lambda count: self.take(count, busy={letter.topic for letter in self.under_way}),
            "acknowledge": self.acknowledge,
            "lose": lambda _: self.lose(),
            "sync": lambda _: outbox.sync(),
            "fail": lambda _: disk.fail(),
            "mend": lambda _: disk.mend(),
        }

    def do(self, step, what):
        self._steps[step](what)
        assert self.outbox.depth == len(self.told) - len(self.arrived)

    def put(self, kind):
        self.told.append((kind, str(len(self.told))))
        assert put(self.outbox, kind, body=self.told[-1][1])

    def take(self, count, **options):
        letters = self.outbox.take(count, at(0), **options)
        for letter in letters:
            before = [one.seq for one in self.under_way if one.topic == letter.topic]
            before += [seq for kind, seq, _ in self.arrived if kind is letter.kind]
            assert all(seq < letter.seq for seq in before)
        self.under_way += letters

    def acknowledge(self, count):
        done = [self.under_way.pop(0) for _ in range(min(count, len(self.under_way)))]
        self.arrived += [(letter.kind, letter.seq, letter.body) for letter in done]
        self.outbox.acknowledge([letter.id for letter in done])

    def lose(self):
        self.outbox.put_back()
        self.under_way.clear()


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_whatever_the_disk_does_everything_arrives_once_and_in_order(tmp_path_factory, steps):
    disk, outbox = Disk(), open_outbox(tmp_path_factory.mktemp("outbox") / "outbox.db", boot=BOOT)
    traffic = Traffic(outbox, disk)
    try:
        with pytest.MonkeyPatch.context() as patch:
            # as if more waited than is looked at
            patch.setattr("edge_fer.outbox.outbox.AHEAD", 2)
            for step, what in steps:
                traffic.do(step, what)
        traffic.lose()
        while outbox.depth:
            traffic.take(1000)
            traffic.acknowledge(1000)
    finally:
        disk.mend()
        outbox.close()
    for kind in MessageKind:
        assert [body for k, _, body in traffic.arrived if k is kind] == [b for k, b in traffic.told if k is kind]
        assert all(a < b for a, b in pairwise(seq for k, seq, _ in traffic.arrived if k is kind))


def test_what_is_in_memory_does_not_overtake_what_is_far_behind_on_the_disk(outbox, disk):
    for _ in range(AHEAD + 5):
        put(outbox, MessageKind.ALERT_EVENT)
    for _ in range(3):
        put(outbox, body="on disk")
    disk.fail()
    for _ in range(3):
        put(outbox, body="in memory")
    came = []
    while letters := outbox.take(20, at(0), busy=()):
        came += [letter.body for letter in letters if letter.kind is MessageKind.EVENT]
        outbox.acknowledge([letter.id for letter in letters])
    assert came == ["on disk"] * 3 + ["in memory"] * 3


def test_a_full_disk_does_not_keep_us_from_reading_what_it_holds(tmp_path):
    with small_disk(tmp_path, 4) as mounted:
        if not mounted:
            pytest.skip("no disk of its own can be mounted here")
        folder = tmp_path / "disk"
        first = open_outbox(folder / "outbox.db", boot=BOOT)
        for _ in range(30):
            put(first, body="on disk")
        first.close()
        fill(folder)
        outbox = open_outbox(folder / "outbox.db", boot=BOOT)
        put(outbox, body="in memory")
        assert outbox.depth == 31
        letters = outbox.take(40, at(0))
        assert [letter.body for letter in letters] == ["on disk"] * 30 + ["in memory"]
        outbox.acknowledge([letter.id for letter in letters])
        assert outbox.depth == 0
        (folder / "ballast").unlink()
        outbox.sync()
        put(outbox)
        assert outbox.depth == 1
        outbox.close()


def test_what_a_disk_gives_back_too_late_is_set_aside_and_counted(tmp_path, caplog):
    with small_disk(tmp_path, 4) as mounted:
        if not mounted:
            pytest.skip("no disk of its own can be mounted here")
        path = tmp_path / "disk" / "outbox.db"
        first = open_outbox(path, boot=BOOT)
        for _ in range(5):
            put(first, body="on disk")
            put(first, camera="back", body="on disk")
        first.close()
        subprocess.run(["mount", "-o", "remount,ro", path.parent], check=True)
        outbox = open_outbox(path, boot=BOOT)
        for _ in range(2):
            put(outbox, body="in memory")
        assert outbox.take(9, at(0)) == [], "the older ones go first, and may be read soon"
        assert outbox.take(9, at(59)) == []
        first_sent = outbox.take(1, at(61))
        assert [letter.body for letter in first_sent] == ["in memory"]
        subprocess.run(["mount", "-o", "remount,rw", path.parent], check=True)
        # as much later as it takes until the file is tried again
        outbox._disk._db._tried = float("-inf")
        outbox.acknowledge([letter.id for letter in first_sent])
        outbox.sync()
        letters = outbox.take(99, at(70))
        assert [(letter.topic.split("/")[3], letter.body) for letter in letters] == [
            *[("back", "on disk")] * 5,
            ("front", "in memory"),
        ]
        assert letters[-1].seq == first_sent[0].seq + 1
        assert (outbox.damaged, outbox.depth) == (5, 6)
        assert "newer ones of its topic were sent" in caplog.text
        outbox.close()


@contextmanager
def memory_card(folder):
    """A file system of its own, which can be made to fail as a worn memory card does; skips where there can be none."""
    image, mounted = folder / "card", folder / "mounted"
    mounted.mkdir()
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("a file system that goes read-only needs root and mkfs.ext4")
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    done = subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, mounted], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        device = subprocess.run(
            ["findmnt", "-no", "SOURCE", mounted], capture_output=True, check=True, text=True
        ).stdout
        trigger = f"/sys/fs/ext4/{device.strip().removeprefix('/dev/')}/trigger_fs_error"
        if not os.access(trigger, os.W_OK):
            pytest.skip(f"the kernel's {trigger} cannot be written")
        yield mounted, trigger
    finally:
        subprocess.run(["umount", mounted], check=True)


def test_nothing_is_lost_while_a_memory_card_goes_read_only_and_the_broker_is_there(tmp_path, caplog):
    is_event = lambda m: m.topic == TOPICS.event("front")  # noqa: E731
    with memory_card(tmp_path) as (card, trigger), Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with linked(card, broker.url) as link:
            post_events(link, 50)
            seen.wait_for(is_event, count=50)
            with open(trigger, "w") as fault:  # noqa: PTH123 - of a file that is no file
                fault.write("as if the card were worn out")
            with pytest.raises(OSError, match="Read-only"):
                (card / "file").touch()
            post_events(link, 50, first=50)
            seen.wait_for(is_event, count=100)
            until(lambda: link.status().depth == 0)
            assert not any(link.status().dropped.values())
        came = [m.json for m in seen.messages if is_event(m)]
    assert [message["duration_s"] for message in came] == list(range(100))
    assert all(a["seq"] < b["seq"] for a, b in pairwise(came))
    assert "wait in memory" in caplog.text


def test_an_outbox_that_was_only_just_opened_gives_up_no_alert_event_on_a_disk_that_fills_up(tmp_path):
    with small_disk(tmp_path, 4) as mounted:
        if not mounted:
            pytest.skip("no disk of its own can be mounted here")
        folder = tmp_path / "disk"
        path = folder / "outbox.db"
        first = open_outbox(path, boot=BOOT)
        assert put(first)
        first.close()
        outbox = open_outbox(path, boot=BOOT)
        assert put(outbox), "the log has its room from now on"
        fill(folder)
        for _ in range(300):
            put(outbox, MessageKind.EVENT)
            assert put(outbox, MessageKind.ALERT_EVENT)
        assert outbox.dropped[MessageKind.ALERT_EVENT] == 0
        assert outbox.depth == 602
        outbox.close()
