"""The running daemon, as pages ask it: by the control socket, in threads, so that no page waits for another's."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

import anyio.to_thread

from edge_fer.control.client import ControlClient
from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.remote.asker import Asker

__all__ = ["NodeLine"]

log = logging.getLogger(__name__)

State = Mapping[str, Any]
#: Seconds between two tries to reach a daemon that does not run.
_AGAIN = 2.0


class NodeLine:
    """Asks the daemon, and listens to it while somebody looks.

    Args:
        connect: gives a connection to the daemon, or raises EdgeFerError.
    """

    def __init__(self, connect: Callable[[], ControlClient]) -> None:
        self._connect = connect
        #: whether the daemon lets us name the person for whom we ask
        self._acts_for = True
        self._listeners: set[_Newest[State | None]] = set()
        self._newest: State | None = None
        self._watching = False

    async def ask(self, do: str, who: Asker, **fields: Any) -> Any:
        """The result of a request.

        Raises:
            EdgeFerError: the daemon does not run, or refuses.
        """
        return await anyio.to_thread.run_sync(partial(self._ask, do, who, fields))

    async def command(self, name: str, fields: Mapping[str, Any], who: Asker) -> Any:
        """The result of a command, likewise."""
        return await self.ask("command", who, command=name, with_=dict(fields))

    async def live(
        self, camera: str, seconds: float, who: Asker, *, picture: bool = True
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """A live view: what it begins with, then its events as they come, the last of which is its end.

        A slow reader gets the newest alone. The daemon ends the view as soon as nobody reads this any more. Without
        `picture`, it is asked for numbers alone.

        Raises:
            EdgeFerError: the daemon does not run, or refuses.
        """
        client = await anyio.to_thread.run_sync(self._connect)
        try:
            asked = {"camera": camera, "seconds": seconds, "picture": picture}
            yield await anyio.to_thread.run_sync(partial(self._asked, client, "live", who, asked))
            newest: _Newest[Mapping[str, Any]] = _Newest()
            loop = asyncio.get_running_loop()
            threading.Thread(target=_hear, args=(client, loop, newest), name="live", daemon=True).start()
            while True:
                event = await newest.next()
                yield event
                if event["event"] == "live_end":
                    return
        finally:
            client.hang_up()

    async def states(self) -> AsyncIterator[State | None]:
        """Each new state, the newest first; None while the daemon does not run. A slow reader gets the newest alone."""
        listener: _Newest[State | None] = _Newest()
        self._listeners.add(listener)
        if self._newest is not None:
            listener.put(self._newest)
        if not self._watching:
            self._watching = True
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._watch, args=(loop,), name="node", daemon=True).start()
        try:
            while True:
                yield await listener.next()
        finally:
            self._listeners.discard(listener)

    def _ask(self, do: str, who: Asker, fields: Mapping[str, Any]) -> Any:
        with self._connect() as client:
            return self._asked(client, do, who, fields)

    def _asked(self, client: ControlClient, do: str, who: Asker, fields: Mapping[str, Any]) -> Any:
        if self._acts_for:
            try:
                return client.ask(do, **fields, as_={"name": who.name, "role": who.role})
            except CommandError as error:
                if error.field != "as":
                    raise
                # a member of the group runs this page: all is done in their name
                self._acts_for = False
        return client.ask(do, **fields)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs in a thread of its own while anybody listens."""
        try:
            while self._listeners:
                try:
                    with self._connect() as client:
                        self._spread(loop, client.ask("subscribe"))
                        for event in client.events():
                            if not self._listeners:
                                return
                            if event["event"] == "state":
                                self._spread(loop, event["state"])
                except EdgeFerError:
                    self._spread(loop, None)
                    time.sleep(_AGAIN)
        except RuntimeError:
            # the loop has ended
            return
        finally:
            self._watching = False
            self._newest = None

    def _spread(self, loop: asyncio.AbstractEventLoop, state: State | None) -> None:
        def spread() -> None:
            self._newest = state
            for listener in self._listeners:
                listener.put(state)

        loop.call_soon_threadsafe(spread)


def _hear(client: ControlClient, loop: asyncio.AbstractEventLoop, newest: _Newest[Mapping[str, Any]]) -> None:
    """Passes on the events of a live view; runs in a thread of its own until it ends, or the connection does."""
    try:
        with client:
            for event in client.events():
                if event["event"] in {"live", "live_end"}:
                    loop.call_soon_threadsafe(newest.put, event)
                if event["event"] == "live_end":
                    return
    except EdgeFerError:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(newest.put, {"event": "live_end", "live_end": "restart"})
    except RuntimeError:
        # the loop has ended
        return


_T = TypeVar("_T")


class _Newest(Generic[_T]):
    """Keeps the newest of something until it is read."""

    def __init__(self) -> None:
        self._held: list[_T] = []
        self._is_new = asyncio.Event()

    def put(self, value: _T) -> None:
        self._held[:] = [value]
        self._is_new.set()

    async def next(self) -> _T:
        await self._is_new.wait()
        self._is_new.clear()
        return self._held[0]
