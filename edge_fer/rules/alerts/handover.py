"""What happens to running alerts when the rules change."""

from __future__ import annotations

from collections.abc import Sequence

from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.types import AlertChange, Instant, Resolution

__all__ = ["hand_over"]


def hand_over(
    old: Sequence[AlertRule], new: Sequence[AlertRule], at: Instant, *, people_stay: bool
) -> tuple[list[AlertRule], list[AlertChange]]:
    """Puts new rules in the place of old ones, on one camera.

    A rule that is the same as before, but perhaps for its being silenced, goes on as if nothing had happened: its
    clocks, its alerts, its cooldown. The alerts of one that was changed or removed are resolved; a changed one keeps
    its cooldown and its silence.

    Args:
        old: the rules so far, which are not to be used any more.
        new: the rules from now on, fresh.
        at: when.
        people_stay: whether people keep their track ids; else the alerts about people are resolved.

    Returns:
        The rules to use, in the order of the new ones, and what became of the alerts.
    """
    before = {rule.name: rule for rule in old}
    kept: list[AlertRule] = []
    changes: list[AlertChange] = []
    for rule in new:
        previous = before.pop(rule.name, None)
        if previous is None:
            kept.append(rule)
        elif previous.settings is not None and previous.settings == rule.settings:
            if not people_stay:
                changes += previous.end(at, Resolution.RELOAD, people_only=True)
            previous.heed_silence_of(rule)
            kept.append(previous)
        else:
            changes += previous.end(at, Resolution.RELOAD)
            rule.follow(previous)
            kept.append(rule)
    for removed in before.values():
        changes += removed.end(at, Resolution.RELOAD)
    return kept, changes
