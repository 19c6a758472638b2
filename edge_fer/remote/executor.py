"""Carries commands out, whichever way they came in: one at a time, checked, logged and told in `audit`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import ErrorCode, Request
from edge_fer.errors import CommandError
from edge_fer.log import ASKED
from edge_fer.remote.asker import Asker
from edge_fer.remote.handlers import Done, Verbs
from edge_fer.remote.registry import COMMANDS, CommandRow

__all__ = ["DENIED", "Executor", "Outcome"]

log = logging.getLogger(__name__)
asked_log = logging.getLogger(ASKED)

#: Why a command is not carried out for somebody whose role is too low; MQTT knows no roles, so it never answers so.
DENIED = "denied"
#: Seconds that a command has to come to its end when everything ends.
GOODBYE = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command, for `audit`.

    Attributes:
        command: what was asked for.
        request: the request.
        asker: who asked.
        done: what came of it; None where it was not carried out.
        error: why it was not; None where it was.
    """

    command: str
    request: Request
    asker: Asker
    done: Done | None
    error: CommandError | None


class Executor:
    """Carries one command out after the other, in the threads of those who bring them.

    Args:
        verbs: what the commands do.
        tell: is told what became of each command that is audited.
        commands: the table of commands.
    """

    def __init__(
        self, verbs: Verbs, tell: Callable[[Outcome], None], commands: Mapping[str, CommandRow[Any]] = COMMANDS
    ) -> None:
        self.commands = commands
        self._verbs = verbs
        self._tell = tell
        self._turn = Lock()
        self._closed = False

    def carry_out(self, name: str, request: Request, asker: Asker) -> Part | None:
        """Carries a command out.

        Args:
            name: of a command in the table.
            request: as its row has it.
            asker: who asks.

        Returns:
            What it gives.

        Raises:
            CommandError: it is not carried out; a fault of ours is told as such, and is in the log.
        """
        row = self.commands[name]
        done: Done | None = None
        error: CommandError | None = None
        with self._turn:
            try:
                done = self._carry_out(row, request, asker)
            except CommandError as refusal:
                error = refusal
            except Exception:
                log.exception("the command %s failed", name)
                msg = "this is a fault of edge-fer"
                error = CommandError(ErrorCode.FAILED, msg, remedy="Please report it with the log")
            if row.audited:
                self._tell(Outcome(name, request, asker, done, error))
        if error:
            raise error
        assert done is not None  # noqa: S101 - for the type checker: one of the two is there
        _log_done(name, request, asker, done)
        return done.result

    def close(self) -> None:
        """Ends what is under way, for which it waits a moment, and carries nothing more out."""
        self._closed = True
        self._verbs.give_up()
        if self._turn.acquire(timeout=GOODBYE):
            self._turn.release()

    def _carry_out(self, row: CommandRow[Any], request: Request, asker: Asker) -> Done:
        if self._closed:
            raise CommandError(ErrorCode.BUSY, "edge-fer ends, or begins anew", remedy="Ask again in a while")
        allowed = row.over_mqtt if asker.role is None else asker.role.includes(row.role)
        if not allowed:
            role = "nobody" if asker.role is None else f"{asker.name}, who is {asker.role},"
            msg = f"{role} may not ask for {row.name}, which needs the role {row.role}"
            raise CommandError(DENIED, msg, remedy="Ask as root, or ask somebody with that role")
        return row.handler(self._verbs, request)


def _log_done(name: str, request: Request, asker: Asker, done: Done) -> None:
    """Whoever finds the camera paused will want to know why; MQTT does not tell who sent a request, only its id."""
    asked = request.model_dump_json(by_alias=True, exclude_none=True, exclude={"id"})
    told = "" if done.result is None else f": {done.result.model_dump_json(by_alias=True)}"
    asked_log.info("command %s %s, request %s %s, done%s", name, asked, request.id, asker.words, told)
