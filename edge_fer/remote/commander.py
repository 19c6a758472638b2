"""Takes requests out of the inbox, has them carried out, and answers each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import Message
from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.contract.topics import Topics, is_name
from edge_fer.errors import CommandError
from edge_fer.log import ASKED
from edge_fer.remote.handlers import Verbs
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.requests import Command, Reception
from edge_fer.types import Instant

__all__ = ["Commander"]

log = logging.getLogger(__name__)
audit = logging.getLogger(ASKED)

#: Seconds that a command has to come to its end when everything ends.
GOODBYE = 1.0


def _tell(command: Command, result: Part | None) -> None:
    """Whoever finds the camera paused will want to know why; MQTT does not tell who sent a request, only its id."""
    request = command.request.model_dump_json(by_alias=True, exclude_none=True, exclude={"id"})
    done = "" if result is None else f": {result.model_dump_json(by_alias=True)}"
    audit.info("command %s %s, request %s over MQTT, done%s", command.verb, request, command.request.id, done)


class Commander:
    """Carries out one command after the other, in a thread of its own, so that nothing else waits for one.

    Args:
        inbox: where requests come from.
        verbs: what they do.
        topics: of the node.
        composer: of the node's messages.
        clock: the machine's.
        reply: sends an answer to a topic.
    """

    def __init__(
        self,
        inbox: Inbox,
        verbs: Verbs,
        *,
        topics: Topics,
        composer: Composer,
        clock: Callable[[], Instant],
        reply: Callable[[str, Message], None],
    ) -> None:
        self._inbox = inbox
        self._verbs = verbs
        self._topics = topics
        self._composer = composer
        self._clock = clock
        self._reply = reply
        self._reception = Reception()
        self._thread = Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends; what was not carried out is answered so."""
        self._inbox.close()
        self._verbs.give_up()
        self._thread.join(GOODBYE)

    def handle(self, verb: str, payload: bytes) -> None:
        """Carries one request out, and answers it; never raises."""
        command: Command | None = None
        result: Part | None = None
        error: CommandError | None = None
        number: str | None = None
        try:
            command = self._reception.read(verb, payload, self._clock().mono)
            number = command.request.id
            result = self._carry_out(command)
        except CommandError as refusal:
            error, number = refusal, number or refusal.id
            if command and error.code == ErrorCode.BUSY:
                self._reception.forget(command)
        except Exception:
            log.exception("the command %s failed", verb[:64])
            error = CommandError(
                ErrorCode.FAILED, "this is a fault of edge-fer", remedy="Please report it with the log"
            )
        if command is not None and error is None:
            _tell(command, result)
        self._answer(verb, number, result, error)

    def _carry_out(self, command: Command) -> Part | None:
        if self._inbox.closed:
            raise CommandError(ErrorCode.BUSY, "edge-fer ends, or begins anew", remedy="Ask again in a while")
        return self._verbs.by_name[command.verb](command.request)

    def _answer(self, verb: str, number: str | None, result: Part | None, error: CommandError | None) -> None:
        if error:
            asked = f"the request {number}" if number else "a request without an id"
            log.warning("the command %s, %s over MQTT, was not carried out: %s", verb[:64], asked, error)
        if not is_name(verb):
            # nobody listens for the answer to that
            return
        self._reply(
            self._topics.response(verb),
            self._composer.response(verb, self._clock(), id=number, result=result, error=error),
        )

    def _run(self) -> None:
        while (request := self._inbox.next()) is not None:
            self.handle(*request)
