"""How the pages are served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_fer.web.proxy import ReverseProxy

__all__ = ["ServeSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """How the pages are served.

    Attributes:
        control: where the daemon's control socket may be.
        folder: for accounts and sessions.
        hosts: names and addresses by which browsers reach the page, beside those of this device.
        certificate: for HTTPS, a file with the chain; None: HTTP, on loopback alone.
        key: its key.
        idle: seconds without a request after which it ends; 0: never.
        authority: the certificate of the installation's own authority, which browsers can get from the page.
        proxy: a reverse proxy that says who is logged in; None: there is none.
        until: Unix seconds at which it ends to go on with a newer certificate; None: never.
    """

    control: Sequence[Path]
    folder: Path
    hosts: Sequence[str] = ()
    certificate: Path | None = None
    key: Path | None = None
    idle: float = 600.0
    authority: Path | None = None
    proxy: ReverseProxy | None = None
    until: float | None = None
