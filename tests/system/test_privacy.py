"""No picture leaves the process: everything that it writes and sends is seen by strace, and searched."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.broker import Mosquitto, Subscriber
from tests.daemon import COMMAND
from tests.system.pictures import Search, sample_frames
from tests.system.trace import OPTIONS, read, strace_path


@pytest.fixture(scope="module")
def search():
    return Search(sample_frames(6))


@pytest.fixture(scope="module")
def frame():
    return list(sample_frames(6))[12]


def crop(frame):
    """A part of the picture with a face, or a shoulder, in it."""
    return np.ascontiguousarray(frame[100:148, 250:298])


@pytest.mark.parametrize(
    "leak",
    [
        lambda frame: frame.tobytes(),
        lambda frame: crop(frame).tobytes(),
        lambda frame: crop(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)).tobytes(),
        lambda frame: cv2.imencode(".jpg", crop(frame))[1].tobytes(),
        lambda frame: cv2.imencode(".png", crop(frame))[1].tobytes(),
        lambda frame: json.dumps({"picture": base64.b64encode(crop(frame).tobytes()).decode()}).encode(),
        lambda frame: json.dumps({"picture": crop(frame).tobytes().hex()}).encode(),
        lambda frame: crop(frame)[20].tobytes(),
    ],
    ids=["frame", "crop", "grey crop", "JPEG", "PNG", "base64", "hex", "one row of a crop"],
)
def test_the_search_finds_what_it_shall_find(search, frame, leak):
    assert search.finds(b"before" + leak(frame) + b"after")


def test_the_search_does_not_cry_over_nothing(search):
    rng = np.random.default_rng(1)
    assert search.finds(rng.integers(0, 256, 200_000, np.uint8).tobytes().replace(b"BM\x36", b"")) == []
    assert search.finds(Path(__file__).read_bytes().replace(b"ftypisom", b"")) == []


@pytest.fixture
def strace():
    return strace_path()


def test_no_picture_reaches_disk_or_network(tmp_path, strace, search):
    state, trace = tmp_path / "state", tmp_path / "trace"
    everything = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        config = tmp_path / "config.yaml"
        settings = {
            "node": {"id": "test"},
            "cameras": {"front": {"source": "sample", "speed": "fast"}},
            "alerts": {"anybody": {"when": {"emotion": everything, "score": 0.9}, "for": "1s"}},
            "mqtt": {"broker": broker.url},
            "state_dir": str(state),
            "log_level": "debug",
        }
        config.write_text(json.dumps(settings))
        command = [strace, *OPTIONS, "-o", str(trace), *COMMAND, "run", "--show", "--config", str(config)]
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        ended = subprocess.run(command, capture_output=True, timeout=500, check=False, env=environment)
        assert ended.returncode == 0, ended.stderr.decode()
        seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["event_type"] == "left")
        seen.wait_for(lambda m: m.topic.endswith("/alert_event"), count=2)

    traced = read(trace)
    network = b"".join(data for name, data in traced.sent.items() if name.startswith(("TCP", "socket")))
    assert b"edge-fer/test/camera/front/alert_event" in network, "what went to the broker was seen"
    assert any("outbox.sqlite" in name and data for name, data in traced.sent.items()), "so was the outbox"
    assert not traced.calls & {"io_uring_setup", "io_submit", "process_vm_writev", "shmget", "vmsplice", "sendfile"}
    for name, data in traced.sent.items():
        assert search.finds(data) == [], name

    # what is written by way of memory is in the files it was written to, which are few and known
    elsewhere = {path for path in traced.opened if not path.startswith((f"{state}/", "/dev/null", "/proc/self/"))}
    assert elsewhere == set()
    for file in state.rglob("*"):
        if file.is_file():
            assert search.finds(file.read_bytes()) == [], file

    # what went over the network is text that the schemas hold (tests/test_run.py), and very little besides
    besides = re.sub(rb"[\x20-\x7e]{4,}", b"", network)
    assert len(besides) < 48 * 48, "more than words, and enough for one small grey picture"
