"""Sites with a broker of their own, which hands everything on to the central one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_fer.contract.topics import is_name
from edge_fer.errors import FleetError
from edge_fer.fleet.text import read_text

__all__ = ["SiteBroker", "read_sites", "sites_table"]

_COLUMNS: Final = ("site", "brokers", "port")


@dataclass(frozen=True, slots=True)
class SiteBroker:
    """The broker of a site.

    Attributes:
        site: as in the nodes' column `site`.
        brokers: by which names and addresses nodes there call it; cards have the first.
        port: where it listens.
    """

    site: str
    brokers: tuple[str, ...]
    port: int = 8883

    @property
    def user(self) -> str:
        """As whom its bridge comes to the central broker; no node can be called so."""
        return f"site:{self.site}"

    def checked(self) -> SiteBroker:
        """The site itself.

        Raises:
            FleetError: its name cannot be.
        """
        if not is_name(self.site):
            msg = f"a site with a broker cannot be called {self.site!r}"
            raise FleetError(msg, remedy="Use letters, digits, `_` and `-`, 64 at most, for its nodes' site, too")
        return self


def read_sites(file: Path) -> list[SiteBroker]:
    """The sites in a table; none where there is no table.

    Raises:
        FleetError: it cannot be read, or something in it is wrong.
    """
    if not file.exists():
        return []
    rows = csv.DictReader(io.StringIO(read_text(file, remedy="Bring it back, for example from git")))
    found: dict[str, SiteBroker] = {}
    try:
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise KeyError  # noqa: TRY301
        for row in rows:
            one = SiteBroker(row["site"], tuple(row["brokers"].split()), int(row["port"])).checked()
            if one.site in found or not one.brokers:
                raise KeyError(one.site)  # noqa: TRY301
            found[one.site] = one
    except (KeyError, ValueError, AttributeError, TypeError, csv.Error) as error:
        msg = f"{file}, line {rows.line_num}, is no site with its broker"
        raise FleetError(msg, remedy=f"Compare it with docs/fleet.md; its columns are {', '.join(_COLUMNS)}") from error
    return list(found.values())


def sites_table(sites: Iterable[SiteBroker]) -> str:
    """The table as text, ordered by name."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in sorted(sites, key=lambda one: one.site):
        writer.writerow([one.site, " ".join(one.brokers), one.port])
    return out.getvalue()
