"""Where each setting in force came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge_fer.config.engine.complaints import DEFAULT
from edge_fer.config.engine.entries import Entry, KeyPath, dotted
from edge_fer.config.engine.layers import PER_CAMERA
from edge_fer.config.engine.loading import Loaded
from edge_fer.config.output.writing import inline, written
from edge_fer.support.redact import redacted

__all__ = ["Row", "explain"]


@dataclass(frozen=True, slots=True)
class Row:
    """One setting in force.

    Attributes:
        path: its key path.
        value: as people write it; `${NAME}` where it came out of the environment, so that no secret shows.
        origin: the layer, with the line where it has lines.
    """

    path: str
    value: str
    origin: str


def explain(loaded: Loaded) -> list[Row]:
    """All settings in force, and where they came from.

    Of a camera's own `view`, `faces`, `emotion`, `attributes` and `alerts`, only what differs from the global ones is
    listed.
    """
    return list(_rows(written(loaded.config), loaded.root, ()))


def _rows(value: Any, entry: Entry | None, path: KeyPath) -> Iterator[Row]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _rows(inner, entry.at(key) if entry else None, (*path, key))
    elif not _inherited(entry, path) and not (entry and entry.children):
        text = redacted(entry.written or inline(value)) if entry else inline(value)
        yield Row(dotted(path), text, entry.origin if entry else DEFAULT)
    for key, switched in entry.children.items() if entry else ():
        if switched.off and not _inherited(switched, (*path, key)):
            yield Row(dotted((*path, key)), "false", switched.origin)


def _inherited(entry: Entry | None, path: KeyPath) -> bool:
    """Whether a camera's setting is that of a global section."""
    takes_over = path[0] == "cameras" and len(path) > 2 and path[2] in PER_CAMERA
    return takes_over and (entry is None or entry.path != path)
