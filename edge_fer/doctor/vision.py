"""Checks of what sees: the cameras, the model, the detector."""

from __future__ import annotations

import time
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from edge_fer.capture.sources import SAMPLE, SourceOptions, kind_of, make_source
from edge_fer.clock.system import SystemClock
from edge_fer.config.tree import CameraSection, EmotionSection
from edge_fer.doctor.finding import CheckResult, fault, good, of_error, skipped, warning
from edge_fer.errors import EdgeFerError
from edge_fer.inference.store import Store
from edge_fer.sample import SAMPLES
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import EventKind, Frame
from edge_fer.wiring import build_pipeline, find_source
from edge_fer.wiring.vision import make_classifier

__all__ = ["camera", "detector", "model"]

#: Seconds in which a camera's first picture must come.
FIRST_PICTURE = 20.0
#: Mean of all pixels below which a picture shows nothing.
DARK = 12
#: Frames of the sample recording in which its face must be found.
SAMPLE_FRAMES = 150


def camera(name: str, settings: CameraSection, daemon: int | None) -> CheckResult:
    """Whether a camera gives a picture.

    Args:
        name: its name.
        settings: as in the config.
        daemon: the process id of a daemon that runs; a device is then left to it.
    """
    label = f"camera {name}"
    try:
        source = find_source(name, settings.source, sample=None)
        if daemon and kind_of(source).exclusive:
            return skipped(label, f"{source} is left to the daemon that runs (process {daemon})")
        frame = _first_frame(name, source, settings)
    except EdgeFerError as error:
        return of_error(label, error)
    if frame is None:
        what = f"no picture came within {FIRST_PICTURE:g} s"
        return fault(label, what, "Check its cable, power and network, and whether another program uses it")
    height, width = frame.image.shape[:2]
    told = f"it gives pictures of {width} x {height}"
    if frame.image.mean() < DARK:
        return warning(label, f"{told}, but they are dark", "Take off the lens cover, or give it light")
    return good(label, told)


def model(emotion: EmotionSection) -> CheckResult:
    """Whether the emotion model is whole and runs."""
    try:
        classifier = make_classifier(emotion)
    except EdgeFerError as error:
        return of_error("model", error)
    runs = classifier.model
    return good("model", f"{classifier.sidecar.name}, run by {runs.runtime} {runs.version}")


def detector(name: str, settings: CameraSection, store: Store) -> CheckResult:
    """Whether the whole way from a picture to an emotion works: on the sample recording, in which there is a face.

    Args:
        name: the camera's name.
        settings: as in the config.
        store: where fetched model files are.
    """
    faces = settings.faces.model_copy(update={"min_size": 48, "confirm": 3, "detect_every": 0})
    watch = Stopwatch()
    try:
        pipeline = build_pipeline(name, settings.model_copy(update={"faces": faces}), store=store, time=watch)
        source = make_source(name, SAMPLE.name, clock=SystemClock(), options=SourceOptions(samples=SAMPLES))
        begun = time.perf_counter()
        frames = source.frames()
        for count, frame in enumerate(frames, 1):
            told = pipeline.step(frame)
            if any(event.kind is EventKind.APPEARED for event in told.events):
                each = (time.perf_counter() - begun) / count * 1000
                frames.close()
                what = f"{pipeline.detector} finds the face in the sample recording, at {each:.0f} ms a frame"
                return good("detector", what)
            if count == SAMPLE_FRAMES:
                break
        frames.close()
    except EdgeFerError as error:
        return of_error("detector", error)
    remedy = "Install the package again, or choose another `faces.detector`"
    return fault("detector", "it does not find the face in the sample recording", remedy)


def device_of(source: str) -> Path | None:
    """The device that a source is, if it is one."""
    if source.isdecimal():
        return Path(f"/dev/video{source}")
    return Path(source) if source.startswith("/dev/") else None


def _first_frame(name: str, source: str, settings: CameraSection) -> Frame | None:
    """The first frame, read in a thread, because a driver may hang."""
    options = SourceOptions(
        size=settings.size,
        fps=settings.fps,
        read_timeout=FIRST_PICTURE / 2,
        username=settings.username,
        password_file=settings.password_file,
        samples=SAMPLES,
    )
    opened = make_source(name, source, clock=SystemClock(), options=options)
    answers: Queue[Frame | EdgeFerError | None] = Queue()

    def read() -> None:
        frames = opened.frames()
        try:
            answers.put(next(frames, None))
        except EdgeFerError as error:
            answers.put(error)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises
            answers.put(EdgeFerError(f"its driver failed with {type(error).__name__}: {error}"))
        finally:
            frames.close()

    Thread(target=read, name=f"doctor-{name}", daemon=True).start()
    try:
        answer = answers.get(timeout=FIRST_PICTURE)
    except Empty:
        return None
    if isinstance(answer, EdgeFerError):
        raise answer
    return answer
