"""Opens the socket to the broker, encrypted and over WebSockets where it shall be, in a thread of its own.

Looking up a name can hang for half a minute, and connecting for longer; the outbox must go on meanwhile.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import TypeAlias

# it is no part of paho's public names, and its client makes one only of a socket that it has opened itself
from paho.mqtt.client import WebsocketConnectionError, _WebsocketWrapper

from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.mqtt.failures import of_error
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.support.credentials import read_password, usable
from edge_fer.support.files import check_file

__all__ = ["AnySocket", "Dialling", "Line", "has_decrypted"]

#: A socket, or one over which MQTT goes in the frames of WebSockets.
AnySocket: TypeAlias = socket.socket | _WebsocketWrapper

#: Seconds for each address of the broker, and for the TLS handshake.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """An open socket to the broker.

    Attributes:
        socket: connected and, where it shall be, encrypted.
        password: read at the same time, for the login.
        certificate: the broker's, as DER; None: the link is not encrypted.
    """

    socket: AnySocket
    password: str | None
    certificate: bytes | None = None


def has_decrypted(line: AnySocket) -> bool:
    """Whether TLS has something to be read that the socket does not announce any more."""
    is_plain = isinstance(line, socket.socket) and not isinstance(line, ssl.SSLSocket)
    return not is_plain and line.pending() > 0  # type: ignore[union-attr]  # both others have it


class Dialling:
    """One try to open the socket.

    Args:
        settings: where the broker is.
        done: called from another thread once there is a result.
    """

    def __init__(self, settings: BrokerSettings, done: Callable[[], None]) -> None:
        self._settings = settings
        self._done = done
        self._lock = Lock()
        self._abandoned = False
        self._result: Line | Setback | None = None
        # a daemon, because nothing can end a hanging look-up
        try:
            Thread(target=self._run, name="broker-dial", daemon=True).start()
        except RuntimeError as error:
            # the system has no more threads; another try may find one
            self._result = Setback(Trouble.OTHER, str(error))
            done()

    def take(self) -> Line | Setback | None:
        """What came of it, once; None before that. The line is the caller's to close."""
        with self._lock:
            result, self._result = self._result, None
            return result

    def abandon(self) -> None:
        """Nobody wants the result any more."""
        with self._lock:
            self._abandoned = True
            if isinstance(self._result, Line):
                self._result.socket.close()

    def _run(self) -> None:
        result = _dial(self._settings)
        with self._lock:
            if self._abandoned:
                if isinstance(result, Line):
                    result.socket.close()
                return
            self._result = result
        self._done()


def _dial(settings: BrokerSettings) -> Line | Setback:
    try:
        password = _password(settings.password_file)
        context = _tls_context(settings) if settings.tls else None
    except (OSError, ValueError) as error:
        return Setback(Trouble.FILE, str(error))
    try:
        line = _open(settings)
    except (OSError, ValueError) as error:
        # a host name that cannot be one (with an empty or overlong label) is a ValueError
        return of_error(error) if isinstance(error, OSError) else Setback(Trouble.NAME_NOT_FOUND, str(error))
    certificate = None
    try:
        if context is not None:
            line = context.wrap_socket(line, server_hostname=settings.host, do_handshake_on_connect=False)
            line.do_handshake()
            certificate = line.getpeercert(binary_form=True)
    except OSError as error:
        line.close()
        # who hangs up during the handshake does not know TLS
        return Setback(Trouble.TLS, error.strerror or "") if isinstance(error, ConnectionError) else of_error(error)
    framed = line if settings.path is None else _framed(line, settings, settings.path)
    return framed if isinstance(framed, Setback) else Line(framed, password, certificate)


def _framed(line: socket.socket, settings: BrokerSettings, path: str) -> AnySocket | Setback:
    """The socket with MQTT in the frames of WebSockets."""
    try:
        return _WebsocketWrapper(line, settings.host, settings.port, settings.tls, path, None)
    except (OSError, WebsocketConnectionError, ValueError, LookupError) as error:
        line.close()
        if isinstance(error, TimeoutError):
            return of_error(error)
        return Setback(Trouble.OTHER, "it does not speak MQTT over WebSockets there")


def _open(settings: BrokerSettings) -> socket.socket:
    if settings.unix_socket is None:
        line = socket.create_connection((settings.host, settings.port), timeout=_PATIENCE)
        # small packets go out at once, instead of waiting for the acknowledgement of those before
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line
    line = socket.socket(socket.AF_UNIX)
    try:
        line.settimeout(_PATIENCE)
        line.connect(str(settings.unix_socket))
    except BaseException:
        line.close()
        raise
    return line


def _password(file: Path | None) -> str | None:
    return None if file is None else read_password(file)


def _tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """Checks certificate and host name; there is no way to switch that off."""
    cert_file, key_file = settings.own_certificate
    for name, file in (("ca_file", settings.ca_file), ("cert_file", cert_file)):
        _check(name, file)
    _check("key_file", key_file and usable(key_file))
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        msg = f"ca_file {settings.ca_file}: {error.strerror or error}"
        raise ValueError(msg) from None
    if settings.ca_file is not None:
        # Python 3.13 refuses authorities that lack what newer standards ask for, as most home-made ones do; one that
        # the user names is trusted as it is, on every Python alike. Chain and host name are still checked.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cert_file is not None:
        try:
            # an empty passphrase, because nobody is there to be asked for one
            context.load_cert_chain(cert_file, key_file and usable(key_file), password="")
        except OSError as error:
            files = " or key_file ".join(str(file) for file in (cert_file, key_file) if file)
            reason = error.strerror if error.errno is not None and not isinstance(error, ssl.SSLError) else error
            msg = f"cert_file {files}: {reason}"
            raise ValueError(msg) from None
    return context


def _check(name: str, file: Path | None) -> None:
    """The library opens files by name, and would wait at a pipe for ever."""
    try:
        if file is not None:
            check_file(file)
    except OSError as error:
        msg = f"{name} {file}: {error.strerror}"
        raise ValueError(msg) from None
