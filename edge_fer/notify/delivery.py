"""Hands messages to targets by Apprise, with an id that stays the same when one is sent again.

Apprise tells whether a message was taken, and nothing else. So what its plug-ins send is looked at on its way: over
HTTP the id is put in as `Idempotency-Key`, and as `X-Sequence-ID`, by which ntfy puts a message in the place of the one
with the same id; mail gets it as `Message-ID`. The server's answer says why a message was refused, and how long to
wait.
"""

from __future__ import annotations

import logging
import re
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

from edge_fer.errors import NotifyError
from edge_fer.notify.items import ItemKind
from edge_fer.notify.sender import Delivered, SenderTarget
from edge_fer.notify.spool import Prepared
from edge_fer.support.credentials import read_password
from edge_fer.support.harmless import harmless
from edge_fer.support.redact import redacted_text
from edge_fer.values.destination import destination_fault, leads_outside

__all__ = ["INSTALL", "AppriseDelivery", "address_of", "is_installed", "is_mail"]

#: What to do where Apprise is missing.
INSTALL = "Install it: `sudo apt install apprise`, or in an environment of your own `pip install 'edge-fer[notify]'`"
#: Bytes of an answer that are read, and seconds that it may take.
_LONGEST_ANSWER, _SLOWEST_ANSWER = 16_384, 20.0
#: HTTP's statuses that only a person can cure.
_SLOW = {301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422}
_MESSAGE_ID = re.compile(r"^Message-ID:.*?\r?\n(?![ \t])", re.IGNORECASE | re.MULTILINE | re.DOTALL)
#: Options by which a service knows how urgent something is, by kind of address and severity.
_PRIORITIES = {
    "ntfy": {"warning": "high", "critical": "max"},
    "gotify": {"warning": "high", "critical": "emergency"},
    "pover": {"warning": "high", "critical": "high"},
}


@dataclass(slots=True)
class _Tap:
    """One message on its way."""

    id: str
    status: int | None = None
    reason: str = ""
    wait: float | None = None
    said: list[str] = field(default_factory=list)


_on_its_way = threading.local()


def is_installed() -> bool:
    """Whether Apprise can be loaded; it takes 38 MB."""
    try:
        import apprise  # noqa: F401, PLC0415 - an extra, and nothing but this process loads it
    except ImportError:
        return False
    return True


def address_of(target: SenderTarget) -> str:
    """A target's address.

    Raises:
        NotifyError: it cannot be read, is none, or leads where it must not.
    """
    address = target.url
    if target.url_file:
        try:
            address = read_password(Path(target.url_file), field="url_file").strip()
        except ValueError as error:
            raise NotifyError(str(error), remedy="Make a file that the user of the sender may read") from None
    if fault := destination_fault(address):
        msg = f"the address {fault}"
        raise NotifyError(msg, remedy="Write it as Apprise wants it, for example ntfys://ntfy.example.org/topic")
    if not target.outside and leads_outside(address):
        msg = "the address is that of a public service, to which nothing may go from a ward"
        raise NotifyError(msg, remedy="Name a server inside, or write `outside: true`")
    return address


class AppriseDelivery:
    """Hands messages over. May be used from any thread.

    Args:
        node: the node's id, for the ids of mails.
    """

    def __init__(self, node: str) -> None:
        import apprise  # noqa: PLC0415 - as above

        self._apprise: Any = apprise
        self._node = re.sub(r"[^A-Za-z0-9.-]", "-", node) or "edge-fer"
        self._log = _Listener()
        _look_at_http()
        _look_at_mail(self._node)

    def __call__(self, target: SenderTarget, prepared: Prepared) -> Delivered:
        """Hands one message to one target."""
        try:
            address = address_of(target)
        except NotifyError as error:
            return Delivered(taken=False, problem=str(error), slow=True)
        if prepared.page and not is_mail(address):
            return Delivered(
                taken=False, problem="a page goes by mail alone, and this is no address of mail", slow=True
            )
        apprise, message = self._apprise, prepared.message
        # no picture goes anywhere, and no phone fetches one because of us
        asset = apprise.AppriseAsset(
            app_id="edge-fer", app_desc="edge-fer", app_url="", image_url_mask="", image_url_logo="", async_mode=False
        )
        sender, tap = apprise.Apprise(asset=asset), _Tap(prepared.id)
        with _watched(tap):
            plugin = apprise.Apprise.instantiate(_with_priority(address, message.severity, message.kind), asset=asset)
            if plugin is None:
                what = "Apprise knows no such address"
                return Delivered(taken=False, problem=self._told(what, tap, address), slow=True)
            # in whichever thread Apprise has it send
            plugin.send = _watching(tap, plugin.send)
            sender.add(plugin)
            try:
                with _attached(prepared.page) as attach:
                    taken = bool(
                        sender.notify(
                            title=message.title,
                            body=message.text,
                            notify_type=_type(message.severity, message.kind),
                            body_format=apprise.NotifyFormat.TEXT,
                            attach=attach,
                        )
                    )
            except Exception as error:  # noqa: BLE001 - whatever a plug-in does wrong, the others go on
                tap.said.append(f"{type(error).__name__}: {error}")
                taken = False
        if taken:
            return Delivered(taken=True)
        problem = self._told("it was not taken", tap, address)
        return Delivered(taken=False, problem=problem, slow=tap.status in _SLOW, wait=tap.wait)

    @staticmethod
    def _told(what: str, tap: _Tap, address: str) -> str:
        """Why, without any part of the address that may be secret."""
        status = f"the server answers with status {tap.status}" if (tap.status or 0) >= 400 else ""
        told = tap.reason or "; ".join(part for part in (status, *tap.said[-1:]) if part) or what
        for part in sorted(_parts(address), key=len, reverse=True):
            told = told.replace(part, "***")
        return redacted_text(harmless(told))[:300]


