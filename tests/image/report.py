"""What the emulated device was seen to do, as a table in docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

from tests.marked import replace

__all__ = ["Report"]


class Report:
    """Rows in the order in which they were seen."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str]] = []

    def row(self, what: str, found: str | float) -> None:
        """Adds one; seconds, where it is a number."""
        self._rows.append((what, found if isinstance(found, str) else f"{found:.0f} s"))
        print(f"{what}: {self._rows[-1][1]}", flush=True)

    def finish(self, page: Path | None) -> None:
        """Prints the table, and puts it into a page."""
        table = "\n".join(["| | |", "|---|---|", *(f"| {what} | {found} |" for what, found in self._rows)])
        print(f"\n{table}")
        if page is not None:
            replace(page, "image", table)
