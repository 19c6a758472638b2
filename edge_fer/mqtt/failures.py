"""Why the broker cannot be reached or refuses us, told apart, and what to do about each."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import replace

from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.mqtt.settings import BrokerSettings

__all__ = [
    "explain",
    "of_code",
    "of_disconnect",
    "of_error",
    "of_tls_text",
    "problem_and_remedy",
    "remedy_for_refusal",
]


_NOT_AUTHORISED = 0x87
#: Reason codes of MQTT 5; those of 3.1.1 come translated into them.
_CODES = {
    0x84: Trouble.PROTOCOL_REFUSED,
    0x85: Trouble.CLIENT_ID,
    0x86: Trouble.LOGIN,
    0x87: Trouble.NOT_AUTHORISED,
    0x88: Trouble.UNAVAILABLE,
    0x89: Trouble.UNAVAILABLE,
    0x8A: Trouble.NOT_AUTHORISED,
    0x8B: Trouble.UNAVAILABLE,
    0x8C: Trouble.LOGIN,
    0x8D: Trouble.SILENT,
    0x8E: Trouble.TAKEN_OVER,
    0x96: Trouble.QUOTA,
    0x97: Trouble.QUOTA,
    0x9F: Trouble.QUOTA,
}

#: Errors of the socket; subclasses before their bases.
_ERRORS = {
    socket.gaierror: Trouble.NAME_NOT_FOUND,
    TimeoutError: Trouble.TIMED_OUT,
    ConnectionRefusedError: Trouble.REFUSED,
    ConnectionError: Trouble.CLOSED,
}
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}

#: X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_YET_VALID, _WRONG_HOST = 9, {62, 64}


def of_code(code: int, detail: str = "") -> Setback:
    """What a CONNACK with this reason code (0x80 and up) means."""
    return Setback(_CODES.get(code, Trouble.OTHER), detail or f"reason code 0x{code:02X}")


def of_disconnect(code: int, detail: str = "") -> Setback:
    """What a DISCONNECT with this reason code means; within a session, it is a topic that is not allowed."""
    setback = of_code(code, detail)
    return replace(setback, trouble=Trouble.TOPIC_REFUSED) if code == _NOT_AUTHORISED else setback


def of_error(error: OSError) -> Setback:
    """What an error of opening or using the socket means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error)
    if isinstance(error, ssl.SSLError):
        return of_tls_text(getattr(error, "reason", None) or str(error))
    for kind, trouble in _ERRORS.items():
        if isinstance(error, kind):
            return Setback(trouble, error.strerror or "")
    trouble = Trouble.UNREACHABLE if error.errno in _NO_WAY else Trouble.OTHER
    return Setback(trouble, error.strerror or str(error))


def _of_certificate(error: ssl.SSLCertVerificationError) -> Setback:
    if error.verify_code == _NOT_YET_VALID:
        return Setback(Trouble.TLS_NOT_YET_VALID)
    if error.verify_code in _WRONG_HOST:
        return Setback(Trouble.TLS_WRONG_HOST, error.verify_message)
    return Setback(Trouble.TLS_NOT_TRUSTED, error.verify_message)


def of_tls_text(text: str) -> Setback:
    """What a TLS error means, by OpenSSL's words for it."""
    lowered = text.lower().replace("_", " ")
    if "alert certificate expired" in lowered:
        return Setback(Trouble.TLS_CLIENT_EXPIRED, lowered)
    if "alert" in lowered and any(word in lowered for word in ("certificate", "unknown ca", "access denied")):
        return Setback(Trouble.TLS_CLIENT_REFUSED, lowered)
    return Setback(Trouble.TLS, lowered)


