"""Tables of rows: each row has a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

__all__ = ["by_name"]

Row = TypeVar("Row")


def by_name(rows: Iterable[Row], name: Callable[[Row], str]) -> Mapping[str, Row]:
    """The rows by name, in their order.

    Raises:
        TypeError: two have the same name, and the later one would take the place of the other without a word.
    """
    found: dict[str, Row] = {}
    for row in rows:
        if name(row) in found:
            msg = f"there are two rows {name(row)!r}: give one of them another name"
            raise TypeError(msg)
        found[name(row)] = row
    return MappingProxyType(found)
