"""The page of the installed service: where its files are, and what root prepares for it.

The page's process runs as a user of its own, which can write to nothing but accounts and sessions. What it goes by
(its certificate, the names that it answers to) is root's, and made here: at boot, by `edge-fer web on`, and each time
before the process starts.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge_fer.config.sections.web import WebSection
from edge_fer.control.peers import WEB_USER
from edge_fer.errors import ConfigError
from edge_fer.remote.asker import Role
from edge_fer.support.files import read_file
from edge_fer.web.accounts import AccountBook
from edge_fer.web.certificates import ENDS_BEFORE, CertificateFiles, ends_at, fingerprint, renew, with_private
from edge_fer.web.place import SHOWN_CERTIFICATE, WANTED
from edge_fer.web.proxy import LEAST_SECRET, ReverseProxy
from edge_fer.web.serving import ServeSettings
from edge_fer.web.sessions import FIRST_LINK_LASTS, OneTimeLinks

__all__ = [
    "INSTALLED",
    "PORT",
    "InstalledPage",
    "PreparedPage",
    "becoming",
    "own_addresses",
    "own_names",
    "prepare",
    "web_user",
]

#: Where `edge-fer-web.socket` listens.
PORT: Final = 8443
_LARGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class InstalledPage:
    """Where its files are.

    Attributes:
        folder: of root; the page's user may enter it.
        wanted: a file that is there while the page is to be served; `edge-fer-web.socket` looks for it.
        card: the boot partition.
    """

    folder: Path
    wanted: Path
    card: Path

    @property
    def switch(self) -> Path:
        """Is there after `edge-fer web on`."""
        return self.folder / "on"

    @property
    def state(self) -> Path:
        """What the page's process keeps: accounts, sessions, links."""
        return self.folder / "state"

    @property
    def settings(self) -> Path:
        """What it goes by, out of the config."""
        return self.folder / "page.json"

    @property
    def shown_certificate(self) -> Path:
        """A copy of the page's certificate, which everybody may read; the doctor does."""
        return self.wanted.with_name(SHOWN_CERTIFICATE)

    @property
    def proxy_secret(self) -> Path:
        """What a reverse proxy sends along; the page's group may read it."""
        return self.folder / "proxy-secret"

    @property
    def certificates(self) -> CertificateFiles:
        """Its certificate, and the authority's."""
        return CertificateFiles(self.folder)

    @property
    def first_link(self) -> Path:
        """The token of the link on the card; root's alone."""
        return self.folder / "first-link"

    @property
    def note(self) -> Path:
        """Tells whoever has the card in a computer how to open the page; beside `edge-fer.yaml`."""
        return self.card / "edge-fer-web.log"

    def forget_wanted(self) -> None:
        """Says that the page is not to be served."""
        self.wanted.unlink(missing_ok=True)
        self.shown_certificate.unlink(missing_ok=True)

    def serve_settings(self, given: ServeSettings) -> ServeSettings:
        """How its process serves, out of what root has prepared."""
        certificates = self.certificates
        ends = ends_at(certificates.page)
        if ends is None:
            msg = f"there is no certificate at {certificates.page}"
            raise ConfigError(msg, remedy="Make it: sudo edge-fer web prepare")
        return replace(
            given,
            hosts=[*given.hosts, *self.hosts()],
            certificate=certificates.page,
            key=certificates.page_key,
            authority=certificates.authority,
            proxy=self.proxy(),
            until=(ends - ENDS_BEFORE).timestamp(),
        )

    def proxy(self) -> ReverseProxy | None:
        """The reverse proxy that is believed; None: there is none, or what is agreed on cannot be read."""
        try:
            peers = json.loads(read_file(self.settings, _LARGEST))["proxy"]
            secret = read_file(self.proxy_secret, _LARGEST).decode().strip()
            return ReverseProxy.at(map(str, peers), secret) if peers and len(secret) >= LEAST_SECRET else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def hosts(self) -> Sequence[str]:
        """Further names that it is reached by; none where that cannot be read."""
        try:
            found = json.loads(read_file(self.settings, _LARGEST))["hosts"]
            return [str(one) for one in found]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []


INSTALLED: Final = InstalledPage(Path("/var/lib/edge-fer-web"), WANTED, Path("/boot/firmware"))


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """What came of it.

    Attributes:
        wanted: whether the page is to be served.
        addresses: how a browser on another device may open it, the best first.
        fingerprint: of the authority's certificate.
        is_new_authority: whether browsers do not know that yet.
    """

    wanted: bool
    addresses: Sequence[str] = ()
    fingerprint: str = ""
    is_new_authority: bool = False


def prepare(
    page: InstalledPage,
    section: WebSection,
    now: float,
    *,
    names: Sequence[str],
    addresses: Sequence[str],
    user: pwd.struct_passwd | None,
) -> PreparedPage:
    """Makes whatever the page's process needs and may not make itself; as root.

    Args:
        page: where its files are.
        section: of the config.
        now: Unix seconds.
        names: of this device, the first being what it is called.
        addresses: of this device.
        user: whom the page runs as; None: whoever runs this.

    Raises:
        OSError: a file cannot be written.
    """
    if not (section.enabled or page.switch.exists()):
        page.forget_wanted()
        return PreparedPage(wanted=False)
    told = [*names, *section.hosts]
    group = None if user is None else user.pw_gid
    moment = datetime.fromtimestamp(now, UTC)
    is_new = renew(page.certificates, told, addresses, moment, group=group)
    _take_secret_over(page, section.proxy.secret_file, group)
    _write(page.settings, json.dumps({"hosts": told, "proxy": list(section.proxy.peers)}), 0o644)
    reached = _reached(names, section.hosts, addresses)
    if section.enabled and page.card.is_dir():
        # a card that cannot be written holds nothing up
        with suppress(OSError):
            _tell_card(page, reached, now, user)
    page.wanted.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _write(page.shown_certificate, page.certificates.page.read_text(encoding="ascii"), 0o644)
    page.wanted.touch()
    return PreparedPage(True, reached, fingerprint(page.certificates.authority), is_new)


