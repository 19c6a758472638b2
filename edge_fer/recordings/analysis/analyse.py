"""Takes a recording through the pipeline that runs live, and writes down what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from edge_fer import __version__
from edge_fer.clock.system import Clock
from edge_fer.config import tree as config
from edge_fer.contract.composer import Composer
from edge_fer.errors import AnalysisError
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Pipeline, Told
from edge_fer.recordings.analysis.cut import Cut
from edge_fer.recordings.analysis.folder import EVENTS, READINGS, Folder
from edge_fer.recordings.analysis.key_frames import KeyFrames
from edge_fer.recordings.analysis.outcome import AnalysisOutcome
from edge_fer.recordings.analysis.rows import EventRows, ReadingRows
from edge_fer.recordings.analysis.timeline import AnalysisTimeline
from edge_fer.recordings.replay.outcome import Firings
from edge_fer.rules.scene.mood import Stints
from edge_fer.types import LABEL_SETS, Box, Frame, Image, Instant
from edge_fer.wiring import build_rules, build_scale, build_stages, build_summaries, longest_gap, play
from edge_fer.wiring.vision import make_classifier

__all__ = ["Recording", "analyse"]

#: So many firings of alerts are told one by one in summary and report; `events.jsonl` has them all.
MOST_FIRINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is looked at.

    Attributes:
        file: its name, to be told.
        camera: name of the camera whose part of the config is used.
        promised: how long it says it is, in seconds; None: it does not.
        cut: the part to look at.
        clock: read at the first frame: when the recording began.
    """

    file: str
    camera: str
    promised: float | None
    cut: Cut
    clock: Clock


def analyse(
    recording: Recording,
    camera: config.CameraSection,
    settings: config.Config,
    *,
    make_folder: Callable[[], Folder],
    show_faces: bool = False,
    on_time: Callable[[float], None] = lambda _: None,
) -> tuple[Folder, AnalysisOutcome]:
    """Takes a recording through a camera's pipeline, and writes what grows with it; Ctrl-C ends it early.

    Args:
        recording: what to look at.
        camera: the camera's section of the config, with the recording as its source.
        settings: the whole config: the camera's rules and summaries run too.
        make_folder: makes the folder to write into; called once there is a frame to look at.
        show_faces: leave the faces in key frames as they are.
        on_time: called with each frame's time in the recording, in seconds.

    Raises:
        EdgeFerError: the recording or a model is missing or wrong, or the folder cannot be written.
    """
    if recording.cut.every:
        # with fewer frames, each stands for longer
        camera = camera.model_copy(update={"fps": min(camera.fps, 1 / recording.cut.every)})
    run = _AnalysisRun(recording, camera, settings)
    with closing(play(recording.camera, camera, clock=recording.clock)) as source:
        frames = run.wanted(source, on_time)
        try:
            first = next(frames)
        except StopIteration:
            msg = f"{recording.file} has no frame from {recording.cut.begin:g} s on"
            raise AnalysisError(msg, remedy="Let --from be before its end") from None
        folder = make_folder()
        with folder.open(READINGS) as readings, folder.open(EVENTS) as events:
            others = [name for name, one in camera.attributes.items() if one.looks_at == "face"]
            rows = (
                ReadingRows(readings, run.labels, others),
                EventRows(events, Composer(settings.node.id, settings.node.site)),
            )
            try:
                run.take(*first, rows)
                del first
                for seconds, frame in frames:
                    run.take(seconds, frame, rows)
                    del frame  # or it would be held while the next one is decoded
            except KeyboardInterrupt:
                run.interrupted = True
            run.finish(rows)
    return folder, run.outcome(rows, show_faces=show_faces)


