"""How the node is now, as the control socket tells it; loaded when somebody first asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from edge_fer import __version__
from edge_fer.capture.loop import CaptureState
from edge_fer.clock.zone import local_zone
from edge_fer.config import tree as config
from edge_fer.config.engine.settable import SETTABLE, STRUCTURED
from edge_fer.config.output.explain import explain
from edge_fer.config.output.schema import json_schema
from edge_fer.config.output.writing import written
from edge_fer.contract.messages import rfc3339
from edge_fer.contract.publisher import Unlinked
from edge_fer.control.state import BrokerNow, CameraNow, EndedAlert, NodeNow, RuleNow, person_now
from edge_fer.daemon.camera import Camera
from edge_fer.mqtt.failures import problem_and_remedy
from edge_fer.remote.auditing import without_secrets
from edge_fer.remote.settings import LoadConfig
from edge_fer.sinks.board import Seen
from edge_fer.sinks.policy import Content
from edge_fer.support.redact import redacted, redacted_text
from edge_fer.types import AlertChange, AlertState, Instant, Resolution, Standing
from edge_fer.wiring.broker import broker_settings
from edge_fer.wiring.info import privacy_info
from edge_fer.wiring.node import Node, Voice
from edge_fer.wiring.sinks import WayOut

__all__ = ["Lookout", "settings_of"]


#: Seconds for which an alert that is over is told.
_ENDED_SHOWN: Final = 3600.0


class Lookout:
    """Sums up how the node is now, for the control socket.

    Args:
        node: knows its settings and its health.
        voice: of the node.
        cameras: by name.
        out: hears what their pipelines tell.
        watchers: who has a live view of a camera.
    """

    def __init__(
        self,
        node: Node,
        voice: Voice,
        cameras: Mapping[str, Camera],
        out: WayOut,
        watchers: Callable[[str], Sequence[str]],
    ) -> None:
        self._node = node
        self._voice = voice
        self._cameras = cameras
        self._out = out
        self._watchers = watchers
        self._written_of: config.Config | None = None
        self._rules: dict[str, dict[str, dict[str, Any]]] = {}

    def __call__(self) -> NodeNow:
        """How it is now."""
        now, settings = self._voice.clock(), self._node.settings
        self._read_rules(settings)
        return NodeNow(
            node=settings.node.id,
            site=settings.node.site,
            version=__version__,
            timezone=str(local_zone(settings.node.timezone)),
            ts=rfc3339(now.utc),
            clock_synced=now.synced,
            uptime_s=now.mono - self._node.started.mono,
            commands_over_mqtt=settings.commands == "on",
            set=sorted(self._node.made),
            privacy=privacy_info(self._out.outlet, now),
            cameras={name: self._camera(name, camera, now) for name, camera in self._cameras.items()},
            broker=self._broker(),
            health=self._node.health(),
        )

    def tells_alerts(self) -> bool:
        """Whether alerts may be told over the control socket."""
        return Content.ALERTS in self._out.outlet.policy.allowed("control", self._voice.clock().mono)

    def _read_rules(self, settings: config.Config) -> None:
        """Keeps the rules of the config as people write them, which takes long."""
        if settings is not self._written_of:
            self._rules = {
                name: {rule: written(alert) for rule, alert in camera.alerts.items()}
                for name, camera in settings.cameras.items()
            }
            self._written_of = settings

    def _camera(self, name: str, camera: Camera, now: Instant) -> CameraNow:
        loop, pause = camera.loop, camera.pause_now
        state: dict[str, Any] = {
            "source": self._node.infos[name].source,
            "online": loop.state is CaptureState.ONLINE,
            "paused": pause is not None,
            "paused_until": rfc3339(pause.until) if pause and pause.until else None,
            "pause_reason": (pause.reason or None) if pause else None,
            "problem": redacted_text(loop.reason),
            "watchers": list(self._watchers(name)),
        }
        if Content.READINGS not in self._out.outlet.policy.allowed("control", now.mono):
            return CameraNow(
                **state, view=None, people=None, mood=None, satisfaction=None, seen=None, rules=None, ended=None
            )
        seen = self._out.board.of(name)
        scene = seen.scene
        return CameraNow(
            **state,
            view=seen.view,
            people=seen.people,
            mood=scene.mood if scene and seen.people else None,
            satisfaction=scene.satisfaction if scene else None,
            seen=[person_now(reading) for reading in seen.readings],
            rules=sorted(self._rules_of(name, seen, now), key=_furthest_first),
            ended=[_ended(change) for change in seen.ended if now.mono - change.at.mono < _ENDED_SHOWN],
        )

    def _rules_of(self, camera: str, seen: Seen, now: Instant) -> Iterable[RuleNow]:
        for rule, alert in self._rules[camera].items():
            standing = seen.standings.get(rule, Standing())
            status = self._voice.composer.alert_status(camera, rule, standing, now)
            yield RuleNow(
                rule=rule,
                state=status.state,
                when=alert["when"],
                **{"for": alert["for"]},
                alerts=status.alerts,
                silenced=status.silenced,
                silenced_until=status.silenced_until,
                in_schedule=status.in_schedule,
                signal=status.signal,
            )

    def _broker(self) -> BrokerNow:
        if isinstance(self._voice.link, Unlinked):
            return BrokerNow(address="", connected=False, problem="nothing is published")
        status = self._voice.link.status()
        mqtt = self._node.settings.mqtt
        known = dict(zip(mqtt.addresses, broker_settings(self._node.settings), strict=True))
        # of several, the one that the link has turned to
        address = next((url for url, broker in known.items() if broker.address == status.address), mqtt.addresses[0])
        setback = None if status.connected else status.setback
        problem = ". ".join(problem_and_remedy(setback, known[address])) if setback else ""
        return BrokerNow(address=redacted(address), connected=status.connected, problem=redacted_text(problem))


def _ended(change: AlertChange) -> EndedAlert:
    alert = change.alert
    return EndedAlert(
        alert_id=alert.id,
        rule=alert.rule,
        severity=alert.severity,
        since=rfc3339(alert.since.utc),
        ended=rfc3339(change.at.utc),
        reason=change.reason or Resolution.OVER,
        acknowledged=alert.acknowledged,
    )


def _furthest_first(rule: RuleNow) -> int:
    return (AlertState.FIRING, AlertState.PENDING, AlertState.INACTIVE).index(rule.state)


def settings_of(load: LoadConfig, *, schema: bool) -> Mapping[str, Any]:
    """The settings in force, and where they come from; never a secret.

    Args:
        load: loads the config.
        schema: whether with the JSON Schema of a config file.
    """
    loaded = load(None)
    rows = {row.path: {"value": without_secrets(row.value, row.path), "origin": row.origin} for row in explain(loaded)}
    told: dict[str, Any] = {
        "layers": list(loaded.layers),
        "values": rows,
        "set": without_secrets(dict(loaded.settings)),
        "set_aside": [redacted_text(str(fault)) for fault in loaded.set_aside],
        "settable": [*SETTABLE, *STRUCTURED],
    }
    return told | ({"schema": json_schema()} if schema else {})
