"""A comparison as a page: each measure as a row of marks, with the range in which it may lie."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edge_fer.recordings.analysis.compare import Compared, Estimate
from edge_fer.recordings.analysis.recorded import Analysed
from edge_fer.report.page import document

__all__ = ["comparison_page"]


def comparison_page(analysed: Sequence[Analysed], found: Sequence[Compared], warnings: Sequence[str]) -> str:
    """The whole page, which fetches nothing."""
    title = " and ".join([", ".join(one.name for one in analysed[:-1]), analysed[-1].name])
    listed = "".join(
        f"<li><b>{escape(one.name)}</b> {escape(one.file)}, began {escape(one.began)}</li>" for one in analysed
    )
    told = "".join(f'<section class="warning" role="note"><p>{escape(text)}</p></section>' for text in warnings)
    body = (
        f'<header><h1>{escape(title)}</h1><ul class="legend">{listed}</ul></header>{told}'
        f'<section><h2>How they differ</h2><p class="soft">Marks are what was seen; lines are where 95 of 100 such '
        f"recordings would lie. Satisfaction goes from 0 to 100, all else is percent of the time.</p>"
        f"{''.join(_measure(analysed, measure) for measure in found)}</section>{_table(analysed, found)}"
        "<footer><p>Ranges are by a block bootstrap over time. Recordings of the same place may differ in who came, "
        "and in light and camera as well.</p></footer>"
    )
    return document(title, body)


def _measure(analysed: Sequence[Analysed], measure: Compared) -> str:
    rows = "".join(
        f'<div class="row"><div class="name">{escape(measure.measure)}<small>{escape(one.name)}</small></div>'
        f'<div class="bars">{_mark(f"{measure.measure}, {one.name}", value)}</div></div>'
        for one, value in zip(analysed, measure.values, strict=True)
    )
    return f'<div class="measure">{rows}</div>'


def _mark(name: str, estimate: Estimate) -> str:
    words = _words(estimate)
    shapes = '<line class="half" x1="500" x2="500" y1="0" y2="100"/>'
    if estimate.low is not None and estimate.high is not None:
        wide = max(2.0, 10 * (estimate.high - estimate.low))
        shapes += f'<rect class="pending" x="{10 * estimate.low:.1f}" y="40" width="{wide:.1f}" height="20"/>'
    if estimate.value is not None:
        shapes += f'<rect class="sad" x="{10 * estimate.value - 4:.1f}" y="15" width="8" height="70"/>'
    return (
        '<svg viewBox="-10 0 1020 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name)}: {words}">{shapes}<title>{words}</title></svg>'
    )


def _table(analysed: Sequence[Analysed], found: Sequence[Compared]) -> str:
    names = [one.name for one in analysed]
    columns = ["", *names, *(f"change to {name}" for name in names[1:])]
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(measure.measure)}</th>'
        + "".join(f"<td>{_words(value)}</td>" for value in measure.values)
        + "".join(f"<td>{_words(one.by, '+.0f')}{' *' if one.sure else ''}</td>" for one in measure.changes)
        + "</tr>"
        for measure in found
    )
    return (
        '<section><h2>In numbers</h2><div class="scroll" tabindex="0"><table><caption>In brackets: 95 % '
        f"intervals. *: hardly chance</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _words(estimate: Estimate, form: str = ".0f") -> str:
    if estimate.value is None:
        return "not known"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{form}}, nobody knows how surely"
    return f"{estimate.value:{form}} [{estimate.low:{form}} to {estimate.high:{form}}]"
