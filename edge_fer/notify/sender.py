"""Sends what waits: takes it from the spool, hands it to the targets, and ends when there is nothing more to do."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from edge_fer.clock.zone import local_zone
from edge_fer.errors import EdgeFerError, NotifyError
from edge_fer.notify.pace import Pacing, next_send, retry_wait
from edge_fer.notify.spool import Prepared, Spool
from edge_fer.notify.texts import NotifyTexts
from edge_fer.support.signal_flag import SignalFlag

__all__ = ["Delivered", "NotifySender", "SenderSettings", "SenderTarget"]

log = logging.getLogger(__name__)

#: Seconds between two looks; without anything to do, after which it ends; and that it waits for what is soon due.
_LOOK, _IDLE, _SOON = 0.2, 5.0, 30.0
#: Seconds before another try after a fault of ours.
_AFTER_FAULT = 600.0
#: Seconds between two looks for what is too old.
_EXPIRE = 60.0
#: Targets that are served at the same time: one that hangs holds up no other.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class SenderTarget:
    """Where a target is reached.

    Attributes:
        url: its address; empty where `url_file` holds it.
        url_file: a file that holds the address on its first line; empty where there is none.
        outside: whether what is sent there may leave the site.
    """

    url: str = ""
    url_file: str = ""
    outside: bool = True


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """What the daemon hands to the sender, by way of the spool. Holds no secret.

    Attributes:
        node: the node's id.
        place: what the device calls itself in messages.
        language: of the texts.
        zone: name of the time zone; empty for the system's.
        group: as in `Pacing`.
        messages: likewise.
        per: likewise.
        targets: by name.
    """

    node: str
    place: str
    language: str = "en"
    zone: str = ""
    group: float = 60.0
    messages: int = 6
    per: float = 600.0
    targets: Mapping[str, SenderTarget] = field(default_factory=dict)

    @classmethod
    def read(cls, noted: Any) -> SenderSettings | None:
        """The settings in the spool; None where there are none that can be used."""
        with suppress(TypeError, AttributeError, KeyError):
            targets = {name: SenderTarget(**target) for name, target in noted["targets"].items()}
            return cls(**{**noted, "targets": targets})
        return None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a try.

    Attributes:
        taken: whether the target has the message.
        problem: why it has not, without secrets.
        slow: whether only a person can cure that.
        wait: seconds after which the server wants to be asked again; None: it did not say.
    """

    taken: bool
    problem: str = ""
    slow: bool = False
    wait: float | None = None


#: Hands a message to a target.
Deliver = Callable[[SenderTarget, Prepared], Delivered]


class NotifySender:
    """Sends what waits in a spool until nothing does.

    Args:
        spool: what waits.
        deliver: hands messages over; called from several threads.
        clock: seconds since 1970.
        chance: a random number of 0 to 1.
    """

    def __init__(
        self, spool: Spool, deliver: Deliver, clock: Callable[[], float], chance: Callable[[], float] = random.random
    ) -> None:
        self._spool = spool
        self._deliver = deliver
        self._clock = clock
        self._chance = chance
        self._stop = SignalFlag()
        self._noted: Any = None
        self._settings: SenderSettings | None = None
        self._texts: NotifyTexts | None = None

    def stop(self) -> None:
        """Ends it, once what is under way has come to an end; safe to call from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Sends until nothing waits any more, or nothing for a while, or until it is stopped.

        Raises:
            NotifyError: the spool cannot be used.
        """
        under_way: dict[str, Future[None]] = {}
        busy, expired = self._clock(), 0.0
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notify") as pool:
            while not self._stop.is_set():
                self._spool.clear_wake()
                now = self._clock()
                settings = self._read_settings()
                if settings is None:
                    return
                if not 0 <= now - expired < _EXPIRE:
                    self._spool.expire(now, settings.targets)
                    expired = now
                for name in [name for name, done in under_way.items() if done.done()]:
                    under_way.pop(name).result()
                pacing = Pacing(settings.group, settings.messages, settings.per)
                queues = self._spool.queues(now)
                due = {name: next_send(queue, pacing, now) for name, queue in queues.items() if name not in under_way}
                for name, at in due.items():
                    if at <= now and name in settings.targets:
                        under_way[name] = pool.submit(self._send, name, settings)
                if under_way or any(at - now < _SOON for at in due.values()):
                    busy = now
                elif not 0 <= now - busy < _IDLE:
                    return
                self._stop.wait(_LOOK)

    def _read_settings(self) -> SenderSettings | None:
        noted = self._spool.noted("settings")
        if noted != self._noted or self._settings is None:
            self._noted, self._settings = noted, SenderSettings.read(noted)
            self._texts = self._make_texts(self._settings) if self._settings else None
        return self._settings

    @staticmethod
    def _make_texts(settings: SenderSettings) -> NotifyTexts:
        make = partial(NotifyTexts, place=settings.place, zone=local_zone(settings.zone or None))
        try:
            return make(settings.language)
        except EdgeFerError as error:
            log.error("%s. English is used", error)  # noqa: TRY400 - says all there is to say
            return make("en")

    def _send(self, name: str, settings: SenderSettings) -> None:
        """One try at one target; whatever goes wrong with it, the others go on."""
        try:
            self._try(name, settings)
        except NotifyError:
            raise
        except Exception as error:  # noqa: BLE001 - of whatever kind
            problem = f"this is a fault of edge-fer ({type(error).__name__}); please report it"
            log.error("the target %s: %s", name, problem)  # noqa: TRY400 - no traceback for what waits on a disk
            self._spool.refused(name, self._clock() + _AFTER_FAULT, problem)

    def _try(self, name: str, settings: SenderSettings) -> None:
        texts, now = self._texts, self._clock()
        assert texts is not None  # noqa: S101 - it was made with the settings
        prepared = self._spool.prepare(name, now, lambda items, lost: texts.message(items, now=now, lost=lost))
        if prepared is None:
            return
        delivered = self._deliver(settings.targets[name], prepared)
        now = self._clock()
        try:
            if delivered.taken:
                self._spool.taken(name, prepared.id, now)
                return
            wait = retry_wait(
                prepared.failures + 1,
                urgent=prepared.urgent,
                slow=delivered.slow,
                asked=delivered.wait,
                chance=self._chance(),
            )
            self._spool.refused(name, now + wait, delivered.problem)
            log.warning("the target %s has not taken a message: %s. It is tried again", name, delivered.problem)
        except NotifyError as error:
            # what was taken would go out again and again where that cannot be noted
            log.error("%s", error)  # noqa: TRY400 - says all there is to say
            self.stop()