class _AnalysisRun:
    """One run over a recording, and what is kept of it."""

    def __init__(self, recording: Recording, camera: config.CameraSection, settings: config.Config) -> None:
        self.labels = LABEL_SETS[camera.emotion.labels]
        self.interrupted = False
        self._recording, self._settings = recording, settings
        summaries = build_summaries(recording.camera, camera, settings)
        self._rules = build_rules(recording.camera, camera, settings, summaries.trend)
        classifier = make_classifier(camera.emotion)
        self._model = classifier.sidecar.name
        self._stages = build_stages(
            camera, store=Store(settings.models_dir), classifier=classifier, rules=self._rules, summaries=summaries
        )
        emotion = camera.emotion
        self._pipeline = Pipeline(
            recording.camera, self._stages, min_confidence=emotion.min_confidence, min_lead=emotion.min_lead
        )
        self._stints = Stints(max_gap=longest_gap(camera))
        self._timeline, self._key_frames, self._firings = AnalysisTimeline(), KeyFrames(), Firings(MOST_FIRINGS)
        self._first: Instant | None = None
        self._last: Instant | None = None
        self._frames = 0
        self._begin = self._end = 0.0
        self._size = (0, 0)

    def wanted(self, source: Iterator[Frame], on_time: Callable[[float], None]) -> Iterator[tuple[float, Frame]]:
        """The frames to look at, with their times in the recording."""
        for seconds, frame in self._recording.cut.frames(self._begun(source)):
            on_time(seconds)
            if frame is not None:
                yield seconds, frame
                del frame

    def _begun(self, source: Iterator[Frame]) -> Iterator[Frame]:
        for frame in source:
            self._first = self._first or frame.at
            yield frame
            del frame

    def take(self, seconds: float, frame: Frame, rows: tuple[ReadingRows, EventRows]) -> None:
        """Takes one frame."""
        if not self._frames:
            self._begin, self._size = seconds, frame.size
        told = self._pipeline.step(frame)
        if told.readings:
            rows[0].write(frame.index, seconds, told.readings)
            self._key_frames.offer(seconds, frame.image, told.readings, [track.face.box for track in told.missed])
        self._note(seconds, told, rows[1])
        self._frames += 1
        self._last = frame.at

    def finish(self, rows: tuple[ReadingRows, EventRows]) -> None:
        """There are no more frames."""
        if self._last is not None:
            for told in (self._pipeline.finish(self._last), self._pipeline.end(self._last)):
                self._note(self._end, told, rows[1])

    def _note(self, seconds: float, told: Told, events: EventRows) -> None:
        events.write(seconds, told)
        for change in told.changes:
            self._firings.note(change)
        stints = self._stints.update(told.readings, left=told.left, at=told.at)
        self._timeline.take(stints, self._end)
        self._timeline.leave(told.left)
        self._end = seconds

    def outcome(self, rows: tuple[ReadingRows, EventRows], *, show_faces: bool) -> AnalysisOutcome:
        """What was found."""
        recording, settings = self._recording, self._settings
        if self._first is None:  # pragma: no cover  (there was a frame, or nobody would ask)
            msg = "nothing was looked at"
            raise RuntimeError(msg)
        return AnalysisOutcome(
            version=__version__,
            file=recording.file,
            camera=recording.camera,
            profile=settings.profile,
            detector=self._stages.detector.name,
            model=self._model,
            labels=self.labels,
            cut=recording.cut,
            size=self._size,
            first=self._first,
            begin=self._begin,
            end=self._end,
            frames=self._frames,
            promised=recording.promised,
            interrupted=self.interrupted,
            timeline=self._timeline,
            scale=build_scale(settings.mood),
            over=settings.mood.over,
            rules=[rule.name for rule in self._rules],
            firings=self._firings.kept,
            firings_left_out=self._firings.left_out,
            events=rows[1].events,
            key_frames=self._key_frames.chosen(self._faces_in, show_faces=show_faces),
            faces_shown=show_faces,
        )

    def _faces_in(self, image: Image) -> list[Box]:
        return [face.box for face in self._stages.detector.detect(image)]
