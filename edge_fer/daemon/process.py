"""One service after another in one process: heeds signals, and lets the config be read again."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from threading import Thread
from types import FrameType

from edge_fer.daemon.reload_answer import ReloadAnswer, folder_of
from edge_fer.daemon.service import Service
from edge_fer.errors import EdgeFerError
from edge_fer.support.redact import redacted_text

__all__ = ["Daemon"]

log = logging.getLogger(__name__)


class Daemon:
    """Runs a service until it is over; on SIGHUP it goes on by the config of now, or another takes its place.

    SIGINT and SIGTERM end it, and so does SIGHUP where nothing can be renewed; a second one of the same kind does so at
    once. The handlers are those of the daemon, not of a service, so that a signal between two services is not lost.

    Args:
        service: the first one.
        renew: reads the config again, and makes a service of it, ready to run, unless the one at work, which it is
            given, can go on by it; None where it is never read again.
    """

    def __init__(self, service: Service, renew: Callable[[Service], Service | None] | None = None) -> None:
        self._service = service
        self._renew = renew
        self._stopped = self._reloaded = False
        #: to be given once the service at work has started
        self._answer: ReloadAnswer | None = None

    @property
    def stuck(self) -> bool:
        """Whether threads are stuck in drivers even now, so that only `os._exit` will end the process."""
        return self._service.stuck

    def run(self) -> None:
        """Runs until it is over. Must be called from the main thread.

        Raises:
            EdgeFerError: why it ended, unless it was stopped or all recordings are over.
        """
        on_hangup: Callable[[int, FrameType | None], None] = self._reload if self._renew else self._stop
        handlers = {signal.SIGINT: self._stop, signal.SIGTERM: self._stop, signal.SIGHUP: on_hangup}
        with ExitStack() as ending:
            for number, handler in handlers.items():
                ending.callback(signal.signal, number, signal.signal(number, handler))
            while successor := self._service.run(self._successor, self._started):
                if self._service.stuck:
                    msg = "a camera hangs in its driver, so that the new config needs a new process"
                    raise EdgeFerError(msg, remedy="systemd starts it by itself; elsewhere, start it again")
                self._service = successor
                # what was asked of the one before, once it had begun to end
                if self._stopped:
                    return
                if self._reloaded:
                    self._service.reload()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        # a second signal of the same kind ends the process at once, should the first not have been enough
        signal.signal(number, signal.SIG_DFL)
        self._stopped = True
        self._service.stop()

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reloaded = True
        self._service.reload()

    def _successor(self) -> Service | None:
        """The service that the config now asks for; None where the one at work does, or it asks for what cannot be."""
        self._reloaded = False
        folder = folder_of(os.environ)
        # found before the config is read, so that it answers for what is read now
        answer = ReloadAnswer(folder) if folder else None
        successor, refusal = None, None
        try:
            successor = self._renew(self._service) if self._renew else None
        except EdgeFerError as error:
            log.error("the config was not taken over, and the old one stays in force: %s", error)  # noqa: TRY400
            refusal = redacted_text(str(error))
        if answer and successor is None:
            _give(answer, refusal)
        else:
            self._answer = answer
        return successor

    def _started(self) -> None:
        """The service at work has started; only now the config that it goes by is in force."""
        if self._answer:
            _give(self._answer, None)
            self._answer = None


def _give(answer: ReloadAnswer, refusal: str | None) -> None:
    # a disk that hangs must not hold up this thread, which looks after all others
    Thread(target=answer.give, args=(refusal,), name="reload-answer", daemon=True).start()
