"""What the pages say, in the languages that there are: files of each in `texts/`, such as `en.json`, `aim.en.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from edge_fer.values.plain_words import label_texts

__all__ = ["LANGUAGES", "chosen_language", "texts_in"]

#: The first is taken where a browser wants none of them.
LANGUAGES = ("en", "de")


@cache
def texts_in(language: str) -> Mapping[str, str]:
    """The texts of a language by their keys."""
    found: dict[str, str] = dict(label_texts(language))
    for file in files("edge_fer.web").joinpath("texts").iterdir():
        if file.name == f"{language}.json" or file.name.endswith(f".{language}.json"):
            found |= json.loads(file.read_text("utf-8"))
    return found


def chosen_language(accepted: str) -> str:
    """The language that a browser would rather have.

    Args:
        accepted: its `Accept-Language`, from outside.
    """
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, rest = part.strip().partition(";")
        language = tag.strip().partition("-")[0].lower()
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and weight > 0:
            wanted.append((-weight, place, language))
    return min(wanted)[2] if wanted else LANGUAGES[0]