def is_mail(address: str) -> bool:
    """Whether an address is one of mail."""
    return address.partition("://")[0].lower() in {"mailto", "mailtos"}


@contextmanager
def _attached(page: tuple[str, str] | None) -> Iterator[str | None]:
    """The path of a file to attach, which is gone afterwards; Apprise before 1.9 takes no other."""
    if page is None:
        yield None
        return
    with TemporaryDirectory(prefix="edge-fer-") as folder:
        file = Path(folder, page[0])
        file.write_text(page[1], encoding="utf-8")
        yield str(file)


@contextmanager
def _watched(tap: _Tap) -> Iterator[None]:
    before = getattr(_on_its_way, "tap", None)
    _on_its_way.tap = tap
    try:
        yield
    finally:
        _on_its_way.tap = before


def _watching(tap: _Tap, send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def watched_send(*args: Any, **options: Any) -> Any:
        with _watched(tap):
            return send(*args, **options)

    return watched_send


class _Listener(logging.Handler):
    """Hears what Apprise logs, which goes nowhere else: it may hold secrets."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        logger.handlers = [self]

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps it with the message that is on its way."""
        tap: _Tap | None = getattr(_on_its_way, "tap", None)
        if tap is not None and len(tap.said) < 10:
            tap.said.append(record.getMessage())


def _look_at_http() -> None:
    """Puts ids into requests, and takes statuses out of answers."""
    import requests  # noqa: PLC0415 - comes with Apprise

    ask = requests.sessions.Session.request
    if hasattr(ask, "of_edge_fer"):
        return

    def request(self: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        tap: _Tap | None = getattr(_on_its_way, "tap", None)
        if tap is None:
            return ask(self, method, url, *args, **options)
        options["headers"] = {
            **(options.get("headers") or {}),
            "Idempotency-Key": tap.id,
            "X-Sequence-ID": tap.id,
        }
        # a message goes where it was told to go, and nowhere that a server names
        options["allow_redirects"] = False
        options["stream"] = True
        try:
            answer = ask(self, method, url, *args, **options)
            _read_some(answer)
        except requests.RequestException as error:
            tap.reason = _reason(error)
            raise
        tap.status = answer.status_code
        after = answer.headers.get("Retry-After", "")
        tap.wait = float(after) if answer.status_code in {429, 503} and after.isdigit() else None
        return answer

    request.of_edge_fer = True  # type: ignore[attr-defined]  # so that it is put there once
    requests.sessions.Session.request = request  # type: ignore[method-assign,assignment]


def _read_some(answer: Any) -> None:
    """Reads the beginning of an answer: one that is endless, or comes byte by byte, holds nobody up."""
    begun, body = monotonic(), bytearray()
    # as much at once as is there
    for piece in answer.iter_content(1):
        body += piece
        if len(body) >= _LONGEST_ANSWER or monotonic() - begun > _SLOWEST_ANSWER:
            break
    answer._content, answer._content_consumed = bytes(body), True  # noqa: SLF001 - what plug-ins ask for
    answer.close()


def _look_at_mail(node: str) -> None:
    """Puts ids into mails."""
    send = smtplib.SMTP.sendmail
    if hasattr(send, "of_edge_fer"):
        return

    def sendmail(self: Any, sender: str, receivers: Any, message: Any, *args: Any, **options: Any) -> Any:
        tap: _Tap | None = getattr(_on_its_way, "tap", None)
        if tap is not None and isinstance(message, str):
            message = _MESSAGE_ID.sub(f"Message-ID: <{tap.id}@{node}>\n", message, count=1)
        try:
            return send(self, sender, receivers, message, *args, **options)
        except smtplib.SMTPResponseException as error:
            if tap is not None:
                tap.reason = f"the mail server refuses it with status {error.smtp_code}"
                # 4xx passes, 5xx does not
                tap.status = 403 if error.smtp_code >= 500 else None
            raise

    sendmail.of_edge_fer = True  # type: ignore[attr-defined]  # so that it is put there once
    smtplib.SMTP.sendmail = sendmail  # type: ignore[method-assign,assignment]


def _reason(error: Exception) -> str:
    """Why a server was not reached, without its address."""
    text = str(error)
    for sign, reason in (
        ("refused", "the server refuses connections"),
        ("timed out", "the server does not answer in time"),
        ("resolve", "the server's name is not found"),
        ("certificate", "the server's certificate is not trusted"),
    ):
        if sign in text:
            return reason
    return f"the server cannot be reached ({type(error).__name__})"


def _with_priority(address: str, severity: str, kind: ItemKind) -> str:
    """An address that says how urgent it is, unless it does so already."""
    scheme = address.partition("://")[0].lower()
    wanted = _PRIORITIES.get(scheme.removesuffix("s"), {}).get(severity)
    if wanted is None or kind in {ItemKind.RESOLVED, ItemKind.RECOVERED} or "priority=" in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}priority={wanted}"


def _type(severity: str, kind: ItemKind) -> str:
    """Apprise's word for how serious it is."""
    if kind in {ItemKind.RESOLVED, ItemKind.RECOVERED}:
        return "success"
    return {"critical": "failure", "warning": "warning"}.get(severity, "info")


def _parts(address: str) -> set[str]:
    """Everything in an address that is long enough to be a secret."""
    parts = urlsplit(address)
    words = re.split(r"[/:@?&=,#]", f"{parts.netloc}/{parts.path}?{parts.query}")
    return {form for word in words for form in (word, unquote(word)) if len(form) >= 4}
