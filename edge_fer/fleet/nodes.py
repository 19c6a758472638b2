"""The nodes of a fleet: a table that people and spreadsheets write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_fer.contract.topics import ALL_GROUPS, is_name
from edge_fer.errors import FleetError, did_you_mean
from edge_fer.fleet.text import read_text

__all__ = ["COLUMNS", "FleetNode", "read_table", "table"]

COLUMNS: Final = ("node", "site", "ring", "groups")
#: User names of the broker that are no nodes.
RESERVED: Final = frozenset({"operator", "collector"})


@dataclass(frozen=True, slots=True)
class FleetNode:
    """One node.

    Attributes:
        name: its `node.id`.
        site: where it stands.
        ring: in which ring of a rollout it gets a new config.
        groups: whose wanted configs it takes, the lowest first.
    """

    name: str
    site: str
    ring: str
    groups: tuple[str, ...] = ()

    def checked(self, rings: Sequence[str]) -> FleetNode:
        """The node itself.

        Raises:
            FleetError: a name in it cannot be.
        """
        for what, name in (("node", self.name), *(("group", group) for group in self.groups)):
            if not is_name(name):
                msg = f"the {what} name {name!r} cannot stand in a topic"
                raise FleetError(msg, remedy="Use letters, digits, `_` and `-`, 64 at most")
        if self.name in RESERVED:
            msg = f"a node cannot be called {self.name}, as somebody who reads all nodes is"
            raise FleetError(msg, remedy="Give it another name")
        if ALL_GROUPS in self.groups:
            msg = f"{self.name}: every node is in the group {ALL_GROUPS} already"
            raise FleetError(msg, remedy="Leave it out")
        if len(set(self.groups)) < len(self.groups):
            msg = f"{self.name}: a group is named twice among {' '.join(self.groups)}"
            raise FleetError(msg, remedy="Name each once")
        if self.ring not in rings:
            msg = f"{self.name}: there is no ring {self.ring!r}"
            remedy = did_you_mean(self.ring, rings) or f"Choose from {', '.join(rings)}, or add it to fleet.yaml"
            raise FleetError(msg, remedy=remedy)
        if len(self.site) > 200 or not self.site.isprintable():
            msg = f"{self.name}: the site {self.site[:50]!r} is no name of a place"
            raise FleetError(msg, remedy="Write one line of at most 200 characters")
        return self


def read_table(file: Path, rings: Sequence[str]) -> list[FleetNode]:
    """The nodes in a table with the columns `node`, `site`, `ring` and `groups`; all but the first may be missing.

    Raises:
        FleetError: it cannot be read, or something in it is wrong.
    """
    text = read_text(file, remedy="Name a table of nodes (CSV)")
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    columns = _checked_columns(file, [column.strip().lower() for column in reader.fieldnames or ()])
    reader.fieldnames = columns
    found: dict[str, FleetNode] = {}
    try:
        for row in reader:
            if None in row:
                msg = "it has more cells than there are columns"
                raise FleetError(msg, remedy="Quote a cell that holds the separator")  # noqa: TRY301
            node = _node(row, rings)
            if node.name in found:
                msg = f"the node {node.name} is there already"
                raise FleetError(msg, remedy="Give each node one line")  # noqa: TRY301
            found[node.name] = node
    except FleetError as error:
        msg = f"{file}, line {reader.line_num}: {error.message}"
        raise FleetError(msg, remedy=error.remedy) from error
    except csv.Error as error:
        msg = f"{file}, line {reader.line_num}: {error}"
        raise FleetError(msg, remedy="Save it as CSV in UTF-8") from error
    return list(found.values())


def table(nodes: Iterable[FleetNode]) -> str:
    """The table as text, ordered by name."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for node in sorted(nodes, key=lambda node: node.name):
        writer.writerow([node.name, node.site, node.ring, " ".join(node.groups)])
    return out.getvalue()


def _checked_columns(file: Path, columns: list[str]) -> list[str]:
    if "node" not in columns:
        msg = f"{file} has no column `node`"
        raise FleetError(msg, remedy=f"Let its first line be: {','.join(COLUMNS)}")
    for column in columns:
        if column not in COLUMNS:
            msg = f"{file} has a column {column!r}"
            remedy = did_you_mean(column, COLUMNS) or f"Choose from {', '.join(COLUMNS)}"
            raise FleetError(msg, remedy=remedy)
    return columns


def _node(row: dict[str, str | None], rings: Sequence[str]) -> FleetNode:
    cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
    groups = tuple(cells["groups"].replace(",", " ").split())
    return FleetNode(cells["node"], cells["site"], cells["ring"] or rings[-1], groups).checked(rings)
