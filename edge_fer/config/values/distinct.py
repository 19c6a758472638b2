"""Lists of which each item may be named but once."""

from __future__ import annotations

from typing import TypeVar

from pydantic import AfterValidator

from edge_fer.config.values.units import refuse

__all__ = ["some_and_distinct"]

T = TypeVar("T")


def some_and_distinct(example: str, each: str = "each") -> AfterValidator:
    """Refuses an empty list, and one that names an item twice, at the place of the second.

    Args:
        example: what the remedy for an empty list shows.
        each: what the remedy for a double calls each item.
    """

    def checked(items: tuple[T, ...]) -> tuple[T, ...]:
        if not items:
            refuse("is empty", f"Write a list, for example `{example}`")
        if twice := [(index,) for index, item in enumerate(items) if item in items[:index]]:
            refuse("is in the list twice", f"Name {each} once", at=twice)
        return items

    return AfterValidator(checked)
