"""Network cameras on this machine, read as the daemon reads them."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading

import pytest

from edge_fer.capture.loop import CaptureLoop, CaptureState
from edge_fer.capture.network.camera import NetworkCamera
from edge_fer.capture.slot import LiveSlot
from edge_fer.clock.system import SystemClock
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError
from edge_fer.support.backoff import Backoff
from tests.capture.helpers import MjpegCamera
from tests.capture.tried import tried


@pytest.fixture
def camera():
    made = MjpegCamera()
    yield made
    made.die()


def stream(url, **options):
    return NetworkCamera("front", url, clock=SystemClock(), **{"open_timeout": 30, "read_timeout": 30} | options)


def test_stream_is_read(camera):
    frames = stream(camera.url).frames()
    got = list(itertools.islice(frames, 10))
    frames.close()
    assert got[0].image.shape == (120, 160, 3)
    values = [int(frame.image.mean()) for frame in got]
    assert values == sorted(values)
    assert [frame.index for frame in got] == list(range(10))


def test_stream_is_thinned(camera):
    # of 50, or as many as this machine sends when it is busy
    frames = stream(camera.url, fps=2).frames()
    got = list(itertools.islice(frames, 4))
    frames.close()
    assert got[3].index > 8
    assert got[3].at.mono - got[1].at.mono > 0.15


def test_stream_that_falls_silent(camera):
    frames = stream(camera.url, read_timeout=3).frames()
    next(frames)
    camera.silent.set()
    with pytest.raises(SourceStalledError, match="sent nothing"):
        list(frames)


def test_stream_that_ends(camera):
    frames = stream(camera.url).frames()
    next(frames)
    killer = threading.Thread(target=camera.die)
    killer.start()
    with pytest.raises(SourceLostError, match="stopped sending"):
        list(frames)
    killer.join()


def test_stream_that_does_not_open_says_why(camera):
    with pytest.raises(SourceLostError, match=r"has nothing at this path"):
        next(stream(camera.url.replace("/video", "/vidoe")).frames())
    camera.die()
    with pytest.raises(SourceLostError, match=r"Connection refused. Check that the camera is on"):
        next(stream(camera.url).frames())
    with pytest.raises(SourceLostError, match=r"Connection refused"):
        next(stream(f"rtsp://joe:s3cret@127.0.0.1:{camera.port}/live").frames())
    with pytest.raises(SourceError, match=r"cannot be opened. Write it like"):
        next(stream("rtsp://127.0.0.1:http/live").frames())


def test_no_password_is_ever_shown(camera):
    """In a process of its own, because FFmpeg writes to standard error by itself."""
    camera.die()
    script = f"""
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from edge_fer.clock.system import SystemClock
from edge_fer.capture.network.camera import NetworkCamera
for scheme in ("http", "rtsp"):
    try:
        next(NetworkCamera("front", scheme + "://joe:s3cret@127.0.0.1:{camera.port}/x", clock=SystemClock()).frames())
    except OSError as error:
        print(repr(error), str(error))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "rtsp://***@127.0.0.1" in ran.stdout
    assert "s3cret" not in ran.stdout + ran.stderr
    assert ran.stderr == "", "and OpenCV keeps quiet"


@tried("HTTP, JPEG pictures", "the camera is switched off, or falls silent", "lost, and found again")
def test_stream_that_dies_comes_back_by_itself(camera):
    states = []
    changed = threading.Condition()

    def on_state(state, reason):
        with changed:
            states.append((state, reason))
            changed.notify_all()

    def wait_for(count, wanted=lambda _state, _reason: True):
        """The first state from the one of that number on that is like `wanted`, and the number of the next."""
        found = lambda: [n for n, state in enumerate(states) if n >= count and wanted(*state)]  # noqa: E731
        with changed:
            assert changed.wait_for(found, 60), states
            return states[found()[0]], found()[0] + 1

    online = lambda state, _reason: state is CaptureState.ONLINE  # noqa: E731

    stop = threading.Event()
    loop = CaptureLoop(
        "front",
        stream(camera.url, open_timeout=5, read_timeout=3),
        LiveSlot(),
        clock=SystemClock(),
        on_state=on_state,
        backoff=Backoff(first=0.05, most=0.05),
        poll=0.02,
    )
    thread = threading.Thread(target=loop.run, args=[stop])
    thread.start()
    try:
        _, after = wait_for(0)
        camera.die()
        _, after = wait_for(after)
        camera.start()
        _, after = wait_for(after, online)
        camera.silent.set()
        (_, reason), after = wait_for(after)
        assert "sent nothing" in reason
        camera.silent.clear()
        wait_for(after, online)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert states[0] == (CaptureState.ONLINE, "")
    assert loop.losses == 2
    assert loop.stalls >= 1
    assert loop.stuck == 0
    assert all(state is CaptureState.LOST for state, reason in states if reason)
