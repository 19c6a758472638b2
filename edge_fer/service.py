"""The daemon's life: starts everything, watches over it, and ends it in good order."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import Protocol

from edge_fer.camera import Camera
from edge_fer.capture.clock import Clock
from edge_fer.errors import EdgeFerError, SourceError, SourceLostError
from edge_fer.notify import notify

__all__ = ["Broker", "Service"]

log = logging.getLogger(__name__)

#: Seconds between two looks at everything.
TICK = 0.5
#: Seconds between two `health` messages.
HEALTH_EVERY = 30.0
#: A camera's thread that makes no pass for so many seconds is stuck, and the watchdog is not fed.
STUCK_AFTER = 10.0
#: Seconds to wait for any camera to come back when all are lost; after that the process ends, to be started anew.
ALL_LOST_AFTER = 60.0
#: Seconds that a stopped daemon takes at most: for the pipelines' last step, then for the broker.
LAST_STEP, GOODBYE = 1.5, 2.5
#: Seconds granted to send what a finished recording left to send.
DRAIN = 15.0


class Link(Protocol):
    """The link with the broker, as far as its life goes."""

    def start(self) -> None: ...
    def close(self, timeout: float, /) -> None: ...


class Broker(Protocol):
    """A broker of our own."""

    def start(self) -> object:
        """Begins to take connections."""

    def stop(self) -> None:
        """Ends them all."""


class Service:
    """Runs cameras and the link until told to stop, until every recording is over, or until nothing is left to watch.

    Args:
        cameras: what to watch, at least one.
        link: to the broker.
        broker: one of our own, if the link leads to it.
        announce: publishes what the node is, before the link starts.
        tell_health: publishes how the node is doing.
        clock: the machine's.
        on_tick: called about twice a second with monotonic seconds.
        all_lost_after: seconds to wait for any camera to come back when all are lost.
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        link: Link,
        *,
        broker: Broker | None = None,
        announce: Callable[[], None],
        tell_health: Callable[[], None],
        clock: Clock,
        on_tick: Callable[[float], None] = lambda _mono: None,
        all_lost_after: float = ALL_LOST_AFTER,
    ) -> None:
        self._cameras = cameras
        self._link = link
        self._broker = broker
        self._announce = announce
        self._tell_health = tell_health
        self._clock = clock
        self._on_tick = on_tick
        self._all_lost_after = all_lost_after
        self._stop = threading.Event()
        self._health_due = float("-inf")

    @property
    def stuck(self) -> bool:
        """Whether threads are stuck in drivers even now, so that only `os._exit` will end the process.

        Ending the interpreter under a thread that is inside native code aborts the process.
        """
        return any(not camera.ended or camera.loop.stuck for camera in self._cameras)

    def stop(self) -> None:
        """Asks the service to end; safe to call from a signal handler or another thread."""
        self._stop.set()

    def run(self) -> None:
        """Runs until it is over. Must be called from the main thread.

        Raises:
            SourceError: no camera is left, for the reasons given.
            EdgeFerError: a fault of ours ended a pipeline; the log has the rest.
        """
        with ExitStack() as ending:
            for number in (signal.SIGINT, signal.SIGTERM):
                ending.callback(signal.signal, number, signal.signal(number, self._signalled))
            if self._broker:
                self._broker.start()
                ending.callback(self._broker.stop)
            # what is known beforehand is retained before the link starts, or the broker would clear it for a moment
            self._announce()
            self._link.start()
            ending.callback(self._say_goodbye)
            for camera in self._cameras:
                camera.start()
            ending.callback(self._stop_cameras)
            notify("READY=1")
            while not (self._stop.wait(TICK) or all(camera.ended for camera in self._cameras)):
                self._look_after()
            notify("STOPPING=1")
        self._blame()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        # a second signal of the same kind ends the process at once, should the first not have been enough
        signal.signal(number, signal.SIG_DFL)
        self.stop()

    def _look_after(self) -> None:
        """One look at everything: feeds the watchdog, tells health, and sees whether anything is left to watch."""
        now = self._clock().mono
        self._blame_pipelines()
        self._on_tick(now)
        if all(camera.moving(now, STUCK_AFTER) for camera in self._cameras):
            notify("WATCHDOG=1")
        if now >= self._health_due:
            self._health_due = now + HEALTH_EVERY
            self._tell_health()
        self._give_up_when_all_are_lost(now)

    def _give_up_when_all_are_lost(self, now: float) -> None:
        left = [camera for camera in self._cameras if not camera.ended]
        lost = [camera.lost_since for camera in left]
        if left and all(since is not None and now - since > self._all_lost_after for since in lost):
            reasons = "; ".join(camera.loop.reason for camera in left)
            message = f"no camera has worked for {self._all_lost_after:g} s: {reasons}"
            raise SourceLostError(message, remedy="Check the cameras; the daemon may be started again at any time")

    def _stop_cameras(self) -> None:
        for camera in self._cameras:
            camera.stop()
        deadline = self._clock().mono + LAST_STEP
        for camera in self._cameras:
            camera.join(max(0.0, deadline - self._clock().mono))

    def _say_goodbye(self) -> None:
        self._tell_health()
        self._link.close(GOODBYE if self._stop.is_set() else DRAIN)

    def _blame(self) -> None:
        """Raises what ended the service, unless it was stopped or all recordings are over."""
        self._blame_pipelines()
        errors = [camera.loop.error for camera in self._cameras if camera.loop.error]
        if errors and not self._stop.is_set():
            raise errors[0] if len(errors) == 1 else SourceError("; ".join(str(error) for error in errors))

    def _blame_pipelines(self) -> None:
        for camera in self._cameras:
            if camera.error:
                message = (
                    f"camera {camera.name}: its pipeline failed with {type(camera.error).__name__}: {camera.error}"
                )
                raise EdgeFerError(message, remedy="This is a fault of edge-fer: please report it with the log")
