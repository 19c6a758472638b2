"""The `web` section: the page, where edge-fer is installed as a service."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from edge_fer.values.section import Section, Switch
from edge_fer.values.units import refuse

__all__ = ["WebProxySection", "WebSection"]

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _host(name: str) -> str:
    if not _HOST.fullmatch(name) or ".." in name:
        refuse("is no name or IPv4 address of a device", "Write it without scheme and port, such as `counter-1.lan`")
    return name.lower()


def _peer(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        refuse("is no address", "Write the IPv4 or IPv6 address that the proxy connects from")


class WebProxySection(Section):
    """A reverse proxy in front of the page, at which people log in."""

    peers: tuple[Annotated[str, AfterValidator(_peer)], ...] = Field(
        default=(),
        max_length=16,
        description="Addresses that it connects from; none: there is no proxy.",
        examples=[["192.0.2.20"]],
    )
    secret_file: Path | None = Field(
        default=None,
        validate_default=True,
        description="A file with the secret that it sends in the header `X-Edge-Fer-Secret`; root's alone.",
        examples=["/etc/edge-fer/web-proxy-secret"],
    )

    @field_validator("secret_file")
    @classmethod
    def _goes_with_peers(cls, secret_file: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("peers") and secret_file is None:
            refuse("is missing", "Name a file with a secret of 20 characters or more; without one no proxy is believed")
        return secret_file


class WebSection(Section):
    """The page of the installed service, which other devices reach by HTTPS on port 8443."""

    enabled: Switch = Field(
        default=False,
        description="Whether the page is served; it is read at boot, and `sudo edge-fer web on` does the same at once.",
    )
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(),
        max_length=16,
        description="Names by which browsers reach the page, beside this device's own name and addresses.",
        examples=[["counter-1.lan"]],
    )
    proxy: WebProxySection = Field(
        default=WebProxySection(), description="A reverse proxy that says who is logged in, and as what."
    )
