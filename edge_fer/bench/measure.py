"""Runs a camera's pipeline over its source in one thread, publishes into a real outbox, and measures each part."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from edge_fer import __version__
from edge_fer.bench import flicker
from edge_fer.bench.process import memory, since_start
from edge_fer.bench.report import STAGES, Flicker, Frames, Process, Report, Shares, Skipping, StageCost, StepResponse
from edge_fer.bench.taps import CountedClassifier, CountedDetector, TappedSmoother
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.contract.composer import Composer
from edge_fer.contract.topics import Topics
from edge_fer.errors import SourceError
from edge_fer.faces.people.attention import Work
from edge_fer.inference.runtime import loaded_runtime, timed_runs
from edge_fer.inference.store import Store
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.pipeline.step import Pipeline, Told
from edge_fer.sinks.mqtt import MqttSink
from edge_fer.support.redact import redacted
from edge_fer.support.stopwatch import StageTime, Stopwatch
from edge_fer.types import EventKind, Frame
from edge_fer.wiring import build_rules, build_stages, build_summaries, make_smoother, overview_of, play

__all__ = ["measure"]

#: Frames whose times and readings are kept: the last 20 minutes at 25 a second.
KEPT = 30_000
#: One frame in so many is taken apart by the processor's clock, which is dear to read: for `shares`.
SAMPLED = 5


def measure(
    name: str,
    camera: config.CameraSection,
    *,
    settings: config.Config,
    seconds: float | None = None,
    frames: int | None = None,
) -> Report:
    """Runs a camera's pipeline, one stage after the other in this thread, so that a stage's time is its own.

    Args:
        name: the camera's.
        camera: its section of the config, with a source that can be opened, not `auto`.
        settings: the whole config: the camera's rules and summaries run too.
        seconds: how long at most, by the wall clock; None for as long as the source lasts.
        frames: how many at most, likewise.

    Raises:
        EdgeFerError: the source or a model is missing or wrong, or the source gave no frame.
    """
    run = _BenchRun(name, camera, settings)
    with _outbox(name) as sink, closing(play(name, camera, clock=SystemClock())) as source:
        run.over(source, partial(sink.tell, name), seconds=seconds, frames=frames)
    return run.report()


class _BenchRun:
    """One run, and what is measured in it."""

    def __init__(self, name: str, camera: config.CameraSection, settings: config.Config) -> None:
        self._camera = camera
        self._watch = Stopwatch(keep=KEPT)
        summaries = build_summaries(name, camera, settings)
        rules = build_rules(name, camera, settings, summaries.trend)
        stages = build_stages(
            camera,
            store=Store(settings.models_dir),
            overview=overview_of(camera),
            rules=rules,
            summaries=summaries,
        )
        self._detector = CountedDetector(stages.detector, stages.looker)
        self._classifier = CountedClassifier(stages.classifier)
        self._smoother = TappedSmoother(stages.smoother, keep=KEPT)
        self._pipeline = Pipeline(
            name,
            replace(
                stages,
                detector=self._detector,
                looker=self._detector if stages.looker else None,
                classifier=self._classifier,
                smoother=self._smoother,
            ),
            min_confidence=camera.emotion.min_confidence,
            min_lead=camera.emotion.min_lead,
            time=self._watch,
        )
        self._parts: deque[tuple[float, float, float]] = deque(maxlen=KEPT)
        self._decoded = 0
        #: of the first frame and of the last; no frame itself, which would count as the pipeline's memory
        self._times: tuple[float, float] | None = None
        self._size = (0, 0)
        self._first_event: float | None = None
        self._changes = 0
        self._seconds = self._cpu = 0.0
        self._memory = (0, 0)

    def over(
        self, source: Iterator[Frame], tell: Callable[[Told], None], *, seconds: float | None, frames: int | None
    ) -> None:
        """Takes the source's frames, and tells what comes of them."""
        cpu, begin = process_time(), perf_counter()
        while (frames is None or self._decoded < frames) and (seconds is None or perf_counter() - begin < seconds):
            sampled = self._decoded % SAMPLED == 0
            started = process_time() if sampled else None
            with self._watch("capture"):
                frame = next(source, None)
            if frame is None:
                break
            self._take(frame, tell, started)
            del frame  # or it would be held while the next one is decoded
            if self._decoded == 1:  # it pays for what is set up late, and does not count
                cpu, begin = process_time(), perf_counter()
        self._seconds, self._cpu = perf_counter() - begin, process_time() - cpu
        self._memory = memory()

    def _take(self, frame: Frame, tell: Callable[[Told], None], started: float | None) -> None:
        """Takes one frame; `started`: processor seconds when its capture began, where it is to be taken apart."""
        if started is None:
            told = self._told(frame, tell)
        else:
            captured, bare = process_time(), self._detector.bare + self._classifier.bare
            self._detector.timed = True
            with timed_runs():
                told = self._told(frame, tell)
            self._detector.timed = False
            done = process_time()
            self._parts.append((captured - started, self._detector.bare + self._classifier.bare - bare, done - started))
        self._decoded += 1
        mono = frame.at.mono
        self._times, self._size = (self._times[0] if self._times else mono, mono), frame.size
        if told.events and self._first_event is None:
            self._first_event = round(since_start(), 3)
        self._changes += sum(event.kind is EventKind.EMOTION_CHANGED for event in told.events)
        self._smoother.told(told.readings or ())

    def _told(self, frame: Frame, tell: Callable[[Told], None]) -> Told:
        told = self._pipeline.step(frame)
        with self._watch("publish"):
            tell(told)
        return told

    def report(self) -> Report:
        """What was measured."""
        if self._times is None:
            msg = f"source {redacted(self._camera.source)}: no frame came in the time given"
            raise SourceError(msg, remedy="Give it more time with --seconds, or check the camera")
        faces, read_every = self._camera.faces, self._camera.emotion.read_every
        span = self._times[1] - self._times[0]
        rss, peak = self._memory
        return Report(
            version=__version__,
            source=redacted(self._camera.source),
            detector=self._detector.name,
            runtime=loaded_runtime(),
            skipping=Skipping(
                on=bool(faces.detect_every or faces.rest_every or read_every),
                detect_every_s=faces.detect_every,
                rest_every_s=faces.rest_every,
                read_every_s=read_every,
            ),
            frames=self._frames(),
            seconds=round(self._seconds, 3),
            fps=round((self._decoded - 1) / self._seconds, 2),
            stages=self._stages(),
            shares=self._shares(),
            process=Process(
                cpu_share=round(self._cpu / self._seconds, 4),
                cpu_share_at_pace=round(self._cpu / span, 4) if span else 0.0,
                rss_bytes=rss,
                peak_rss_bytes=peak,
                first_event_s=self._first_event,
            ),
            flicker=self._flicker(),
            steps=self._steps(),
        )

    def _frames(self) -> Frames:
        work = self._pipeline.work
        return Frames(
            decoded=self._decoded,
            rested=work[Work.REST],
            followed=work[Work.FOLLOW],
            detected=work[Work.DETECT],
            with_face=self._detector.frames,
            classified=self._classifier.frames,
            faces_found=self._detector.faces,
            faces_classified=self._classifier.faces,
            size=self._size,
        )

    def _stages(self) -> dict[str, StageCost]:
        times, never = self._watch.stages(), StageTime(0.0, 0.0, 0)
        found = ((stage, times.get(stage, never)) for stage in STAGES)
        return {stage: StageCost(time.median, time.p95, time.passes) for stage, time in found}

    def _shares(self) -> Shares:
        """By medians of processor time, so that what the machine does besides does not count."""
        capture, networks, _ = (median(part) for part in zip(*self._parts, strict=True))
        own = median(whole - capture - networks for capture, networks, whole in self._parts)
        total = capture + networks + own
        return Shares(round(capture / total, 4), round(networks / total, 4), round(own / total, 4))

    def _flicker(self) -> Flicker:
        people = self._smoother.people()
        seconds = sum(samples[-1].mono - samples[0].mono for samples in people)
        return Flicker(
            person_seconds=round(seconds, 3),
            raw=round(flicker.switches_per_second(people, lambda sample: flicker.leading(sample.raw)), 4),
            smoothed=round(flicker.switches_per_second(people, lambda sample: sample.smoothed), 4),
            told=round(flicker.switches_per_second(people, lambda sample: sample.told), 4),
            published=round(self._changes / seconds, 4) if seconds else 0.0,
        )

    def _steps(self) -> StepResponse:
        emotion = self._camera.emotion
        stretches = flicker.steady_stretches(self._smoother.people(), min_confidence=emotion.min_confidence)
        delays = flicker.step_delays(
            stretches,
            partial(make_smoother, emotion.smoothing),
            min_confidence=emotion.min_confidence,
            min_lead=emotion.min_lead,
        )
        return StepResponse(
            stretches=dict(Counter(stretch.label for stretch in stretches)),
            tried=len(delays),
            never_told=delays.count(float("inf")),
            median_s=flicker.percentile(delays, 0.5),
            p95_s=flicker.percentile(delays, 0.95),
        )


@contextmanager
def _outbox(camera: str) -> Iterator[MqttSink]:
    """A sink into a real outbox in a folder that goes away, with no broker behind it."""
    clock, topics = SystemClock(), Topics("bench")
    nowhere = BrokerSettings(host="127.0.0.1", port=9, client_id="edge-fer-bench")
    with tempfile.TemporaryDirectory(prefix="edge-fer-bench-") as folder:
        link = Link(broker=nowhere, topics=topics, outbox=Path(folder, "outbox.sqlite"), clock=clock)
        sink = MqttSink(link, topics, Composer("bench"))
        sink.online(camera, True, clock())
        with _quiet("edge_fer.mqtt"), _quiet("edge_fer.outbox"):
            link.start()
            try:
                yield sink
            finally:
                link.close(2)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without a word of that part of the log: that there is no broker is on purpose."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
