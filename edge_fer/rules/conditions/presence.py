"""How many people are in view, and whether the camera gets to see anything."""

from __future__ import annotations

from edge_fer.rules.conditions.finding import SCENE, Findings, tested
from edge_fer.rules.sight import Sight
from edge_fer.types import View

__all__ = ["MorePeopleCondition", "NoFaceCondition", "ViewCondition"]


class NoFaceCondition:
    """No face is in view. Says so of a dark picture too: why there is none, `ViewCondition` may tell."""

    def find(self, sight: Sight) -> Findings:
        """About the scene: the people in view, and 1 as the threshold that they stay below."""
        return {SCENE: tested(sight.people < 1, sight.people, 1)}


class MorePeopleCondition:
    """More people are in view than so many."""

    def __init__(self, most: int) -> None:
        self._most = most

    def find(self, sight: Sight) -> Findings:
        """About the scene: the people in view."""
        return {SCENE: tested(sight.people > self._most, sight.people, self._most)}


class ViewCondition:
    """The picture as a whole is one of several things."""

    def __init__(self, views: frozenset[View]) -> None:
        self._views = views

    def find(self, sight: Sight) -> Findings:
        """About the scene: 1 where it is, 0 where not."""
        if sight.view is None:
            return {SCENE: tested(None, None, 1)}
        bad = sight.view in self._views
        return {SCENE: tested(bad, float(bad), 1)}
