"""The default config as YAML with each setting's sentence above it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo

from edge_fer.config.engine.layers import PER_CAMERA
from edge_fer.config.engine.loading import load
from edge_fer.config.engine.walk import allowed, inner_section, keys_of
from edge_fer.config.output.writing import inline, written
from edge_fer.config.tree import CameraSection, Config, Section

__all__ = ["default_yaml"]

_HEADER: Final = """\
# yaml-language-server: $schema=config.schema.json
# (an editor that knows YAML then helps you: `edge-fer config schema > config.schema.json` beside this file)
#
# The settings of edge-fer, each with its default. Keep only those that you change: what is left out follows
# the defaults of the version that is installed. `edge-fer config check` finds mistakes, `edge-fer config explain`
# shows what is in force and why.
"""
_WIDTH: Final = 110


def default_yaml(*, commented: bool = False) -> str:
    """The default config.

    Args:
        commented: whether every setting is commented out, so that the file says nothing until it is edited.
    """
    values = written(load(environ={}, settings=False).config)
    lines = _lines(Config, values, "", value_mark="#" if commented else "", heading_mark="")
    return "\n".join([_HEADER.rstrip("\n"), *lines]) + "\n"


def _lines(
    section: type[Section], values: Mapping[str, Any], indent: str, *, value_mark: str, heading_mark: str
) -> Iterator[str]:
    """A section's lines; headings stay uncommented (they say nothing alone), but for those of named entries."""
    deeper = f"{indent}  "
    for key, info in keys_of(section).items():
        if section is CameraSection and key in PER_CAMERA:
            continue  # stands once, in the global section
        if not indent:
            yield ""
        inner, by_name = inner_section(info)
        yield from _comment(str(info.description) if inner else f"{info.description} ({allowed(info)})", indent)
        if inner is None:
            yield _setting(key, info, values[key], indent, value_mark)
        elif by_name and not values[key]:
            yield f"{indent}{heading_mark}{key}:"
            example = {"name": {name: info.examples[0] for name, info in keys_of(inner).items() if info.examples}}
            yield from (f"{deeper}#{name}: {inline(entry)}" for name, entry in example.items())
        elif by_name:
            yield f"{indent}{heading_mark}{key}:"
            for name, entry in values[key].items():
                yield f"{deeper}{value_mark}{name}:"
                yield from _lines(inner, entry, f"{deeper}  ", value_mark=value_mark, heading_mark=value_mark)
        else:
            yield f"{indent}{heading_mark}{key}:"
            yield from _lines(inner, values[key], deeper, value_mark=value_mark, heading_mark=heading_mark)


def _setting(key: str, info: FieldInfo, value: Any, indent: str, mark: str) -> str:
    """One setting; an example in a comment, where the default is none or differs between machines."""
    if value is None or info.default_factory is not None:
        return f"{indent}#{key}: {inline(info.examples[0] if info.examples else None)}"
    return f"{indent}{mark}{key}: {inline(value)}"


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
