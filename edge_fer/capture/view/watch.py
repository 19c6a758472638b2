"""Watches what a camera gets to see at all: whether its view is clear, dark, covered, washed out, or moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from edge_fer.capture.view.measures import Edges, Mask, ViewMeasures, kept, sight_of
from edge_fer.types import Image, Instant, View

__all__ = ["ViewSettings", "ViewWatch"]

T = TypeVar("T")

#: Seconds between two looks.
INTERVAL = 1.0
#: A view that is so told is kept up to a measure that is so much better than what it takes to be told.
SLACK = 1.3
#: Brightness up to which a picture without any contrast is that of a covered lens; a brighter one may be a bare wall.
DIM = 0.35
#: Looks after which a place is known, and seconds over which it is learned anew all the time: light and shadows wander.
KNOWN_AFTER, LEARNED_OVER = 60, 600.0
#: How much of a place that is hardly to be recognised is learned, of what is else.
RELUCTANCE = 0.1
#: Seconds over which it is averaged how much of a place is there: somebody who walks by hides some of it for a moment.
STEADIED_OVER = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSettings:
    """When a view is told as what. Levels and shares are 0 to 1, times in seconds.

    Attributes:
        after: how long a view must be dark, covered, washed out or clear before it is told.
        dark: brightness (of all but the brightest tenth) up to which it is dark.
        covered: contrast of neighbouring pixels, on average, below which it is covered.
        washed_out: share of pure white from which on it is washed out.
        moved: share of what stands still that is found in its place, below which it has moved.
        moved_after: how long that must hold.
        accept_after: how long a view is told as moved before it is taken for the right one.
    """

    after: float = 5.0
    dark: float = 0.1
    covered: float = 0.004
    washed_out: float = 0.6
    moved: float = 0.45
    moved_after: float = 120.0
    accept_after: float = 86_400.0


class Held(Generic[T]):
    """A value that changes only once another has lasted.

    Attributes:
        value: the one that has lasted; None before any has.
        since: monotonic seconds when it began to be `value`.
    """

    def __init__(self, value: T | None = None) -> None:
        self.value = value
        self.since = 0.0
        self._next: T | None = None
        self._next_since = 0.0

    def update(self, value: T, mono: float, *, after: float) -> None:
        """Takes the value of this moment; it is taken over when it has been the same for `after` seconds."""
        if value != self._next:
            self._next, self._next_since = value, mono
        if value != self.value and mono - self._next_since >= after:
            self.value, self.since = value, mono

    def forget(self) -> None:
        """Whatever was about to last begins anew."""
        self._next = None


class ViewWatch:
    """Watches one camera's view.

    What the place looks like is kept as a mean of the directions of its edges, in memory only. It is small, but it is a
    picture of a kind, and nothing that is one is ever written; so a camera that is moved while the daemon is not
    running is not found out.

    Args:
        settings: when a view is told as what.
        mask: bool (36, 64): which part of the view may be looked at; None for all.
    """

    def __init__(self, settings: ViewSettings | None = None, mask: Mask | None = None) -> None:
        self._settings = settings or ViewSettings()
        self._mask = mask
        self._sight: Held[View] = Held()
        self._moved: Held[bool] = Held(value=False)
        self._place: Edges | None = None
        self._there: float | None = None
        self._looks = 0
        self._looked = -float("inf")

    @property
    def view(self) -> View | None:
        """The view; None as long as it is not known."""
        return View.MOVED if self._sight.value is View.CLEAR and self._moved.value else self._sight.value

    def look(self, image: Image, at: Instant) -> View | None:
        """Looks at a picture, if it is time for that.

        Args:
            image: RGB uint8 (height, width, 3); a small one will do.
            at: when it was captured.

        Returns:
            The view, as far as it is known.
        """
        since = at.mono - self._looked
        if since >= INTERVAL:
            if since > 10 * INTERVAL:  # nothing is known of the time between
                self._sight.forget()
                self._moved.forget()
            self._looked = at.mono
            self._take(sight_of(image, self._mask), at.mono)
        return self.view

    def _take(self, sight: ViewMeasures, mono: float) -> None:
        in_place = None if self._place is None or self._looks < KNOWN_AFTER else kept(sight.edges, self._place)
        view = self._judged(sight, in_place)
        self._sight.update(view, mono, after=self._settings.after)
        if view is View.CLEAR:  # of a view that is not, nothing can be said about where it is
            self._follow(sight.edges, in_place, mono)
        else:
            self._moved.forget()

    def _judged(self, sight: ViewMeasures, in_place: float | None) -> View:
        settings = self._settings
        if sight.white >= settings.washed_out / self._slack(View.WASHED_OUT):
            return View.WASHED_OUT
        if sight.contrast < settings.covered * self._slack(View.COVERED):
            recognised = in_place is not None and in_place >= settings.moved
            if sight.brightness <= DIM:
                # the faintest trace of the place, or its having grown dark slowly, tells darkness from a cover
                return View.DARK if recognised or self._sight.value is View.DARK else View.COVERED
            if in_place is not None and not recognised:
                return View.COVERED
        if sight.brightness <= settings.dark * self._slack(View.DARK):
            return View.DARK
        return View.CLEAR

    def _slack(self, view: View) -> float:
        return SLACK if self._sight.value is view else 1.0

    def _follow(self, edges: Edges, in_place: float | None, mono: float) -> None:
        """Sees whether the camera has moved, and learns the place."""
        settings = self._settings
        if in_place is not None:
            self._there = in_place if self._there is None else self._there + (in_place - self._there) / STEADIED_OVER
        there = self._there
        moved = there is not None and there < settings.moved * (SLACK if self._moved.value else 1.0)
        self._moved.update(moved, mono, after=settings.moved_after if moved else settings.after)
        if self._moved.value and mono - self._moved.since >= settings.accept_after:
            self._place, self._there, self._looks = None, None, 0
            self._moved = Held(value=False)
        elif not moved and not self._moved.value:
            self._learn(edges, in_place)

    def _learn(self, edges: Edges, in_place: float | None) -> None:
        self._looks += 1
        share = max(1 / self._looks, INTERVAL / LEARNED_OVER)
        if in_place is not None and in_place < self._settings.moved * SLACK:
            # the place may have changed, or the camera be about to be told as moved, which must not be learned away
            share *= RELUCTANCE if in_place >= self._settings.moved else 0
        place = edges if self._place is None else (1 - share) * self._place + share * edges
        self._place = place.astype(edges.dtype)
