"""Disks that take nothing, a target that is down for long, and where secrets could be seen: with real processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.notify.spool import Spool
from edge_fer.notify.troubles import NodeFacts
from edge_fer.pipeline.step import Told
from edge_fer.sinks import notify as module
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.registry import make_policy
from tests.daemon import Daemon, edge_fer
from tests.faults.node import fill, small_disk
from tests.invented import at
from tests.missing import missing
from tests.mqtt.kit import until
from tests.notify.making import change, item
from tests.notify.sending import run, settings, spool_with, start
from tests.notify.servers import NtfyServer, Webhook, check_told

pytestmark = pytest.mark.outside
#: What the unit lets the sender have before it is slowed down (MemoryHigh).
MOST_MEMORY = 150_000


@contextmanager
def own_disk(folder, megabytes=4):
    with small_disk(folder, megabytes) as mounted:
        if not mounted:
            missing("needs root, to mount a disk of its own")
        yield folder / "disk"


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def read_only(disk):
    # the kernel refuses while a process has a file open to write
    until(lambda: subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True, check=False).returncode == 0)


def test_alerts_on_a_read_only_disk_wait_in_memory_and_are_told_once_it_is_mended(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_REST", 0.2)
    with own_disk(tmp_path) as disk, Webhook() as hook:
        at_once = {"group": "0s", "limit": {"messages": 1000, "per": "1m"}}
        notify = {"targets": {"hook": {"url": hook.url}}} | at_once
        given = load([Layer("x", json.dumps({"state_dir": str(disk), "notify": notify}))], settings=False).config
        sink = module.make_notify_sink(given, SystemClock(), lambda: None)
        sink._facts = lambda blind: NodeFacts()
        outlet = Outlet(make_policy(given))
        outlet.connect({"notify": sink})
        read_only(disk)
        sink.open()
        for number in range(30):
            one = change(1, number=number, camera=f"bed-{number:03}")
            outlet.tell(one.alert.camera, Told(at(1), changes=(one,)))
        until(lambda: "Read-only file system" in sink.health().problem)
        remount(disk, "rw")
        spool = Spool(disk / "notify")
        until(lambda: spool.status().get("hook") and spool.status()["hook"].last_sent is not None, timeout=90)
        until(lambda: not spool.status()["hook"].waiting, timeout=90)
        child = sink._parts.waker._child
        sink.close()
        if child is not None:
            child.wait(60)
        assert outlet.health()["notify"].faults == 0
        check_told(hook, 0, 30)


def test_the_sender_says_that_a_disk_is_read_only_and_the_list_can_be_seen(tmp_path):
    config = tmp_path / "config.yaml"
    with own_disk(tmp_path) as disk:
        config.write_text(f"state_dir: {disk}\nnotify: {{targets: {{nurse: {{url: 'json://127.0.0.1:1'}}}}}}\n")
        spool = spool_with(disk, settings(nurse="json://127.0.0.1:1"))
        spool.add([item()], time.time())
        read_only(disk)
        code, said = run(spool)
        assert (code, "Read-only file system" in said, "Traceback" in said) == (1, True, False)
        assert "1 wait" in edge_fer("notify", "list", "--config", str(config)).stdout
        remount(disk, "rw")


def test_a_disk_that_fills_up_while_a_message_is_on_its_way_costs_no_alert(tmp_path):
    with own_disk(tmp_path, 2) as disk, Webhook() as hook:
        hook.delay = 1.0
        spool = spool_with(disk, settings(hook=hook.url))
        for number in range(200):
            spool.add([item("hook", key=f"a{number}", camera=f"bed-{number % 15:03}", began=time.time())], time.time())
        process = start(spool)
        until(lambda: spool.queues(time.time())["hook"].has_message)
        fill(disk)
        hook.wait_for(1)
        # it has noted that it was taken, or has ended because it could not
        assert process.wait(120) == 0
        (disk / "ballast").unlink()
        assert run(spool)[0] == 0
        assert spool.queues(time.time()) == {}
        assert len({taken.id for taken in hook.taken}) == 1
        assert len(hook.taken) <= 2


@pytest.mark.slow
def test_thousands_of_alerts_while_a_target_is_down(tmp_path):
    """Memory is bounded, another target is told meanwhile, and all is told in order, with what is critical in sight."""
    with Webhook() as down, NtfyServer() as up:
        down.status = 503
        spool = spool_with(tmp_path, settings(down=down.url, up=up.url))
        now = time.time()
        spool.add(
            [
                item("down", key=f"a{n}", severity="info", camera=f"bed-{n:04}", began=now, facts={"rule": f"rule-{n}"})
                for n in range(9000)
            ],
            now,
        )
        process = start(spool)
        try:
            until(lambda: down.refused, timeout=90)
            spool.add([item("up", key="b1", camera="bed-9998", began=time.time(), urgent=True)], time.time())
            assert "bed-9998" in up.wait_for(1)[0].text
            assert not down.taken
            # more than may wait: the oldest that are not urgent go, and what is urgent stays
            more = [item("down", key=f"c{n}", severity="info", camera=f"bed-{n:04}", began=now) for n in range(3000)]
            spool.add(more, time.time())
            spool.add([item("down", key="d1", camera="bed-9999", began=time.time(), urgent=True)], time.time())
            assert spool.status()["down"].waiting <= 10_000
            down.status = 200
            until(lambda: not spool.queues(time.time()), timeout=120)
            peak = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    assert peak < MOST_MEMORY
    # what was made before is told as it was made, then all the rest at once
    assert len(down.taken) == 2
    assert "bed-9999" in down.taken[1].text
    for one in down.taken:
        assert re.findall(r"bed-0\d+", one.text) == sorted(re.findall(r"bed-0\d+", one.text))
    lost = spool.status()["down"].lost
    assert lost > 2000
    assert re.search(r"and \d+ more\n", down.taken[1].text)
    assert down.taken[1].text.endswith(f"{lost} older messages could not be delivered.")


@pytest.mark.slow
def test_no_secret_is_in_the_process_list_or_the_log(tmp_path):
    secret, other = "word-of-config", "word-of-file"
    with Webhook() as hook:
        hook.status, hook.delay = 503, 1.0
        address = tmp_path / "address"
        address.write_text(f"json://joe:{other}@127.0.0.1:{hook.port}/{other}\n")
        address.chmod(0o600)
        given = {
            "cameras": {"bed-1": {"source": "sample", "loop": True, "faces": {"detector": "haar"}}},
            "alerts": {"always": {"when": {"more_people_than": 0}, "for": 0, "keep_firing_for": 0, "cooldown": 0}},
            "mqtt": {"broker": "mqtt://127.0.0.1:1"},
            "notify": {
                "targets": {
                    "nurse": {"url": f"json://joe:${{PHONE_WORD}}@127.0.0.1:{hook.port}/${{PHONE_WORD}}"},
                    "boss": {"url_file": str(address)},
                }
            },
        }
        with Daemon(tmp_path, given, environment={"PHONE_WORD": secret}) as daemon:
            sender = until_there(tmp_path / "state" / "notify")
            seen = [Path(f"/proc/{sender}/{name}").read_bytes() for name in ("cmdline", "environ")]
            until(lambda: hook.refused >= 2, timeout=60)
            daemon.wait_for("the target boss has not taken a message", timeout=60)
            daemon.wait_for("the target nurse has not taken a message", timeout=60)
            lists = edge_fer(
                "notify", "list", "--config", str(tmp_path / "config.yaml"), env=os.environ | {"PHONE_WORD": secret}
            )
            assert daemon.stop() == 0
        assert b"edge_fer.notify" in seen[0], "it is the sender that was looked at"
        assert b"PATH=" in seen[1]
        found = [place for place in [*seen, daemon.output.encode(), lists.stdout.encode()] if b"word-of" in place]
        assert found == []
        # the file's address is nowhere but in the file
        spool = (tmp_path / "state" / "notify" / "notify.sqlite").read_bytes()
        assert other.encode() not in spool


def until_there(folder):
    """The process id of the sender of a spool, once it runs."""
    found = []

    def look():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"edge_fer.notify" in words and str(folder).encode() in words:
                found.append(int(path.parent.name))
        return found

    until(look, timeout=120)
    return found[0]
