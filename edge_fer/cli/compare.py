"""`edge-fer compare`: how moods differ between recordings of the same place."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.errors import AnalysisError
from edge_fer.recordings.analysis.compare import Compared, Difference, Estimate, compare
from edge_fer.recordings.analysis.recorded import Analysed, measures_of, read_analyses
from edge_fer.report.comparison import comparison_page

__all__ = ["add_parser"]

_DESCRIPTION = """\
Holds analyses, folders that `edge-fer analyze` has written, against the first one: satisfaction, distress, and the
share of readable time that each emotion led. In brackets is where such recordings would lie, 95 of 100 (block bootstrap
over time); a change is marked with * where that leaves no doubt about its direction. With so many measures, about one
table in three has such a mark by chance all the same: look at satisfaction and distress first.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "compare",
        help="compare analysed recordings of a place",
        description=_DESCRIPTION,
        handler=_compare,
    )
    parser.add_argument(
        "folders", metavar="FOLDER", type=Path, nargs="+", help="two or more, the one to start from first"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--report", metavar="FILE", type=Path, help="draw it, as a page for browsers and paper")


def _compare(args: argparse.Namespace) -> int:
    if len(args.folders) < 2:
        msg = f"{args.folders[0]} alone cannot be compared"
        raise AnalysisError(msg, remedy="Name two or more folders that `edge-fer analyze` has written")
    analysed = read_analyses(args.folders)
    found = compare([one.series for one in analysed], list(measures_of(analysed[0])))
    warnings = list(_warnings(analysed, found))
    if args.report:
        _write(args.report, comparison_page(analysed, found, warnings))
    if args.json:
        say_json(_as_json(analysed, found, warnings))
    else:
        for line in _as_text(analysed, found, warnings):
            say(line)
    return 0


def _warnings(analysed: Sequence[Analysed], found: Sequence[Compared]) -> Iterator[str]:
    for part in analysed[0].made_with:
        used = {one.name: one.made_with[part] for one in analysed}
        if len(set(used.values())) > 1:
            told = ", ".join(f"{name}: {value}" for name, value in used.items())
            yield f"They were analysed with different {part}s ({told}): some of the change may be theirs."
    for index, one in enumerate(analysed):
        if all(measure.values[index].low is None for measure in found):
            yield f"{one.name} is too short, or too little could be read, to say how sure its numbers are."


def _as_text(analysed: Sequence[Analysed], found: Sequence[Compared], warnings: Sequence[str]) -> Iterator[str]:
    for number, one in enumerate(analysed):
        begun = f"{one.file}, began {one.began}"
        yield f"{'from' if not number else 'to':4}  {one.name}: {begun}"
    yield ""
    wide = [max(20, len(one.name)) for one in analysed]
    names = "  ".join(f"{one.name:>{width}}" for one, width in zip(analysed, wide, strict=True))
    changes = "  ".join(
        f"{'change to ' + one.name:>{width + 10}}" for one, width in zip(analysed[1:], wide[1:], strict=True)
    )
    yield f"{'':12}  {names}  {changes}"
    for measure in found:
        values = "  ".join(f"{_number(value):>{width}}" for value, width in zip(measure.values, wide, strict=True))
        by = "  ".join(f"{_change(one):>{width + 10}}" for one, width in zip(measure.changes, wide[1:], strict=True))
        yield f"{measure.measure:12}  {values}  {by}"
    yield ""
    yield "satisfaction: 0 to 100; all others: percent of readable time, uncertain of all. *: hardly chance"
    yield from warnings


def _number(estimate: Estimate, form: str = ".0f") -> str:
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{form}} [?]"
    return f"{estimate.value:{form}} [{estimate.low:{form}} to {estimate.high:{form}}]"


def _change(change: Difference) -> str:
    return _number(change.by, "+.0f") + (" *" if change.sure else "  ")


def _as_json(analysed: Sequence[Analysed], found: Sequence[Compared], warnings: Sequence[str]) -> dict[str, object]:
    recordings = [{"folder": one.name, "file": one.file, "began": one.began, **one.made_with} for one in analysed]
    return {"recordings": recordings, "measures": [asdict(measure) for measure in found], "warnings": list(warnings)}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"the report {path} cannot be written: {error.strerror}"
        raise AnalysisError(msg, remedy="Name a file in a folder that you may write to") from error
