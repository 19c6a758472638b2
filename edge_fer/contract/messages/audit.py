"""Who asked for what, and what came of it: through the outbox, drafted and sealed as events are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from edge_fer.contract.messages.base import Message, Part, Sequenced

__all__ = ["AuditChange", "AuditDraft", "AuditMessage"]


class AuditChange(Part):
    """Something that a command changed."""

    key: str = Field(description="Its key in the config.")
    old: JsonValue = Field(description="Its value before; secrets in it show as ***.")
    new: JsonValue = Field(description="Its value now, likewise.")


class AuditDraft(Message):
    """A command that somebody asked for, before it is sent."""

    event_type: Literal["command"] = Field(default="command", description="What is told of.")
    actor: str | None = Field(
        description="Who asked: a user of this device, the person that the web page names, or whoever a wanted config "
        "names (docs/fleet.md); null: MQTT does not tell."
    )
    role: Literal["viewer", "operator", "admin"] | None = Field(
        description="How much they may ask for; null: over MQTT, the broker decides."
    )
    via: Literal["mqtt", "socket", "web"] = Field(
        description="By which way it came in: MQTT, the control socket, or the web page, which uses that socket."
    )
    request_id: str | None = Field(description="The request's id, by which its sender can be found; null: it has none.")
    command: str = Field(description="What was asked for.")
    fields: dict[str, JsonValue] = Field(description="The fields of the request; secrets in them show as ***.")
    changes: list[AuditChange] = Field(description="What it changed, from and to; empty: nothing in the config.")
    outcome: str = Field(
        description="done, or why it was not carried out: denied (the role is too low), busy, refused, failed."
    )
    message: str = Field(description="The same in a sentence; empty: it was carried out.")


class AuditMessage(AuditDraft, Sequenced):
    """`audit`: a command that somebody asked for, and what came of it."""
