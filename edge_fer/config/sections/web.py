"""The `web` section: the page, where edge-fer is installed as a service."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from edge_fer.values.section import Section, Switch
from edge_fer.values.units import refuse

__all__ = ["WebSection"]

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _host(name: str) -> str:
    if not _HOST.fullmatch(name) or ".." in name:
        refuse("is no name or IPv4 address of a device", "Write it without scheme and port, such as `counter-1.lan`")
    return name.lower()


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
