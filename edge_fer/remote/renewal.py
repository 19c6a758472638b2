"""Has this device's certificate renewed: makes a key, asks for a certificate, and takes it. The key never leaves it."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final, Protocol

from pydantic import ValidationError

from edge_fer.contract.link_status import LinkStatus, is_near
from edge_fer.contract.messages.fleet import CertificateIssued, CertificateWanted
from edge_fer.contract.topics import Topics
from edge_fer.contract.trouble import Trouble
from edge_fer.errors import BrokerError
from edge_fer.mqtt.inbound import Subscription
from edge_fer.support.json_text import read_json

__all__ = ["CertificateMaker", "CertificateRenewal", "RenewableLinkPort"]

log = logging.getLogger(__name__)

#: Seconds between looks at when our certificate ends; for the broker to accept the new one; for the thread to end.
_LOOK, _ACCEPT, _GOODBYE = 3600.0, 60.0, 1.0
#: Seconds that openssl has.
_PATIENCE: Final = 60.0
#: Why a broker hangs up on a certificate that it does not want.
_MINDS: Final = frozenset(
    {Trouble.TLS_CLIENT_REFUSED, Trouble.TLS_CLIENT_EXPIRED, Trouble.HUNG_UP, Trouble.LOGIN, Trouble.NOT_AUTHORISED,
     Trouble.FILE, Trouble.TLS}
)  # fmt: skip


class RenewableLinkPort(Protocol):
    """The link, as far as a new certificate goes."""

    def redial(self) -> None:
        """Connects anew."""

    def status(self) -> LinkStatus:
        """How it is doing."""


class CertificateMaker:
    """Keys and requests, by the command `openssl`, which Debian's Python stands on as well.

    Args:
        node: the node's name.
        folder: where its files go.
        ca_file: the authority that a new certificate must be of.
        name: of the file with the new certificate and its key.
    """

    def __init__(self, node: str, folder: Path, ca_file: Path | None, name: str) -> None:
        self._node = node
        self._key = folder / "renewal.key"
        self._ca_file = ca_file
        self._renewed = folder / name

    @property
    def pending(self) -> bool:
        """Whether there is a key that has no certificate yet."""
        return self._key.exists()

    def request(self) -> str:
        """A request for the key that is there, or for a new one.

        Raises:
            BrokerError: it cannot be made.
        """
        if not self.pending:
            _write_secret(self._key, _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        try:
            return _openssl("req", "-new", "-key", str(self._key), "-subj", f"/CN={self._node}")
        except BrokerError:
            # a key that was cut off by a power cut, for example
            self._key.unlink(missing_ok=True)
            raise

    def accept(self, certificate: str) -> bool:
        """Takes a certificate for the key that is there; whether it is one.

        Raises:
            BrokerError: it is for this key, and cannot be used.
        """
        if not self.pending:
            return False
        given = _openssl("x509", "-noout", "-pubkey", text=certificate)
        if given != _openssl("pkey", "-in", str(self._key), "-pubout"):
            return False
        subject = _openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", text=certificate).strip()
        if subject != f"subject=CN={self._node}":
            msg = f"the new certificate is for another name ({subject})"
            raise BrokerError(msg, remedy="Have it issued anew: edge-fer fleet renew")
        clean = _openssl("x509", text=certificate)
        candidate = self._renewed.with_suffix(".new")
        _write_secret(candidate, clean + self._key.read_text(encoding="ascii"))
        try:
            authority = ("-CAfile", str(self._ca_file)) if self._ca_file else ()
            _openssl("verify", "-purpose", "sslclient", *authority, str(candidate))
            candidate.replace(self._renewed)
        finally:
            candidate.unlink(missing_ok=True)
        self._key.unlink(missing_ok=True)
        return True

    def give_back(self) -> None:
        """Sets a certificate aside that the broker does not take; the one before counts again."""
        with suppress(OSError):
            self._renewed.replace(self._renewed.with_suffix(".refused"))


class CertificateRenewal:
    """Looks when our certificate ends, asks for a new one in time or when it is wanted, and takes it.

    Args:
        node: the node's name.
        topics: of the node.
        maker: makes keys and requests.
        ends: when the present certificate ends.
        clock: the time.
        ask: publishes a request; None: there is none any more.
        link: to the broker.
    """

    def __init__(
        self,
        *,
        node: str,
        topics: Topics,
        maker: CertificateMaker,
        ends: Callable[[], datetime | None],
        clock: Callable[[], datetime],
        ask: Callable[[str | None], None],
        link: RenewableLinkPort,
    ) -> None:
        self._node = node
        self._wanted_topic, self._issued_topic = topics.certificate_wanted, topics.certificate_issued
        self._maker = maker
        self._ends = ends
        self._clock = clock
        self._ask = ask
        self._link = link
        self._came: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self._closed = Event()
        self._asked = False
        self._thread = Thread(target=self._run, name="certificate-renewal", daemon=True)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """That a new one is wanted, and the new one."""
        return tuple(Subscription(topic, qos=1) for topic in (self._wanted_topic, self._issued_topic))

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:  # noqa: ARG002 - wanted either way
        """Takes what the operator says."""
        if topic in {self._wanted_topic, self._issued_topic} and payload and self._came.qsize() < 16:
            self._came.put((topic, payload))

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends."""
        self._closed.set()
        self._came.put(None)
        self._thread.join(_GOODBYE)

    def _run(self) -> None:
        self._look(wanted_until=None)
        while not self._closed.is_set():
            with suppress(Empty):
                came = self._came.get(timeout=_LOOK)
                if came is None:
                    return
                self._handle(*came)
                continue
            self._look(wanted_until=None)

    def _handle(self, topic: str, payload: bytes) -> None:
        try:
            found = read_json(payload)
            if topic == self._wanted_topic:
                self._look(wanted_until=datetime.fromisoformat(CertificateWanted.model_validate(found).ends_after))
            else:
                self._take_over(CertificateIssued.model_validate(found).certificate)
        except (BrokerError, OSError) as error:
            log.error("the new certificate was not taken, and the old one stays: %s", error)  # noqa: TRY400
        except (ValueError, ValidationError):
            log.warning("what came on %s is none of ours, and is left alone", topic)

    def _look(self, *, wanted_until: datetime | None) -> None:
        """Asks for a new certificate, where the present one ends soon, or one is wanted that ends later."""
        ends = self._ends()
        due = ends is None or is_near(ends, self._clock()) or (wanted_until is not None and ends <= wanted_until)
        if not (due or self._maker.pending) or (self._asked and self._maker.pending):
            return
        try:
            self._ask(self._maker.request())
            self._asked = True
        except (BrokerError, OSError) as error:
            log.error("no new certificate can be asked for: %s", error)  # noqa: TRY400

    def _take_over(self, certificate: str) -> None:
        before = self._link.status().connections
        if not self._maker.accept(certificate):
            return
        self._asked = False
        self._ask(None)
        log.warning("a new certificate is taken: it holds until %s", self._ends())
        self._link.redial()
        if self._refused(before):
            self._maker.give_back()
            self._link.redial()
            log.error("the broker does not take the new certificate; the old one is used again")

    def _refused(self, before: int) -> bool:
        """Whether the broker minds the new certificate; not, where it is merely away."""
        for _ in range(int(_ACCEPT)):
            status = self._link.status()
            if status.connections > before and status.connected:
                return False
            if self._closed.wait(1.0):
                return False
        setback = self._link.status().setback
        return setback is not None and setback.trouble in _MINDS


def _openssl(*arguments: str, text: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - what stands in the arguments is ours
            ["openssl", *arguments],  # noqa: S607 - wherever the system has it
            input=text,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        msg = "the command openssl is not there"
        raise BrokerError(msg, remedy="Install it: sudo apt install openssl") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"openssl does not work: {error}"
        raise BrokerError(msg, remedy="Look at the device's memory and disk") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        msg = f"openssl {arguments[0]}: {said[-1] if said else 'failed'}"
        raise BrokerError(msg, remedy="Have the certificate issued anew: edge-fer fleet renew")
    return done.stdout


def _write_secret(path: Path, text: str) -> None:
    """Writes a file whole or not at all, for its owner alone."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
