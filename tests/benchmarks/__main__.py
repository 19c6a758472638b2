"""Benchmarks: `python -m tests.benchmarks [--smoke] [--json]`.

Every number is a ratio to something measured in the same run on the same pinned core, because absolute times say more
about the machine than about us. A full run that misses a bar (`bars.py`) exits 1; `--smoke` only shows that they run.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import cv2
import numpy as np

from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.view.watch import ViewWatch
from edge_fer.clock.system import SystemClock
from edge_fer.config import Config, Layer, load
from edge_fer.config.tree import CameraSection, FacesSection
from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import MessageKind
from edge_fer.contract.topics import Topics
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.inference.store import Store
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.recordings.replay.outcome import Judge, ReplayOutcome, replay
from edge_fer.recordings.trace.reader import Step, TraceReader
from edge_fer.recordings.trace.writer import TraceWriter
from edge_fer.rules.events import EventTeller
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import LABEL_SETS, Frame, Image
from edge_fer.wiring import build_pipeline, build_rules, build_summaries
from tests.benchmarks.bars import missed
from tests.benchmarks.draining import draining
from tests.fetched import FOLDER
from tests.invented import at, reading, track


def seconds(action: Callable[[], object], passes: int) -> float:
    """Median time of one pass."""
    taken = []
    for _ in range(passes):
        begin = perf_counter()
        action()
        taken.append(perf_counter() - begin)
    return median(taken)


def classifier(passes: int) -> dict[str, float]:
    """What the adapter adds to the bare runtime: preprocessing, calibration, labels."""
    whole = EmotionClassifier.load()
    crop = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    ready = np.zeros(whole.model.input.shape, np.int8)
    interpreter = whole.model._interpreter
    index = interpreter.get_input_details()[0]["index"]
    out = interpreter.get_output_details()[0]["index"]

    def bare() -> None:
        interpreter.set_tensor(index, ready)
        interpreter.invoke()
        interpreter.get_tensor(out)

    return {"classify / bare runtime": seconds(lambda: whole.classify([crop]), passes) / seconds(bare, passes)}


def pipeline(passes: int) -> dict[str, float]:
    """The whole step against the bare detector and classifier, on frames with a face."""
    frames = [
        frame for frame in VideoFile("bench", sample_path(), clock=SystemClock()).frames() if 45 <= frame.index < 120
    ]
    frames = frames[: max(5, passes // 4)]
    every = FacesSection(detector="haar", detect_every=0, rest_every=0)
    line = build_pipeline("bench", CameraSection(faces=every), store=Store(Path()), time=Stopwatch())
    detector, whole = HaarDetector(min_size=48), EmotionClassifier.load()
    crop = frames[0].image[100:200, 250:350]
    steps = iter(frames)
    step = seconds(lambda: line.step(next(steps)), len(frames))
    again = iter(frames)
    detect = seconds(lambda: detector.detect(next(again).image), len(frames))
    classify = seconds(lambda: whole.classify([crop]), passes)
    return {
        "detect / step": detect / step,
        "classify / step": classify / step,
        "own code / step": max(0.0, step - detect - classify) / step,
    }


def frame_budget(passes: int) -> dict[str, float]:
    """The processor's time for an empty scene against a busy one, 10 frames a second each, decoding apart.

    Both are the sample recording with the noise of a sensor and the bands of lamps added: once what hangs beside the
    person, in which nothing moves; once the person, coming nearer and going back without a rest.
    """
    played = [frame.image for frame in VideoFile("bench", sample_path(), clock=SystemClock()).frames()]
    beside = played[75][:, 480:]
    still = np.hstack([beside, beside[:, ::-1]] * 2)
    count = 40 if passes < 100 else 300
    random = np.random.default_rng(0)
    noise = [random.normal(0, 6, still.shape).astype(np.float32) for _ in range(7)]
    rows = np.linspace(0, 9, len(still))[:, None, None]

    def spent(show: Callable[[int], Image]) -> float:
        line = build_pipeline("bench", CameraSection(), store=Store(FOLDER), time=Stopwatch())
        taken = 0.0
        for index in range(count):
            light = (1 + 0.08 * np.sin(2.1 * index + rows)).astype(np.float32)
            image = np.clip(show(index) * light + noise[index % len(noise)], 0, 255).astype(np.uint8)
            begin = process_time()
            line.step(Frame("bench", index, image, at(index / 10)))
            # the first frame pays for what is set up late, and does not count
            taken += process_time() - begin if index else 0.0
        return taken

    nearer = played[53:70]
    busy = nearer + nearer[::-1]
    return {"empty scene / busy scene": spent(lambda _: still) / spent(lambda index: busy[index % len(busy)])}


def view(passes: int) -> dict[str, float]:
    """Looking at the view, as often as it is done (once a second) and as large as pictures come, against ten steps."""
    watch, line = ViewWatch(), build_pipeline("bench", CameraSection(), store=Store(FOLDER), time=Stopwatch())
    frames = VideoFile("bench", sample_path(), clock=SystemClock()).frames()
    frame = next(frame for frame in frames if frame.index == 60)
    times = iter(range(100, 1_000_000))
    look = seconds(lambda: watch.look(frame.image, at(next(times))), passes + 100)
    return {"view / 10 steps": look / (10 * seconds(lambda: line.step(frame), max(5, passes // 4)))}


def posting(passes: int) -> dict[str, float]:
    """Handing an event to the outbox against classifying a face."""
    (event,) = EventTeller(uncertain_after=1).update([reading(0)], appeared=[track()], left=[], at=at(0))
    composer, topics = Composer("bench"), Topics("bench")
    whole = EmotionClassifier.load()
    crop = np.zeros((96, 96, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        broker = BrokerSettings(host="127.0.0.1", port=9, client_id="bench")
        link = Link(broker=broker, topics=topics, outbox=Path(folder, "outbox"), clock=SystemClock())
        link.start()
        try:
            post = seconds(
                lambda: link.post(topics.event("cam"), MessageKind.EVENT, composer.event(event), event.at), passes
            )
        finally:
            link.close(2)
    return {"post / classify": post / seconds(lambda: whole.classify([crop]), passes)}


def replaying(passes: int) -> dict[str, float]:
    """A trace of one person at ten readings a second, against the processor's time that each profile's replay takes.

    In full it is a day of 864,000 readings. Memory is what is in use at most once the longest window is full, for eight
    times as many frames over few; the alerts and summaries to be shown are let go of meanwhile.
    """
    ratios = {}
    frames = 54 * passes**2 // 10
    for profile in ("counter", "ward", "crowd"):
        settings = load([Layer.mapping("benchmark", {"profile": profile})], settings=False).config
        (camera,) = settings.cameras.values()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "trace.jsonl")
            writer = TraceWriter(path, {"camera": LABEL_SETS[camera.emotion.labels]}, made_by="bench", most_bytes=10**9)
            for index in range(frames):
                label, when = ("angry", "neutral", "happy")[index // 50 % 3], index / 10
                gone = ["a"] if index % 600 == 599 else []
                writer.step("camera", at(when), [reading(when, label, 0.7)], people=1, left=gone)
            writer.close()

            def outcome(settings: Config = settings, camera: CameraSection = camera) -> ReplayOutcome:
                summaries = build_summaries("camera", camera, settings)
                rules = build_rules("camera", camera, settings, summaries.trend)
                return ReplayOutcome("bench", {"camera": Judge(rules, summaries)}, shortest=900)

            def peak(most: int, path: Path = path, outcome: Callable[[], ReplayOutcome] = outcome) -> int:
                with TraceReader(path) as trace:
                    made = outcome()
                    replay(_lightly(islice(trace, most), made), [made])
                return tracemalloc.get_traced_memory()[1]

            # the processor's time, because others may want the core, too
            made = outcome()
            begin = process_time()
            with TraceReader(path) as trace:
                replay(trace, [made])
            ratios[f"real time / replay, {profile}"] = frames / 10 / (process_time() - begin)
            assert made.summaries
            few = min(frames // 8, _FULL)
            peaks = []
            for most in (few, 8 * few):
                tracemalloc.start()
                peaks.append(peak(most))
                tracemalloc.stop()
            ratios[f"memory 8 x as long / short, {profile}"] = peaks[1] / peaks[0]
    return ratios


#: Frames after which every window of every profile is full, at ten a second.
_FULL = 12_000


def _lightly(steps: Iterable[Step], outcome: ReplayOutcome) -> Iterator[Step]:
    """The steps, without keeping what they come to; the peak of memory counts from then on."""
    for index, step in enumerate(steps):
        if index % 1000 == 0:
            outcome._firings.kept.clear()
            outcome.summaries.clear()
        if index == 1000:
            tracemalloc.reset_peak()
        yield step


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="few passes: shows that they run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    logging.disable(logging.WARNING)  # there is no broker, on purpose
    passes = 20 if args.smoke else 400
    ratios = classifier(passes) | pipeline(passes) | view(passes) | frame_budget(passes) | posting(passes)
    ratios |= replaying(passes) | draining(passes)
    if args.json:
        print(json.dumps(ratios, indent=2))
    else:
        for name, ratio in ratios.items():
            print(f"{name:36} {ratio:8.2f}")
    wrong = missed(ratios)
    if args.smoke:
        return 0
    for line in wrong:
        print(f"MISSED {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
