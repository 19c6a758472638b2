"""The notice for people who are watched, as a page of its own that fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge_fer.web.texts import texts_in

__all__ = ["notice_page"]


def notice_page(told: Mapping[str, Any], language: str) -> str:
    """The page.

    Args:
        told: what runs here, and what is kept (`edge_fer.wiring.records.notice_of`).
        language: one of `edge_fer.web.texts.LANGUAGES`.
    """
    environment = Environment(
        loader=PackageLoader("edge_fer.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("notice_alone.html").render(t=texts_in(language), language=language, told=told)
