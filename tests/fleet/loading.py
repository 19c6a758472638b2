"""`edge-fer fleet load` as a process, and what it has stored."""

from __future__ import annotations

import subprocess
from typing import Any, Self

from tests.daemon import COMMAND
from tests.fleet.database import Postgres
from tests.fleet.kit import Fleet


class Loading:
    """The loader, until the block ends."""

    def __init__(self, fleet: Fleet, database: Postgres) -> None:
        self.command = [*COMMAND, "fleet", "load", "--folder", str(fleet.path), "--database", database.words]
        self.log = (fleet.root / "loader.log").open("ab")
        self.start()

    def start(self) -> None:
        """Starts it."""
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)

    def kill(self) -> None:
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.code = self.process.wait(60)
        self.log.close()


def count(database: Postgres) -> dict[str, tuple[Any, ...]]:
    """By topic: how many rows, how many different numbers, and the last of them."""
    query = "select topic, count(*), count(distinct seq), max(seq) from edge_fer.{} group by topic"
    return {row[0]: row[1:] for table in ("alert_event", "summary") for row in database.rows(query.format(table))}


def mixed(database: Postgres) -> list[Any]:
    """Topics in which a message came before an earlier one."""
    found: list[Any] = []
    for name in ("alert_event", "summary"):
        before = "lag(seq) over (partition by topic order by arrival) as before"
        pairs = f"select topic, seq, {before} from edge_fer.{name}"  # noqa: S608
        found += database.rows(f"select topic from ({pairs}) as pairs where before > seq")  # noqa: S608
    return found
