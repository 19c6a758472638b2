"""A flag that a signal handler may set."""

from __future__ import annotations

import contextlib
from queue import Empty, SimpleQueue

__all__ = ["SignalFlag"]


class SignalFlag:
    """What `threading.Event` is, for one thread that waits, and for handlers of signals that set it.

    A handler runs in the main thread, between any two steps of it. An `Event` there waits for its own lock, for ever,
    where the main thread was just about to wait for the same event. The queue below may be put to in the midst of its
    own `get`: https://docs.python.org/3/library/queue.html#queue.SimpleQueue.put
    """

    def __init__(self) -> None:
        self._is_set = False
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Sets it, and wakes who waits; from a signal handler or any thread."""
        self._is_set = True
        self._wakes.put(None)

    def clear(self) -> None:
        """Takes it back."""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is set, at most so long; may return earlier.

        Args:
            seconds: at most; None: for ever.

        Returns:
            Whether it is set.
        """
        if not self._is_set:
            with contextlib.suppress(Empty):
                self._wakes.get(timeout=seconds)
        return self._is_set
