"""Makes messages of what flows through the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_fer.mqtt.messages import (
    AlertEventDraft,
    AlertInstance,
    AlertStatus,
    CameraHealth,
    CameraInfo,
    CameraState,
    Dropped,
    EventDraft,
    Health,
    Info,
    ModelInfo,
    MqttHealth,
    OutboxHealth,
    PrivacyInfo,
    rfc3339,
)
from edge_fer.mqtt.status import LinkStatus
from edge_fer.types import Alert, AlertChange, AlertState, Event, Instant, Scene, Standing

__all__ = ["Composer"]


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes the messages of one node.

    Attributes:
        node: the node's name.
        site: where it stands, in its owner's words.
    """

    node: str
    site: str = ""

    def _envelope(self, at: Instant) -> dict[str, Any]:
        """What every message begins with."""
        return {"node": self.node, "site": self.site, "ts": rfc3339(at.utc), "clock_synced": at.synced}

    def event(self, event: Event) -> EventDraft:
        """What is told about something that happened to a person."""
        reading = event.reading
        return EventDraft(
            **self._envelope(event.at),
            camera=reading.camera,
            event_type=event.kind,
            track_id=reading.track_id,
            emotion=reading.label,
            previous=event.previous,
            confidence=reading.confidence,
            scores=dict(reading.scores),
            quality=reading.quality.value,
            quality_faults=list(reading.quality.faults),
            duration_s=event.duration,
        )

    def alert_event(self, change: AlertChange) -> AlertEventDraft:
        """What is told about an alert that fired or was resolved."""
        alert = change.alert
        return AlertEventDraft(
            **self._envelope(change.at),
            camera=alert.camera,
            event_type="resolved" if change.resolved else "firing",
            alert_id=alert.id,
            rule=alert.rule,
            severity=alert.severity,
            track_id=alert.track_id,
            since=rfc3339(alert.since.utc),
            value=alert.value,
            threshold=alert.threshold,
            reason=change.reason,
            acknowledged=alert.acknowledged,
            signal=change.signal,
        )

    def alert_status(self, camera: str, rule: str, standing: Standing, at: Instant) -> AlertStatus:
        """Where a rule's alerts stand."""
        states = {alert.state for alert in standing.alerts}
        furthest = next((s for s in (AlertState.FIRING, AlertState.PENDING) if s in states), AlertState.INACTIVE)
        return AlertStatus(
            **self._envelope(at),
            camera=camera,
            rule=rule,
            state=furthest,
            alerts=[_instance(alert) for alert in standing.alerts],
            silenced=standing.silenced,
            silenced_until=rfc3339(standing.silenced_until) if standing.silenced_until else None,
            in_schedule=standing.in_schedule,
            signal=standing.signal,
        )

    def state(self, scene: Scene) -> CameraState:
        """What a camera sees as a whole."""
        return CameraState(
            **self._envelope(scene.at),
            camera=scene.camera,
            people=scene.people,
            mood=scene.mood,
            confidence=scene.confidence,
        )

    def info(
        self, at: Instant, *, version: str, model: ModelInfo, detector: str, cameras: Mapping[str, CameraInfo]
    ) -> Info:
        """What the node is and runs; camera sources must hold no secrets."""
        return Info(
            **self._envelope(at),
            version=version,
            model=model,
            detector=detector,
            cameras=dict(cameras),
            privacy=PrivacyInfo(pictures_published=False),
        )

    def health(
        self,
        at: Instant,
        *,
        uptime: float,
        rss: int,
        temperature: float | None,
        cameras: Mapping[str, CameraHealth],
        link: LinkStatus,
    ) -> Health:
        """How the node is doing: uptime in seconds, rss in bytes, temperature in degrees Celsius."""
        return Health(
            **self._envelope(at),
            uptime_s=uptime,
            rss_bytes=rss,
            temperature_c=temperature,
            cameras=dict(cameras),
            outbox=OutboxHealth(
                depth=link.depth,
                bytes=link.size,
                oldest_s=link.oldest,
                dropped=Dropped(**{kind.value: count for kind, count in link.dropped.items()}),
            ),
            mqtt=MqttHealth(connected=link.connected, connections=link.connections, protocol=link.protocol.text),
        )


def _instance(alert: Alert) -> AlertInstance:
    if alert.state is AlertState.INACTIVE:
        msg = f"alert {alert.id} is inactive and has nothing to tell"
        raise ValueError(msg)
    return AlertInstance(
        id=alert.id,
        track_id=alert.track_id,
        severity=alert.severity,
        state=alert.state,
        since=rfc3339(alert.since.utc),
        value=alert.value,
        threshold=alert.threshold,
        acknowledged=alert.acknowledged,
    )