#: What is wrong and what to do about it, by trouble; filled in by `explain`.
_WORDS: dict[Trouble, tuple[str, str]] = {
    Trouble.NAME_NOT_FOUND: (
        "the name {host} of the broker is not found",
        "Check its spelling and the network's name server, or give an address",
    ),
    Trouble.REFUSED: (
        "nothing accepts connections at {address}",
        "Check that the broker runs, listens on the network and uses port {port}",
    ),
    Trouble.UNREACHABLE: ("there is no way to {address}", "Check the network connection and the address"),
    Trouble.TIMED_OUT: (
        "{address} does not answer",
        "Check that the broker's host is on, and that no firewall is in the way",
    ),
    Trouble.TLS_NOT_TRUSTED: (
        "the certificate of {address} is not trusted",
        "Name the authority that issued it in `ca_file`, or have it renewed",
    ),
    Trouble.TLS_WRONG_HOST: (
        "the certificate of {address} is for another host",
        "Use the name that is in the certificate as the broker's address",
    ),
    Trouble.TLS_NOT_YET_VALID: (
        "the certificate of {address} is not valid yet",
        "Check this device's clock; it is tried again until the clock is set",
    ),
    Trouble.TLS_CLIENT_REFUSED: (
        "{address} does not accept our certificate",
        "Give one that the broker knows in `cert_file` and `key_file`",
    ),
    Trouble.TLS_CLIENT_EXPIRED: (
        "our certificate has expired, and {address} does not accept it",
        "Renew `cert_file`; it is read again at the next try. If it is new, check both clocks",
    ),
    Trouble.TLS: (
        "no encrypted link to {address} can be made",
        "Check that port {port} is the broker's port for TLS",
    ),
    Trouble.FILE: ("a file for the connection cannot be used", "Put it right; it is read again at the next try"),
    Trouble.PROTOCOL_REFUSED: (
        "{address} speaks neither MQTT 5 nor MQTT 3.1.1",
        "Use a broker that does",
    ),
    Trouble.CLIENT_ID: (
        "{address} does not accept the client id {client_id!r}",
        "Set `client_id` to one that the broker allows",
    ),
    Trouble.LOGIN: (
        "{address} refuses the login of {user}",
        "Check the user name in the broker's address and the password in `password_file`",
    ),
    Trouble.NOT_AUTHORISED: (
        "{address} does not let {user} in",
        "Check the user name, the password, and whom the broker lets in",
    ),
    Trouble.TOPIC_REFUSED: (
        "{address} has closed the connection over a topic that it does not allow {user}",
        "Allow this user to publish below `edge-fer/`, in the broker's access list",
    ),
    Trouble.TAKEN_OVER: (
        "another client with the id {client_id!r} has taken our place at {address}",
        "Give each node an id of its own: is a second one running with this config?",
    ),
    Trouble.UNAVAILABLE: ("{address} is not available for now", "Nothing need be done, unless it lasts"),
    Trouble.QUOTA: ("{address} says that we send too much", "Raise the broker's limit for {user}"),
    Trouble.HUNG_UP: ("{address} hangs up instead of answering", "Check {suspicion}"),
    Trouble.CLOSED: (
        "{address} has closed the connection",
        "If it goes on, look into the broker's log; another client with the id {client_id!r} can be the cause",
    ),
    Trouble.SILENT: (
        "{address} has fallen silent",
        "Check the network; the broker may have been switched off or hang",
    ),
    Trouble.OTHER: ("the connection to {address} failed", "Look into the broker's log"),
}


def explain(setback: Setback, settings: BrokerSettings) -> str:
    """What is wrong and what to do about it, for a person."""
    return ". ".join(problem_and_remedy(setback, settings))


def problem_and_remedy(setback: Setback, settings: BrokerSettings) -> tuple[str, str]:
    """What is wrong, and what to do about it, for a person."""
    problem, remedy = _WORDS[setback.trouble]
    detail = f" ({setback.detail})" if setback.detail else ""
    if settings.unix_socket is not None and setback.trouble in {Trouble.REFUSED, Trouble.OTHER}:
        remedy = "Check that the broker runs, has this socket, and lets this user use it"
    suspicion = "whether it wants a certificate of ours, in `cert_file` and `key_file`, and knows it"
    if not settings.tls:
        suspicion = f"that port {settings.port} is its port for MQTT without TLS"
    values = {
        "host": settings.host,
        "port": settings.port,
        "address": settings.address,
        "client_id": settings.client_id,
        "user": f"user {settings.username!r}" if settings.username else "a client without a user name",
        "suspicion": suspicion,
    }
    return problem.format_map(values) + detail, remedy.format_map(values)


def remedy_for_refusal(code: int) -> tuple[str, bool]:
    """What to do about a PUBACK with this reason code (0x80 and up), and whether the message is worth keeping.

    A message that the broker will never take is given up, so that it does not stop all those behind it.
    """
    return _REFUSALS.get(code, ("Look into the broker's log", True))


_REFUSALS = {
    0x87: ("Allow this user to publish to the topic, in the broker's access list", True),
    0x97: ("Raise the broker's quota for this user", True),
    0x90: ("The broker does not take topics of this name", False),
    0x95: ("Raise the broker's limit for the size of a message", False),
    0x99: ("The broker takes no such payload", False),
}
