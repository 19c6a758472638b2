"""Holds back windows that too few people made, and those from which such a window could be worked out.

Windows nest: a quarter of an hour is fifteen minutes. If fourteen of the fifteen were told and the quarter, too, the
minute that was held back would be their difference. So a window is told only when those of its parts that were held
back were, together, made by nobody or by at least k people. Because windows nest, every number that can be worked out
from what is told is then about k people or more. (The rule is complementary cell suppression, as in the tables of
statistical offices: Hundepool et al., Statistical Disclosure Control, 2012.)

It counts visits, for nobody is recognised: somebody who leaves and comes back counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Disclosure"]


@dataclass(slots=True)
class Disclosure:
    """Who made one window, as far as that matters; at most k of them are remembered.

    Attributes:
        k: how many it takes; 1 or less tells everything.
        has_parts: whether shorter windows within it are told, or held back, by themselves.
        made: some of those who were read in it for long enough.
        hidden: some of those who were so in its parts that were held back.
        hides_any: whether anything was seen in those.
    """

    k: int
    has_parts: bool
    made: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    hides_any: bool = False

    def made_by(self, who: str) -> None:
        """Somebody was read for long enough."""
        if len(self.made) < self.k:
            self.made.add(who)

    def may_be_told(self) -> bool:
        """Whether enough people made the window, and what remains of it beside what was told."""
        if self.k <= 1:
            return True
        return len(self.made) >= self.k and (not self.hides_any or len(self.hidden) >= self.k)

    def hide(self, part: Disclosure, *, seen: bool) -> None:
        """A part of this window ended without being told.

        Args:
            part: of which, in turn, parts may have been told; then only the rest is hidden.
            seen: whether anybody was seen in it.
        """
        self.hides_any = self.hides_any or seen
        for who in part.hidden if part.has_parts else part.made:
            if len(self.hidden) < self.k:
                self.hidden.add(who)

    def snapshot(self) -> dict[str, Any]:
        """As numbers, without anybody's id."""
        return {"made": len(self.made), "hidden": len(self.hidden), "hides_any": self.hides_any}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Goes on from a snapshot; nobody of then is anybody of now.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        self.made, self.hidden = (
            {f"then-{number}" for number in range(min(self.k, int(kept[name])))} for name in ("made", "hidden")
        )
        self.hides_any = bool(kept["hides_any"])
