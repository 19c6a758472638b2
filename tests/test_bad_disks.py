"""The daemon on disks that are slow, hang or are full: what it does is seen from outside alone."""

from __future__ import annotations

import json
import re
import resource
import signal
import time

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.faults.node import fill, small_disk
from tests.faults.soak import clip
from tests.faults.trace import dice
from tests.mqtt.kit import until
from tests.slow_disk import SlowDisk

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
#: A line of what the node shows of an event. Lines of its log start with the date; one says "it is left behind".
SHOWN = re.compile(r"\d\d:\d\d:\d\d  \S+ +(appeared|changed|left|ALERT|resolved) ")


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A recording in which faces come and go."""
    path = tmp_path_factory.mktemp("clip") / "busy.mp4"
    clip(path, dice("busy"))
    return path


def config(busy, broker, **more):
    return {
        "cameras": {"front": {"source": str(busy), "loop": True}},
        "faces": {"confirm": 1, "keep_lost_for": "0s", "min_size": "32px", "lifeless_after": "0s"},
        "alerts": {
            "anybody": {"when": {"emotion": LABELS, "score": 0.2}, "for": "0s", "cooldown": "0s"},
            "nobody": {"when": {"no_face": True}, "for": "0s", "cooldown": "0s"},
        },
        "mqtt": {"broker": broker.url, "keepalive": "5s"},
    } | more


def told(seen):
    """Events and alert events that arrived, each once; within their topic they came in order."""
    found = {}
    for message in seen.messages:
        if message.topic.endswith("event"):
            found.setdefault((message.topic, message.json["seq"]), message)
    for topic in {topic for topic, _ in found}:
        numbers = [seq for name, seq in found if name == topic]
        assert numbers == sorted(numbers)
    return found


def shown(output):
    return [line for line in output.splitlines() if SHOWN.match(line)]


def dropped(seen):
    health = [m.json for m in seen.messages if m.topic.endswith("/health") and m.payload]
    return sum(health[-1]["outbox"]["dropped"].values())


def quiet(config):
    """A config by which nothing is told but what was kept."""
    return config | {"alerts": {}, "cameras": {"front": {"source": "/there-is-none.mp4"}}}


def next_run_sends_the_rest(folder, config, seen):
    """Starts it once more, until it has sent what was kept; what it says."""
    with Daemon(folder, quiet(config)) as daemon:
        count = sum(m.topic.endswith("/health") for m in seen.messages)
        daemon.wait()
        until(lambda: sum(m.topic.endswith("/health") for m in seen.messages) > count)
        return daemon.output


@pytest.mark.parametrize(("seconds", "broker_is_there"), [(1, True), (0.5, False), (1000, True)])
def test_a_stop_on_a_slow_disk_keeps_everything_or_counts_it(tmp_path, busy, seconds, broker_is_there):
    disk = SlowDisk(tmp_path, seconds)
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        settings = config(busy, broker)
        with Daemon(tmp_path / "node", settings, "--show", environment=disk.environment) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("event"), count=5, timeout=120)
            if not broker_is_there:
                before = seen.subscriptions
                broker.stop()
            disk.slow()
            many = len(shown(daemon.output)) + 15
            until(lambda: len(shown(daemon.output)) >= many)
            begun = time.monotonic()
            daemon.stop(signal.SIGTERM)
            assert time.monotonic() - begun < 15, "what systemd gives it"
            said, happened = daemon.output, len(shown(daemon.output))
            disk.mend()
        if not broker_is_there:
            broker.start()
            seen.wait_until_back(before)
        said += next_run_sends_the_rest(tmp_path / "node", settings, seen)
        lost = happened - len(told(seen))
        # what the last step tells is handed to the link before it is shown: two messages each of three people at most
        assert 0 <= lost <= dropped(seen) <= lost + 6, said
        if seconds < 10:
            assert lost == 0, said
        else:
            assert re.search(r"[1-9]\d* messages of an earlier run are lost", said), said


@pytest.mark.parametrize(
    ("seconds", "change"),
    [
        (20, {"node": {"id": "test", "site": "elsewhere"}}),
        (8, {"alerts": {"nobody": {"when": {"no_face": True}, "for": "0s", "cooldown": "0s"}}}),
        (4, {"view": {"after": "6s"}}),
    ],
)
def test_a_reload_on_a_slow_disk_goes_on_and_loses_nothing(tmp_path, busy, seconds, change):
    disk = SlowDisk(tmp_path, seconds)
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        settings = config(busy, broker)
        with Daemon(tmp_path / "node", settings, "--show", environment=disk.environment) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("event"), count=5, timeout=120)
            disk.slow()
            many = len(shown(daemon.output)) + 5
            until(lambda: len(shown(daemon.output)) >= many)
            daemon.configure(settings | change)
            daemon.send(signal.SIGHUP)
            many = len(shown(daemon.output)) + 25
            until(lambda: len(shown(daemon.output)) >= many, timeout=120)
            disk.mend()
            assert daemon.stop() == 0, daemon.output
            happened = len(shown(daemon.output))
        next_run_sends_the_rest(tmp_path / "node", settings, seen)
        assert len(told(seen)) >= happened  # one may be sent at the end that is not shown any more
        assert dropped(seen) == 0


def test_a_full_disk_stops_no_start(tmp_path, busy):
    """Filled to the last byte while it runs, before it starts after a proper stop, and after a kill."""
    with (
        small_disk(tmp_path, 12) as mounted,
        Mosquitto(tmp_path / "broker") as broker,
        Subscriber(broker) as seen,
    ):
        if not mounted:
            pytest.skip("no disk of its own can be mounted here")
        folder = tmp_path / "disk"
        settings = config(busy, broker, state_dir=str(folder / "state"))
        how = [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM]
        for number, end in enumerate(how):
            with Daemon(tmp_path / "node", settings) as daemon:
                before = len(told(seen))
                until(lambda: len(told(seen)) > before + 3, timeout=120)  # noqa: B023 - used at once
                fill(folder)
                before = len(told(seen))
                until(lambda: len(told(seen)) > before + 5, timeout=120)  # noqa: B023 - used at once
                assert "Traceback" not in daemon.output
                code = daemon.stop(end)
                assert code == (-signal.SIGKILL if end is signal.SIGKILL else 0), (number, daemon.output)


@pytest.mark.parametrize(
    ("verb", "asked"), [("silence", {"rule": "anybody", "for": "1h"}), ("acknowledge", {"rule": "anybody"})]
)
def test_what_is_answered_is_on_disk_before(tmp_path, busy, verb, asked):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:

        def ask(number):
            broker.publish(f"edge-fer/test/command/{verb}", json.dumps(asked | {"id": number}))
            (answer,) = seen.wait_for(lambda m: m.topic.endswith(f"/response/{verb}") and m.json["id"] == number)
            return answer.json

        settings = config(busy, broker, commands="on")
        with Daemon(tmp_path / "node", settings) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("alert_event"), timeout=120)
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            refused = ask("one")
            assert (refused["ok"], refused["error"]) == (False, "failed")
            assert "could not be kept" in refused["message"]
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert ask("two")["ok"]
            daemon.stop(signal.SIGKILL)
        kept = json.loads((tmp_path / "node" / "state" / "alerts.json").read_text())["kept"]["front"]["rules"]
        assert kept["anybody"], kept
