"""The sink of notifications: puts what people are to be told into the spool, and has the sender run.

It knows who is to be told of what and when. How a target is reached, the sender alone knows (`notify/sender.py`).
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic, time
from typing import Any

from edge_fer.clock.system import Clock
from edge_fer.clock.zone import local_zone
from edge_fer.config.output.writing import written
from edge_fer.config.tree import Config
from edge_fer.contract.messages import Health
from edge_fer.errors import KeepingError, NotifyError
from edge_fer.notify.heartbeat import Heartbeat
from edge_fer.notify.items import NotifyItem
from edge_fer.notify.pace import Pacing, next_send
from edge_fer.notify.routing import EscalationStep, NotifyRoute, NotifyRouter, NotifyTarget
from edge_fer.notify.sender import SenderSettings, SenderTarget
from edge_fer.notify.spool import Spool, TargetStatus
from edge_fer.notify.troubles import NodeFacts, TroubleWatch
from edge_fer.notify.waking import SenderWaker, runs_by_unit, spool_folder
from edge_fer.pipeline.step import Told
from edge_fer.rules.conditions.when import kind_in, parts_of
from edge_fer.sinks.base import BaseSink, SinkHealth
from edge_fer.types import AlertChange, Resolution, View

__all__ = ["NotifySink", "make_notify_sink", "notify_problem", "sender_settings"]

log = logging.getLogger(__name__)

#: Alerts that wait for the disk at most; the oldest go first.
_IN_MEMORY = 1000
#: Seconds between two looks: while something waits, while nothing does, and at how the node is.
_LOOK, _REST, _LOOK_AT_NODE = 1.0, 5.0, 15.0
#: Seconds after which a sender that was asked for does not run.
_NO_SENDER = 60.0
#: Seconds that the thread is given to write at the end.
_GOODBYE = 3.0
_BLIND = {View.COVERED, View.MOVED}


@dataclass(frozen=True, slots=True)
class NotifyParts:
    """What the sink is made of.

    Attributes:
        spool: keeps what waits.
        settings: what the sender is handed.
        router: says who is told of what.
        waker: has the sender run.
        heartbeat: pings; None where that is not wanted.
    """

    spool: Spool
    settings: SenderSettings
    router: NotifyRouter
    waker: SenderWaker
    heartbeat: Heartbeat | None = None


class NotifySink(BaseSink):
    """Puts what is to be told into the spool, from a thread of its own.

    Args:
        parts: what it is made of.
        clock: the machine's.
        facts: how the node is, as far as that is a trouble; given the cameras that see nothing.
    """

    def __init__(self, parts: NotifyParts, clock: Clock, facts: Callable[[frozenset[str]], NodeFacts]) -> None:
        self._parts = parts
        self._clock = clock
        self._facts = facts
        self._pacing = Pacing(parts.settings.group, parts.settings.messages, parts.settings.per)
        self._queue: deque[Callable[[], None]] = deque()
        self._views: dict[str, View] = {}
        self._news, self._closing = Event(), Event()
        self._configured = self._pending = False
        self._watch: TroubleWatch | None = None
        self._look_due = float("-inf")
        self._asked_since: float | None = None
        self._problem = ""
        #: alerts that were given up since the start, and those of them of which the targets do not know yet
        self._lost = self._untold = 0
        self._broken = False
        self._status: Mapping[str, TargetStatus] = {}
        self._thread = Thread(target=self._run, name="notify", daemon=True)

    def open(self) -> None:
        """Begins."""
        self._thread.start()
        if self._parts.heartbeat:
            self._parts.heartbeat.start()

    def tell(self, camera: str, told: Told) -> None:
        """Takes alerts that began, ended or were acknowledged."""
        if told.view is not None:
            self._views[camera] = told.view
        if not (told.changes or told.alerts):
            return
        for change in told.changes:
            self._queue.append(partial(self._put, change))
        alerts = [alert for standing in told.alerts.values() if standing for alert in standing.alerts]
        if acknowledged := [alert.id for alert in alerts if alert.acknowledged]:
            self._queue.append(partial(self._parts.spool.acknowledge, acknowledged))
        while len(self._queue) > _IN_MEMORY:
            self._queue.popleft()
            self._lost += 1
            self._untold += 1
        self._news.set()

    def health(self) -> SinkHealth:
        """Whether all targets take what they are sent."""
        told = [notify_problem(name, status) for name, status in self._status.items() if status.problem]
        if self._parts.heartbeat and self._parts.heartbeat.problem:
            told.append(f"notify.heartbeat: {self._parts.heartbeat.problem}")
        problem = "; ".join(part for part in (self._problem, *told) if part)
        return SinkHealth(working=not problem, faults=self._lost, problem=problem)

    def close(self) -> None:
        """Writes what is left, and has the sender end."""
        if self._parts.heartbeat:
            self._parts.heartbeat.close()
        self._closing.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(_GOODBYE)

    def _run(self) -> None:
        while True:
            wait = self._work()
            if self._closing.is_set():
                self._parts.waker.close()
                return
            self._news.wait(wait)
            self._news.clear()

    def _work(self) -> float:
        """Does everything that there is to do; seconds until there may be more."""
        try:
            self._work_on_disk()
        except NotifyError as error:
            if not self._problem:
                log.error("%s. Up to %d alerts are kept in memory meanwhile", error, _IN_MEMORY)  # noqa: TRY400
            self._problem = str(error)
            return _REST
        except Exception as error:
            # whatever is wrong here, the thread goes on, and the next alert is told
            if not self._broken:
                log.exception("notifications failed. This is a fault of edge-fer: please report it")
            self._broken = True
            self._problem = f"this is a fault of edge-fer ({type(error).__name__}); please report it"
            return _REST
        return _LOOK if self._pending else _REST

    def _work_on_disk(self) -> None:
        spool, waker = self._parts.spool, self._parts.waker
        if not self._configured:
            spool.configure(asdict(self._parts.settings))
            self._watch = TroubleWatch(frozenset(spool.noted("troubles") or ()))
            self._configured = self._pending = True
        while self._queue:
            # taken away only once it is written
            task = self._queue[0]
            self._do(task)
            if self._queue and self._queue[0] is task:
                self._queue.popleft()
            self._pending = True
        if untold := self._untold:
            spool.count_lost(self._parts.settings.targets, untold)
            log.warning("%d alerts were given up while they could not be kept; the targets are told so", untold)
            self._untold -= untold
        mono = monotonic()
        if mono >= self._look_due and not self._closing.is_set():
            self._look_due = mono + _LOOK_AT_NODE
            self._look_at_node()
            self._status = spool.status()
            self._configured = spool.noted("settings") is not None
            # what a command has put there
            self._pending |= spool.is_woken
        self._problem = ""
        if self._pending:
            self._ask_for_sender(spool, waker)

    def _ask_for_sender(self, spool: Spool, waker: SenderWaker) -> None:
        now = time()
        queues = spool.queues(now)
        self._pending = bool(queues)
        if any(next_send(queue, self._pacing, now) <= now for queue in queues.values()) and not self._closing.is_set():
            still_asked = spool.is_woken
            waker.wake()
            mono = monotonic()
            self._asked_since = mono if self._asked_since is None or not still_asked else self._asked_since
            if mono - self._asked_since > _NO_SENDER:
                self._problem = (
                    "nobody sends what waits. Look at `systemctl status edge-fer-notify.path edge-fer-notify`"
                )
        else:
            self._asked_since = None
            waker.look()

    def _do(self, task: Callable[[], None]) -> None:
        """One task; where it fails for a fault of ours, it is given up, so that it holds up no other."""
        try:
            task()
        except NotifyError:
            raise
        except Exception:
            log.exception("an alert cannot be told. This is a fault of edge-fer: please report it")
            self._lost += 1
            self._untold += 1

    def _put(self, change: AlertChange) -> None:
        """Puts what an alert's beginning or end leads to into the spool."""
        spool, items = self._parts.spool, self._parts.router.alert(change)
        if change.resolved:
            calm = change.reason is Resolution.OVER
            spool.end_alert(change.alert.id, change.at.utc.timestamp(), calm=calm, items=items, now=time())
        elif items:
            spool.add(items, time())

    def _look_at_node(self) -> None:
        """Sees whether edge-fer itself is in trouble."""
        now = self._clock()
        blind = frozenset(name for name, view in self._views.items() if view in _BLIND)
        assert self._watch is not None  # noqa: S101 - made with the settings
        changes = self._watch.look(self._facts(blind), now.mono, now.utc.timestamp())
        if changes:
            items = [item for change in changes for item in self._parts.router.trouble(change, now)]
            self._parts.spool.add(items, time())
            self._parts.spool.note("troubles", sorted(self._watch.told))
            self._pending = True


