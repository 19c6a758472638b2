"""How much work a frame is worth: the frame budget's decisions, and nothing else. Pure: times are passed in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from edge_fer.faces.people.tracking import TrackingStep

__all__ = ["Attention", "Work"]

#: How early a frame may come, as a share of the time that should have passed: cameras jitter.
EARLY = 0.07
#: Of so many searches in a row, one at least looks at the whole picture.
WHOLE_EVERY = 3
#: Seconds between two readings of people in a picture in which nothing moves.
READ_STILL_EVERY = 0.5


class Work(StrEnum):
    """What is done with a frame.

    Whoever is followed or found in it is also read: that is cheap beside finding them.
    """

    REST = "rested"
    FOLLOW = "followed"
    DETECT = "detected"


class Attention:
    """Decides what is done with each frame of one camera.

    While something moves, faces are searched for every `detect_every` seconds, and people known are followed in
    the frames between. While nothing has moved since the last search, they are searched for every `rest_every`
    seconds only, and people known are followed and read every `read_still_every` seconds; the frames between cost
    nothing but the look at whether anything moves. As long as anybody is lost from sight, every frame is searched; as
    long as a face is not yet confirmed, every frame that moves, and others every `detect_every` seconds, because a
    pattern in which a detector sees a face now and then shall not keep it busy.

    So a face that comes into view is searched for after `detect_every` at most where its coming shows as movement,
    and after `rest_every` at most where it does not. Where nothing has moved but people who are known, a search may
    look at their faces alone; somebody who comes out from behind them is searched for after three times `detect_every`.

    Args:
        detect_every: seconds between two searches while something moves; 0 searches every frame that moves.
        rest_every: seconds between two searches while nothing moves; 0 takes everything for moving.
        read_still_every: seconds between two readings of people while nothing moves.
    """

    def __init__(
        self, *, detect_every: float = 0.3, rest_every: float = 2.0, read_still_every: float = READ_STILL_EVERY
    ) -> None:
        self._detect_every = detect_every
        self._rest_every = rest_every
        self._read_still_every = read_still_every
        self._counts = Counter(dict.fromkeys(Work, 0))
        self.reset()

    @property
    def counts(self) -> Mapping[Work, int]:
        """How many frames got which work."""
        return self._counts

    def reset(self) -> None:
        """Forgets the frames so far, but for their counts: the next one is searched."""
        self._whole = self._detected = self._worked = -math.inf
        self._people = self._lost = self._unconfirmed = False

    def decide(self, mono: float, *, moved: bool) -> Work:
        """What the frame of `mono` seconds needs.

        Args:
            mono: when it was captured.
            moved: whether anything in it has moved since the last search.
        """
        if mono < self._worked:  # time ran backward: nothing that was measured in it holds
            self.reset()
        moved = moved or not self._rest_every
        every = min(self._detect_every, self._rest_every) if moved or self._unconfirmed else self._rest_every
        if self._lost or (self._unconfirmed and moved) or self._due(mono - self._detected, every):
            return Work.DETECT
        if self._people and (moved or self._due(mono - self._worked, self._read_still_every)):
            return Work.FOLLOW
        return Work.REST

    def may_look(self, mono: float) -> bool:
        """Whether looking at the faces that are known may take the place of a search in the frame of `mono` seconds."""
        settled = self._people and not self._lost and not self._unconfirmed
        every = min(WHOLE_EVERY * self._detect_every, self._rest_every)
        return settled and not self._due(mono - self._whole, every)

    @staticmethod
    def _due(passed: float, every: float) -> bool:
        return passed >= (1 - EARLY) * every

    def done(self, work: Work, mono: float, tracks: TrackingStep | None = None, *, looked: bool = False) -> None:
        """Takes in what was done with the frame of `mono`, and what came of it where people were looked for.

        `looked`: whether people were not only followed, but their faces found by a look at each.
        """
        self._counts[work] += 1
        if tracks is None:
            return
        self._worked = mono
        if work is Work.DETECT:
            self._whole = mono
        if work is Work.DETECT or looked:
            self._detected = mono
        self._people = bool(tracks.visible or tracks.coasting)
        self._lost = bool(tracks.coasting)
        self._unconfirmed = bool(tracks.unconfirmed)
