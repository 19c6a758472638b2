"""A flag that signals set, under thousands of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_fer.support.signal_flag import SignalFlag

#: A main thread that waits for a flag time and again, while a signal sets it thousands of times a second.
STORM = """
import random, signal, threading, time
from edge_fer.support.signal_flag import SignalFlag

flag = {kind}()
count = 0

def handle(*_):
    global count
    count += 1
    flag.set()
    signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-5, 3e-4))

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 1e-4)
until = time.monotonic() + 2
while time.monotonic() < until or count < 1000:
    flag.clear()
    flag.wait(1e-4)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
"""


def storm(kind, timeout):
    root = Path(__file__).parents[1]
    script = STORM.format(kind=kind)
    subprocess.run([sys.executable, "-c", script], timeout=timeout, check=True, env=os.environ | {"PYTHONPATH": root})


def test_no_signal_stops_it_for_ever():
    storm("SignalFlag", 60)


def test_the_storm_stops_an_event_for_ever():
    """So that the test above shows something."""
    with pytest.raises(subprocess.TimeoutExpired):
        storm("threading.Event", 8)


def test_it_waits_until_it_is_set_and_no_longer():
    flag = SignalFlag()
    assert not flag.wait(0.01)
    assert not flag.is_set()
    threading.Timer(0.05, flag.set).start()
    begun = time.monotonic()
    assert flag.wait(30)
    assert time.monotonic() - begun < 10
    assert flag.is_set()
    flag.clear()
    assert not flag.is_set()
