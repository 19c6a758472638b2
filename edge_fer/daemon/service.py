"""The daemon's life: starts everything, watches over it, and ends it in good order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from edge_fer.clock.system import Clock
from edge_fer.config import Config
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.systemd import notify
from edge_fer.errors import EdgeFerError, SourceError, SourceStuckError
from edge_fer.support.signal_flag import SignalFlag

__all__ = ["HEALTH_EVERY", "BackgroundPort", "Beside", "BrokerPort", "NodePort", "Service", "SinkLifePort"]

log = logging.getLogger(__name__)

#: Seconds between two looks at everything.
TICK = 0.5
#: Seconds between two `health` messages.
HEALTH_EVERY = 30.0
#: A camera's thread that makes no pass for so many seconds is stuck, and the watchdog is not fed.
STUCK_AFTER = 10.0
#: Likewise the link's thread, which a slow disk may hold up for longer.
LINK_STUCK_AFTER = 60.0
#: Seconds after which it is told that no camera works.
ALL_LOST_AFTER = 60.0
#: Seconds that a stopped daemon takes at most: for the pipelines' last step, then for disk and broker. Only a slow disk
#: or broker makes it take so long, and systemd gives 15 s in all.
LAST_STEP, GOODBYE = 1.5, 9.0
#: Seconds granted to send what a finished recording left to send.
DRAIN = 15.0


class LinkPort(Protocol):
    """The link with the broker, as far as its life goes."""

    def start(self) -> None: ...
    def moving(self, within: float, /) -> bool: ...
    def close(self, timeout: float, /, *, last: bool) -> None: ...


class BrokerPort(Protocol):
    """A broker of our own."""

    def start(self) -> object:
        """Begins to take connections."""

    def stop(self) -> None:
        """Ends them all."""


class SinkLifePort(Protocol):
    """What hears what cameras say, as far as its life goes."""

    def open(self) -> None:
        """Begins."""

    def close(self) -> None:
        """Ends, soon."""


class BackgroundPort(Protocol):
    """Something that works beside the rest."""

    def start(self) -> None:
        """Begins."""

    def close(self) -> None:
        """Ends, soon."""


class NodePort(Protocol):
    """What the service has told of the node, and what of it follows from time and config."""

    def announce(self) -> None:
        """Publishes what the node is; before the link starts."""

    def tell_health(self) -> None:
        """Publishes how the node is doing."""

    def tick(self, mono: float, /) -> None:
        """Does what time alone asks for; called about twice a second with monotonic seconds."""

    def adopt(self, settings: Config, /) -> bool:
        """Lets the cameras go on by another config, where they can, and says whether they do."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What works beside cameras and link.

    Attributes:
        broker: one of our own, if the link leads to it.
        sinks: hear what cameras say: opened before anything is announced, closed after the link.
        linked: what needs the link: started after it, closed before it.
    """

    broker: BrokerPort | None = None
    sinks: Sequence[SinkLifePort] = ()
    linked: Sequence[BackgroundPort] = ()


class Service:
    """Runs cameras and the link until told to stop, or until every recording is over.

    Runs once; another one with another config may take its place.

    Args:
        cameras: what to watch, at least one.
        link: to the broker.
        node: what is told of the node, and what follows from time and config.
        clock: the machine's.
        beside: what works beside cameras and link.
        all_lost_after: seconds after which it is told that all cameras are lost.
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        link: LinkPort,
        node: NodePort,
        *,
        clock: Clock,
        beside: Beside | None = None,
        all_lost_after: float = ALL_LOST_AFTER,
    ) -> None:
        self._cameras = cameras
        self._link = link
        self._node = node
        self._beside = beside or Beside()
        self._clock = clock
        self._all_lost_after = all_lost_after
        self._stop, self._reload = SignalFlag(), SignalFlag()
        self._health_due = float("-inf")
        self._told_all_lost = self._told_link_stuck = False
        #: whether another service takes the place of this one, in the same process
        self._is_succeeded = False
        #: what closes each sink
        self._closing: dict[int, threading.Thread] = {}

    @property
    def stuck(self) -> bool:
        """Whether threads are stuck in drivers even now, so that only `os._exit` will end the process.

        Ending the interpreter under a thread that is inside native code aborts the process.
        """
        return any(not camera.ended or camera.loop.stuck for camera in self._cameras)

    def stop(self) -> None:
        """Asks the service to end; safe to call from a signal handler or another thread."""
        self._stop.set()

    def reload(self) -> None:
        """Asks it to have the config read again; safe to call like `stop`."""
        self._reload.set()

    def adopt(self, settings: Config) -> bool:
        """Goes on by another config without an interruption, where that can be; else nothing has changed.

        To be called while it runs, by its `successor`.
        """
        return self._node.adopt(settings)

    def run(
        self, successor: Callable[[], Service | None] = lambda: None, started: Callable[[], None] = lambda: None
    ) -> Service | None:
        """Runs until it is over.

        Args:
            successor: asked on `reload`, while everything goes on, for the service that is to take its place; None
                where none needs to, or none can.
            started: called once everything has started.

        Returns:
            The successor, once everything has ended in good order; None where the end is for good.

        Raises:
            SourceError: no camera can ever work, for the reasons given; or one hangs in its driver, and only a new
                process can open it again.
            EdgeFerError: a fault of ours ended a pipeline; the log has the rest.
        """
        with ExitStack() as ending:
            if self._beside.broker:
                self._beside.broker.start()
                ending.callback(self._beside.broker.stop)
            for sink in self._beside.sinks:
                sink.open()
                ending.callback(self._close, sink)
            # what is known beforehand is retained before the link starts, or the broker would clear it for a moment
            self._node.announce()
            self._link.start()
            ending.callback(self._say_goodbye)
            for worker in self._beside.linked:
                worker.start()
                ending.callback(worker.close)
            for camera in self._cameras:
                camera.start()
            ending.callback(self._stop_cameras)
            notify("READY=1")
            started()
            following = self._watch(successor)
            if following is None:
                notify("STOPPING=1")
        self._blame()
        return following

    def _watch(self, successor: Callable[[], Service | None]) -> Service | None:
        """Looks after everything until it is over, or until there is a successor."""
        while not (self._stop.wait(TICK) or all(camera.ended for camera in self._cameras)):
            self._look_after()
            if self._reload.is_set():
                self._reload.clear()
                # by the same clock as systemd's, which goes by this to know what is newer
                notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
                if following := successor():
                    self._is_succeeded = True
                    self._stop.set()
                    return following
                notify("READY=1")
        return None

    def _look_after(self) -> None:
        """One look at everything: feeds the watchdog, tells health, and sees whether anything is left to watch."""
        now = self._clock().mono
        self._blame_pipelines()
        self._node.tick(now)
        self._blame_stuck_drivers()
        if self._moving(now):
            notify("WATCHDOG=1")
        if now >= self._health_due:
            self._health_due = now + HEALTH_EVERY
            self._node.tell_health()
        self._tell_when_all_are_lost(now)

    def _moving(self, now: float) -> bool:
        """Whether every thread makes its passes: else the watchdog shall bark.

        A camera that is lost is no reason for that, and neither are all of them: a new process would not find them
        either, and the node would go off and on for nothing.
        """
        linked = self._link.moving(LINK_STUCK_AFTER)
        if not linked and not self._told_link_stuck:
            log.error(
                "the link to the broker has not moved for %g s: nothing is sent or kept. Most likely the disk hangs;"
                " the watchdog will start edge-fer anew if that goes on",
                LINK_STUCK_AFTER,
            )
        self._told_link_stuck = not linked
        return linked and all(camera.moving(now, STUCK_AFTER) for camera in self._cameras)

    def _tell_when_all_are_lost(self, now: float) -> None:
        """Says once that no camera works; the node stays, and tries them for as long as it takes."""
        left = [camera for camera in self._cameras if not camera.ended]
        lost = [camera.lost_since for camera in left]
        all_lost = bool(left) and all(since is not None and now - since > self._all_lost_after for since in lost)
        if all_lost and not self._told_all_lost:
            reasons = "; ".join(camera.loop.reason for camera in left)
            log.error(
                "no camera has worked for %g s: %s. Check the cameras; they are tried again for as long as it takes",
                *(self._all_lost_after, reasons),
            )
        if self._told_all_lost and not all_lost:
            log.info("a camera works again")
        self._told_all_lost = all_lost

    def _stop_cameras(self) -> None:
        for camera in self._cameras:
            camera.stop()
        deadline = self._clock().mono + LAST_STEP
        for camera in self._cameras:
            camera.join(max(0.0, deadline - self._clock().mono))

    def _say_goodbye(self) -> None:
        self._node.tell_health()
        # a disk that is slow holds both up, which may wait for it at the same time
        for sink in self._beside.sinks:
            self._closing[id(sink)] = threading.Thread(target=sink.close, name="closing", daemon=True)
            self._closing[id(sink)].start()
        self._link.close(GOODBYE if self._stop.is_set() else DRAIN, last=not self._is_succeeded)

    def _close(self, sink: SinkLifePort) -> None:
        closing = self._closing.get(id(sink))
        if closing is None:
            sink.close()
        else:
            closing.join()

    def _blame(self) -> None:
        """Raises what ended the service, unless it was stopped or all recordings are over."""
        self._blame_pipelines()
        errors = [camera.loop.error for camera in self._cameras if camera.loop.error]
        if errors and not self._stop.is_set():
            raise errors[0] if len(errors) == 1 else SourceError("; ".join(str(error) for error in errors))

    def _blame_stuck_drivers(self) -> None:
        """Ends the service for the sake of one camera, although others may work: a new process can have them all."""
        for camera in self._cameras:
            if isinstance(camera.loop.error, SourceStuckError):
                raise camera.loop.error

    def _blame_pipelines(self) -> None:
        for camera in self._cameras:
            if camera.error:
                message = (
                    f"camera {camera.name}: its pipeline failed with {type(camera.error).__name__}: {camera.error}"
                )
                raise EdgeFerError(message, remedy="This is a fault of edge-fer: please report it with the log")
