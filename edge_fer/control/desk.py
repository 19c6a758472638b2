"""What one service answers requests of the control socket with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from edge_fer.control.newness import Newness
from edge_fer.control.protocol import Code
from edge_fer.control.server import ControlServer, LiveLease
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Asker, Role
from edge_fer.remote.executor import Executor
from edge_fer.remote.requests import read_fields

if TYPE_CHECKING:
    from edge_fer.control.state import NodeNow

__all__ = ["ControlRecord", "Desk", "LivePort"]


class LivePort(Protocol):
    """Lets people look at cameras for a limited time."""

    def begin(self, fields: Mapping[str, Any], asker: Asker, take: Callable[[Mapping[str, Any]], None], /) -> LiveLease:
        """Begins a live view; CommandError where it may not be."""

    def close(self) -> None:
        """Ends all of them."""


@dataclass(frozen=True, slots=True)
class ControlRecord:
    """Something that is kept and can be read.

    Attributes:
        role: of those who may.
        read: gives it, by the fields that say which part; CommandError where they are wrong.
    """

    role: Role
    read: Callable[[Mapping[str, Any]], Any]


class Desk:
    """Answers from when it is started until it is closed.

    Args:
        server: the control socket.
        executor: carries commands out.
        look: how everything is now.
        read_settings: the settings and where they come from, with their schema if wanted.
        live: lets people look at cameras.
        try_out: what alerts other thresholds would have made of the last hour, for somebody who asks.
        records: what else can be read, by name.
    """

    def __init__(
        self,
        server: ControlServer,
        executor: Executor,
        *,
        look: Callable[[], NodeNow],
        read_settings: Callable[[bool], Mapping[str, Any]],
        live: LivePort,
        try_out: Callable[[Mapping[str, Any], Asker], Mapping[str, Any]],
        records: Mapping[str, ControlRecord],
    ) -> None:
        self._server = server
        self._executor = executor
        self._look = look
        self._read_settings = read_settings
        self._live = live
        self._try_out = try_out
        self._records = records
        self._newness = Newness()

    def start(self) -> None:
        """Begins to answer."""
        self._server.attach(self)

    def close(self) -> None:
        """Ends, once the command that is under way has come to its end."""
        self._server.detach(self)
        self._live.close()
        self._executor.close()

    def about(self) -> Mapping[str, Any]:
        """What `hello` tells of the node."""
        state = self._look()
        commands = {name: row.role.value for name, row in self._executor.commands.items()}
        return {"node": state.node, "site": state.site, "version": state.version, "commands": commands}

    def state(self) -> Mapping[str, Any]:
        """How everything is now."""
        return self._look().model_dump(mode="json", by_alias=True)

    def news(self, now: float) -> Mapping[str, Any] | None:
        """The same, where it is worth telling subscribers."""
        state = self.state()
        return state if self._newness.is_worth_telling(state, now) else None

    def settings(self, *, schema: bool) -> Mapping[str, Any]:
        """The settings and where they come from."""
        return self._read_settings(schema)

    def live(self, fields: Mapping[str, Any], asker: Asker, take: Callable[[Mapping[str, Any]], None]) -> LiveLease:
        """Begins a live view.

        Raises:
            CommandError: it may not be.
        """
        return self._live.begin(fields, asker, take)

    def try_out(self, values: Mapping[str, Any], asker: Asker) -> Mapping[str, Any]:
        """What alerts other thresholds would have made of the last hour.

        Raises:
            CommandError: they cannot be tried.
        """
        return self._try_out(values, asker)

    def read(self, what: str, fields: Mapping[str, Any], asker: Asker) -> Any:
        """What is kept.

        Raises:
            CommandError: there is no such thing, or it is not told to them.
        """
        record = self._records.get(what)
        if record is None:
            remedy = f"Choose from {', '.join(self._records)}"
            raise CommandError(Code.UNKNOWN, "there is nothing of that name", remedy=remedy, field="what", value=what)
        if asker.role is None or not asker.role.includes(record.role):
            msg = f"{asker.name} may not read {what}, as {asker.role}"
            raise CommandError(Code.DENIED, msg, remedy=f"Ask as {record.role}", field="what", value=what)
        return record.read(fields)

    def carry_out(self, name: str, fields: Mapping[str, Any], number: str, asker: Asker) -> Any:
        """Carries a command out.

        Raises:
            CommandError: it is not carried out.
        """
        row = self._executor.commands.get(name)
        if row is None:
            msg = "there is no such command"
            remedy = f"Choose from {', '.join(self._executor.commands)}"
            raise CommandError(Code.UNKNOWN, msg, remedy=remedy, field="command", value=name)
        request = read_fields(row.request, {**fields, "id": number}, number)
        result = self._executor.carry_out(name, request, asker)
        return None if result is None else result.model_dump(mode="json", by_alias=True)
