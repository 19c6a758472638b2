"""Ends pauses whose time is over, in a thread of its own, by the same way as the command `resume`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Final

from edge_fer.contract.messages.commands import ResumeRequest
from edge_fer.daemon.camera import Camera
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.remote.executor import GOODBYE, Executor
from edge_fer.types import Instant

__all__ = ["PauseWatch"]

log = logging.getLogger(__name__)

#: Seconds between two looks, and until the next try where a pause could not be ended.
_EVERY: Final = 1.0
_AGAIN: Final = 60.0
#: Who is told in `audit` to have ended it.
_SELF: Final = Asker("edge-fer", Way.SOCKET, Role.ADMIN)


class PauseWatch:
    """Has cameras looked at again when their pauses are over.

    Args:
        cameras: by name.
        executor: carries the command out.
        clock: the machine's.
        every: seconds between two looks.
    """

    def __init__(
        self,
        cameras: Mapping[str, Camera],
        executor: Executor,
        clock: Callable[[], Instant],
        *,
        every: float = _EVERY,
    ) -> None:
        self._cameras = cameras
        self._executor = executor
        self._clock = clock
        self._every = every
        self._not_before = float("-inf")
        self._closing = Event()
        self._thread = Thread(target=self._run, name="pauses", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(GOODBYE)

    def look(self) -> None:
        """Ends the pauses that are over now."""
        now = self._clock()
        if now.mono < self._not_before:
            return
        for name, camera in self._cameras.items():
            pause = camera.pause_now
            if pause is None or not pause.is_over(now):
                continue
            try:
                self._executor.carry_out("resume", ResumeRequest(id="pause-over", camera=name), _SELF)
            except CommandError as error:
                log.warning("the pause of camera %s is over, but it goes on: %s", name, error)
                self._not_before = now.mono + _AGAIN

    def _run(self) -> None:
        while not self._closing.wait(self._every):
            self.look()
