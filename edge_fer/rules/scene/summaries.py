"""Sums up what one camera sees, in windows aligned to the clock.

Every second belongs to exactly one window of each length. How long something lasted is measured by the clock that never
jumps; in which window it falls is read from the wall clock, as it was known then. When the wall clock jumps out of a
window, that window is told at once, with what it has so far, and the one for the new time begins; should the time of a
window come twice, it is told twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_fer.rules.scene.calendar import HOUR, Calendar
from edge_fer.rules.scene.disclosure import Disclosure
from edge_fer.rules.scene.mood import MAX_GAP, MoodScale, MoodWindow, Stints, read_seconds
from edge_fer.rules.scene.tally import Tally
from edge_fer.rules.scene.trend import Trend
from edge_fer.types import UNCERTAIN, Instant, Reading, Summary, SummaryNumbers

__all__ = ["Summaries"]

#: A clock set back by less than this stays in its window, so that a small correction tells none of them twice.
SET_BACK = timedelta(seconds=5)
#: Seconds that an hour must have been read for to teach what is usual.
TEACHES = 60.0


class Summaries:
    """One camera's summaries.

    Args:
        camera: the camera's name.
        lengths: of the windows in seconds, each a divisor of the next.
        labels: of the label set, without `UNCERTAIN`.
        calendar: aligns them.
        scale: makes satisfaction and distress of seconds.
        trend: learns each hour, and says what is usual.
        over: seconds over which `satisfaction` is taken.
        k_minimum: a summary that fewer people made is held back.
        max_gap: seconds for which a frame stands where no other comes.
    """

    def __init__(
        self,
        camera: str,
        lengths: Sequence[int],
        *,
        labels: Sequence[str],
        calendar: Calendar,
        scale: MoodScale,
        trend: Trend,
        over: float = 60.0,
        k_minimum: int = 1,
        max_gap: float = MAX_GAP,
    ) -> None:
        self._camera = camera
        self._told = frozenset(lengths)
        #: hours are needed for the trend, whether or not they are told
        self._lengths = sorted({*lengths, HOUR})
        self._calendar = calendar
        self._scale = scale
        self.trend = trend
        self._k = k_minimum
        self._max_gap = max_gap
        self._labels = labels
        self._stints = Stints(max_gap=max_gap)
        self._lately = MoodWindow(over)
        self._open: dict[int, Tally] = {}
        #: the last frame, and the monotonic seconds until which time was counted
        self._last: Instant | None = None
        self._counted = float("-inf")
        #: the moments that are in all open windows, a small correction of the clock allowed for
        self._earliest = self._latest = datetime.min.replace(tzinfo=UTC)
        self._usual: float | None = None

    def update(self, readings: Iterable[Reading] | None, *, left: Sequence[str], at: Instant) -> list[Summary]:
        """Counts the time up to a frame.

        Args:
            readings: one for each person found in this frame; None where nothing has changed since the last.
            left: ids of the people given up with this frame.
            at: when the frame was captured.

        Returns:
            The windows that are over, the earliest first, and of those that end together the shortest first.
        """
        told: list[Summary] = []
        if self.is_due(at):
            told = self._end(at)
            for length in self._lengths:
                if length not in self._open:
                    self._begin(length, at.utc)
            self._bound()
        self._count(at.mono)
        self._stints.stand(readings, left=left)
        self._last = at
        for tally in self._open.values():
            tally.synced = tally.synced and at.synced
            if left:
                tally.forget(left)
        return told

    def is_due(self, at: Instant) -> bool:
        """Whether windows begin or end with a frame of then."""
        return not self._earliest <= at.utc < self._latest

    def pass_time(self, at: Instant) -> list[Summary]:
        """Tells the windows that ended while there were no frames."""
        return self._end(at) if self._open and at.utc >= self._latest else []

    def finish(self) -> list[Summary]:
        """Tells all windows as far as they are, because there will be no more frames."""
        if self._last is None:
            return []
        told = self._close(self._last, self._lengths)
        self._bound()
        return told

    def satisfaction(self, at: Instant) -> float | None:
        """The index over the last while, 0 to 100; None where too little could be read."""
        return self._scale.satisfaction(self._lately.seconds(at.mono))

    def snapshot(self) -> dict[str, Any]:
        """The windows that are open, as numbers."""
        return {str(length): tally.snapshot() for length, tally in self._open.items()}

    def restore(self, kept: Any) -> None:
        """Goes on with the windows of a snapshot; those that are over by the first frame are told then.

        Those of other lengths than are asked for now are forgotten, all of them, because they would not nest.

        Raises:
            ValueError: it is no snapshot.
        """
        try:
            if kept.keys() != {str(length) for length in self._lengths}:
                return
            self._open = {
                length: Tally.restored(kept[str(length)], self._disclosure(length)) for length in self._lengths
            }
        except (KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
            msg = f"{type(error).__name__}: {error}"
            raise ValueError(msg) from error
        self._look_up_usual(self._open[HOUR].since)
        self._bound()

    def _end(self, at: Instant) -> list[Summary]:
        """Ends the windows that `at` is not in, counting up to the end of each."""
        told: list[Summary] = []
        while over := {length: self._border(tally, at) for length, tally in self._open.items() if _is_over(tally, at)}:
            border = min(over.values(), key=lambda found: found.mono)
            ending = [length for length, found in over.items() if found.mono <= border.mono]
            self._count(border.mono)
            told += self._close(border, ending)
            # where the last frame still stands beyond the border, time goes on being counted, in the window in which
            # the border is by the clock of now: after a jump that is not the one after the window that ended
            if self._last and self._last.mono <= border.mono < self._last.mono + self._max_gap:
                for length in ending:
                    self._begin(length, at.utc - timedelta(seconds=at.mono - border.mono))
        self._bound()
        return told

    def _border(self, tally: Tally, at: Instant) -> Instant:
        """When a window ended that is over at `at`: at its end, or with the last frame if the clock jumped then."""
        if self._last is None:
            return at
        mono = at.mono - (at.utc - tally.until).total_seconds()
        return Instant(mono, tally.until, at.synced) if self._last.mono < mono <= at.mono else self._last

    def _begin(self, length: int, utc: datetime) -> None:
        since, until = self._calendar.window(utc, length)
        self._open[length] = Tally(since, until, self._disclosure(length))
        if length == HOUR:
            self._look_up_usual(since)

    def _disclosure(self, length: int) -> Disclosure:
        return Disclosure(self._k, has_parts=length != self._lengths[0])

    def _look_up_usual(self, utc: datetime) -> None:
        usual = self.trend.usual("satisfaction", utc)
        self._usual = usual.mean if usual else None

    def _bound(self) -> None:
        if self._open:
            self._earliest = max(tally.since for tally in self._open.values()) - SET_BACK
            self._latest = min(tally.until for tally in self._open.values())
        if len(self._open) < len(self._lengths):
            self._latest = self._earliest

    def _count(self, mono: float) -> None:
        """Counts what stood until then, in all open windows."""
        stints = self._stints.pass_to(mono)
        watched = 0.0
        if self._last is not None:
            begin, end = max(self._counted, self._last.mono), min(mono, self._last.mono + self._max_gap)
            watched = max(0.0, end - begin)
        self._counted = max(self._counted, mono)
        for tally in self._open.values():
            tally.add(stints, watched, self._usual)
        for stint in stints:
            self._lately.add(stint.label, stint.seconds, mono)

    def _close(self, at: Instant, lengths: Iterable[int]) -> list[Summary]:
        """Tells windows or holds them back; the shortest first, so that the longer know."""
        told = []
        for length in sorted(lengths):
            tally = self._open.pop(length, None)
            if tally is None:
                continue
            may_be_told = tally.disclosure.may_be_told()
            if not may_be_told and (around := self._around(length)):
                around.disclosure.hide(tally.disclosure, seen=bool(tally.seconds))
            if may_be_told and length == HOUR:
                self._learn(tally)
            if length in self._told and tally.watched > 0:
                told.append(self._summary(length, tally, at, self._numbers(tally) if may_be_told else None))
        return told

    def _around(self, length: int) -> Tally | None:
        """The next longer window."""
        return next((self._open[longer] for longer in self._lengths if longer > length and longer in self._open), None)

    def _learn(self, tally: Tally) -> None:
        satisfaction, distress = self._scale.satisfaction(tally.seconds), self._scale.distress_share(tally.seconds)
        if satisfaction is not None and distress is not None and read_seconds(tally.seconds) >= TEACHES:
            self.trend.learn(tally.since, {"satisfaction": satisfaction, "distress": distress})

    def _summary(self, length: int, tally: Tally, at: Instant, numbers: SummaryNumbers | None) -> Summary:
        at = replace(at, synced=at.synced and tally.synced)
        return Summary(self._camera, at, length, tally.since, tally.until, tally.watched, numbers)

    def _numbers(self, tally: Tally) -> SummaryNumbers:
        share, read = self._scale.distress_share(tally.seconds), read_seconds(tally.seconds)
        return SummaryNumbers(
            people=tally.people,
            presence=sum(tally.seconds.values()),
            attention=tally.attention,
            seconds={label: tally.seconds.get(label, 0.0) for label in self._labels},
            uncertain=tally.seconds.get(UNCERTAIN, 0.0),
            satisfaction=self._scale.satisfaction(tally.seconds),
            distress=None if share is None else self._scale.level(share),
            distress_share=share,
            usual=tally.usual,
            confidence=min(1.0, tally.sure / read) if read > 0 else None,
        )


def _is_over(tally: Tally, at: Instant) -> bool:
    return not tally.since - SET_BACK <= at.utc < tally.until
