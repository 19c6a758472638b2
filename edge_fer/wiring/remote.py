"""From the config to what carries commands out, and what brings them from MQTT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from edge_fer.config import Loaded
from edge_fer.config import tree as config
from edge_fer.contract.messages import MessageKind
from edge_fer.contract.topics import Topics
from edge_fer.control.server import ControlServer
from edge_fer.daemon.camera import Camera
from edge_fer.log.recent import RecentLines
from edge_fer.remote.auditing import audit_of
from edge_fer.remote.commander import Commander
from edge_fer.remote.executor import Executor, Outcome
from edge_fer.remote.handlers import Verbs
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.reloader import Reloader
from edge_fer.remote.settings import LoadConfig, Settings
from edge_fer.remote.trying import TryOut
from edge_fer.types import Instant
from edge_fer.wiring.node import Node, Voice

if TYPE_CHECKING:
    from edge_fer.config.engine.desired import Document

__all__ = ["Remote", "make_commanders", "make_executor", "make_inbox"]


#: Loads the config with these wishes of a fleet's operator in the place of those that are kept; None: with those.
LoadDesired: TypeAlias = Callable[["Sequence[Document] | None"], Loaded]


@dataclass(frozen=True, slots=True)
class Remote:
    """What commands need of the program around the service.

    Attributes:
        load: loads the config anew.
        reloader: has it taken over.
        settings: what was set by command, as it was loaded.
        control: the control socket, if there is one.
        load_desired: loads the config with other wishes of a fleet's operator.
        try_out: takes the readings of the last hour through two configs, if they are kept.
        log_lines: the newest lines of the log; None: they are not kept.
        examine: the command line that finds out what is wrong, and says so as JSON; empty: there is none.
        archive: the command line that makes a backup and writes it to its standard output; empty: there is none.
        started: when the daemon was started, whatever services it has run since; None: with this service.
    """

    load: LoadConfig
    reloader: Reloader = field(default_factory=Reloader)
    settings: Mapping[str, Any] = field(default_factory=dict)
    control: ControlServer | None = None
    load_desired: LoadDesired | None = None
    try_out: TryOut | None = None
    log_lines: RecentLines | None = None
    examine: Sequence[str] = ()
    archive: Sequence[str] = ()
    started: Instant | None = None


def make_inbox(settings: config.Config, topics: Topics) -> Inbox | None:
    """Where commands come in; None, where the config wants none."""
    return Inbox(topics) if settings.commands == "on" else None


def make_executor(
    remote: Remote | None,
    cameras: Mapping[str, Camera],
    voice: Voice,
    node: Node,
    *,
    kept: Callable[[float], bool],
) -> Executor | None:
    """What carries commands out, whichever way they come in; None where none are taken.

    Args:
        remote: what commands need of the program.
        cameras: by name.
        voice: tells what was asked for, in `audit`.
        node: tells what is set, whenever that has changed.
        kept: waits until what was changed about alerts is on disk, and says whether it is.
    """
    if remote is None:
        return None
    settings = Settings(remote.load, remote.settings)
    verbs = Verbs(
        cameras,
        settings=settings,
        reloader=remote.reloader,
        uptime=lambda: voice.clock().mono - node.started.mono,
        settings_changed=lambda: node.tell_info(settings.values),
        kept=kept,
        clock=voice.clock,
        passcode=lambda: node.settings.privacy.pause_passcode,
    )

    def tell(outcome: Outcome) -> None:
        now = voice.clock()
        # as important as events: after alerts, before summaries
        voice.link.post(voice.topics.audit, MessageKind.EVENT, audit_of(outcome, voice.composer, now), now)

    return Executor(verbs, tell)


def make_commanders(
    inbox: Inbox | None,
    executor: Executor | None,
    voice: Voice,
) -> Sequence[Commander]:
    """What brings commands from MQTT, not yet started; nothing, where none are taken.

    Args:
        inbox: where they come from.
        executor: carries them out.
        voice: sends the answers.
    """
    if executor is None or inbox is None:
        return []
    return [
        Commander(
            inbox,
            executor,
            topics=voice.topics,
            composer=voice.composer,
            clock=voice.clock,
            reply=voice.link.reply,
        )
    ]