def _take_secret_over(page: InstalledPage, file: Path | None, group: int | None) -> None:
    """Gives the page what it has to know of a reverse proxy, and may not read itself.

    Raises:
        ConfigError: the secret cannot be read, or is too short to be one.
    """
    if file is None:
        page.proxy_secret.unlink(missing_ok=True)
        return
    try:
        secret = read_file(file, _LARGEST).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"web.proxy.secret_file: {file}: {getattr(error, 'strerror', None) or 'is no text'}"
        raise ConfigError(msg, remedy="Write the secret into it, for example by `openssl rand -hex 20`") from None
    if len(secret) < LEAST_SECRET or not secret.isascii() or not secret.isprintable():
        msg = f"web.proxy.secret_file: {file} holds no secret of {LEAST_SECRET} or more ASCII characters"
        raise ConfigError(msg, remedy="Write one into it, for example by `openssl rand -hex 20`")
    _write(page.proxy_secret, secret, 0o640, group)


def _reached(names: Sequence[str], hosts: Sequence[str], addresses: Sequence[str]) -> list[str]:
    local = [name for name in names if name.endswith(".local")]
    # those that other devices of the house may have a way to
    private = [one for one in with_private(addresses) if not one.is_loopback and not one.is_link_local]
    private.sort(key=lambda one: (one.version, int(one)))
    shown = [f"[{one}]" if one.version == 6 else str(one) for one in private]
    return [f"https://{name}:{PORT}" for name in (*hosts, *local, *shown[:4])]


def _tell_card(page: InstalledPage, reached: Sequence[str], now: float, user: pwd.struct_passwd | None) -> None:
    """Writes how to open the page beside the settings, with a link that makes an admin while there is none."""
    with becoming(user):
        admins = [one for one in AccountBook(page.state / "accounts.json").all().values() if one.role is Role.ADMIN]
    mark = fingerprint(page.certificates.authority)
    lines = ["The page of this device:", *reached, "", f"Its authority's fingerprint (SHA-256): {mark}", ""]
    if admins:
        page.first_link.unlink(missing_ok=True)
        lines.append("Log in there. No account? An admin makes one, or: sudo edge-fer web link --role admin")
    else:
        token = _first_token(page, now, user)
        lines += [
            "This link logs the first admin in, once. Then add an account for yourself, on the page `Accounts`.",
            f"{reached[0]}/link?token={token}",
        ]
    text = "\n".join(lines) + "\n"
    with suppress(OSError, UnicodeDecodeError):
        if page.note.read_text(encoding="utf-8") == text:
            return
    _write(page.note, text, 0o600)


def _first_token(page: InstalledPage, now: float, user: pwd.struct_passwd | None) -> str:
    """The token on the card: the same until it is used."""
    with suppress(OSError, UnicodeDecodeError):
        known = read_file(page.first_link, 200).decode().strip()
        with becoming(user):
            if OneTimeLinks(page.state / "links").is_waiting(known):
                return known
    with becoming(user):
        token = OneTimeLinks(page.state / "links").make("admin", Role.ADMIN, now, lasts=FIRST_LINK_LASTS)
    _write(page.first_link, token, 0o600)
    return token


@contextmanager
def becoming(user: pwd.struct_passwd | None) -> Iterator[None]:
    """Acts as a user for a while, so that no file of theirs leads root astray; None: as we are."""
    if user is None or os.geteuid() != 0:
        yield
        return
    own, groups, mask = os.getegid(), os.getgroups(), os.umask(0o077)
    os.setgroups([])
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(own)
        os.setgroups(groups)
        os.umask(mask)


def web_user() -> pwd.struct_passwd | None:
    """The page's user; None where there is none."""
    try:
        return pwd.getpwnam(WEB_USER)
    except KeyError:
        return None


def own_names(hostname: Callable[[], str] = socket.gethostname) -> list[str]:
    """What this device is called: plainly, and where mDNS finds it."""
    name = hostname().lower().rstrip(".") or "localhost"
    plain = name.partition(".")[0]
    return list(dict.fromkeys((name, plain, f"{plain}.local", "localhost")))


def own_addresses(net: Path = Path("/proc/net")) -> list[str]:
    """The addresses of this device, as the kernel tells them."""
    return [*_v4(net / "fib_trie"), *_v6(net / "if_inet6")]


def _v4(path: Path) -> list[str]:
    found, last = dict.fromkeys(["127.0.0.1"]), ""
    for line in _lines(path):
        word = line.strip()
        if word.startswith("|--"):
            last = word[3:].strip()
        elif word == "/32 host LOCAL":
            found[last] = None
    return list(found)


def _v6(path: Path) -> list[str]:
    found: dict[str, None] = {}
    for line in _lines(path):
        digits = line.split()[0] if line.split() else ""
        if len(digits) == 32:
            with suppress(OSError, ValueError):
                found[socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))] = None
    return list(found)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _write(path: Path, text: str, mode: int, group: int | None = None) -> None:
    """Writes a file of root's whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        if group is not None:
            os.fchown(handle, -1, group)
        # what root's umask leaves away; a card's partition knows no modes
        with suppress(OSError):
            os.fchmod(handle, mode)
        opened.write(text)
        opened.flush()
        os.fsync(handle)
    new.replace(path)
