"""The stages that a benchmark shows are those that a frame goes through."""

from __future__ import annotations

from edge_fer.bench.report import STAGES
from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.config.tree import CameraSection, FacesSection
from edge_fer.inference.store import Store
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.wiring import build_pipeline
from tests.capture.helpers import InventedClock
from tests.fetched import FOLDER


def test_every_stage_that_is_timed_is_shown_in_the_order_of_the_flow():
    time, clock = Stopwatch(), InventedClock()
    line = build_pipeline("front", CameraSection(faces=FacesSection(detector="haar")), store=Store(FOLDER), time=time)
    frames = VideoFile("front", sample_path(), clock=clock).frames()
    for _, frame in zip(range(80), frames, strict=False):
        line.step(frame)
    frames.close()
    # the two that are no pipeline's own
    assert set(STAGES) - set(time.stages()) == {"capture", "publish"}
    assert set(time.stages()) <= set(STAGES)
    assert STAGES.index("view") < STAGES.index("motion") < STAGES.index("detect") < STAGES.index("rules")
