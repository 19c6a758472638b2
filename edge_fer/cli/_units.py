"""Values with units on the command line, written as in the config."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from pydantic_core import PydanticCustomError

from edge_fer.config.values.units import Quantity

__all__ = ["value_of"]


def value_of(quantity: Quantity) -> Callable[[str], float]:
    """Reads a value with its unit; to be an argument's `type`."""

    def read(text: str) -> float:
        try:
            return quantity.read(text)
        except PydanticCustomError as error:
            context = error.context or {}
            msg = f"`{text}` {context.get('problem')}. {context.get('remedy')}"
            raise argparse.ArgumentTypeError(msg) from None

    return read
