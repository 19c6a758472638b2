"""A real Mosquitto for tests, and a subscriber of its own making, neither of which knows anything of ours.

with Mosquitto(tmp_path) as broker, Subscriber(broker) as seen:
    ...
    seen.wait_for(lambda m: m.topic.endswith("/event"))
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Certificates", "Mosquitto", "Seen", "Subscriber", "free_port", "tool"]

HOST = "127.0.0.1"
#: What it logs when it reads its config again.
_RELOADS = "Reloading config"


def tool(name: str) -> str:
    """The path of a program that the tests cannot do without."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        packages = {"mosquitto": "mosquitto", "openssl": "openssl", "stdbuf": "coreutils", "prlimit": "util-linux"}
        packages |= {"setpriv": "util-linux"}
        msg = f"the tests need `{name}`: apt install {packages.get(name, 'mosquitto-clients')}"
        raise RuntimeError(msg)
    return path


def free_port() -> int:
    """A port of loopback that nobody listens on, and that the kernel gives to nobody who does not ask for it."""
    while True:
        # not of the seeded kind, or all workers would ask for the same
        port = secrets.choice(range(10_000, 32_768))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


class Certificates:
    """An authority of our own, and what it issued: `server` for 127.0.0.1 and localhost, and `client`.

    Args:
        folder: where the files go.
        host: what the server's certificate is for, besides localhost.
    """

    def __init__(self, folder: Path, *, host: str = HOST) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, ca_key = folder / "ca.crt", folder / "ca.key"
        self.server, self.server_key = folder / "server.crt", folder / "server.key"
        self.client, self.client_key = folder / "client.crt", folder / "client.key"
        self._key = _new_key(ca_key)
        self._name = _named(f"authority of {folder.name}")
        authority = _certificate(self._name, self._name, self._key.public_key(), days=2)
        authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False
        )  # fmt: skip
        usage_of_authority = x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage)
        authority = authority.add_extension(usage_of_authority, critical=True)
        ours = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        authority = authority.add_extension(ours, critical=False)
        # these, Python 3.13 wants to see
        self._of = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ours)
        _write(self.ca, authority.sign(self._key, hashes.SHA256()))
        name = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        self._names = x509.SubjectAlternativeName([name, x509.DNSName("localhost")])
        self._server_key = _new_key(self.server_key)
        self.issue_server(days=2)
        self._client_key = _new_key(self.client_key)
        self.issue_client(days=2)

    def issue_client(self, *, days: float) -> None:
        """Issues the client's certificate anew, likewise."""
        client = _certificate(_named("client"), self._name, self._client_key.public_key(), days=days)
        client = client.add_extension(self._of, critical=False)
        client = client.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        _write(self.client, client.sign(self._key, hashes.SHA256()))

    def issue_server(self, *, days: float) -> None:
        """Issues the server's certificate anew: one that ends in so many days, or has ended so many days ago."""
        server = _certificate(_named("server"), self._name, self._server_key.public_key(), days=days)
        server = server.add_extension(self._of, critical=False).add_extension(self._names, critical=False)
        _write(self.server, server.sign(self._key, hashes.SHA256()))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _new_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    file.chmod(0o600)
    return key


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float
) -> x509.CertificateBuilder:
    """One that began a day before it was made or before its end, and is not signed yet."""
    now = datetime.now(UTC)
    end = now + timedelta(days=days)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(min(now, end) - timedelta(days=1)).not_valid_after(end)


