"""Where in a JSON payload a value stands: the part of JSONPath (RFC 9535) that names one place."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field

from edge_fer.config.values.units import refuse

__all__ = ["JsonPath", "steps_of"]

#: One step: `.name`, `[0]`, `['any name']`.
_STEP: Final = re.compile(r"""\.([^.\[\]'"\s]+)|\[([0-9]{1,6})\]|\['([^']+)'\]|\["([^"]+)"\]""")
_LONGEST: Final = 256


def steps_of(path: str) -> tuple[str | int, ...] | None:
    """The keys and indices on the way from the payload to the value; None where it is no such path.

    `$` is the payload itself; it may be left out before a name: `vitals.pulse[0]` is `$.vitals.pulse[0]`.
    """
    rest = path.removeprefix("$") if path.startswith("$") else f".{path}" if not path.startswith("[") else path
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        step = _STEP.match(rest, at)
        if step is None:
            return None
        name, index, *quoted = step.groups()
        steps.append(int(index) if index is not None else name or quoted[0] or quoted[1])
        at = step.end()
    return tuple(steps)


def _path(text: str) -> str:
    if len(text) > _LONGEST or steps_of(text) is None:
        refuse("is not a path to one value", "Write keys with dots and indices in brackets, for example `$.vitals[0]`")
    return text


JsonPath: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(_path)]