def notify_problem(name: str, status: TargetStatus) -> str:
    """What is wrong with a target, in a line."""
    waiting = f", {status.waiting} wait" if status.waiting else ""
    return f"{name}: {status.problem} ({status.failures} tries{waiting})"


def make_notify_sink(settings: Config, clock: Clock, health: Callable[[], Health]) -> NotifySink:
    """From the config to the sink, not yet open."""
    notify, zone = settings.notify, local_zone(settings.node.timezone)
    folder = spool_folder(settings.state_dir, os.environ)
    spool = Spool(folder)
    targets = {name: NotifyTarget(target.detail, target.quiet_hours) for name, target in notify.targets.items()}
    routes = [
        NotifyRoute(
            to=route.to,
            what=route.what,
            severity=route.severity,
            rules=route.rules,
            cameras=route.cameras,
            schedule=route.schedule,
            resolved=route.resolved,
            escalate=tuple(EscalationStep(step.after, step.to) for step in route.escalate),
        )
        for route in notify.routes.values()
    ]
    # a rule for it tells people already
    ruled = {
        name
        for name, camera in settings.cameras.items()
        for alert in camera.alerts.values()
        if any(kind_in(part) == "view" for _, part in parts_of(alert.when))
    }
    conditions = {
        (name, rule): written(alert)["when"]
        for name, camera in settings.cameras.items()
        for rule, alert in camera.alerts.items()
    }
    facts = partial(_facts_of, health, settings.state_dir, ruled)
    parts = NotifyParts(
        spool=spool,
        settings=sender_settings(settings),
        router=NotifyRouter(
            targets, routes, zone, per=notify.limit.per, conditions=conditions, link=_links_of(settings)
        ),
        waker=SenderWaker(spool, by_unit=runs_by_unit()),
        heartbeat=Heartbeat(notify.heartbeat, partial(_is_well, health)) if notify.heartbeat else None,
    )
    return NotifySink(parts, clock, facts)


