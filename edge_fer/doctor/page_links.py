"""Checks whether links in notifications lead to this device's page: whether it is on, reachable, and trusted."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge_fer.doctor.finding import CheckResult, fault, good, warning

__all__ = ["linked_page"]

_NAME = "notify page"
#: Seconds for each step; a page that nobody has looked at must start first.
_PATIENCE = 15.0
#: OpenSSL's codes of what is wrong with a certificate.
_ENDED, _OF_ANOTHER = {10}, {62, 63, 64}
#: What the page answers to a link that is none: where its daemon is there, and where it is not.
_NO_LINK, _NO_DAEMON, _NOT_ITS_NAME = 403, 503, 421
_OURS = b'<strong class="brand">edge-fer</strong>'
_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    is_ours: bool
    certificate: bytes | None


def linked_page(address: str) -> Iterator[CheckResult]:
    """What stands at the address that links lead to.

    Args:
        address: as in `notify.page`.
    """
    parts = urlsplit(address)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    files = _own_certificates()
    try:
        trusted = _context(files) if secure else None
        answer = _asked(host, port, trusted)
    except ssl.SSLCertVerificationError as error:
        yield _not_trusted(address, error)
        if error.verify_code in _ENDED | _OF_ANOTHER:
            return
        try:
            answer = _asked(host, port, _trusting_all())
        except (OSError, http.client.HTTPException) as second:
            yield _unreachable(address, second)
            return
    except (OSError, http.client.HTTPException) as error:
        yield _unreachable(address, error)
        return
    yield _judged(address, answer, files)


def _judged(address: str, answer: _Answer, files: Path | None) -> CheckResult:
    if answer.status == _NOT_ITS_NAME:
        what = f"the page does not answer to the name in {address}"
        return fault(_NAME, what, "Add the name to `web.hosts`, then: sudo systemctl restart edge-fer-web-prepare")
    if not answer.is_ours or answer.status not in {_NO_LINK, _NO_DAEMON}:
        what = f"what answers at {address} is not the page of edge-fer"
        return fault(_NAME, what, "Write the address of the page into `notify.page`: docs/web.md")
    if answer.status == _NO_DAEMON:
        what = f"the page at {address} does not reach the daemon, so that links do not work"
        return fault(_NAME, what, "Start the daemon, and see `journalctl -u edge-fer-web`")
    if answer.certificate is not None and files is not None and answer.certificate != _certificate_in(files):
        what = f"a page of edge-fer answers at {address}, with another certificate than this device's"
        return warning(_NAME, what, "Make sure that it is this device's page, or a proxy before it")
    return good(_NAME, f"links lead to the page at {address}")


def _not_trusted(address: str, error: ssl.SSLCertVerificationError) -> CheckResult:
    if error.verify_code in _OF_ANOTHER:
        what = f"the certificate at {address} is for another name"
        remedy = "Write a name that the page has into `notify.page`, or add this one to `web.hosts`"
        return fault(_NAME, what, remedy)
    if error.verify_code in _ENDED:
        return fault(_NAME, f"the certificate at {address} has ended", "Renew it: sudo edge-fer web prepare")
    what = f"the certificate at {address} is not trusted here ({error.verify_message})"
    return warning(_NAME, what, "See that phones trust it: docs/web.md, `The certificate`")


def _unreachable(address: str, error: Exception) -> CheckResult:
    remedy = "Switch the page on, `sudo edge-fer web on`, or take `notify.page` out"
    if isinstance(error, socket.gaierror):
        what, remedy = f"the name in {address} is not found", "Write one that phones find, or the device's IP address"
    elif isinstance(error, ConnectionRefusedError):
        what = f"nothing answers at {address}, so that links in notifications lead nowhere"
    elif isinstance(error, TimeoutError):
        what = f"{address} does not answer in time"
    else:
        what = f"{address} cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}"
    return fault(_NAME, what, remedy)


def _asked(host: str, port: int, context: ssl.SSLContext | None) -> _Answer:
    """What the page says to a link that is none."""
    made: http.client.HTTPConnection
    if context is None:
        made = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    else:
        made = http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=context)
    with closing(made):
        # the page passes it on to the daemon, which knows no such link
        made.request("GET", "/acknowledge?token=doctor", headers={"Accept-Language": "en"})
        shown = made.sock.getpeercert(binary_form=True) if isinstance(made.sock, ssl.SSLSocket) else None
        answer = made.getresponse()
        return _Answer(answer.status, _OURS in answer.read(_LONGEST), shown)


def _context(files: Path | None) -> ssl.SSLContext:
    """Trusts what this system does, and the authority of the installed page, which phones are to trust."""
    context = ssl.create_default_context()
    if files is not None:
        context.load_verify_locations(files / "authority.pem")
    return context


def _trusting_all() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _own_certificates() -> Path | None:
    """The folder of the installed page's certificates; None where there is none, or it may not be read."""
    try:
        # needs cryptography
        from edge_fer.web.installed import INSTALLED  # noqa: PLC0415
    except ImportError:
        return None
    folder = INSTALLED.folder
    try:
        return folder if all((folder / name).is_file() for name in ("authority.pem", "page.pem")) else None
    except OSError:
        return None


def _certificate_in(files: Path) -> bytes | None:
    try:
        return ssl.PEM_cert_to_DER_cert((files / "page.pem").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
