"""When the state of the node is worth telling subscribers of the control socket again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Newness"]

#: Seconds after which subscribers are told even where nothing has changed, so that they know that it still works.
TELL_ANYWAY = 2.0
#: What changes all the time, and is no news by itself.
_RESTLESS = frozenset(
    {
        "ts",
        "uptime_s",
        "fps",
        "frames",
        "skipped",
        "dropped",
        "work",
        "latency_ms",
        "rss_bytes",
        "temperature_c",
        "oldest_s",
    }
)


class Newness:
    """Says when a state is worth telling subscribers: when it has changed, and every two seconds."""

    def __init__(self) -> None:
        self._told: Any = None
        self._told_at = float("-inf")

    def is_worth_telling(self, state: Mapping[str, Any], now: float) -> bool:
        """Whether it is; if so, it is told.

        Args:
            state: as JSON.
            now: monotonic seconds.
        """
        calm = _calm(state)
        if calm == self._told and now - self._told_at < TELL_ANYWAY:
            return False
        self._told, self._told_at = calm, now
        return True


def _calm(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _calm(inner) for key, inner in value.items() if key not in _RESTLESS}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_calm(inner) for inner in value]
    return value
