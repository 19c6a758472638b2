"""Where the broker is and how to get in."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from edge_fer.errors import ConfigError
from edge_fer.mqtt.certificates import end_in_file

__all__ = ["ENCRYPTED", "OVER_WEBSOCKETS", "PORTS", "BrokerSettings"]

#: Schemes of addresses, and the port of each where it is left out.
PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
#: Those over TLS, and those over WebSockets.
ENCRYPTED, OVER_WEBSOCKETS = {"mqtts", "wss"}, {"ws", "wss"}
#: The path that most brokers have for MQTT over WebSockets.
_USUAL_PATH = "/mqtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where the broker is and how to get in. Certificates and host names are always checked.

    Attributes:
        host: name or address; empty where there is a `unix_socket`.
        client_id: the name given to the broker; no other client may have it.
        port: 1 to 65535.
        tls: whether the link is encrypted.
        path: of MQTT over WebSockets; None: MQTT without them.
        unix_socket: the broker's, on this machine; None: it is reached over the network.
        username: to log in with, where the broker asks for it.
        password_file: holds the password on its first line; read anew for each connection.
        ca_file: authorities to check the broker's certificate against (PEM); None: those of the system.
        cert_file: our own certificate (PEM), where the broker asks for one.
        key_file: its private key, without a passphrase (PEM); None: it is in `cert_file` too.
        renewed_file: a newer certificate of ours with its key (PEM), which counts where it ends later than `cert_file`.
        keepalive: seconds within which a dead connection is noticed, 5 to 65535.
        allow_insecure: whether a password may go to another host over an unencrypted link.

    Raises:
        ConfigError: fields that do not go together, or out of range.
    """

    host: str
    client_id: str
    port: int = 1883
    tls: bool = False
    path: str | None = None
    unix_socket: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    renewed_file: Path | None = None
    keepalive: float = 30.0
    allow_insecure: bool = False

    def __post_init__(self) -> None:
        if not self.host and self.unix_socket is None:
            _refuse("the broker's address names no host", "Write it as `mqtt://host:1883`")
        if not 1 <= self.port <= 65535:
            _refuse(
                f"the broker's port {self.port} is not between 1 and 65535", "Most brokers use 1883, or 8883 for TLS"
            )
        if not 5 <= self.keepalive <= 65535:
            _refuse(
                f"keepalive {self.keepalive:g} is not between 5 and 65535 seconds", "30 seconds suits most networks"
            )
        if not self.client_id:
            _refuse("client_id is empty", "Leave it out, or give a name that no other client of the broker has")
        if self.key_file is not None and self.cert_file is None:
            _refuse("key_file is given, but cert_file is not", "Name the key's certificate in `cert_file`")
        if self.password_file is not None and self.username is None:
            _refuse("password_file is given, but no user name", "Write the address as `mqtts://user@host`")
        if not self.tls:
            self._check_unencrypted()

    def _check_unencrypted(self) -> None:
        for field in ("ca_file", "cert_file"):
            if getattr(self, field) is not None:
                _refuse(
                    f"{field} is of no use on an unencrypted link", "Let the address begin with `mqtts://` or `wss://`"
                )
        is_here = self.unix_socket is not None or _is_loopback(self.host)
        if self.password_file is not None and not self.allow_insecure and not is_here:
            _refuse(
                f"the password would go to {self.host} over an unencrypted link",
                "Let the address begin with `mqtts://`, or set `allow_insecure: true` if you trust the network",
            )

    @property
    def own_certificate(self) -> tuple[Path | None, Path | None]:
        """The files of our certificate and its key, as they are now."""
        if self.cert_file is not None and (renewed := end_in_file(self.renewed_file)) is not None:
            given = end_in_file(self.cert_file)
            if given is None or renewed > given:
                return self.renewed_file, self.renewed_file
        return self.cert_file, self.key_file

    @property
    def address(self) -> str:
        """The broker for people and logs: `host:port`, without a user name."""
        if self.unix_socket is not None:
            return str(self.unix_socket)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{self.path or ''}"

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        node: str,
        client_id: str | None = None,
        password_file: Path | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        renewed_file: Path | None = None,
        keepalive: float = 30.0,
        allow_insecure: bool = False,
    ) -> BrokerSettings:
        """Settings of an address such as `mqtts://user@host:8883`, `wss://host/mqtt` or `unix:///run/mosquitto.sock`.

        Args:
            url: the address; where the port is left out, it is the usual one of the scheme.
            node: the node's name, which `client_id` is made of where that is None.
            client_id: see the attributes, as for all that follow.
            password_file: likewise.
            ca_file: likewise.
            cert_file: likewise.
            key_file: likewise.
            renewed_file: likewise.
            keepalive: likewise.
            allow_insecure: likewise.

        Raises:
            ConfigError: the address is wrong, or does not go with the rest.
        """
        remedy = "Write it as `mqtt://host:1883`, or `mqtts://user@host:8883` for an encrypted link"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            _refuse("the host or port of the broker's address cannot be right", remedy)
        if parts.password is not None:
            # the address is not told, because the password is in it
            _refuse(
                "the broker's address holds a password", "Take it out, and name a file that holds it in `password_file`"
            )
        is_unix, over_websockets = parts.scheme == "unix", parts.scheme in OVER_WEBSOCKETS
        if parts.scheme not in PORTS and not is_unix:
            _refuse(
                f"the broker's address {url!r} does not begin with mqtt://, mqtts://, ws://, wss:// or unix://", remedy
            )
        if is_unix and (parts.hostname or not parts.path.strip("/")):
            _refuse(f"the broker's address {url!r} names no socket", "Write it as `unix:///run/mosquitto.sock`")
        has_more = parts.path not in {"", "/"} and not is_unix and not over_websockets
        if has_more or parts.fragment or (parts.query and not over_websockets):
            _refuse(f"the broker's address {url!r} has more to it than a host and a port", remedy)
        path = f"{parts.path or _USUAL_PATH}{f'?{parts.query}' if parts.query else ''}"
        return cls(
            host=parts.hostname or "",
            port=PORTS.get(parts.scheme, 1883) if port is None else port,
            tls=parts.scheme in ENCRYPTED,
            path=path if over_websockets else None,
            unix_socket=Path(unquote(parts.path)) if is_unix else None,
            username=unquote(parts.username) if parts.username else None,
            client_id=f"edge-fer-{node}" if client_id is None else client_id,
            password_file=password_file,
            ca_file=ca_file,
            cert_file=cert_file,
            key_file=key_file,
            renewed_file=renewed_file,
            keepalive=keepalive,
            allow_insecure=allow_insecure,
        )


def _refuse(message: str, remedy: str) -> NoReturn:
    raise ConfigError(message, remedy=remedy)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
