"""Every sink there is, one row each: a new one is a file in this folder and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_fer.clock.system import Clock, SystemClock
from edge_fer.config.tree import Config
from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import Health
from edge_fer.contract.publisher import PublisherPort
from edge_fer.contract.topics import Topics
from edge_fer.errors import ConfigError
from edge_fer.sinks.base import SinkPort
from edge_fer.sinks.board import Board
from edge_fer.sinks.mqtt import MqttSink
from edge_fer.sinks.policy import Content, Policy, Right
from edge_fer.sinks.state_files import StateFiles
from edge_fer.sinks.terminal import Terminal
from edge_fer.support.registry import by_name
from edge_fer.types import SignalKey, SignalValue

if TYPE_CHECKING:
    from edge_fer.sinks.recent import RecentReadings
    from edge_fer.sinks.trace import TraceRecording

__all__ = ["SINKS", "Asked", "SinkRow", "Surroundings", "make_policy", "make_sinks"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, beside the config.

    Attributes:
        publish: whether anything goes to the broker, and is kept over restarts.
        show: prints one line, where events and alerts are to be shown.
        record: a trace that readings are to be written into.
        control: whether there is a control socket.
        recent: keeps the readings of the last hour, where they are to be kept.
        board: keeps what was told last, where that outlives a reload.
    """

    publish: bool = True
    show: Callable[[str], None] | None = None
    record: TraceRecording | None = None
    control: bool = False
    recent: RecentReadings | None = None
    board: Board | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sink can be made of.

    Attributes:
        settings: the config.
        asked: what the command line asks for.
        link: leads to the broker.
        topics: of the node.
        composer: of the node's messages.
        state: keeps state files.
        board: keeps what was told last.
        health: how the node is doing.
        clock: the machine's.
        samples: gives the newest of outside numbers.
    """

    settings: Config
    asked: Asked
    link: PublisherPort
    topics: Topics
    composer: Composer
    state: StateFiles
    board: Board
    health: Callable[[], Health]
    clock: Clock
    samples: Callable[[], Mapping[SignalKey, SignalValue]]


@dataclass(frozen=True, slots=True)
class SinkRow:
    """One sink, with everything that belongs to it.

    Attributes:
        name: by which the policy, the log and `health` know it.
        right: what it may get.
        wanted: whether it takes part, by the config and what was asked for.
        make: makes it; it is opened later.
        about: what it is, for `docs/privacy.md`.
        keeps: what it keeps on the device, and for how long, likewise.
        sends: what it sends, and where to, likewise.
    """

    name: str
    right: Right
    wanted: Callable[[Config, Asked], bool]
    make: Callable[[Surroundings], SinkPort]
    about: str
    keeps: str
    sends: str


def _make_terminal(surroundings: Surroundings) -> SinkPort:
    assert surroundings.asked.show is not None  # noqa: S101 - the row says so
    return Terminal(surroundings.asked.show)


def _make_trace(surroundings: Surroundings) -> SinkPort:
    assert surroundings.asked.record is not None  # noqa: S101 - the row says so
    from edge_fer.sinks.trace import TraceSink  # noqa: PLC0415 - few write one

    return TraceSink(surroundings.asked.record, surroundings.settings)


def _make_recent(surroundings: Surroundings) -> SinkPort:
    assert surroundings.asked.recent is not None  # noqa: S101 - the row says so
    from edge_fer.sinks.recent import RecentSink  # noqa: PLC0415 - not everybody keeps them

    return RecentSink(surroundings.asked.recent, surroundings.settings)


def _make_prometheus(surroundings: Surroundings) -> SinkPort:
    port = surroundings.settings.metrics.port
    try:
        from edge_fer.sinks.prometheus import PrometheusSink  # noqa: PLC0415 - its library is an extra
    except ImportError as error:
        msg = f"metrics.port: `{port}` needs the Python package prometheus-client: {error}"
        remedy = "Install it (docs/metrics.md says how), or take the line out"
        raise ConfigError(msg, remedy=remedy) from None
    return PrometheusSink(port, health=surroundings.health)


def _make_history(surroundings: Surroundings) -> SinkPort:
    # the history takes memory, which whoever wants none need not spend
    from edge_fer.sinks.history_maker import make_history  # noqa: PLC0415

    return make_history(surroundings.settings, surroundings.clock, surroundings.samples, surroundings.health)


def _make_notify(surroundings: Surroundings) -> SinkPort:
    from edge_fer.sinks.notify import make_notify_sink  # noqa: PLC0415 - few need it

    return make_notify_sink(surroundings.settings, SystemClock(), surroundings.health)


#: In the order in which they hear of something: what must not be lost comes first.
SINKS: Sequence[SinkRow] = (
    SinkRow(
        name="mqtt",
        right=Right(
            frozenset({Content.ATTRIBUTES, Content.EVENTS, Content.ALERTS, Content.SCENES, Content.SUMMARIES}),
            leaves=True,
        ),
        wanted=lambda _, asked: asked.publish,
        make=lambda it: MqttSink(
            it.link, it.topics, it.composer, windows=frozenset(map(int, it.settings.summaries.windows))
        ),
        about="messages over MQTT",
        keeps="what waits for the broker, in `outbox.sqlite`; two weeks at most (`mqtt.outbox.max_age`)",
        sends="`event`, `alert_event`, `alert`, `state` and `summary`, to the broker",
    ),
    SinkRow(
        name="state-files",
        right=Right(frozenset({Content.ALERTS, Content.SUMMARIES}), leaves=False),
        wanted=lambda _, asked: asked.publish,
        make=lambda it: it.state,
        about="what must be known after a restart",
        keeps="sums of the open windows, averages of 168 hours, and alerts until they are over: `summaries.json`, "
        "`trends.json`, `alerts.json`",
        sends="nothing",
    ),
    SinkRow(
        name="history",
        right=Right(frozenset({Content.EVENTS, Content.ALERTS, Content.SUMMARIES}), leaves=False),
        wanted=lambda settings, asked: asked.publish and settings.history.record == "on",
        make=_make_history,
        about="what was seen by the minute and the hour, with `history.record: on`",
        keeps="summaries, alerts without track ids, how many people came, the device's health, and outside numbers "
        "where asked for, in `history.sqlite`; 35 days by the minute, two years by the hour (`history.keep`)",
        sends="nothing",
    ),
    SinkRow(
        name="notify",
        right=Right(frozenset({Content.ALERTS}), leaves=True),
        wanted=lambda settings, asked: asked.publish and bool(settings.notify.targets or settings.notify.heartbeat),
        make=_make_notify,
        about="notifications, with `notify.targets`",
        keeps="what waits to be told, in `notify.sqlite`; a day at most",
        sends="that somebody should look, and where; with `detail: full`, the alert's rule and what was measured, too; "
        "with `notify.page`, a link that acknowledges the alert; to the targets that the config names",
    ),
    SinkRow(
        name="prometheus",
        right=Right(frozenset({Content.ALERTS}), leaves=True),
        wanted=lambda settings, asked: asked.publish and bool(settings.metrics.port),
        make=_make_prometheus,
        about="metrics, with `metrics.port`",
        keeps="nothing",
        sends="how many alerts there are, to whoever asks on this device",
    ),
    SinkRow(
        name="control",
        right=Right(
            frozenset({Content.READINGS, Content.ATTRIBUTES, Content.EVENTS, Content.ALERTS, Content.SCENES}),
            leaves=True,
            on_request=frozenset({Content.PICTURES}),
        ),
        wanted=lambda _, asked: asked.control,
        make=lambda it: it.board,
        about="how everything is now, on the control socket",
        keeps="nothing but the newest, in memory",
        sends="people in view and alerts, to root and members of the group `edge-fer` on this device who ask; small "
        "pictures with pixelated faces, to an operator who asks for a live view, for a minute (`privacy.live`)",
    ),
    SinkRow(
        name="recent",
        right=Right(frozenset({Content.READINGS, Content.ATTRIBUTES}), leaves=True),
        wanted=lambda settings, asked: (
            asked.recent is not None and settings.privacy.recent == "on" and settings.privacy.events == "on"
        ),
        make=_make_recent,
        about="readings of the last hour, on which thresholds can be tried, with `privacy.recent: on`",
        keeps="numbers in memory, two a second, for an hour; a megabyte at most",
        sends="which alerts other thresholds would have made of them, to an operator on this device who asks",
    ),
    SinkRow(
        name="terminal",
        right=Right(frozenset({Content.ATTRIBUTES, Content.EVENTS, Content.ALERTS}), leaves=False),
        wanted=lambda _, asked: asked.show is not None,
        make=_make_terminal,
        about="lines on the terminal, with `--show` or `--demo`",
        keeps="nothing; under systemd the journal keeps the lines",
        sends="nothing",
    ),
    SinkRow(
        name="trace",
        right=Right(frozenset({Content.READINGS, Content.ATTRIBUTES}), leaves=False),
        wanted=lambda _, asked: asked.record is not None,
        make=_make_trace,
        about="a trace of readings, with `record` or `--record`",
        keeps="numbers, in the file that was named; until somebody deletes it",
        sends="nothing",
    ),
)


def make_policy(settings: Config) -> Policy:
    """What may leave, by the config."""
    return Policy(
        {name: row.right for name, row in by_name(SINKS, lambda row: row.name).items()},
        events=settings.privacy.events == "on",
        k_minimum=settings.privacy.k_minimum,
        live=settings.privacy.live,
    )


def make_sinks(surroundings: Surroundings) -> Mapping[str, SinkPort]:
    """The sinks that take part, by name, not yet open.

    Raises:
        ConfigError: what one of them needs is not installed.
    """
    taking_part = [row for row in SINKS if row.wanted(surroundings.settings, surroundings.asked)]
    return {row.name: row.make(surroundings) for row in taking_part}
