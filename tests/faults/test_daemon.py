"""The real daemon on a recording, which gives the same events each time: killed amid them, with a line that is cut."""

from __future__ import annotations

import signal
import time

from edge_fer.sample import sample_path
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.faults.proxy import Proxy

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
#: Whatever the face is taken for, the sum over all emotions is 1.
RULE = {"when": {"emotion": LABELS, "score": 0.9}, "for": "1s"}
#: What is the same in each run; ids and times are not.
SAME = ("event_type", "emotion", "previous", "duration_s", "confidence", "value", "reason")


def config(port):
    camera = {"source": str(sample_path()), "speed": "fast"}
    broker = {"broker": f"mqtt://127.0.0.1:{port}", "keepalive": "5s"}
    return {"cameras": {"front": camera}, "alerts": {"anybody": RULE}, "mqtt": broker}


def told(seen, ending):
    """What came on a topic in the order of `seq`, each once; the numbers must have no gap."""
    by_seq = {message.json["seq"]: message.json for message in seen.of(ending)}
    assert sorted(by_seq) == list(range(1, len(by_seq) + 1))
    first_came = list(dict.fromkeys(message.json["seq"] for message in seen.of(ending)))
    assert first_came == sorted(by_seq), "in order, leaving out what came again"
    return [{name: by_seq[seq].get(name) for name in SAME} for seq in sorted(by_seq)]


def play(folder, port):
    """The recording to its end."""
    with Daemon(folder, config(port)) as daemon:
        assert daemon.wait() == 0, daemon.output
        assert "Traceback" not in daemon.output


def test_a_recording_is_told_whole_whatever_happens_to_daemon_and_line(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        with Subscriber(broker) as seen:
            play(tmp_path / "undisturbed", broker.port)
            seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["event_type"] == "left")
            reference = {ending: told(seen, ending) for ending in ("/event", "/alert_event")}
        assert len(reference["/event"]) >= 2
        assert len(reference["/alert_event"]) == 2
        with Subscriber(broker) as seen, Proxy(broker.port) as proxy:
            with Daemon(tmp_path / "disturbed", config(proxy.port)) as daemon:
                seen.wait_for(lambda m: m.topic.endswith("/event"), timeout=120)
                proxy.cut()
                time.sleep(0.2)
                daemon.stop(signal.SIGKILL)
            proxy.tear(700)
            play(tmp_path / "disturbed", proxy.port)
            seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["event_type"] == "left")
            for ending, whole in reference.items():
                came = told(seen, ending)
                before = came[: len(came) - len(whole)]
                assert came[len(before) :] == whole, "the second life tells all of it"
                assert before == whole[: len(before)], "the first one as much as it came to"
