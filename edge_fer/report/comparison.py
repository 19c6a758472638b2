"""A comparison as a page: each measure as a row of marks, with the range in which it may lie."""

from __future__ import annotations

from collections.abc import Sequence

from edge_fer.recordings.analysis.compare import Compared
from edge_fer.recordings.analysis.recorded import Analysed
from edge_fer.report.render import render

__all__ = ["comparison_page"]


def comparison_page(analysed: Sequence[Analysed], found: Sequence[Compared], warnings: Sequence[str]) -> str:
    """The whole page, which fetches nothing."""
    title = " and ".join([", ".join(one.name for one in analysed[:-1]), analysed[-1].name])
    return render("comparison.html", title, analysed=analysed, found=found, warnings=warnings)
