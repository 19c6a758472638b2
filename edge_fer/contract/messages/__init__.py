"""The wire format: every payload, field by field, and the JSON Schemas made from it."""

from __future__ import annotations

from typing import Any

from edge_fer.contract.messages.base import OFFLINE, ONLINE, VERSION, Message, MessageKind, Sequenced, rfc3339
from edge_fer.contract.messages.commands import REQUESTS, RESPONSES
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
    ModelInfo,
    MqttHealth,
    OutboxHealth,
    PrivacyInfo,
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
    "CameraHealth",
    "CameraInfo",
    "CameraState",
    "Dropped",
    "EventDraft",
    "EventMessage",
    "FrameWork",
    "Health",
    "Info",
    "Message",
    "MessageKind",
    "ModelInfo",
    "MqttHealth",
    "OutboxHealth",
    "PrivacyInfo",
    "Sequenced",
    "StageLatency",
    "SummaryDraft",
    "SummaryMessage",
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
}


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of payload, by the name that its topic ends in; commands and responses by both."""
    told = _KINDS | {f"response/{verb}": response for verb, response in RESPONSES.items()}
    asked = {f"command/{verb}": request.model_json_schema() for verb, request in REQUESTS.items()}
    return {kind: model.model_json_schema(mode="serialization") for kind, model in told.items()} | asked
