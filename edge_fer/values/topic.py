"""Topics that a config may name: those of others, and what ours begin with."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from edge_fer.values.units import refuse

__all__ = ["PlainTopic", "TopicPrefix"]

#: Bytes of the longest prefix: what follows it has names of up to 64 characters each.
_LONGEST_PREFIX = 256
_LEVEL = re.compile(r"[A-Za-z0-9_-]+")


def _plain(topic: str) -> str:
    if any(sign in topic for sign in "+#"):
        refuse("has a wildcard", "Name one topic, without `+` and `#`")
    if topic.startswith(("$", "/")) or topic.endswith("/") or len(topic.encode(errors="replace")) > 256:
        refuse("is no topic to subscribe to", "Write it as `level/level`, 256 bytes at most, and not with a `$`")
    return topic


#: One topic, not a pattern of several.
PlainTopic: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(_plain)]


def _levels(prefix: str) -> str:
    if len(prefix) > _LONGEST_PREFIX:
        refuse("is too long", f"Write at most {_LONGEST_PREFIX} characters")
    if not all(_LEVEL.fullmatch(level) for level in prefix.split("/")):
        remedy = "Write names of letters, digits, `_` and `-`, with `/` between them, such as `acme/edge-fer`"
        refuse("is no beginning of topics", remedy)
    return prefix


#: What topics begin with: one level or several.
TopicPrefix: TypeAlias = Annotated[
    str, AfterValidator(_levels), Field(json_schema_extra={"pattern": "^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"})
]
