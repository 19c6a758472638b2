"""What the ratios of `python -m tests.benchmarks` should come to. Those without a bar are only told."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["AT_LEAST", "AT_MOST", "BUDGET_AT_MOST", "missed", "missed_budget"]

PROFILES = ("counter", "ward", "crowd")

AT_MOST = {
    "classify / bare runtime": 1.5,
    "empty scene / busy scene": 0.2,
    "post / classify": 0.1,
}
AT_LEAST = {
    "drain / bare paho": 1 / 3,
    **{f"real time / replay, {profile}": 1000.0 for profile in PROFILES},
}

#: What `python -m tests.benchmarks.budget` should come to: this tree over the one before.
BUDGET_AT_MOST = {
    "default budget / before": 0.5,
    "own code / before": 0.6,
    "every frame / before": 0.75,
    "20 people / before": 0.6,
    "memory / before": 1.0,
    "seconds that events and alerts moved": 0.1,
    "4 cameras / 1": 3.6,
}


def missed_budget(ratios: Mapping[str, float]) -> list[str]:
    """Which of the bars of the budget are missed; KeyError where one was not measured."""
    return [name for name, bar in BUDGET_AT_MOST.items() if not ratios[name] <= bar]


def missed(ratios: Mapping[str, float]) -> list[str]:
    """What is wrong with which ratio, a line each; KeyError where one with a bar was not measured."""
    # not `>` and `<`, with which what is no number would hold
    over = [name for name, bar in AT_MOST.items() if not ratios[name] <= bar]
    under = [name for name, bar in AT_LEAST.items() if not ratios[name] >= bar]
    return [
        *(f"{name} is {ratios[name]:.2f}, should be at most {AT_MOST[name]:g}" for name in over),
        *(f"{name} is {ratios[name]:.2f}, should be at least {AT_LEAST[name]:.3g}" for name in under),
    ]
