"""The table of commands: one row for each, with everything that belongs to it.

A row is added with `register`. All ways in (MQTT, the control socket), the schemas and the docs follow from the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from edge_fer.contract.messages import command_schemas
from edge_fer.contract.messages import schemas as message_schemas
from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import (
    AcknowledgedAlert,
    AcknowledgeRequest,
    AcknowledgeResponse,
    AcknowledgeResult,
    CamerasResult,
    PauseRequest,
    PauseResponse,
    PauseResult,
    PingRequest,
    PingResponse,
    PingResult,
    ReloadRequest,
    ReloadResponse,
    Request,
    Response,
    ResumeRequest,
    ResumeResponse,
    SetRequest,
    SetResponse,
    SetResult,
    SilencedRule,
    SilenceRequest,
    SilenceResponse,
    SilenceResult,
)
from edge_fer.contract.topics import is_name
from edge_fer.remote.asker import Role
from edge_fer.remote.configuring import ConfigureRequest, ConfigureResponse, ConfigureResult
from edge_fer.remote.guests import GuestPauseRequest, GuestPauseResponse
from edge_fer.remote.handlers import Done, Verbs
from edge_fer.remote.noting import NoteRequest, NoteResponse

__all__ = ["COMMANDS", "CommandRow", "register", "schemas"]

Asked = TypeVar("Asked", bound=Request)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow(Generic[Asked]):
    """A command. Nothing has a default, so that nothing can be forgotten.

    Attributes:
        name: as it is asked for.
        request: what a request looks like.
        response: what is answered over MQTT; its field `result`, if it has one, is what the handler returns.
        handler: carries a request out, or raises CommandError.
        role: what somebody must be to ask for it over the control socket.
        over_mqtt: whether it may be asked for over MQTT, where the broker decides who may.
        audited: whether `audit` tells of it.
        cost: what a request counts against the rate limit of MQTT.
        example: fields of a request, without its id, and the result of it, for the docs.
    """

    name: str
    request: type[Asked]
    response: type[Response]
    handler: Callable[[Verbs, Asked], Done]
    role: Role
    over_mqtt: bool
    audited: bool
    cost: float
    example: tuple[Mapping[str, Any], Part | None]


_rows: Final[dict[str, CommandRow[Any]]] = {}

#: Every command by its name; a view that follows what is registered.
COMMANDS: Final[Mapping[str, CommandRow[Any]]] = MappingProxyType(_rows)


def register(row: CommandRow[Asked]) -> None:
    """Adds a command.

    Raises:
        ValueError: its name cannot stand in a topic, or there is such a command already.
    """
    if not is_name(row.name):
        msg = f"the command name {row.name!r} cannot stand in a topic: use letters, digits, `_` and `-`"
        raise ValueError(msg)
    if row.name in _rows:
        msg = f"there are two commands {row.name!r}: give one of them another name"
        raise ValueError(msg)
    _rows[row.name] = row


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each kind of payload over MQTT, those of commands included."""
    rows = [row for row in COMMANDS.values() if row.over_mqtt]
    return message_schemas() | command_schemas({row.name: (row.request, row.response) for row in rows})


register(
    CommandRow(
        name="ping",
        request=PingRequest,
        response=PingResponse,
        handler=Verbs.ping,
        role=Role.VIEWER,
        over_mqtt=True,
        audited=False,
        cost=1.0,
        example=({}, PingResult(version="0.1.0", uptime_s=3600.0)),
    )
)
register(
    CommandRow(
        name="reload",
        request=ReloadRequest,
        response=ReloadResponse,
        handler=Verbs.reload,
        role=Role.OPERATOR,
        over_mqtt=True,
        audited=True,
        # everything may start over
        cost=2.0,
        example=({}, None),
    )
)
register(
    CommandRow(
        name="pause",
        request=PauseRequest,
        response=PauseResponse,
        handler=Verbs.pause,
        role=Role.OPERATOR,
        over_mqtt=True,
        audited=True,
        cost=1.0,
        example=(
            {"camera": "front", "for": "2h", "reason": "a talk with relatives"},
            PauseResult(cameras=["front"], until="2026-01-01T02:00:12.000Z"),
        ),
    )
)
register(
    CommandRow(
        name="resume",
        request=ResumeRequest,
        response=ResumeResponse,
        handler=Verbs.resume,
        role=Role.OPERATOR,
        over_mqtt=True,
        audited=True,
        cost=1.0,
        example=({}, CamerasResult(cameras=["front"])),
    )
)
_KNOWN = AcknowledgedAlert(camera="front", rule="unhappy-guest", alert_id="5d1f0c2e9a7b4c36")
register(
    CommandRow(
        name="acknowledge",
        request=AcknowledgeRequest,
        response=AcknowledgeResponse,
        handler=Verbs.acknowledge,
        role=Role.OPERATOR,
        over_mqtt=True,
        audited=True,
        cost=1.0,
        example=({"alert_id": _KNOWN.alert_id}, AcknowledgeResult(alerts=[_KNOWN])),
    )
)
_SILENCED = SilencedRule(camera="front", rule="unhappy-guest", silenced=True, silenced_until="2026-01-01T00:30:12.000Z")
register(
    CommandRow(
        name="silence",
        request=SilenceRequest,
        response=SilenceResponse,
        handler=Verbs.silence,
        role=Role.OPERATOR,
        over_mqtt=True,
        audited=True,
        cost=1.0,
        example=({"rule": "unhappy-guest", "for": "30m"}, SilenceResult(rules=[_SILENCED])),
    )
)
register(
    CommandRow(
        name="set",
        request=SetRequest,
        response=SetResponse,
        handler=Verbs.set,
        role=Role.OPERATOR,
        over_mqtt=True,
        audited=True,
        # everything may start over
        cost=2.0,
        example=(
            {"key": "alerts.unhappy-guest.for", "value": "6s"},
            SetResult(key="alerts.unhappy-guest.for", old="4s", new="6s"),
        ),
    )
)
register(
    CommandRow(
        name="configure",
        request=ConfigureRequest,
        response=ConfigureResponse,
        handler=Verbs.configure,
        # a zone hides what must not be seen
        role=Role.ADMIN,
        over_mqtt=False,
        audited=True,
        # everything may start over
        cost=2.0,
        example=(
            {"key": "alerts.queue.schedule", "value": ["mon-fri 08:00-18:00"]},
            ConfigureResult(key="alerts.queue.schedule", old=[], new=["mon-fri 08:00-18:00"]),
        ),
    )
)
register(
    CommandRow(
        name="guest_pause",
        request=GuestPauseRequest,
        response=GuestPauseResponse,
        handler=Verbs.guest_pause,
        # whoever knows the passcode may, which is on the wall
        role=Role.VIEWER,
        over_mqtt=False,
        audited=True,
        cost=1.0,
        example=(
            {"passcode": "quiet-table-7"},
            PauseResult(cameras=["front"], until="2026-01-01T00:15:12.000Z"),
        ),
    )
)
register(
    CommandRow(
        name="note",
        request=NoteRequest,
        response=NoteResponse,
        handler=Verbs.note,
        role=Role.VIEWER,
        over_mqtt=False,
        audited=True,
        cost=1.0,
        example=({"event": "login"}, None),
    )
)
