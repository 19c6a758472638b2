"""The page's own certificate, and the authority of this installation that signs it.

Browsers trust the page once they trust the authority. It is made once. Its key is root's alone, and it may vouch for
names and addresses of private networks only, so that nobody who gets hold of it can stand in for a bank.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge_fer.support.files import read_file

__all__ = ["ENDS_BEFORE", "CertificateFiles", "ends_at", "fingerprint", "renew", "with_private"]

#: iOS takes no certificate that lasts for more than 825 days, nor others soon more than 398.
_LASTS, _RENEWED_BEFORE = timedelta(days=397), timedelta(days=60)
#: A process that still serves it so long before its end makes room for one with the next.
ENDS_BEFORE: Final = timedelta(days=50)
_AUTHORITY_LASTS, _AUTHORITY_RENEWED_BEFORE = timedelta(days=20 * 365), timedelta(days=400)
#: Clocks of phones may be behind.
_EARLIER = timedelta(days=1)
_LARGEST: Final = 65_536
_PRIVATE_NAMES: Final = ("local", "localhost", "lan", "home.arpa", "internal", "localdomain")
_PRIVATE_NETWORKS: Final = tuple(
    ip_network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
_Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the files are.

    Attributes:
        folder: of root, which the page's user may enter.
    """

    folder: Path

    @property
    def authority(self) -> Path:
        """Its certificate, which browsers are to trust."""
        return self.folder / "authority.pem"

    @property
    def authority_key(self) -> Path:
        """Its key, root's alone."""
        return self.folder / "authority.key"

    @property
    def page(self) -> Path:
        """The page's certificate."""
        return self.folder / "page.pem"

    @property
    def page_key(self) -> Path:
        """Its key, which the page's group may read."""
        return self.folder / "page.key"


def renew(
    files: CertificateFiles, names: Sequence[str], addresses: Iterable[str], now: datetime, *, group: int | None = None
) -> bool:
    """Makes the authority where there is none, and the page's certificate where it is time for another.

    Args:
        files: where they are.
        names: of this device, the first being what it is called.
        addresses: of this device; those that are public are left out.
        now: UTC.
        group: who may read the page's key beside its owner; None: nobody.

    Returns:
        Whether the authority is new, so that browsers do not know it yet.

    Raises:
        OSError: they cannot be written.
    """
    wanted = sorted({*names})
    private = sorted(with_private(addresses), key=str)
    authority, key = _certificate(files.authority), _key(files.authority_key)
    is_new = (
        authority is None
        or key is None
        or not _belongs(key, authority)
        or _ends(authority) - now < _AUTHORITY_RENEWED_BEFORE
        or not all(_permits(authority, name) for name in wanted)
    )
    if is_new:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _made_authority(key, names, now)
        # the old one's page ends first: what is left by a power cut fits together, or is made anew
        for path in (files.page, files.authority):
            path.unlink(missing_ok=True)
        _write(files.authority_key, _as_pem(key), 0o600)
        _write(files.authority, authority.public_bytes(serialization.Encoding.PEM), 0o644)
    assert authority is not None  # noqa: S101 - for the type checker
    assert key is not None  # noqa: S101
    if not _still_good(files, authority, wanted, private, now):
        own = ec.generate_private_key(ec.SECP256R1())
        made = _made_page(own, (authority, key), wanted, private, now)
        files.page.unlink(missing_ok=True)
        _write(files.page_key, _as_pem(own), 0o640, group)
        _write(files.page, made.public_bytes(serialization.Encoding.PEM), 0o644)
    return is_new


def with_private(addresses: Iterable[str]) -> set[_Address]:
    """Those addresses that belong to private networks."""
    found = {ip_address(one) for one in addresses}
    return {one for one in found if any(one in network for network in _PRIVATE_NETWORKS)}


def fingerprint(path: Path) -> str:
    """SHA-256 of a certificate, as browsers and phones show it; empty where there is none."""
    found = _certificate(path)
    return "" if found is None else found.fingerprint(hashes.SHA256()).hex(":").upper()


def ends_at(path: Path) -> datetime | None:
    """When a certificate ends; None where there is none."""
    found = _certificate(path)
    return None if found is None else _ends(found)


def _still_good(
    files: CertificateFiles,
    authority: x509.Certificate,
    names: Sequence[str],
    addresses: Sequence[_Address],
    now: datetime,
) -> bool:
    page, key = _certificate(files.page), _key(files.page_key)
    if page is None or key is None or not _belongs(key, page) or not _is_signed_by(page, authority):
        return False
    told = page.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    has_names = set(told.get_values_for_type(x509.DNSName)) >= set(names)
    # an address that was given up does no harm
    has_addresses = set(told.get_values_for_type(x509.IPAddress)) >= set(addresses)
    begins = _ends(page) - _LASTS - _EARLIER
    return has_names and has_addresses and _ends(page) - now > _RENEWED_BEFORE and begins <= now


def _made_authority(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"edge-fer on {names[0]}"[:64])])
    permitted: list[x509.GeneralName] = [x509.DNSName(one) for one in dict.fromkeys((*names, *_PRIVATE_NAMES))]
    permitted += [x509.IPAddress(network) for network in _PRIVATE_NETWORKS]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _made_page(
    key: ec.EllipticCurvePrivateKey,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    names: Sequence[str],
    addresses: Sequence[_Address],
    now: datetime,
) -> x509.Certificate:
    authority, authority_key = by
    told: list[x509.GeneralName] = [*map(x509.DNSName, names), *map(x509.IPAddress, addresses)]
    public = authority_key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName(told), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _permits(authority: x509.Certificate, name: str) -> bool:
    """Whether the authority may vouch for a name."""
    with suppress(x509.ExtensionNotFound):
        limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
        permitted = [one.value for one in limits.permitted_subtrees or () if isinstance(one, x509.DNSName)]
        return any(name == one or name.endswith(f".{one}") for one in permitted)
    return False


def _certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(read_file(path, _LARGEST))
    except (OSError, ValueError):
        return None


def _key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        found = serialization.load_pem_private_key(read_file(path, _LARGEST), None)
    except (OSError, ValueError, TypeError):
        return None
    return found if isinstance(found, ec.EllipticCurvePrivateKey) else None


def _belongs(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bool:
    kind, shape = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(kind, shape) == certificate.public_key().public_bytes(kind, shape)


def _is_signed_by(page: x509.Certificate, authority: x509.Certificate) -> bool:
    public = authority.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    try:
        public.verify(page.signature, page.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return page.issuer == authority.subject


def _ends(certificate: x509.Certificate) -> datetime:
    # bookworm's library has but the older name, and newer ones have but the other
    ends: datetime | None = getattr(certificate, "not_valid_after_utc", None)
    if ends is None:
        older: datetime = certificate.not_valid_after
        ends = older.replace(tzinfo=UTC)
    return ends


def _as_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int, group: int | None = None) -> None:
    """Writes a file whole or not at all; nobody but its readers ever sees it."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
        opened.flush()
        if group is not None:
            os.fchown(handle, -1, group)
        os.fchmod(handle, mode)
        os.fsync(handle)
    new.replace(path)
