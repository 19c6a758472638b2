"""Topics of others that a config may name."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from edge_fer.config.values.units import refuse

__all__ = ["PlainTopic"]


def _plain(topic: str) -> str:
    if any(sign in topic for sign in "+#"):
        refuse("has a wildcard", "Name one topic, without `+` and `#`")
    if topic.startswith(("$", "/")) or topic.endswith("/") or len(topic.encode(errors="replace")) > 256:
        refuse("is no topic to subscribe to", "Write it as `level/level`, 256 bytes at most, and not with a `$`")
    return topic


#: One topic, not a pattern of several.
PlainTopic: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(_plain)]
