"""How one thread hands frames to another: room for one frame, and a stated rule for when it is taken."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from edge_fer.types import Frame

__all__ = ["FileSlot", "LiveSlot", "Slot", "SlotClosedError"]


class SlotClosedError(Exception):
    """A frame was put into a slot that nobody reads any more."""


class Slot(ABC):
    """Room for one frame between one writer and one reader.

    Either side may close it, at any time and more than once; that wakes both. The frame that is in it can still be
    taken.

    Attributes:
        dropped: frames that were put in and never taken, because a newer one took their place.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._frame: Frame | None = None
        self._ended = False
        self._changed = threading.Condition()

    @property
    def closed(self) -> bool:
        """Whether no frame will ever come out again: it was closed, and the last frame has been taken."""
        with self._changed:
            return self._ended and self._frame is None

    def put(self, frame: Frame, timeout: float | None = None) -> bool:
        """Puts a frame in.

        Args:
            frame: the frame.
            timeout: longest wait for room, in seconds; None waits for ever.

        Returns:
            False if there was no room in time.

        Raises:
            SlotClosedError: the slot is closed.
        """
        with self._changed:
            roomy = self._changed.wait_for(lambda: self._ended or self._room(), timeout)
            if self._ended:
                raise SlotClosedError
            if roomy:
                self.dropped += self._frame is not None
                self._frame = frame
                self._changed.notify_all()
            return roomy

    def take(self, timeout: float | None = None) -> Frame | None:
        """Takes the frame out.

        Args:
            timeout: longest wait for one, in seconds; None waits for ever.

        Returns:
            None if none came in time, or, at once, if the slot is `closed`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._frame is not None, timeout)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """No more frames go in; whoever waits is woken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @abstractmethod
    def _room(self) -> bool:
        """Whether a frame may go in now; called with the lock held."""


class LiveSlot(Slot):
    """For cameras: never keeps the writer waiting. The newest frame wins, and those it replaces are counted."""

    def _room(self) -> bool:
        return True


class FileSlot(Slot):
    """For recordings: the writer waits until the frame before has been taken. Nothing is dropped."""

    def _room(self) -> bool:
        return self._frame is None
