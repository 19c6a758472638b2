"""The sender, as a process of its own: nothing is lost, little is told twice, and it ends when nothing waits."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import asdict

import pytest

from edge_fer.notify.sender import Delivered, NotifySender, SenderSettings
from edge_fer.notify.spool import Spool
from tests.notify.making import item
from tests.notify.sending import run, settings, spool_with, start
from tests.notify.servers import MailServer, NtfyServer, Webhook, check_told


def alert(number, **more):
    """Each of another camera, so that each has a line of its own."""
    return item(key=f"a{number}", camera=f"bed-{number:03}", began=time.time(), **more)


def told(server):
    """The cameras that a server was told of, in order, message by message."""
    return [[word.rstrip(":") for word in one.text.split() if word.startswith("bed-")] for one in server.taken]


def test_it_tells_each_target_in_order_and_ends(tmp_path):
    with Webhook() as hook, NtfyServer() as ntfy, MailServer() as mail:
        spool = spool_with(tmp_path, settings(hook=hook.url, ntfy=ntfy.url, mail=mail.url))
        for number in range(5):
            spool.add([alert(number, target=name) for name in ("hook", "ntfy", "mail")], time.time())
        spool.wake()
        assert run(spool) == (0, "")
        for server in (hook, ntfy, mail):
            assert [bed for beds in told(server) for bed in beds] == [f"bed-{number:03}" for number in range(5)]
    assert not spool.is_woken
    assert spool.queues(time.time()) == {}


def test_without_anything_to_tell_it_ends_at_once(tmp_path):
    assert run(Spool(tmp_path)) == (0, "")
    assert run(spool_with(tmp_path, settings())) == (0, "")


def test_a_folder_that_is_not_there_is_told(tmp_path):
    code, error = run(Spool(tmp_path / "nowhere"))
    assert code == 1
    assert "nowhere cannot be used: No such file" in error
    assert "Traceback" not in error


def test_a_second_one_leaves_the_work_to_the_first(tmp_path):
    with Webhook() as hook:
        hook.delay = 1.0
        spool = spool_with(tmp_path, settings(hook=hook.url))
        spool.add([alert(1, target="hook")], time.time())
        first = start(spool)
        try:
            while not (spool.folder / "sender.lock").exists():
                time.sleep(0.05)
            time.sleep(0.2)
            assert run(spool) == (0, "")
            assert first.wait(60) == 0
        finally:
            first.kill()
            first.wait()
        assert told(hook) == [["bed-001"]]


def test_one_target_that_hangs_holds_up_no_other(tmp_path):
    with Webhook() as slow, Webhook() as quick:
        slow.delay = 3.0
        spool = spool_with(tmp_path, settings(slow=slow.url, quick=quick.url))
        spool.add([alert(1, target="slow"), alert(1, target="quick")], time.time())
        assert run(spool) == (0, "")
        assert quick.taken[0].at < slow.taken[0].at - 1


def test_a_target_that_refuses_is_tried_again_and_told(tmp_path):
    with NtfyServer() as server:
        server.status, server.retry_after = 429, 1
        spool = spool_with(tmp_path, settings(nurse=server.url))
        spool.add([alert(1)], time.time())
        process = start(spool)
        try:
            while not spool.status().get("nurse") or not spool.status()["nurse"].problem:
                time.sleep(0.1)
            assert "status 429" in spool.status()["nurse"].problem
            server.status = 200
            assert server.wait_for(1)[0].text.startswith("Ward 3 · bed-001")
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
        assert (server.refused, len(server.shown)) == (1, 1)
        assert spool.status()["nurse"].problem == ""


def test_sigterm_lets_what_is_under_way_come_to_its_end(tmp_path):
    with Webhook() as hook:
        hook.delay = 1.5
        spool = spool_with(tmp_path, settings(nurse=hook.url))
        spool.add([alert(1)], time.time())
        process = start(spool)
        try:
            while not spool.queues(time.time())["nurse"].has_message:
                time.sleep(0.02)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
        assert told(hook) == [["bed-001"]]
        assert spool.queues(time.time()) == {}


class Killed:
    """A sender that is killed at random, and started again while something waits."""

    def __init__(self, spool, chance):
        self._spool = spool
        self._chance = chance
        self._process = start(spool)
        self.kills = 0

    def go_on(self):
        """Kills it, perhaps; whether it has ended by itself."""
        process = self._process
        if process.poll() is None and self.kills < 25 and self._chance.random() < 0.7:
            process.kill()
            process.wait()
            self.kills += 1
        elif process.poll() == 0:
            return True
        if process.poll() is not None:
            self._process = start(self._spool)
        return False

    def end(self):
        self._process.kill()
        self._process.wait()


@pytest.mark.slow
def test_kills_at_random_lose_nothing_and_repeat_once_each_with_the_same_id(tmp_path):
    """A hundred alerts, the targets down for a while, the sender killed again and again."""
    chance = random.Random(7)  # noqa: S311 - to be the same each time
    with Webhook() as hook, NtfyServer() as ntfy, MailServer() as mail:
        spool = spool_with(tmp_path, settings(hook=hook.url, ntfy=ntfy.url, mail=mail.url))
        sender, put, has_ended = Killed(spool, chance), 0, False
        deadline = time.monotonic() + 300
        while not (put == 100 and has_ended):
            assert time.monotonic() < deadline, spool.status()
            for number in range(put, min(100, put + chance.randint(0, 6))):
                urgent = chance.random() < 0.5
                spool.add([alert(number, target=name, urgent=urgent) for name in ("hook", "ntfy", "mail")], time.time())
                put = number + 1
            hook.status = ntfy.status = 503 if put in range(30, 60) else 200
            mail.refusal = "451 later" if put in range(40, 70) else None
            time.sleep(chance.uniform(0.05, 1.2))
            has_ended = sender.go_on() and not spool.queues(time.time())
        sender.end()
        assert sender.kills >= 5
        for server in (hook, ntfy, mail):
            check_told(server, sender.kills, 100)


class Clock:
    """Seconds that pass only when they are waited for."""

    def __init__(self):
        self.now = 1e9

    def __call__(self):
        self.now += 0.2
        return self.now


def test_it_ends_where_the_next_try_is_far_away_and_says_what_is_wrong(tmp_path, caplog):
    clock, tries = Clock(), []

    def deliver(target, prepared):
        tries.append(prepared.id)
        return Delivered(taken=False, problem="nobody is at home", slow=True)

    spool = spool_with(tmp_path, settings(nurse="json://127.0.0.1/x"))
    spool.add([item()], clock.now)
    NotifySender(spool, deliver, clock, lambda: 1.0).run()
    assert len(tries) == 1
    assert spool.status()["nurse"].problem == "nobody is at home"
    assert "the target nurse has not taken a message: nobody is at home" in caplog.text


def test_texts_that_cannot_be_read_keep_no_alert_back(tmp_path, caplog):
    clock, texts = Clock(), []

    def deliver(target, prepared):
        texts.append(prepared.message.text)
        return Delivered(taken=True)

    given = asdict(settings(nurse="json://127.0.0.1/x")) | {"language": "/nowhere/fr.toml"}
    spool = Spool(tmp_path)
    spool.configure(given)
    spool.add([item()], clock.now)
    NotifySender(spool, deliver, clock).run()
    assert "please look" in texts[0]
    assert "English is used" in caplog.text


@pytest.mark.parametrize(
    "noted", [None, 5, {}, {"targets": {"a": {"strange": 1}}}, {"node": "x", "place": "y", "targets": 3}]
)
def test_settings_that_cannot_be_used_are_none(noted):
    assert SenderSettings.read(noted) is None


def test_settings_are_read_as_they_were_handed_over():
    given = settings(a="json://x/y")
    assert SenderSettings.read(asdict(given)) == given
