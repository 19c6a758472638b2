"""One camera at work: a thread that captures, a thread that runs the pipeline, and a slot between them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from queue import Full, Queue, SimpleQueue
from typing import Any, Final, TypeVar

from edge_fer.capture.loop import CaptureLoop, CaptureState, OnState
from edge_fer.clock.system import Clock
from edge_fer.errors import EdgeFerError
from edge_fer.faces.people.attention import Work
from edge_fer.pipeline.step import Pipeline, Search, Told
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import Frame, Instant, Pause

__all__ = ["Call", "Camera", "MakeLoop", "Onlooker"]

log = logging.getLogger(__name__)

#: Longest wait for a frame within one pass, in seconds.
POLL = 0.25

#: Seconds without a frame after which time goes on without it.
GRACE = 5.0

#: Calls that wait to be made between two frames, at most.
MOST_CALLS = 16

Answer = TypeVar("Answer")
#: Something to be done with the pipeline at an instant: what is to be told of it, and what the caller gets to know.
Call = Callable[[Pipeline, Instant], tuple[Told, Answer]]

#: Is shown each frame that went through the pipeline, what was told of it, and what the detector found last.
Onlooker = Callable[[Frame, Told, Search | None], None]

#: Makes the capture loop, given what it calls on every change of state and on every pass.
MakeLoop = Callable[[OnState, Callable[[], None]], CaptureLoop]


#: A pause that only `resume` ends.
_WITHOUT_END: Final = Pause()


class Camera:
    """One camera at work.

    Args:
        name: its name in the config.
        make_loop: makes the loop that captures.
        pipeline: what its frames go through.
        watch: times the pipeline's stages.
        tell: passes on what each step of the pipeline tells.
        tell_online: passes on whether the camera delivers frames.
        clock: the machine's.
        fps: frames a second that are taken of it at most; None for all, as of a recording.
        pause: nothing is looked at from the start; None: it is.

    Attributes:
        name: its name in the config.
        loop: the loop that captures.
        watch: how long the pipeline's stages take.
        fps: frames a second that are taken of it at most while the machine is well; None for all.
        error: what ended its pipeline, if anything did; a fault of ours.
        lost_since: monotonic seconds since when it has been lost; None while it is not.
        onlooker: is shown each frame, in the pipeline's thread, and must not fail; None: nobody looks.
    """

    def __init__(
        self,
        name: str,
        *,
        make_loop: MakeLoop,
        pipeline: Pipeline,
        watch: Stopwatch,
        tell: Callable[[Told], None],
        tell_online: Callable[[bool, Instant], None],
        clock: Clock,
        fps: float | None = None,
        pause: Pause | None = None,
    ) -> None:
        self.name = name
        self.fps = fps
        self.loop = make_loop(self._state_changed, self._captured)
        self.watch = watch
        self.error: Exception | None = None
        self.lost_since: float | None = None
        self.onlooker: Onlooker | None = None
        self._pipeline = pipeline
        self._tell = tell
        self._tell_online = tell_online
        self._clock = clock
        self._stop = threading.Event()
        self._interrupted = threading.Event()
        self._pause: Pause | None = None
        self._rules: SimpleQueue[Sequence[AlertRule]] = SimpleQueue()
        self._calls: Queue[tuple[Call[Any], Future[Any]]] = Queue(MOST_CALLS)
        self._captured_at = self._worked_at = 0.0
        self._frozen = False
        self._capturing = threading.Thread(target=self._capture, name=f"capture-{name}", daemon=True)
        self._working = threading.Thread(target=self._work, name=f"pipeline-{name}", daemon=True)
        if pause is not None:
            self.pause(pause)

    @property
    def work(self) -> Mapping[Work, int]:
        """What was done with how many of its frames."""
        return self._pipeline.work

    @property
    def detector(self) -> str:
        """The name of what finds faces in its frames."""
        return self._pipeline.detector

    @property
    def rules(self) -> Sequence[AlertRule]:
        """Its alert rules, as they are now; for its own threads, and for others once it has ended."""
        return self._pipeline.rules

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come from it."""
        return not (self._capturing.is_alive() or self._working.is_alive())

    def moving(self, now: float, within: float) -> bool:
        """Whether both of its threads have made a pass within so many seconds, or have come to their end."""
        capturing = not self._capturing.is_alive() or now - self._captured_at < within
        working = not self._working.is_alive() or now - self._worked_at < within
        return capturing and working

    def start(self) -> None:
        """Begins to watch."""
        now = self._clock()
        self._captured_at = self._worked_at = now.mono
        self._working.start()
        self._capturing.start()

    def change_rules(self, rules: Sequence[AlertRule]) -> None:
        """Puts others in the place of its alert rules before the next frame; from any thread."""
        self._rules.put(rules)

    def ask(self, call: Call[Answer]) -> Future[Answer]:
        """Has something done with the pipeline between two frames; from any thread.

        Returns:
            What will hold its answer; or EdgeFerError where too much waits already, or nothing more will be done.
        """
        future: Future[Answer] = Future()
        try:
            self._calls.put_nowait((call, future))
        except Full:
            future.set_exception(EdgeFerError(f"camera {self.name} has too much to do", remedy="Ask again later"))
        if not self._working.is_alive():
            self._refuse_calls()
        return future

    @property
    def paused(self) -> bool:
        """Whether nothing is looked at, because somebody said so."""
        return self._pause is not None

    @property
    def pause_now(self) -> Pause | None:
        """The pause that goes on; None: there is none."""
        return self._pause

    def pause(self, pause: Pause = _WITHOUT_END) -> None:
        """Looks at no frame from the next one on, and lets go of a live source, until `resume`; from any thread."""
        self._pause = pause
        self.loop.pause()

    def resume(self) -> None:
        """Looks again; from any thread."""
        self._pause = None
        self.loop.resume()

    def stop(self) -> None:
        """Asks both threads to end after what they are at."""
        self._stop.set()
        self.loop.slot.close()

    def join(self, timeout: float) -> None:
        """Waits, at most so many seconds, until the pipeline has told its last and the device is let go."""
        deadline = self._clock().mono + timeout
        for thread in (self._working, self._capturing):
            thread.join(max(0.0, deadline - self._clock().mono))

    def _capture(self) -> None:
        self.loop.run(self._stop)

    def _captured(self) -> None:
        self._captured_at = self._clock().mono

    def _state_changed(self, state: CaptureState, _reason: str) -> None:
        now = self._clock()
        online = state is CaptureState.ONLINE
        if online or state is CaptureState.PAUSED:
            self.lost_since = None
        elif self.lost_since is None:
            self.lost_since = now.mono
        if state is CaptureState.LOST:
            self._interrupted.set()
        if state is not CaptureState.ENDED:
            self._tell_online(online, now)

    def _work(self) -> None:
        seen: Instant | None = None
        last: Instant | None = None
        arrived = 0.0
        resting = False
        try:
            while not (self._stop.is_set() or self.loop.slot.closed):
                self._worked_at = self._clock().mono
                self._renew_rules(seen)
                self._answer_calls(seen)
                frame = self.loop.slot.take(POLL)
                if self._interrupted.is_set():
                    self._interrupted.clear()
                    self._give_up(seen)
                    seen = None
                if self.paused:
                    if not resting:
                        self._give_up(seen)
                        self._tell(self._pipeline.pause(seen or self._clock()))
                    frame, seen = None, None
                resting = self.paused
                if frame is not None and not self._stop.is_set():
                    seen = last = frame.at
                    arrived = self._worked_at
                    self.watch.frame()
                    told = self._pipeline.step(frame)
                    self._tell(told)
                    if (onlooker := self.onlooker) is not None:
                        onlooker(frame, told, self._pipeline.search)
                    self._see_whether_frozen()
                elif last is not None and (idle := self._worked_at - arrived - GRACE) > 0:
                    # from the frames' own time on: a recording may be behind the clock, or ahead of it
                    self._tell(self._pipeline.pass_time(last.later(idle)))
            self._give_up(seen)
            if last is not None and not self._stop.is_set():
                self._tell(self._pipeline.end(last))
        except Exception as error:
            log.exception("camera %s: its pipeline failed", self.name, extra={"camera": self.name})
            self.error = error
        finally:
            self._tell_online(False, self._clock())
            self._refuse_calls()

    def _see_whether_frozen(self) -> None:
        picture = self._pipeline.frozen
        if picture is not None and not self._frozen:
            log.warning(
                "camera %s: its picture has frozen, so nobody is counted in it",
                self.name,
                extra={"camera": self.name},
            )
            self.loop.refuse(picture)
        self._frozen = picture is not None

    def _renew_rules(self, seen: Instant | None) -> None:
        """Puts new rules in place, at the instant of the last frame, or now where nothing is seen."""
        while not self._rules.empty():
            self._tell(self._pipeline.change_rules(self._rules.get(), seen or self._clock()))

    def _answer_calls(self, seen: Instant | None) -> None:
        """Does what was asked for, likewise."""
        while not self._calls.empty():
            call, future = self._calls.get()
            try:
                told, answer = call(self._pipeline, seen or self._clock())
            except Exception as error:  # noqa: BLE001 - whoever asked gets to know it; the pipeline goes on
                future.set_exception(error)
            else:
                self._tell(told)
                future.set_result(answer)

    def _refuse_calls(self) -> None:
        while not self._calls.empty():
            _, future = self._calls.get()
            future.set_exception(EdgeFerError(f"camera {self.name} has ended", remedy="Start the daemon again"))

    def _give_up(self, seen: Instant | None) -> None:
        """Gives up everybody in view, at the instant of the last frame: nothing is known of the time since."""
        if seen is not None:
            self._tell(self._pipeline.finish(seen))
