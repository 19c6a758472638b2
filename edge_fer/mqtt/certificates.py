"""When certificates end: the broker's, and our own. Pure but for reading our own from its file; time is passed in."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_fer.support.files import read_file

__all__ = ["NOTICE", "CertificateEnds", "EndWatch", "days_left", "end_in_file", "end_of", "is_near"]

#: How long before its end a certificate is told of.
NOTICE = timedelta(days=30)
#: Bytes of the largest file of certificates.
_LARGEST = 1 << 20
#: A certificate in PEM, by each of the names that OpenSSL reads.
_PEM = re.compile(
    r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.DOTALL
)
#: Tags of DER (X.690).
_UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x17, 0x18, 0xA0


@dataclass(frozen=True, slots=True)
class CertificateEnds:
    """When the certificates of a link end.

    Attributes:
        broker: the broker's; None: not encrypted, or there was no connection yet.
        client: our own; None: there is none, or it cannot be read.
    """

    broker: datetime | None = None
    client: datetime | None = None


def end_of(certificate: bytes | None) -> datetime | None:
    """When a certificate in DER ends (its `notAfter`); None where that cannot be read."""
    try:
        return _end_of(certificate or b"")
    except (IndexError, ValueError, StopIteration):
        return None


def end_in_file(file: Path | None) -> datetime | None:
    """When the first certificate in a PEM file ends, which is our own; None where that cannot be read."""
    if file is None:
        return None
    try:
        found = _PEM.search(read_file(file, _LARGEST).decode("ascii", "replace"))
        return end_of(ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}{found[1]}{ssl.PEM_FOOTER}")) if found else None
    except (OSError, ValueError):
        return None


def is_near(end: datetime | None, now: datetime) -> bool:
    """Whether a certificate ends soon, or has ended."""
    return end is not None and end - now <= NOTICE


def days_left(end: datetime, now: datetime) -> str:
    """How long a certificate still holds, or since when it does not, in words."""
    days = (end - now).days
    if end <= now:
        return f"it expired at {end:%Y-%m-%d %H:%M} UTC"
    return f"for {days} more {'day' if days == 1 else 'days'}, until {end:%Y-%m-%d %H:%M} UTC"


class EndWatch:
    """Says once of each certificate that it ends soon, and once that it has ended."""

    def __init__(self) -> None:
        self._told: set[tuple[str, datetime, bool]] = set()

    def due(self, ends: CertificateEnds, now: datetime) -> list[tuple[str, datetime]]:
        """The certificates (`broker` or `client`) of which something is to be said now, and when they end."""
        found = []
        for whose, end in (("broker", ends.broker), ("client", ends.client)):
            if end is None or not is_near(end, now):
                continue
            notice = (whose, end, end <= now)
            if notice not in self._told:
                # a certificate that was renewed is another one, and nothing more is said of the old one
                self._told = {told for told in self._told if told[:2] == notice[:2] or told[0] != whose} | {notice}
                found.append((whose, end))
        return found


def _end_of(certificate: bytes) -> datetime:
    """Reads `Certificate.tbsCertificate.validity.notAfter` (RFC 5280, section 4.1)."""
    _, whole = next(_parts(certificate))
    _, to_be_signed = next(_parts(whole))
    fields = list(_parts(to_be_signed))
    # the version may be left out; then come number, algorithm, issuer, and validity
    _, validity = fields[4 if fields[0][0] == _VERSION else 3]
    _, (tag, text) = _parts(validity)
    return _time(tag, text.decode("ascii"))


def _time(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:
        # its years are 1950 to 2049
        text = f"{'19' if text[:2] >= '50' else '20'}{text}"
    elif tag != _GENERALIZED_TIME:
        msg = "no time"
        raise ValueError(msg)
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value in DER, one after another."""
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size])
            at += size
        yield tag, der[at : at + length]
        at += length
