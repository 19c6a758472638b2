"""The report: one HTML file with everything in it, and nothing that it fetches or runs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files

from edge_fer import __version__
from edge_fer.drawing.palette import COLOURS, DARK_COLOURS
from edge_fer.recordings.analysis.outcome import AnalysisOutcome
from edge_fer.report.sections import alerts, curves, faces, mood, numbers, people, tiles
from edge_fer.report.words import clock_time, percent
from edge_fer.types import UNCERTAIN

__all__ = ["document", "page"]

#: Whatever somebody might smuggle into the page may neither run nor fetch.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
#: A small face, so that no browser asks for an icon.
ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='#f0e442'/>"
    "<circle cx='5.5' cy='6.5' r='1'/><circle cx='10.5' cy='6.5' r='1'/>"
    "<path d='M4.5 9.5q3.5 3.5 7 0' fill='none' stroke='#000'/></svg>"
)


def page(found: AnalysisOutcome) -> str:
    """The report of an analysis."""
    return document(found.file, "\n".join(_body(found)))


def document(title: str, body: str) -> str:
    """A whole page in the report's style.

    Args:
        title: as text.
        body: as HTML.
    """
    style = files("edge_fer.report").joinpath("style.css").read_text(encoding="utf-8")
    icon = base64.b64encode(ICON.encode()).decode()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="edge-fer {__version__}">
<title>{escape(title)} · edge-fer</title>
<link rel="icon" href="data:image/svg+xml;base64,{icon}">
<style>
{_colours()}{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _body(found: AnalysisOutcome) -> Iterator[str]:
    yield _head(found)
    yield from _warnings(found)
    yield tiles(found)
    if found.timeline.count:
        yield people(found)
        yield mood(found)
        yield curves(found)
    yield alerts(found)
    if found.key_frames:
        yield faces(found)
    if found.timeline.count:
        yield numbers(found)
    yield _foot(found)


def _head(found: AnalysisOutcome) -> str:
    part = f"{clock_time(found.begin)} to {clock_time(found.end)}, {found.frames} frames"
    every = f", one every {found.cut.every:g} s" if found.cut.every else ""
    began = found.first.utc.strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"<header><h1>{escape(found.file)}</h1>"
        f'<p class="soft">{part}{every} · played as if it began {began} · camera {escape(found.camera)}, profile '
        f"{found.profile}</p></header>"
    )


def _warnings(found: AnalysisOutcome) -> Iterator[str]:
    if found.cut_off:
        promised = clock_time(found.promised or 0)
        yield _warning(
            f"The file says that it lasts {promised}, but it ends at {clock_time(found.end)}: it was cut off."
        )
    if found.interrupted:
        yield _warning(f"The analysis was ended by hand at {clock_time(found.end)}.")
    if not found.timeline.count:
        yield _warning(
            "Nobody was seen. Faces must be turned toward the camera, and be at least as large as faces.min_size says."
        )
    totals = found.timeline.totals()
    whole = sum(totals.values())
    if whole and totals.get(UNCERTAIN, 0.0) > whole / 2:
        share = percent(totals[UNCERTAIN] / whole)
        yield _warning(f"For {share} of the time nobody could say what was shown: take the rest with care.")


def _warning(text: str) -> str:
    return f'<section class="warning" role="note"><p>{escape(text)}</p></section>'


def _foot(found: AnalysisOutcome) -> str:
    return (
        "<footer><p>This tells expressions, not feelings, is wrong sometimes, and identifies nobody: who leaves "
        "and comes back is another person here. It is not a medical device, and no decision about a person should rest "
        f"on it alone.</p><p>Made by edge-fer {escape(found.version)} with detector {escape(found.detector)} and model "
        f"{escape(found.model)}; a column of the charts is {found.timeline.width:g} s wide.</p></footer>"
    )


def _colours() -> str:
    """CSS that gives each emotion its colour; what the style says of colours goes before."""

    def root(colours: Mapping[str, str]) -> str:
        return ":root {" + "".join(f" --{label}: {colour};" for label, colour in colours.items()) + " }\n"

    fills = "".join(f".{label} {{ fill: var(--{label}); }}\n" for label in COLOURS)
    return f"{root(COLOURS)}@media screen and (prefers-color-scheme: dark) {{\n{root(DARK_COLOURS)}}}\n{fills}"
