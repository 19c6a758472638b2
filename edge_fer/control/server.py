"""The server of the control socket: one thread for all clients, and one that carries commands out."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any, Final, Protocol

from edge_fer.control.peers import Accounts, Credentials, Peer
from edge_fer.control.place import listening
from edge_fer.control.protocol import VERSION, Code, ControlRequest, Do, event, failure, success
from edge_fer.control.session import ClientSession
from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.remote.asker import Asker

__all__ = ["ControlServer", "DeskPort", "LiveLease"]

log = logging.getLogger(__name__)

#: Clients at once, in all, and of one user; the web page is one user for many people.
MOST_CLIENTS, MOST_OF_A_USER, MOST_OF_WEB = 32, 8, 20
#: Commands that wait, of all clients.
MOST_JOBS = 16
#: Seconds between two states that subscribers are told, at the least.
PUSH_EVERY: Final = 0.2
_CHUNK = 65_536
#: Seconds that replies have to leave when everything ends.
_GOODBYE = 1.0
#: Seconds between two looks at whether a live view is over.
_LIVE_LOOK = 0.25
#: Why a live view ends, as far as that is up to the connection.
_ASKED, _GONE = "asked", "gone"
#: Seconds before another try where the system has no descriptors left.
_BREATH = 0.1


class DeskPort(Protocol):
    """What the service at work answers requests with."""

    def about(self) -> Mapping[str, Any]:
        """What `hello` tells of the node."""

    def state(self) -> Mapping[str, Any]:
        """How everything is now; quick."""

    def news(self, now: float, /) -> Mapping[str, Any] | None:
        """The same, where it is worth telling subscribers; None where it is not."""

    def settings(self, *, schema: bool) -> Mapping[str, Any]:
        """The settings and where they come from; may take a while."""

    def read(self, what: str, fields: Mapping[str, Any], asker: Asker) -> Any:
        """What is kept: the history, the log; may take a while. CommandError where it is not told."""

    def carry_out(self, name: str, fields: Mapping[str, Any], number: str, asker: Asker) -> Any:
        """Carries a command out, which may take a while; CommandError where it is not."""

    def try_out(self, values: Mapping[str, Any], asker: Asker, /) -> Mapping[str, Any]:
        """What alerts other thresholds would have made of the last hour; may take a while; CommandError where not."""

    def live(self, fields: Mapping[str, Any], asker: Asker, take: Callable[[Mapping[str, Any]], None], /) -> LiveLease:
        """Begins a live view, of which `take` gets each frame from any thread; CommandError where it may not be."""


class LiveLease(Protocol):
    """A live view of one client."""

    @property
    def told(self) -> Mapping[str, Any]:
        """What whoever asked for it gets to know first."""

    @property
    def over(self) -> str | None:
        """Why it is over; None while it is not."""

    def end(self, why: str, /) -> None:
        """Ends it, unless it is over; nothing more is taken."""


@dataclass(slots=True)
class _ControlClient:
    socket: socket.socket
    session: ClientSession
    watched: int = selectors.EVENT_READ
    live: LiveLease | None = None
    #: the newest frame of the live view that is not sent yet; put in by other threads
    frames: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=1))


class ControlServer:
    """Listens on the control socket. Outlives services: whichever is at work attaches itself.

    Args:
        path: of the socket.
        accounts: looks up the accounts of this device that matter.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        path: Path,
        accounts: Callable[[], Accounts] = Accounts.of_this_device,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._accounts = accounts
        self._clock = clock
        self._desk: DeskPort | None = None
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, _ControlClient] = {}
        self._listener: socket.socket | None = None
        #: wakes the serving thread: write end and read end, from `start` on
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self._done: deque[tuple[_ControlClient, bytes]] = deque()
        self._jobs: Queue[Callable[[], None] | None] = Queue(MOST_JOBS)
        self._closed = False
        self._pushed_at = float("-inf")
        self._threads = [
            Thread(target=self._serve, name="control", daemon=True),
            Thread(target=self._work, name="control-commands", daemon=True),
        ]

    def attach(self, desk: DeskPort) -> None:
        """Takes what answers from now on; from any thread."""
        self._desk = desk
        self._rouse()

    def detach(self, desk: DeskPort) -> None:
        """Leaves it, unless another one has taken its place."""
        if self._desk is desk:
            self._desk = None

    def start(self) -> None:
        """Begins to listen. Where that is not possible, the log says why, and everything else goes on."""
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._listener = listening(self.path, self._accounts().group, backlog=MOST_CLIENTS)
        except (OSError, EdgeFerError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            log.warning("the control socket %s cannot be opened, so nobody can use it: %s", self.path, reason)
            return
        self._waker = socket.socketpair()
        for opened in (self._listener, self._waker[1]):
            opened.setblocking(False)
            self._selector.register(opened, selectors.EVENT_READ)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends: takes nothing more, and sends the replies that are there."""
        if self._listener is not None:
            self._closed = True
            with suppress(Full):
                self._jobs.put_nowait(None)
            self._rouse()
            for thread in self._threads:
                thread.join(_GOODBYE)
            with suppress(OSError):
                self.path.unlink()
        for end in self._waker or ():
            end.close()

    def _rouse(self) -> None:
        if self._waker:
            with suppress(OSError):
                self._waker[0].send(b"!", socket.MSG_DONTWAIT)

    def _serve(self) -> None:
        assert self._listener  # noqa: S101 - for the type checker: both were opened before
        assert self._waker  # noqa: S101
        woken = self._waker[1]
        while not self._closed:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._listener:
                    self._accept(self._listener)
                elif key.fileobj is woken:
                    with suppress(BlockingIOError):
                        woken.recv(_CHUNK)
                elif client := self._clients.get(key.fd):
                    self._read(client)
            self._hand_out()
            self._show_live()
            self._send_all()
            if self._push():
                self._send_all()
        self._hand_out()
        self._send_all()
        for client in list(self._clients.values()):
            self._end(client)
        self._listener.close()
        self._selector.close()

    def _patience(self) -> float | None:
        """Seconds until there is something to do although nothing comes; None where there is not."""
        if any(client.session.subscribed for client in self._clients.values()):
            return PUSH_EVERY
        if any(client.live for client in self._clients.values()):
            return _LIVE_LOOK
        return 1.0 if any(client.session.waiting for client in self._clients.values()) else None

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError:
            # there are no descriptors left; whoever waits is looked at again
            time.sleep(_BREATH)
            return
        connection.setblocking(False)
        try:
            peer = Peer.known(Credentials.of(connection), self._accounts())
            self._refuse_too_many(peer)
        except (CommandError, OSError) as error:
            if isinstance(error, CommandError):
                log.warning("somebody was turned away from the control socket: %s", error)
                with suppress(OSError):
                    connection.send(failure(None, error))
            connection.close()
            return
        self._clients[connection.fileno()] = _ControlClient(connection, ClientSession(peer))
        self._selector.register(connection, selectors.EVENT_READ)

    def _refuse_too_many(self, peer: Peer) -> None:
        of_user = Counter(client.session.peer.uid for client in self._clients.values())[peer.uid]
        most = MOST_OF_WEB if peer.is_web else MOST_OF_A_USER
        if of_user >= most or len(self._clients) >= MOST_CLIENTS:
            msg = f"{of_user} programs of {peer.name} are connected already, {len(self._clients)} in all"
            raise CommandError(Code.BUSY, msg, remedy=f"End some: {most} and {MOST_CLIENTS} may be at once")

    def _read(self, client: _ControlClient) -> None:
        try:
            data = client.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._end(client)
            return
        session, now = client.session, self._clock()
        if not data:
            # it sends nothing more, and may still read its replies
            session.ending = True
        try:
            for line in session.lines(data):
                if not session.ending:
                    self._answer(client, line, now)
        except CommandError as error:
            session.put(failure(None, error), now)
            session.ending = True

    def _answer(self, client: _ControlClient, line: bytes, now: float) -> None:
        session = client.session
        number: str | None = None
        try:
            session.admit(now)
            request = ControlRequest.read(line)
            number = request.id
            asker = session.peer.asker(request.acting_for)
            reply = self._reply(client, request, asker)
        except CommandError as error:
            reply = failure(number or error.id, error)
        except Exception:
            log.exception("a request over the control socket failed")
            reply = failure(number, _fault())
        if reply:
            session.put(reply, now)

    def _reply(self, client: _ControlClient, request: ControlRequest, asker: Asker) -> bytes | None:
        """The reply; None where it comes later."""
        session, desk = client.session, self._desk
        if desk is None:
            raise CommandError(Code.BUSY, "edge-fer begins, ends, or begins anew", remedy="Ask again in a while")
        match request.do:
            case Do.HELLO:
                you = {"user": session.peer.name, "name": asker.name, "role": asker.role}
                told = {"protocol": VERSION, "does": list(Do), "you": you, **desk.about()}
                return success(request.id, told)
            case Do.STATE:
                return success(request.id, desk.state())
            case Do.SUBSCRIBE:
                session.subscribed = True
                return success(request.id, desk.state())
            case Do.UNSUBSCRIBE:
                session.subscribed = False
                return success(request.id, None)
            case Do.LIVE | Do.END_LIVE:
                self._end_live(client, _ASKED)
                if request.do is Do.LIVE:
                    client.live = desk.live(request.fields, asker, self._taker(client))
                return success(request.id, client.live and client.live.told)
            case _:
                self._later(client, request, self._work_of(desk, request, asker))
        return None

    def _work_of(self, desk: DeskPort, request: ControlRequest, asker: Asker) -> Callable[[], Any]:
        """What is to be done for a request that may take a while."""
        fields = request.fields
        if request.do is Do.SETTINGS:
            return lambda: desk.settings(schema=bool(fields.get("schema", False)))
        if request.do is Do.READ:
            return lambda: desk.read(fields["what"], fields.get("with", {}), asker)
        if request.do is Do.TRY:
            return lambda: desk.try_out(fields["set"], asker)
        return lambda: desk.carry_out(fields["command"], fields.get("with", {}), request.id, asker)

    def _taker(self, client: _ControlClient) -> Callable[[Mapping[str, Any]], None]:
        """What takes frames of a live view for a client: the newest alone is kept."""

        def take(frame: Mapping[str, Any]) -> None:
            client.frames.append(frame)
            self._rouse()

        return take

    def _show_live(self) -> None:
        """Sends frames of live views to the clients that asked for them, and says where one is over."""
        for client in self._clients.values():
            if client.live is None:
                continue
            if client.session.ending:
                self._end_live(client, _GONE)
            elif why := client.live.over:
                self._end_live(client, why)
                client.session.put(event("live_end", why), self._clock())
            elif client.frames and not client.session.waiting:
                # a client that is slow gets the newest once it has read the one before
                client.session.put(event("live", client.frames.popleft()), self._clock())

    def _end_live(self, client: _ControlClient, why: str) -> None:
        live, client.live = client.live, None
        if live:
            try:
                live.end(why)
            except Exception:
                log.exception("a live view could not be ended in good order")
        # nothing is put in any more
        client.frames.clear()

    def _later(self, client: _ControlClient, request: ControlRequest, work: Callable[[], Any]) -> None:
        """Has something done by the other thread, which replies."""
        client.session.begin()

        def job() -> None:
            try:
                reply = success(request.id, work())
            except CommandError as error:
                reply = failure(request.id, error)
            except EdgeFerError as error:
                reply = failure(request.id, CommandError(Code.FAILED, error.message, remedy=error.remedy))
            except Exception:
                log.exception("the request %s over the control socket failed", request.do)
                reply = failure(request.id, _fault())
            self._done.append((client, reply))
            self._rouse()

        try:
            self._jobs.put_nowait(job)
        except Full:
            client.session.pending -= 1
            msg = f"{MOST_JOBS} requests wait already"
            raise CommandError(Code.BUSY, msg, remedy="Ask again in a while") from None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closed:
            job()

    def _hand_out(self) -> None:
        """Replies that have come meanwhile; to a client that is gone, to nobody."""
        while self._done:
            client, reply = self._done.popleft()
            client.session.pending -= 1
            client.session.put(reply, self._clock())

    def _push(self) -> bool:
        """Tells subscribers what is new, and says whether anything is."""
        subscribers = [client.session for client in self._clients.values() if client.session.subscribed]
        desk, now = self._desk, self._clock()
        if not subscribers or desk is None or now - self._pushed_at < PUSH_EVERY:
            return False
        self._pushed_at = now
        try:
            state = desk.news(now)
        except Exception:
            log.exception("the state could not be told over the control socket")
            return False
        if state is None:
            return False
        line = event("state", state)
        for session in subscribers:
            session.push(line, now)
        return True

    def _send_all(self) -> None:
        for client in list(self._clients.values()):
            session, now = client.session, self._clock()
            if session.waiting:
                try:
                    session.sent(client.socket.send(session.waiting), now)
                except BlockingIOError:
                    pass
                except OSError:
                    self._end(client)
                    continue
            if session.is_over(now):
                if session.waiting:
                    log.warning("a program of %s does not read what it asked for, and is left", session.peer.name)
                self._end(client)
            else:
                self._watch(client)

    def _watch(self, client: _ControlClient) -> None:
        """Waits for what there is to wait for."""
        wanted = 0 if client.session.ending else selectors.EVENT_READ
        if client.session.waiting:
            wanted |= selectors.EVENT_WRITE
        if wanted == client.watched:
            return
        if not wanted:
            self._selector.unregister(client.socket)
        elif client.watched:
            self._selector.modify(client.socket, wanted)
        else:
            self._selector.register(client.socket, wanted)
        client.watched = wanted

    def _end(self, client: _ControlClient) -> None:
        self._end_live(client, _GONE)
        if self._clients.pop(client.socket.fileno(), None):
            if client.watched:
                self._selector.unregister(client.socket)
            client.socket.close()


def _fault() -> CommandError:
    return CommandError(Code.FAILED, "this is a fault of edge-fer", remedy="Please report it with the log")
