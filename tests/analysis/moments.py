"""Holds a report against what a person saw in the clip: `python -m tests.analysis.moments` writes the docs' table.

The moments were written down, and committed, before anything had analysed the clip; they are not to be changed.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.daemon import edge_fer
from tests.fetched import FOLDER
from tests.shared import SHARED

MOMENTS = json.loads(Path(__file__).with_name("moments.json").read_text(encoding="utf-8"))
PAGE = Path(__file__).resolve().parents[2] / "docs" / "analyze.md"
MARKS = "<!-- moments: begin -->\n", "<!-- moments: end -->"


@dataclass(frozen=True)
class Verdict:
    """A moment, and what the report says of it."""

    at: float
    seen: str
    expression: str
    also: tuple[str, ...]
    told: str

    @property
    def agreed(self) -> bool:
        return self.told in {self.expression, *self.also}


def report_of(clip: Path, out: Path) -> str:
    ended = edge_fer("analyze", str(clip), "--out", str(out), "-o", f"models_dir={FOLDER}", timeout=500)
    assert ended.returncode == 0, ended.stderr
    return (out / "report.html").read_text(encoding="utf-8")


def told_at(report: str, at: float) -> str:
    """The label that the drawn timeline of people gives to most of the second around a moment."""
    spent: Counter[str] = Counter()
    for label, begin, end in re.findall(r'data-label="(\w+)" data-from="([\d.]+)" data-to="([\d.]+)"', report):
        spent[label] += max(0.0, min(float(end), at + 0.5) - max(float(begin), at - 0.5))
    label, most = max(spent.items(), key=lambda item: item[1], default=("nothing", 0.0))
    return label if most > 0 else "nothing"


def verdicts(report: str) -> list[Verdict]:
    return [
        Verdict(one["at"], one["seen"], one["expression"], tuple(one["or"]), told_at(report, one["at"]))
        for one in MOMENTS["moments"]
    ]


def table(found: list[Verdict]) -> str:
    rows = [
        f"| {one.at:.1f} s | {one.seen} | {' or '.join([one.expression, *one.also])} | {one.told} | "
        f"{'yes' if one.agreed else '**no**'} |"
        for one in found
    ]
    agreed = sum(one.agreed for one in found)
    head = ["| at | seen by a person | taken for | the report says | agreed |", "|---|---|---|---|---|"]
    return "\n".join([f"{agreed} of {len(found)} agree.", "", *head, *rows, ""])


def in_the_docs() -> str:
    return PAGE.read_text(encoding="utf-8").partition(MARKS[0])[2].partition(MARKS[1])[0]


def main() -> None:
    clip = SHARED / "data" / MOMENTS["clip"]
    if not clip.is_file():
        sys.exit(f"{clip} is missing; the table of moments stays as it is")
    with tempfile.TemporaryDirectory() as folder:
        found = table(verdicts(report_of(clip, Path(folder, "out"))))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(MARKS[0] + in_the_docs(), MARKS[0] + found), encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
