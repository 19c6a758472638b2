"""What a user of the recipe can get wrong, told in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from edge_fer.errors import EdgeFerError

__all__ = ["RecipeError", "plainly"]


class RecipeError(EdgeFerError, ValueError):
    """Data, weights or settings given to the recipe are missing or wrong."""


@contextmanager
def plainly() -> Iterator[None]:
    """End the program with the error's one line, where a user caused it."""
    try:
        yield
    except EdgeFerError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
