"""From what pydantic says is wrong to faults: with the place where it was written, and in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge_fer.config.engine.entries import Entry, dotted
from edge_fer.config.engine.faults import Fault
from edge_fer.config.engine.layers import is_named
from edge_fer.config.engine.walk import BOUNDS, keys_of, owners_of, section_at
from edge_fer.config.output.writing import inline
from edge_fer.errors import did_you_mean
from edge_fer.rules.conditions.when import without_tags
from edge_fer.values.units import REFUSED

__all__ = ["DEFAULT", "faults_of"]

#: The name of the lowest layer; nobody is told to look there.
DEFAULT: Final = "default"

_IN_KEY: Final = "[key]"
_NAME_RULE: Final = ("is not a name", "Use letters, digits, `-` and `_` alone, 64 at most")
#: What pydantic calls an error, what we say of the value, and what helps; `{}` stands for the default or an example.
_IN_OUR_WORDS: Final = {
    "int_type": ("is not a whole number", "Write digits alone, for example `{}`"),
    "int_from_float": ("is not a whole number", "Write digits alone, for example `{}`"),
    "float_type": ("is not a number", "Write digits alone, for example `{}`"),
    "finite_number": ("is not a number", "Write digits alone, for example `{}`"),
    "tuple_type": ("is not a list", "Write it as a list, for example `{}`"),
    "too_long": ("has too many items", "Write a list such as `{}`"),
    "missing": ("is missing", "Write it, for example `{}`"),
    "string_too_short": ("is empty", "Write a text, for example `{}`"),
    "string_pattern_mismatch": _NAME_RULE,
    "dict_type": ("is not a map by name", "Write each name and a colon on a line below it, and its keys below that"),
}


def faults_of(error: ValidationError, root: Entry) -> Iterator[Fault]:
    """Each of the error's faults, told where it was written.

    Args:
        error: what came of validating `root.plain()`.
        root: the entries of all layers as one.
    """
    for details in error.errors(include_url=False, include_input=False):
        context = details.get("ctx", {})
        for below in context["at"] if details["type"] == REFUSED else ((),):
            location = (*details["loc"], *below)
            in_key = location[-1:] == (_IN_KEY,)
            location = location[:-1] if in_key else location
            keys, _ = without_tags(location)
            found = _written_at(root, keys)
            entry, rest = found[-1], keys[len(found) - 1 :]
            problem, remedy = _NAME_RULE if in_key else _in_our_words(details, location, None if rest else entry)
            if entry.value is False and is_named(keys):
                others = [name for name, other in found[-2].children.items() if other.value is not False]
                problem = "switches off what does not exist"
                remedy = did_you_mean(str(keys[-1]), others) or "Take the line out"
            path = dotted((*entry.path, *rest))
            teller = next((one for one in reversed(found) if one.layer != DEFAULT), entry)
            of_key = rest or in_key or details["type"] == "extra_forbidden"
            value = None if of_key or teller is not entry else str(entry)
            yield Fault(teller.layer, teller.line, path, value, problem, remedy)


def _written_at(root: Entry, location: Sequence[str | int]) -> list[Entry]:
    """The entries from the root to the last one that stands on the way to a location."""
    found = [root]
    for part in location:
        inside = found[-1].value
        if isinstance(inside, Mapping) and part in inside:
            found.append(inside[str(part)])
        elif isinstance(inside, tuple) and isinstance(part, int) and part < len(inside):
            found.append(inside[part])
        else:
            break
    return found


def _in_our_words(details: ErrorDetails, location: tuple[str | int, ...], entry: Entry | None) -> tuple[str, str]:
    """The problem and the remedy."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == REFUSED:
        return context["problem"], context["remedy"]
    if kind == "extra_forbidden":
        return "is not a known setting", _known_key(location)
    if entry is not None and entry.value is None:
        return "has no value", "Write one, or take the line out"
    if kind in _BY_VALUE and entry is not None:
        return _BY_VALUE[kind](entry, context)
    if kind in {"model_type", "model_attributes_type"}:
        return _not_a_section(location, entry)
    problem, remedy = _IN_OUR_WORDS.get(kind, (f"is not right: {details['msg']}", "Write for example `{}`"))
    return problem, remedy.format(_example(location))


def _not_a_section(location: tuple[str | int, ...], entry: Entry | None) -> tuple[str, str]:
    """For a value where keys belong; it may be a key whose name above it is missing."""
    section = section_at(location)
    keys = keys_of(section) if section else {}
    if entry is not None and is_named(tuple(map(str, location))) and str(location[-1]) in keys:
        of = str(location[-2])
        example = f"`{of}: {{front: {{{location[-1]}: {entry}}}}}`"
        remedy = f"Write the name that you give it on a line above, in place of `front` in {example}"
        return f"stands where the name of the {of.removesuffix('s')} belongs", remedy
    return "is not a section", f"Write its keys on lines below it: {', '.join(keys)}"


def _known_key(location: tuple[str | int, ...]) -> str:
    key, section = str(location[-1]), section_at(location[:-1])
    known = list(keys_of(section)) if section else []
    if remedy := did_you_mean(key, known):
        return remedy
    owner = next(owners_of(key), None)
    return f"It belongs under `{owner}`" if owner else f"Choose from {', '.join(known)}"


def _choice(entry: Entry, context: Mapping[str, Any]) -> tuple[str, str]:
    """For a value that is none of a few, which pydantic lists with quotes around texts."""
    choices = [text or number for text, number in re.findall(r"'(\w+)'|(\d+)", context["expected"])]
    if str(entry) in choices:
        return "is text in quotes", "Take the quotes away"
    return f"is not one of {', '.join(choices)}", did_you_mean(str(entry), choices) or "Write one of these"


def _switch(entry: Entry, _: Mapping[str, Any]) -> tuple[str, str]:
    said = {"on": "true", "yes": "true", "off": "false", "no": "false"}.get(str(entry).lower())
    return "is neither true nor false", f"Write `{said}`" if said else "Write `true` or `false`"


def _bound(_: Entry, context: Mapping[str, Any]) -> tuple[str, str]:
    words, bound = next((words, context[name]) for name, words in BOUNDS if name in context)
    return "is out of range", f"Write a number {words} {bound:g}"


def _text(entry: Entry, _: Mapping[str, Any]) -> tuple[str, str]:
    if isinstance(entry.value, Mapping | tuple):
        return "is not a single text", "Write one text on the same line"
    return "is not text", f'Put it in quotes: `"{entry}"`'


#: Likewise, where what was written says what helps.
_BY_VALUE: Final[Mapping[str, Callable[[Entry, Mapping[str, Any]], tuple[str, str]]]] = {
    "literal_error": _choice,
    "bool_type": _switch,
    "string_type": _text,
    "path_type": _text,
    "greater_than": _bound,
    "greater_than_equal": _bound,
    "less_than": _bound,
    "less_than_equal": _bound,
}


def _example(location: tuple[str | int, ...]) -> str:
    """A value that would do at a location: the field's example or default."""
    while location and isinstance(location[-1], int):
        location = location[:-1]
    section = section_at(location[:-1])
    info = keys_of(section).get(str(location[-1])) if section and location else None
    if info is None:
        return "key: value"
    return inline(info.examples[0] if info.examples else info.get_default())
