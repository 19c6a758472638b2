"""The kinds of conditions that an alert may watch for; each is told by its first key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from edge_fer.rules.conditions.counts import COUNT, VISITS
from edge_fer.rules.conditions.emotion import EMOTION
from edge_fer.rules.conditions.kind import ConditionKind
from edge_fer.rules.conditions.over_time import CROWD, DISTRESS, SATISFACTION, WORSE_THAN_USUAL
from edge_fer.rules.conditions.presence import MORE_PEOPLE, NO_FACE, VIEW
from edge_fer.rules.conditions.signal import SIGNAL
from edge_fer.support.registry import by_name

__all__ = ["PLAIN_KINDS"]

_PLAIN: Final[tuple[ConditionKind[Any], ...]] = (
    EMOTION,
    CROWD,
    NO_FACE,
    MORE_PEOPLE,
    VIEW,
    DISTRESS,
    SATISFACTION,
    WORSE_THAN_USUAL,
    COUNT,
    VISITS,
    SIGNAL,
)
#: Every kind that may stand in a list of them, by the key that tells it.
PLAIN_KINDS: Final[Mapping[str, ConditionKind[Any]]] = by_name(_PLAIN, lambda kind: kind.key)
