"""Makes messages of what flows through the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge_fer.contract.link_status import CertificateEnds, LinkStatus, MqttVersion, is_near
from edge_fer.contract.messages import (
    AlertEventDraft,
    AlertInstance,
    AlertStatus,
    AuditChange,
    AuditDraft,
    CameraHealth,
    CameraInfo,
    CameraState,
    Dropped,
    EventDraft,
    Health,
    Info,
    MachineInfo,
    Message,
    ModelInfo,
    MqttHealth,
    OutboxHealth,
    PrivacyInfo,
    RefusedUpdate,
    SinkStatus,
    SummaryDraft,
    rfc3339,
)
from edge_fer.contract.messages.base import AttributeInfo, Part
from edge_fer.contract.messages.commands import ErrorCode, Response
from edge_fer.errors import CommandError
from edge_fer.types import (
    EMOTION,
    Alert,
    AlertChange,
    AlertState,
    AttributeValue,
    Event,
    Instant,
    Scene,
    Standing,
    Summary,
    SummaryNumbers,
)
from edge_fer.values.units import DURATION

__all__ = ["Composer", "told_attributes"]

#: What a summary tells although its numbers are held back.
_TOLD_ANYWAY = {*Message.model_fields, "camera", "window", "since", "until", "watched_s", "held_back"}


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
        changed = reading.attributes[event.attribute] if event.attribute else None
        return EventDraft(
            **self._envelope(event.at),
            camera=reading.camera,
            event_type=event.kind,
            track_id=reading.track_id,
            emotion=reading.label,
            previous=event.previous,
            confidence=changed.confidence if changed else reading.confidence,
            scores=dict(reading.scores),
            quality=reading.quality.value,
            quality_faults=list(reading.quality.faults),
            duration_s=event.duration,
            doubt=reading.doubt,
            attribute=event.attribute,
            value=changed.value if changed else None,
            attributes=told_attributes(reading.attributes),
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
            view=scene.view,
            satisfaction=scene.satisfaction,
            paused=scene.paused,
            attributes=told_attributes(scene.attributes),
        )

    def summary(self, summary: Summary) -> SummaryDraft:
        """What is told about a window of time."""
        return SummaryDraft(
            **self._envelope(summary.at),
            camera=summary.camera,
            window=DURATION.write(float(summary.length)),
            since=rfc3339(summary.since),
            until=rfc3339(summary.until),
            watched_s=summary.watched,
            held_back=summary.numbers is None,
            **_numbers(summary.numbers),
        )

    def info(
        self,
        at: Instant,
        *,
        version: str,
        model: ModelInfo,
        detector: str,
        cameras: Mapping[str, CameraInfo],
        privacy: PrivacyInfo,
        commands: bool = False,
        settings: Mapping[str, Any] | None = None,
        machine: MachineInfo | None = None,
        config_hash: str = "",
        starts: int = 0,
        certificates: CertificateEnds | None = None,
        update_refused: RefusedUpdate | None = None,
    ) -> Info:
        """What the node is and runs; camera sources must hold no secrets. Settings of several values are left out."""
        return Info(
            **self._envelope(at),
            version=version,
            model=model,
            detector=detector,
            cameras=dict(cameras),
            privacy=privacy,
            commands=commands,
            settings={
                key: value
                for key, value in (settings or {}).items()
                if not isinstance(value, Mapping | Sequence) or isinstance(value, str)
            },
            machine=machine,
            config_hash=config_hash,
            starts=starts,
            broker_certificate_ends=_moment(certificates.broker) if certificates else None,
            client_certificate_ends=_moment(certificates.client) if certificates else None,
            update_refused=update_refused,
        )

    def response(
        self,
        kind: type[Response],
        at: Instant,
        *,
        id: str | None,  # noqa: A002 - as the field is called
        result: Part | None = None,
        error: CommandError | None = None,
    ) -> Response:
        """What came of a command: its result, or why it was not carried out.

        Args:
            kind: what the command is answered with; `Response` where there is no such command.
            at: when.
            id: the request's.
            result: what the command gives.
            error: why it was not carried out.
        """
        fields = self._envelope(at) | {"id": id, "ok": error is None, "error": None, "message": ""}
        if error:
            fields |= {"error": ErrorCode(error.code), "message": str(error)}
        if "result" in kind.model_fields:
            fields |= {"result": result}
        return kind(**fields)

    def audit(
        self,
        at: Instant,
        *,
        actor: str | None,
        role: str | None,
        via: str,
        request_id: str | None,
        command: str,
        fields: Mapping[str, Any],
        changes: Sequence[AuditChange],
        outcome: str,
        message: str,
    ) -> AuditDraft:
        """Who asked for what, and what came of it; without secrets."""
        told: dict[str, Any] = {
            "actor": actor,
            "role": role,
            "via": via,
            "request_id": request_id,
            "command": command,
            "fields": dict(fields),
            "changes": list(changes),
            "outcome": outcome,
            "message": message,
        }
        return AuditDraft(**self._envelope(at), **told)

    def health(
        self,
        at: Instant,
        *,
        uptime: float,
        rss: int,
        temperature: float | None,
        throttling: Sequence[str] | None,
        cameras: Mapping[str, CameraHealth],
        link: LinkStatus,
        sinks: Mapping[str, SinkStatus] | None = None,
    ) -> Health:
        """How the node is doing: uptime in seconds, rss in bytes, temperature in degrees Celsius."""
        return Health(
            **self._envelope(at),
            uptime_s=uptime,
            rss_bytes=rss,
            temperature_c=temperature,
            throttling=None if throttling is None else list(throttling),
            cameras=dict(cameras),
            outbox=OutboxHealth(
                depth=link.depth,
                bytes=link.size,
                oldest_s=link.oldest,
                dropped=Dropped(**{kind.value: count for kind, count in link.dropped.items()}),
                damaged=link.damaged,
            ),
            mqtt=MqttHealth(
                connected=link.connected,
                connections=link.connections,
                protocol=link.protocol.text,
                refusals_seen=link.protocol is MqttVersion.V5 and link.acknowledges,
                last_setback=link.last_trouble,
                broker_certificate_ends=_near(link.certificates.broker, at),
                client_certificate_ends=_near(link.certificates.client, at),
            ),
            sinks=dict(sinks or {}),
        )


def _moment(end: datetime | None) -> str | None:
    return None if end is None else rfc3339(end)


def _near(end: datetime | None, at: Instant) -> str | None:
    """The end of a certificate, where it is near."""
    return rfc3339(end) if end is not None and is_near(end, at.utc) else None


def _numbers(numbers: SummaryNumbers | None) -> dict[str, Any]:
    if numbers is None:
        return dict.fromkeys(SummaryDraft.model_fields.keys() - _TOLD_ANYWAY)
    read = sum(numbers.seconds.values())
    satisfaction, usual = numbers.satisfaction, numbers.usual
    return {
        "people": numbers.people,
        "presence_s": numbers.presence,
        "attention_s": numbers.attention,
        "seconds": dict(numbers.seconds),
        "shares": {label: spent / read if read else 0.0 for label, spent in numbers.seconds.items()},
        "uncertain_share": numbers.uncertain / numbers.presence if numbers.presence else 0.0,
        "satisfaction": satisfaction,
        "distress": numbers.distress,
        "distress_share": numbers.distress_share,
        "usual": usual,
        "difference": None if satisfaction is None or usual is None else satisfaction - usual,
    }


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


def told_attributes(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeInfo]:
    """What is told of attributes other than the emotion, which messages have in fields of its own."""
    return {
        name: AttributeInfo(value=known.value, confidence=known.confidence, scores=dict(known.scores))
        for name, known in attributes.items()
        if name != EMOTION
    }
