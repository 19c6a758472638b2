"""An analysis of ten minutes that never were, with everything in it that a report can show."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np

from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.clock.system import SystemClock
from edge_fer.config import load
from edge_fer.recordings.analysis.cut import Cut
from edge_fer.recordings.analysis.key_frames import KeyFrames
from edge_fer.recordings.analysis.outcome import AnalysisOutcome
from edge_fer.recordings.analysis.timeline import AnalysisTimeline
from edge_fer.recordings.replay.outcome import Firing
from edge_fer.rules.scene.mood import Stint
from edge_fer.sample import sample_path
from edge_fer.types import LABEL_SETS, Box, Face
from edge_fer.wiring import build_scale
from tests.invented import at, reading

#: Who came when, and showed what for how long.
STORY = {
    "a": (8, [("neutral", 40), ("happy", 75), ("neutral", 20), ("happy", 60)]),
    "b": (60, [("neutral", 30), ("uncertain", 12), ("sad", 34), ("angry", 48), ("sad", 20), ("neutral", 30)]),
    "c": (150, [("surprise", 14), ("happy", 120), ("uncertain", 25), ("happy", 90)]),
    "d": (330, [("neutral", 55), ("fear", 18), ("neutral", 22), ("sad", 60)]),
    "e": (420, [("happy", 40), ("neutral", 35), ("disgust", 16), ("neutral", 60)]),
}


def timeline(story=None) -> AnalysisTimeline:
    """Seconds of a story, told a quarter of a second at a time and in order."""
    line, steps = AnalysisTimeline(), []
    for who, (came, shown) in (story or STORY).items():
        labels = [label for label, long in shown for _ in range(4 * long)]
        steps += [(came + quarter / 4, who, label) for quarter, label in enumerate(labels)]
    for begin, together in itertools.groupby(sorted(steps), key=lambda step: step[0]):
        line.take([Stint(who, label, 0.25, label != "uncertain") for _, who, label in together], begin)
    return line


@functools.cache
def portrait():
    """A frame of the sample recording, and where the face is in it."""
    frames = VideoFile("x", sample_path(), clock=SystemClock()).frames()
    image = next(frame.image for frame in frames if frame.index == 80)
    return image, Face(Box(290, 131, 123, 123), 1.0)


def outcome(**changes) -> AnalysisOutcome:
    settings = load([], settings=False).config
    image, face = portrait()
    frames = KeyFrames()
    for seconds, label, score in ((30, "happy", 0.97), (170, "angry", 0.81), (370, "fear", 0.62), (505, "sad", 0.77)):
        frames.offer(seconds, image, [reading(seconds, label, score, box=face.box)], [])
    found = AnalysisOutcome(
        version="0.1.0",
        file="counter <b>&amp;</b> door.mp4",
        camera="front",
        profile="counter",
        detector="blazeface",
        model="invented",
        labels=LABEL_SETS["seven"],
        cut=Cut(),
        size=(640, 360),
        first=at(0),
        begin=0.0,
        end=600.0,
        frames=6000,
        promised=600.0,
        interrupted=False,
        timeline=timeline(),
        scale=build_scale(settings.mood),
        over=60.0,
        rules=["unhappy-guest", "queue", "bad-quarter"],
        firings=[
            Firing("front", "unhappy-guest", "warning", at(136), at(140), at(210)),
            Firing("front", "unhappy-guest", "warning", at(425), at(429), at(490)),
            Firing("front", "bad-quarter", "critical", at(430), at(520)),
        ],
        firings_left_out=0,
        events=21,
        key_frames=frames.chosen(lambda _: [], show_faces=False),
        faces_shown=False,
    )
    return replace(found, **changes)


def noise(side: int = 240):
    """A picture in which every pixel is another."""
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
