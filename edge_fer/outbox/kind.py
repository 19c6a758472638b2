"""What is kept in an outbox, by importance."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MessageKind"]


class MessageKind(StrEnum):
    """What goes through the outbox, the most important first: sent first, and given up last."""

    ALERT_EVENT = "alert_event"
    EVENT = "event"
    SUMMARY = "summary"
