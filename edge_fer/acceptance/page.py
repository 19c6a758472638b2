"""The result as a page of HTML, and as a row of the table in `docs/hardware.md`."""

from __future__ import annotations

from typing import Final

from edge_fer.acceptance.step import Ending, Figure, Result
from edge_fer.report.render import render

__all__ = ["COLUMNS", "acceptance_page", "row"]

#: Of the table in `docs/hardware.md`: what stands above each column, and which figure of which step it is.
COLUMNS: Final = (
    ("camera's frames a second", "frames", "frames_per_s"),
    ("light", "light", "level_median"),
    ("frames a second at most", "speed", "frames_per_s"),
    ("speed kept when hot", "heat", "speed_kept"),
    ("hottest °C", "heat", "hottest_c"),
    ("memory, MB", "memory", "memory_mb"),
    ("back after a kill, s", "killed daemon", "back_s"),
    ("back after a pulled cable, s", "pulled cable", "back_s"),
    ("full disk", "full disk", ""),
)


def acceptance_page(result: Result) -> str:
    """The whole page, which fetches nothing."""
    left_out = sum(step.outcome is Ending.SKIPPED for step in result.steps)
    title = f"Acceptance: {result.failures or 'none'} failed, {left_out or 'none'} skipped"
    things = [*result.machine.items(), *((f"camera, {name}", value) for name, value in result.camera.items())]
    return render("acceptance.html", title, result=result, things=things)


def row(result: Result) -> str:
    """A row of the table, in Markdown."""
    steps = {step.name: step for step in result.steps}
    cells = [str(result.machine.get("board") or "-"), str(result.machine.get("system") or "-")]
    cells.append(str(result.camera.get("kind") or "-"))
    for _, name, figure in COLUMNS:
        step = steps.get(name)
        value: Figure = None if step is None else step.figures.get(figure, step.outcome.value)
        if step is None or step.outcome is Ending.SKIPPED or value is None:
            cells.append("-")
        else:
            cells.append(f"{value}{' (failed)' if step.outcome is Ending.FAILED and figure else ''}")
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
