"""The life of one alert: pending until its condition has held for so long, then firing, then resolved.

Source: the alerting rules of Prometheus (`for`, `keep_firing_for`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from edge_fer.rules.conditions.finding import Finding, Verdict
from edge_fer.types import Alert, AlertState, Instant

__all__ = ["Life", "Timing", "Turn"]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long is long enough. All in seconds.

    Attributes:
        for_: the condition must hold this long before the alert fires.
        keep_firing_for: it must fail this long before the alert is resolved.
        cooldown: after an alert of the rule began to fire or its condition was over, none does on that camera for
            this long, whoever it is about: the same person may have got a new track id.
        max_uncertain: how long nothing being known may pause the clocks; then the condition counts as failed.
        max_gap: how long a finding stands without a next one; beyond that nothing is known.
    """

    for_: float
    keep_firing_for: float
    cooldown: float
    max_uncertain: float
    max_gap: float = 10.0


class Turn(Enum):
    """What a finding did to an alert."""

    NONE = auto()
    FIRES = auto()
    #: its condition is over
    OVER = auto()
    #: nothing has been known for too long
    UNCLEAR = auto()


@dataclass(slots=True)
class Life:
    """One alert with its clocks, in seconds; of a person or of the scene alike.

    Attributes:
        alert: the alert, as it stands.
        told: whether it was told that it fires, so that its end has to be told too.
    """

    alert: Alert
    _judged: float
    told: bool = False
    _last: Verdict = Verdict.HOLDS
    _held: float = 0.0
    _failed: float = 0.0
    _paused: float = 0.0

    @classmethod
    def begin(cls, alert: Alert) -> Life:
        """A pending alert whose condition begins to hold."""
        return cls(alert, alert.since.mono)

    @property
    def is_firing(self) -> bool:
        """Whether it fires, told or not."""
        return self.alert.state is AlertState.FIRING

    def take(self, finding: Finding, at: Instant, timing: Timing, *, may_fire: bool) -> Turn:
        """Lets one finding move it.

        Args:
            finding: what its condition found about its subject.
            at: when.
            timing: of its rule.
            may_fire: whether the rule's cooldown is over.
        """
        in_the_dark = self._run_clocks(finding.verdict, at, timing)
        if finding.verdict is not Verdict.UNKNOWN and finding.value is not None:
            self.alert = replace(self.alert, value=finding.value, threshold=finding.threshold)
        over = in_the_dark or finding.verdict is Verdict.FAILS
        if over and (not self.is_firing or self._failed >= timing.keep_firing_for):
            return Turn.UNCLEAR if finding.verdict is Verdict.UNKNOWN else Turn.OVER
        if self.is_firing or finding.verdict is not Verdict.HOLDS or self._held < timing.for_ or not may_fire:
            return Turn.NONE
        self.alert = replace(self.alert, state=AlertState.FIRING)
        return Turn.FIRES

    def _run_clocks(self, verdict: Verdict, at: Instant, timing: Timing) -> bool:
        """Credits the time since the last finding to the clock of its verdict, which stood until now.

        Returns:
            Whether nothing has been known for longer than `max_uncertain`.
        """
        passed = max(0.0, at.mono - self._judged)
        known = 0.0 if self._last is Verdict.UNKNOWN else min(passed, timing.max_gap)
        if self._last is Verdict.HOLDS:
            self._held += known
        elif self._last is Verdict.FAILS:
            self._failed += known
        self._paused += passed - known
        in_the_dark = self._paused > timing.max_uncertain
        if in_the_dark:
            self._failed += passed - known
        if verdict is Verdict.HOLDS:
            self._failed = 0.0
        if verdict is not Verdict.UNKNOWN:
            self._paused = 0.0
        self._judged, self._last = max(self._judged, at.mono), verdict
        return in_the_dark