def sender_settings(settings: Config) -> SenderSettings:
    """What of the config the sender is handed."""
    notify, node = settings.notify, settings.node
    return SenderSettings(
        node=node.id,
        place=node.site or node.id,
        language=notify.language,
        zone=node.timezone or "",
        group=notify.group,
        messages=notify.limit.messages,
        per=notify.limit.per,
        targets={
            name: SenderTarget(
                url=target.url or "",
                url_file=str(target.url_file or ""),
                outside=target.outside or settings.profile != "ward",
            )
            for name, target in notify.targets.items()
        },
    )


def _links_of(settings: Config) -> Callable[[NotifyItem], Mapping[str, Any]] | None:
    """What gives an alert's item a link by which it can be acknowledged; None where no page is named."""
    page = settings.notify.page
    if page is None:
        return None
    # loads OpenSSL
    from edge_fer.notify.links import LINK_LASTS, AcknowledgeLink, LinkBook  # noqa: PLC0415

    book = LinkBook(settings.state_dir)

    def link(item: NotifyItem) -> Mapping[str, Any]:
        ends = item.not_before + LINK_LASTS
        try:
            token = book.make(AcknowledgeLink(item.camera, item.key, item.target, ends))
        except KeepingError as error:
            # an alert is told without a link rather than not
            log.warning("an alert is told without a link: %s", error)
            return {}
        return {"link": f"{page.rstrip('/')}/acknowledge?token={token}", "link_ends": ends}

    return link


def _facts_of(health: Callable[[], Health], state_dir: Path, ruled: set[str], blind: frozenset[str]) -> NodeFacts:
    now = health()
    ends = {"broker": now.mqtt.broker_certificate_ends, "client": now.mqtt.client_certificate_ends}
    try:
        free: int | None = shutil.disk_usage(state_dir).free
    except OSError:
        free = None
    watching = {name for name, camera in now.cameras.items() if camera.online and not camera.paused}
    return NodeFacts(
        lost=frozenset(name for name, camera in now.cameras.items() if not (camera.online or camera.paused)),
        blind=blind & watching - ruled,
        connected=now.mqtt.connected,
        depth=now.outbox.depth,
        disk_free=free,
        certificates={name: datetime.fromisoformat(end).timestamp() for name, end in ends.items() if end},
    )


def _is_well(health: Callable[[], Health]) -> bool:
    """Whether all cameras that should deliver pictures do."""
    return all(camera.online or camera.paused for camera in health().cameras.values())