def _write(file: Path, certificate: x509.Certificate) -> None:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Mosquitto:
    """A broker on a free port of loopback, which stays the same over restarts.

    Args:
        folder: where its files go.
        users: passwords by user name; None lets everybody in.
        acl: lines of an access list, such as `user edge` and `topic write edge-fer/#`.
        certificates: makes it speak TLS.
        ask_for_certificate: whether clients must show one of the same authority.
        options: further lines of its config.
        port: where it listens; None: any free one.
        remembers: whether sessions, queues and retained messages outlive its end, at the price of a write for each
            change; and whether it logs every packet.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        acl: Sequence[str] | None = None,
        certificates: Certificates | None = None,
        ask_for_certificate: bool = False,
        options: Sequence[str] = (),
        port: int | None = None,
        remembers: bool = True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.host = HOST
        self.users = dict(users or {})
        self.certificates = certificates
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._acl = folder / "acl" if acl is not None else None
        lines = [f"listener {self.port} {HOST}", f"allow_anonymous {'false' if users else 'true'}"]
        if remembers:
            # sessions and queues outlive a kill, so that a subscriber misses nothing that the broker acknowledged
            lines += ["persistence true", f"persistence_location {folder}/", "autosave_on_changes true"]
            lines += ["autosave_interval 1", "log_type all"]
        # what it acknowledges is on its way to subscribers already
        lines += ["max_queued_messages 0", "max_inflight_messages 0"]
        # it keeps root where it has it, so that it may read what tests have written
        lines += ["user root", *options]
        if users:
            lines += [f"password_file {folder / 'passwords'}"]
            self.set_passwords(users)
        if acl is not None:
            lines += [f"acl_file {self._acl}"]
            self.set_acl(acl)
        if certificates is not None:
            lines += [
                f"cafile {certificates.ca}",
                f"certfile {certificates.server}",
                f"keyfile {certificates.server_key}",
            ]
            lines += [f"require_certificate {'true' if ask_for_certificate else 'false'}"]
        self._config, self._lines = folder / "mosquitto.conf", lines
        self.set_options([])

    def set_options(self, options: Sequence[str]) -> None:
        """Further lines of its config, in the place of like ones, from its next start on."""
        names = {option.split()[0] for option in options}
        kept = [line for line in self._lines if line.split()[0] not in names]
        self._config.write_text("\n".join([*kept, *options]) + "\n")

    @property
    def url(self) -> str:
        """Its address, without a user name."""
        return f"mqtt{'s' if self.certificates else ''}://{self.host}:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self._folder / "mosquitto.log").read_text(errors="replace")

    def start(self) -> Self:
        """Starts it, again or for the first time, and waits until it listens."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([tool("mosquitto"), "-c", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return self
            if self._process.poll() is not None or time.monotonic() > deadline:
                msg = f"mosquitto does not start:\n{self.log}"
                raise RuntimeError(msg)
            time.sleep(0.01)

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it properly."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Makes it hang, with all its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wait_until_read(self) -> None:
        """Waits until its clients have taken what it has written to them; for one that is paused."""
        deadline = time.monotonic() + 30
        while self._is_unread():
            assert time.monotonic() < deadline, "somebody does not read what the broker has sent"
            time.sleep(0.005)

    def _is_unread(self) -> bool:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        ours = f":{self.port:04X}"
        # 01: established
        unread = any(row[2].endswith(ours) and row[3] == "01" and row[4].split(":")[1] != "00000000" for row in rows)
        unsent = any(row[1].endswith(ours) and row[3] == "01" and row[4].split(":")[0] != "00000000" for row in rows)
        return unread or unsent

    def resume(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def set_passwords(self, users: Mapping[str, str]) -> None:
        """Changes who may log in; `reload` makes it known."""
        file = self._folder / "passwords"
        file.write_text("".join(f"{user}:{password}\n" for user, password in users.items()))
        subprocess.run([tool("mosquitto_passwd"), "-U", file], check=True, capture_output=True)

    def set_acl(self, lines: Sequence[str]) -> None:
        """Changes who may do what; `reload` makes it known."""
        assert self._acl is not None
        self._acl.write_text("\n".join(lines) + "\n")
        self._acl.chmod(0o600)

    def reload(self) -> None:
        """Makes it read its config, passwords, access list and certificates again, and waits until it has."""
        assert self._process is not None
        before = self.log.count(_RELOADS)
        self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        # it says so first, and serves nobody until it is done
        while self.log.count(_RELOADS) == before:
            assert time.monotonic() < deadline, "the broker does not read its config again"
            time.sleep(0.01)

    def client_options(self, user: str | None = None) -> list[str]:
        """What Mosquitto's own clients must be given to reach it."""
        options = ["-h", self.host, "-p", str(self.port)]
        if user is not None:
            options += ["-u", user, "-P", self.users[user]]
        if self.certificates is not None:
            files = self.certificates
            options += ["--cafile", str(files.ca), "--cert", str(files.client), "--key", str(files.client_key)]
        return options

    def publish(self, topic: str, payload: str | None, *, retain: bool = False, user: str | None = None) -> None:
        """Publishes something with a client that is not ours; None clears a retained topic."""
        content = ["-n"] if payload is None else ["-m", payload]
        options = [*self.client_options(user), "-t", topic, "-q", "1", *content, *(["-r"] if retain else [])]
        subprocess.run([tool("mosquitto_pub"), *options], check=True, timeout=60)

    def publish_lines(self, topic: str, lines: Sequence[str]) -> None:
        """Publishes each of them, as fast as can be."""
        command = [tool("mosquitto_pub"), *self.client_options(), "-t", topic, "-q", "1", "-l"]
        subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True, timeout=60)

    def publish_file(self, topic: str, file: Path) -> None:
        """Publishes what is in a file, which may be long."""
        command = [tool("mosquitto_pub"), *self.client_options(), "-t", topic, "-q", "1", "-f", str(file)]
        subprocess.run(command, check=True, timeout=60)

    def retained(self, pattern: str = "#", *, user: str | None = None) -> dict[str, str]:
        """The retained payloads by topic, as a newcomer sees them."""
        # the broker answers the second request after all that the first one brings
        options = [*self.client_options(user), "-t", pattern, "-F", "%j", "-q", "1", "--retained-only"]
        options += ["-d", "-U", "none", "-W", "60"]
        command = [tool("stdbuf"), "-oL", tool("mosquitto_sub"), *options]
        found: dict[str, str] = {}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                rest = line
                if line.startswith("{"):
                    message, end = json.JSONDecoder().raw_decode(line)
                    found[message["topic"]] = message["payload"]
                    rest = line[end:]
                if "UNSUBACK" in rest:
                    break
            else:  # it also ends at the first message that was not retained: what is, has come by then
                assert process.wait() == 0, "the broker does not tell what it has retained"
            process.kill()
        return found

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=60)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as the subscriber got it.

    Attributes:
        topic: where it was published.
        payload: as text; empty where a retained topic was cleared.
        qos: of delivery, which is the publisher's, as we subscribe with the highest one.
        retain: whether it was published so.
        at: when it came, on `time.monotonic`.
    """

    topic: str
    payload: str
    qos: int
    retain: bool
    at: float

    @property
    def json(self) -> dict[str, Any]:
        """The payload as an object."""
        value: dict[str, Any] = json.loads(self.payload)
        return value


class Subscriber:
    """Mosquitto's own subscriber, with a session that outlives the broker.

    Args:
        broker: where to subscribe, or the port on loopback of another one.
        topics: what to subscribe to.
        user: whom to log in as.
        protocol: version of MQTT: `mqttv5` tells how each message was retained, `mqttv311` only of those that
            were there before it came.
        qos: to subscribe with. At 0 it acknowledges nothing, and so reads to the end what a broker wrote that is
            gone; else it lets go of that when an acknowledgement fails.
    """

    def __init__(
        self,
        broker: Mosquitto | int,
        topics: Sequence[str] = ("edge-fer/#",),
        *,
        user: str | None = None,
        protocol: str = "mqttv5",
        qos: int = 2,
    ) -> None:
        self.messages: list[Seen] = []
        self._news = threading.Condition()
        self._subscriptions = 0
        where = ["-h", HOST, "-p", str(broker)] if isinstance(broker, int) else broker.client_options(user)
        options = [*where, "-d", "-F", "%j", "-q", str(qos), "-V", protocol, "-c", "-i", f"subscriber-{id(self)}"]
        if protocol == "mqttv5":
            options += ["--retain-as-published", "-x", "3600", "-D", "connect", "receive-maximum", "65535"]
        for topic in topics:
            options += ["-t", topic]
        # line by line, or what it says of itself would wait in a buffer
        self._command = [tool("stdbuf"), "-oL", tool("mosquitto_sub"), *options]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, encoding="utf-8"
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_until_back(0)
        except AssertionError:
            self.__exit__()
            raise
        return self

    @property
    def subscriptions(self) -> int:
        """How often it has subscribed: once, and again whenever the broker was back."""
        return self._subscriptions

    def wait_until_back(self, before: int) -> None:
        """Waits until it has subscribed more than `before` times."""
        self._wait(lambda: self._subscriptions > before, 60, "the subscription")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:  # it waits for a broker that is gone
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def of(self, ending: str) -> list[Seen]:
        """What came on topics that end so, so far."""
        with self._news:
            return [message for message in self.messages if message.topic.endswith(ending)]

    def wait_for(self, wanted: Callable[[Seen], object], *, count: int = 1, timeout: float = 60.0) -> list[Seen]:
        """Waits for messages, those that came already included.

        Returns:
            The wanted ones, at least `count`.

        Raises:
            AssertionError: they do not come within `timeout` seconds.
        """
        found: list[Seen] = []

        def enough() -> bool:
            found[:] = filter(wanted, self.messages)
            return len(found) >= count

        self._wait(enough, timeout, f"{count} of the messages wanted")
        return found

    def clear(self) -> None:
        """Forgets what came so far."""
        with self._news:
            self.messages.clear()

    def _wait(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        with self._news:
            if not self._news.wait_for(condition, timeout):
                last = "\n".join(f"  {m.topic} {m.payload[:200]}" for m in self.messages[-20:])
                msg = f"{what} did not come within {timeout:g} s; the last of {len(self.messages)} that came:\n{last}"
                raise AssertionError(msg)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                rest = line
                if line.startswith("{"):
                    found, end = json.JSONDecoder().raw_decode(line)
                    payload = found["payload"] or ""
                    self.messages.append(
                        Seen(found["topic"], payload, found["qos"], bool(found["retain"]), time.monotonic())
                    )
                    # what it says itself may come before the end of the line
                    rest = line[end:]
                if rest.startswith("Subscribed"):
                    self._subscriptions += 1
                self._news.notify_all()
