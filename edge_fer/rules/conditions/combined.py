"""Several conditions as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from edge_fer.rules.conditions.finding import (
    SCENE,
    Condition,
    Finding,
    Findings,
    Verdict,
    any_of,
    worst,
)
from edge_fer.rules.sight import Sight

__all__ = ["Anybody", "Combined"]


class Combined:
    """Several conditions, put together by `all_of` or `any_of`.

    If one part is about people, so is the whole. What another part finds about the scene then counts for each person.

    Args:
        parts: at least one.
        together: makes one finding of one for each part.
    """

    def __init__(self, parts: Sequence[Condition], together: Callable[[Iterable[Finding]], Finding]) -> None:
        self._parts = tuple(parts)
        self._together = together
        self.stands_for = min(part.stands_for for part in self._parts)

    def find(self, sight: Sight) -> Findings:
        """About each person of whom any part says something, else about the scene."""
        found = [part.find(sight) for part in self._parts]
        people = dict.fromkeys(subject for part in found for subject in part if subject is not SCENE)
        if people or all(SCENE in part for part in found):
            return {who: self._together(_about(who, part) for part in found) for who in people or (SCENE,)}
        # there is nobody to be about, but what is known of signals is told all the same
        signal = worst(finding.signal for part in found for finding in part.values())
        return {SCENE: Finding(Verdict.FAILS, None, 0.0, signal)}


class Anybody:
    """A condition on people, asked of the scene: it holds where it holds for anybody.

    Args:
        condition: about people.
    """

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self.stands_for = condition.stands_for

    def find(self, sight: Sight) -> Findings:
        """About the scene: the person with the highest value among those that decide."""
        found = self._condition.find(sight)
        people = [finding for who, finding in found.items() if who is not SCENE]
        people.sort(key=lambda finding: -(finding.value or 0.0))
        whole = any_of(people) if people else found.get(SCENE, Finding(Verdict.FAILS, None, 0.0))
        # somebody whom the detector missed may be the one
        missed = sight.people > len(people) and whole.verdict is Verdict.FAILS
        return {SCENE: Finding(Verdict.UNKNOWN, None, whole.threshold, whole.signal) if missed else whole}


def _about(who: str | None, part: Findings) -> Finding:
    """What a part says about somebody; what it says about the scene, or nothing."""
    return part.get(who) or part.get(SCENE) or Finding(Verdict.UNKNOWN, None, 0.0)
