"""A camera whose loop and listeners are invented."""

from __future__ import annotations

import threading

from edge_fer.capture.loop import CaptureLoop, LoopSettings
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.clock.system import SystemClock
from edge_fer.config.tree import CameraSection as CameraConfig
from edge_fer.daemon.camera import Camera
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Told
from edge_fer.support.backoff import Backoff
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import Scene, Standing
from edge_fer.wiring import build_pipeline
from tests.fetched import FOLDER


class Ear:
    """Hears what a camera tells."""

    def __init__(self):
        self.told: list[Told] = []
        self.online: list[bool] = []
        self.news = threading.Condition()

    def tell(self, told):
        with self.news:
            self.told.append(told)
            self.news.notify_all()

    def tell_online(self, online, _at):
        with self.news:
            self.online.append(online)
            self.news.notify_all()

    def wait_for(self, condition, timeout=300):
        with self.news:
            assert self.news.wait_for(condition, timeout)


def make_camera(source, ear, pipeline=None, **options):
    clock = SystemClock()
    return Camera(
        "front",
        make_loop=lambda on_state, on_pass: CaptureLoop(
            "front",
            source,
            LiveSlot() if source.live else FileSlot(),
            clock=clock,
            on_state=on_state,
            on_pass=on_pass,
            backoff=Backoff(first=0.01, most=0.02),
            settings=LoopSettings(poll=0.01, **options),
        ),
        pipeline=pipeline or build_pipeline("front", CameraConfig(), store=Store(FOLDER), time=Stopwatch()),
        watch=Stopwatch(),
        tell=ear.tell,
        tell_online=ear.tell_online,
        clock=clock,
    )


class Counting:
    """A pipeline that only counts; `fails` makes it fail at that frame."""

    rules = ()
    frozen = None

    def __init__(self, fails=None):
        self.steps = 0
        self.finished = 0
        self.fails = fails

    def step(self, frame):
        self.steps += 1
        if self.steps == self.fails:
            msg = "a fault of ours"
            raise RuntimeError(msg)
        return Told(frame.at)

    def finish(self, at):
        self.finished += 1
        return Told(at)

    def pass_time(self, at):
        return Told(at)

    def end(self, at):
        return Told(at)

    def pause(self, at):
        return Told(at, scene=Scene("front", at, 0, None, 0.0, paused=True))

    def change_rules(self, rules, at):
        return Told(at, alerts=dict.fromkeys(rules, Standing()))
