"""What happens to cooldowns, silences and alerts when the daemon ends and another begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edge_fer.rules.alerts.memory import Memory
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.types import AlertChange, Instant, Resolution

__all__ = ["remember", "resume"]


def remember(rules: Iterable[AlertRule]) -> dict[str, Any]:
    """What the next run has to know of one camera's rules, by name, as JSON can hold it; most have nothing."""
    memories = {rule.name: rule.memory for rule in rules}
    return {name: memory.snapshot() for name, memory in memories.items() if memory != Memory()}


def resume(camera: str, rules: Sequence[AlertRule], kept: Any, at: Instant, *, same_boot: bool) -> list[AlertChange]:
    """Puts back what an earlier run remembered, and ends the alerts that it left firing, as only a crash does.

    Args:
        camera: the camera's name.
        rules: its rules, fresh.
        kept: what was remembered of it.
        at: now.
        same_boot: whether the clock that never jumps has run on since.

    Returns:
        The ends of those alerts, because nobody watched; of rules that are gone, because of that.

    Raises:
        ValueError: it is nothing that was remembered; then nothing has changed.
    """
    if not isinstance(kept, dict):
        msg = f"{kept!r} is nothing of alert rules"
        raise ValueError(msg)  # noqa: TRY004 - it came from a file
    memories = {
        str(name): Memory.restored(found, camera, str(name), at, same_boot=same_boot) for name, found in kept.items()
    }
    changes: list[AlertChange] = []
    for rule in rules:
        memory = memories.pop(rule.name, None)
        if memory:
            changes += rule.recall(memory, at)
    gone = [alert for memory in memories.values() for alert in memory.told]
    return changes + [AlertChange(resolved=True, alert=alert, at=at, reason=Resolution.RELOAD) for alert in gone]
