"""Takes requests out of the inbox of MQTT, has them carried out, and answers each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import Message
from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import ErrorCode, Response
from edge_fer.contract.topics import Topics, is_name
from edge_fer.errors import CommandError
from edge_fer.remote.asker import MQTT
from edge_fer.remote.executor import GOODBYE, Executor
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.requests import Command, Reception
from edge_fer.types import Instant

__all__ = ["Commander"]

log = logging.getLogger(__name__)


class Commander:
    """Has one command carried out after the other, in a thread of its own, so that nothing else waits for one.

    Args:
        inbox: where requests come from.
        executor: carries them out.
        topics: of the node.
        composer: of the node's messages.
        clock: the machine's.
        reply: sends an answer to a topic.
    """

    def __init__(
        self,
        inbox: Inbox,
        executor: Executor,
        *,
        topics: Topics,
        composer: Composer,
        clock: Callable[[], Instant],
        reply: Callable[[str, Message], None],
    ) -> None:
        self._inbox = inbox
        self._executor = executor
        self._commands = {name: row for name, row in executor.commands.items() if row.over_mqtt}
        self._topics = topics
        self._composer = composer
        self._clock = clock
        self._reply = reply
        self._reception = Reception(self._commands)
        self._thread = Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends; what was not carried out is answered so."""
        self._inbox.close()
        self._executor.close()
        self._thread.join(GOODBYE)

    def handle(self, verb: str, payload: bytes) -> None:
        """Has one request carried out, and answers it; never raises."""
        command: Command | None = None
        result: Part | None = None
        error: CommandError | None = None
        number: str | None = None
        try:
            command = self._reception.read(verb, payload, self._clock().mono)
            number = command.request.id
            result = self._executor.carry_out(command.verb, command.request, MQTT)
        except CommandError as refusal:
            error, number = refusal, number or refusal.id
            if command and error.code == ErrorCode.BUSY:
                self._reception.forget(command)
        self._answer(verb, number, result, error)

    def _answer(self, verb: str, number: str | None, result: Part | None, error: CommandError | None) -> None:
        if error:
            asked = f"the request {number}" if number else "a request without an id"
            log.warning("the command %s, %s over MQTT, was not carried out: %s", verb[:64], asked, error)
        if not is_name(verb):
            # nobody listens for the answer to that
            return
        row = self._commands.get(verb)
        kind = row.response if row else Response
        self._reply(
            self._topics.response(verb),
            self._composer.response(kind, self._clock(), id=number, result=result, error=error),
        )

    def _run(self) -> None:
        while (request := self._inbox.next()) is not None:
            self.handle(*request)
