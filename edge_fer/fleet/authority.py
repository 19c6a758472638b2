"""The fleet's certificate authority: issues certificates for nodes, the broker and people, and revokes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_fer.errors import FleetError
from edge_fer.support.files import read_file

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:  # pragma: no cover - the tests have it
    _message = "`edge-fer fleet` needs the package cryptography, which is not installed"
    raise FleetError(_message, remedy="Install it with: pip install 'edge-fer[fleet]'") from error

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

__all__ = ["CERTIFICATE_DAYS", "Authority", "Issued", "answers", "new_key", "parsed_request"]

#: Days that certificates hold: the authority's own, and those that it issues.
_AUTHORITY_DAYS, CERTIFICATE_DAYS = 3650, 825
#: A device without a battery may start with a clock that is behind.
_BEFORE: Final = timedelta(days=1)
_LARGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued.

    Attributes:
        pem: the certificate.
        serial: its number in hex.
        ends: when it ends.
    """

    pem: str
    serial: str
    ends: datetime


def new_key() -> tuple[ec.EllipticCurvePrivateKey, str]:
    """A new private key, and the same as PEM without a passphrase."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def parsed_request(pem: str, node: str) -> x509.CertificateSigningRequest:
    """A node's request for a certificate, checked.

    Args:
        pem: the request.
        node: the node whose topic it came over.

    Raises:
        FleetError: it is none, is not signed by its own key, is for another name, or its key is too weak.
    """
    remedy = f"Look at the log of {node}; nothing was signed"
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        signed = request.is_signature_valid
        key = request.public_key()
        names = [str(one.value) for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, InvalidSignature, UnsupportedAlgorithm, TypeError) as error:
        msg = f"what {node} sent is no certificate request"
        raise FleetError(msg, remedy=remedy) from error
    if not signed:
        msg = f"the certificate request of {node} is not signed by its own key"
        raise FleetError(msg, remedy=remedy)
    if names != [node]:
        msg = f"the certificate request of {node} is for the name {', '.join(names)!r}"
        raise FleetError(msg, remedy=remedy)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.key_size < 256:
        msg = f"the certificate request of {node} has no key on an elliptic curve of 256 bits or more"
        raise FleetError(msg, remedy=remedy)
    return request


def answers(certificate: str, request: str) -> datetime | None:
    """When a certificate ends, if it is for the key of that request; None: it is not."""
    try:
        given = x509.load_pem_x509_certificate(certificate.encode())
        if given.public_key() != x509.load_pem_x509_csr(request.encode()).public_key():
            return None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return given.not_valid_after_utc


class Authority:
    """The authority of one fleet.

    Args:
        certificate: PEM.
        key: PEM.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self.pem = certificate
        self._certificate = x509.load_pem_x509_certificate(certificate.encode())
        loaded = serialization.load_pem_private_key(key.encode(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            msg = "the authority's key is on no elliptic curve"
            raise FleetError(msg, remedy="Bring back the key that `edge-fer fleet init` made")
        if loaded.public_key() != self._certificate.public_key():
            msg = "the authority's certificate and key do not belong together"
            raise FleetError(msg, remedy="Bring back the two that `edge-fer fleet init` made together")
        self._key = loaded

    @classmethod
    def make(cls, name: str, now: datetime) -> tuple[Authority, str]:
        """A new authority, and its key as PEM."""
        key, pem = new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False
        )  # fmt: skip
        ours = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(subject, subject, key.public_key(), now, now + timedelta(days=_AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(ours, critical=False)
            .sign(key, hashes.SHA256())
        )
        text = certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
        return cls(text, pem), pem

    @classmethod
    def load(cls, certificate: Path, key: Path) -> Authority:
        """The authority in two files.

        Raises:
            FleetError: a file is missing or is none of these.
        """
        texts = []
        for file in (certificate, key):
            try:
                texts.append(read_file(file, _LARGEST).decode("ascii"))
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is no text"
                msg = f"{file}: {reason}"
                remedy = "Bring it back from where you keep it; without it, nothing can be signed or revoked"
                raise FleetError(msg, remedy=remedy) from error
        try:
            return cls(*texts)
        except FleetError:
            # it says already what is wrong, and is a ValueError too
            raise
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            msg = f"{certificate} or {key} is damaged"
            raise FleetError(msg, remedy="Bring it back from where you keep it") from error

    def issue(
        self, name: str, key: CertificatePublicKeyTypes, now: datetime, *, hosts: Collection[str] = (), days: float
    ) -> Issued:
        """Issues a certificate.

        Args:
            name: of the node or person; or of the broker.
            key: whose certificate it is.
            now: the time.
            hosts: names and addresses of a broker; none, for a client.
            days: for which it holds.
        """
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ends = (now + timedelta(days=days)).replace(microsecond=0)
        use = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        of = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _builder(subject, self._certificate.subject, key, now, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(of, critical=False)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_alternative, hosts))), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        text = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
        return Issued(text, f"{made.serial_number:x}", ends)

    def revocations(self, serials: Mapping[str, datetime], now: datetime) -> str:
        """The list of certificates that no longer hold, as PEM.

        Args:
            serials: when each was revoked, by its number in hex.
            now: the time.
        """
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._certificate.subject)
        builder = builder.last_update(now - _BEFORE).next_update(now + timedelta(days=_AUTHORITY_DAYS))
        for serial, at in sorted(serials.items()):
            revoked = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at).build()
            builder = builder.add_revoked_certificate(revoked)
        made = builder.sign(self._key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now.astimezone(UTC) - _BEFORE).not_valid_after(ends)
