"""A real PostgreSQL for tests: a cluster of its own on a socket of its own, with our tables."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

SCHEMA = Path(__file__).resolve().parents[2] / "deploy" / "fleet" / "schema.sql"


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs; the test is skipped where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        pytest.skip("PostgreSQL is not installed (tests/install-tools.sh)")
    return str(found[-1])


class Postgres:
    """A cluster, which runs within the block."""

    def __init__(self) -> None:
        program("initdb")
        # PostgreSQL refuses to run as root, and its user may not look into pytest's folders
        self._root = os.geteuid() == 0
        self.folder = Path(tempfile.mkdtemp(prefix="edge-fer-postgres-"))
        if self._root:
            shutil.chown(self.folder, "postgres", "postgres")
        # a disk that waits for each commit tests the disk, and a kill of the process loses nothing without
        options = ["--auth=trust", "--username=edge", "--no-sync", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self.folder / "data"), *options)
        self.words = f"host={self.folder} user=edge dbname=postgres"

    def start(self) -> None:
        """Starts it, after a kill, too."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "-D", str(self.folder / "data"), "-l", log, "-o", options)

    def kill(self) -> None:
        """Ends it as a crash does."""
        self._run("pg_ctl", "stop", "--mode=immediate", "-D", str(self.folder / "data"))

    def rows(self, query: str) -> list[Any]:
        """What a query gives."""
        with psycopg.connect(self.words) as connection:
            return connection.execute(query).fetchall()

    def _run(self, name: str, *arguments: str) -> None:
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if self._root else []
        done = subprocess.run(
            [*user, program(name), *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/", timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def __enter__(self) -> Self:
        self.start()
        with psycopg.connect(self.words) as connection:
            connection.execute(SCHEMA.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder)
