"""Has the config read again, and tells whoever asked for it what came of that."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import TypeVar

from edge_fer.errors import EdgeFerError

__all__ = ["Reloader"]

Made = TypeVar("Made")


class Reloader:
    """Between those who ask for a reload, from any thread, and the thread that does it. Outlives services."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[Future[None]] = []
        self._reload: Callable[[], None] = lambda: None

    def bind(self, reload: Callable[[], None]) -> None:
        """Takes what asks the service that now runs to read the config again."""
        self._reload = reload

    def ask(self) -> Future[None]:
        """Asks for a reload.

        Returns:
            What is done once the config is taken over, or raises EdgeFerError where it cannot be.
        """
        future: Future[None] = Future()
        with self._lock:
            self._waiting.append(future)
        self._reload()
        return future

    def renew(self, make: Callable[[], Made]) -> Made:
        """Does what a reload does, and tells everybody who had asked for one before it began.

        Args:
            make: reads the config again and makes of it what is to be run.

        Raises:
            EdgeFerError: it cannot be; as `make` raised it.
        """
        with self._lock:
            asked, self._waiting = self._waiting, []
        try:
            made = make()
        except EdgeFerError as error:
            for future in asked:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)
            raise
        for future in asked:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
        return made
