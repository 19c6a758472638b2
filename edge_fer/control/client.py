"""A client of the control socket. Made of the standard library alone, so that it starts at once."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edge_fer.control.place import connected
from edge_fer.control.protocol import VERSION, Code, encoded
from edge_fer.errors import CommandError, EdgeFerError

__all__ = ["ControlClient", "ControlError"]

#: Seconds for a reply; a reload, which a command may need, has 60.
PATIENCE = 75.0
#: Seconds before a daemon that is busy is asked again.
_AGAIN = 0.2
#: What is read at most before a line ends.
_LONGEST = 4 << 20
_START = "Start it: sudo systemctl start edge-fer, or edge-fer run; or name its socket with --socket"


class ControlError(EdgeFerError, ConnectionError):
    """The daemon cannot be asked."""


class ControlClient:
    """A connection to the daemon.

    Args:
        paths: where its socket may be; the first that is there is taken.
        timeout: seconds to wait for a reply.
        patience: seconds for which it asks again where the daemon is busy, as it is while it begins anew.

    Raises:
        ControlError: nobody listens there, or we may not connect.
    """

    def __init__(self, paths: Sequence[Path], *, timeout: float = PATIENCE, patience: float = 0.0) -> None:
        self._socket = _connect(paths, timeout)
        self._timeout = timeout
        self._patience = patience
        self._number = 0
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def hang_up(self) -> None:
        """Ends the connection, also for a thread that waits for something; from any thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, do: str, **fields: Any) -> Any:
        """The result of a request.

        Args:
            do: what is asked for.
            fields: of the request; `with` and `as`, which Python keeps for itself, are written `with_` and `as_`.

        Raises:
            CommandError: it was not carried out.
            ControlError: there is no reply.
        """
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._ask(do, fields)
            except CommandError as error:
                if error.code != Code.BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN)

    def _ask(self, do: str, fields: Mapping[str, Any]) -> Any:
        self._number += 1
        number = str(self._number)
        request = {name.rstrip("_"): value for name, value in fields.items()}
        # where it has hung up, it may have said why before
        with suppress(OSError):
            self._socket.sendall(encoded({"v": VERSION, "id": number, "do": do, **request}))
        while True:
            line = self._line()
            if "event" not in line and line.get("id") in {number, None}:
                return _result(line)

    def command(self, name: str, fields: Mapping[str, Any]) -> Any:
        """The result of a command, likewise."""
        return self.ask("command", command=name, with_=fields)

    def events(self) -> Iterator[Mapping[str, Any]]:
        """What comes after `subscribe`, until the daemon ends."""
        while True:
            line = self._line()
            if "event" in line:
                yield line

    def _line(self) -> Mapping[str, Any]:
        while b"\n" not in self._held:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                msg = f"edge-fer has not answered within {self._timeout:g} s"
                raise ControlError(msg, remedy="See what it does: journalctl -u edge-fer") from None
            except OSError as error:
                msg = f"the connection to edge-fer broke: {error.strerror}"
                raise ControlError(msg, remedy="Ask again in a while") from error
            if not data or len(self._held) > _LONGEST:
                msg = "edge-fer has hung up"
                raise ControlError(msg, remedy="Ask again in a while")
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("v") != VERSION:
            msg = "what answers is no edge-fer of this version"
            raise ControlError(msg, remedy="Restart the service after an upgrade: sudo systemctl restart edge-fer")
        return found


def _result(line: Mapping[str, Any]) -> Any:
    if line.get("ok"):
        return line.get("result")
    error = line.get("error") or {}
    raise CommandError(
        str(error.get("code")),
        str(error.get("message")),
        remedy=str(error.get("remedy") or ""),
        field=error.get("field"),
        value=error.get("value"),
    )


def _connect(paths: Sequence[Path], timeout: float) -> socket.socket:
    refused: Path | None = None
    for path in paths:
        try:
            return connected(path, timeout=timeout)
        except PermissionError:
            raise _not_permitted(path) from None
        except (FileNotFoundError, NotADirectoryError):
            continue
        except ConnectionRefusedError:
            refused = refused or path
        except OSError as error:
            msg = f"{path} cannot be connected to: {error.strerror}"
            raise ControlError(msg, remedy=_START) from error
    if refused:
        msg = f"edge-fer does not run: nobody listens at {refused}"
    else:
        msg = f"edge-fer does not run: there is no {' and no '.join(map(str, paths))}"
    raise ControlError(msg, remedy=_START)


def _not_permitted(path: Path) -> ControlError:
    name = os.environ.get("USER") or "USER"
    msg = f"you may not use {path}, which is for root and the group edge-fer"
    remedy = f"Use sudo, or become a member: sudo usermod -aG edge-fer {name}, then log in again"
    return ControlError(msg, remedy=remedy)
