"""Makes pages of templates: one HTML file with everything in it, and nothing that it fetches or runs."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from edge_fer import __version__
from edge_fer.drawing.palette import COLOURS, DARK_COLOURS
from edge_fer.recordings.analysis.compare import Estimate
from edge_fer.report.charts import HIGH, NAMED, ROOM, WIDE
from edge_fer.report.words import clock_time, percent, seconds_long

__all__ = ["render"]

#: Whatever somebody might smuggle into the page may neither run nor fetch.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
#: A small face, so that no browser asks for an icon.
ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='#f0e442'/>"
    "<circle cx='5.5' cy='6.5' r='1'/><circle cx='10.5' cy='6.5' r='1'/>"
    "<path d='M4.5 9.5q3.5 3.5 7 0' fill='none' stroke='#000'/></svg>"
)


def render(template: str, title: str, **content: Any) -> str:
    """A whole page.

    Args:
        template: its name in `templates/`.
        title: of the page, as text.
        content: what the template shows. Text is escaped.
    """
    return _environment().get_template(template).render(title=title, style=_style(), **content)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("edge_fer.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "base64": _base64,
        "clock": clock_time,
        "percent": percent,
        "seconds_long": seconds_long,
        "words": _words,
    }
    environment.globals |= {
        "HIGH": HIGH,
        "NAMED": NAMED,
        "ROOM": ROOM,
        "WIDE": WIDE,
        "icon": _base64(ICON.encode()),
        "policy": Markup(POLICY),  # noqa: S704 - a constant
        "version": __version__,
    }
    return environment


def _style() -> Markup:
    style = files("edge_fer.report").joinpath("style.css").read_text(encoding="utf-8")
    return Markup(_colours() + style)  # noqa: S704 - our own


def _colours() -> str:
    """CSS that gives each emotion its colour; what the style says of colours goes before."""

    def root(colours: Mapping[str, str]) -> str:
        return ":root {" + "".join(f" --{label}: {colour};" for label, colour in colours.items()) + " }\n"

    fills = "".join(f".{label} {{ fill: var(--{label}); }}\n" for label in COLOURS)
    return f"{root(COLOURS)}@media screen and (prefers-color-scheme: dark) {{\n{root(DARK_COLOURS)}}}\n{fills}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _words(estimate: Estimate, form: str = ".0f") -> str:
    if estimate.value is None:
        return "not known"
    if estimate.low is None or estimate.high is None:
        return f"{_written(estimate.value, form)}, no interval known"
    low, high = _written(estimate.low, form), _written(estimate.high, form)
    return f"{_written(estimate.value, form)} [{low} to {high}]"


def _written(number: float, form: str) -> str:
    """A number; what rounds to nothing has no sign."""
    text = f"{number:{form}}"
    return text if text.strip("+-0.") else text.lstrip("+-")
