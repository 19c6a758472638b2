"""The wire format: every payload, field by field, and the JSON Schemas made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_fer.contract.messages.audit import AuditChange, AuditDraft, AuditMessage
from edge_fer.contract.messages.base import OFFLINE, ONLINE, VERSION, Message, MessageKind, Sequenced, rfc3339
from edge_fer.contract.messages.commands import Request, Response
from edge_fer.contract.messages.events import (
    AlertEventDraft,
    AlertEventMessage,
    EventDraft,
    EventMessage,
    SummaryDraft,
    SummaryMessage,
)
from edge_fer.contract.messages.stamping import restamp, seal
from edge_fer.contract.messages.states import (
    AlertInstance,
    AlertStatus,
    CameraHealth,
    CameraInfo,
    CameraState,
    Dropped,
    FrameWork,
    Health,
    Info,
    MachineInfo,
    ModelInfo,
    MqttHealth,
    OutboxHealth,
    PrivacyInfo,
    RefusedUpdate,
    SinkStatus,
    StageLatency,
)

__all__ = [
    "OFFLINE",
    "ONLINE",
    "VERSION",
    "AlertEventDraft",
    "AlertEventMessage",
    "AlertInstance",
    "AlertStatus",
    "AuditChange",
    "AuditDraft",
    "AuditMessage",
    "CameraHealth",
    "CameraInfo",
    "CameraState",
    "Dropped",
    "EventDraft",
    "EventMessage",
    "FrameWork",
    "Health",
    "Info",
    "MachineInfo",
    "Message",
    "MessageKind",
    "ModelInfo",
    "MqttHealth",
    "OutboxHealth",
    "PrivacyInfo",
    "RefusedUpdate",
    "Sequenced",
    "SinkStatus",
    "StageLatency",
    "SummaryDraft",
    "SummaryMessage",
    "command_schemas",
    "restamp",
    "rfc3339",
    "schemas",
    "seal",
]

_KINDS: dict[str, type[Message]] = {
    "info": Info,
    "health": Health,
    "state": CameraState,
    "alert": AlertStatus,
    "event": EventMessage,
    "alert_event": AlertEventMessage,
    "summary": SummaryMessage,
    "audit": AuditMessage,
}


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of payload that the node sends by itself, by the name that its topic ends in."""
    return {kind: _as_sent(model) for kind, model in _KINDS.items()}


def command_schemas(commands: Mapping[str, tuple[type[Request], type[Response]]]) -> dict[str, dict[str, Any]]:
    """The JSON Schemas of requests and responses, by the last two levels of their topics.

    Args:
        commands: the two models of each command, by its name.
    """
    told = {f"response/{name}": _as_sent(response) for name, (_, response) in commands.items()}
    return told | {f"command/{name}": request.model_json_schema() for name, (request, _) in commands.items()}


def _as_sent(model: type[Message]) -> dict[str, Any]:
    return model.model_json_schema(mode="serialization")
