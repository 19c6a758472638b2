"""An invented scene, told frame by frame."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from edge_fer.rules.scene.calendar import DAY, HOUR, Calendar
from edge_fer.rules.scene.mood import MoodScale
from edge_fer.rules.scene.summaries import Summaries
from edge_fer.rules.scene.trend import Trend
from edge_fer.types import Instant, Quality
from tests.invented import LABELS, emotion_reading, scores

SCALE = MoodScale({"happy": 1.0, "sad": -1.0, "angry": -1.0}, frozenset({"sad", "angry"}), 0.3, 0.6)


NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)  # a Monday


class Scene:
    """Invented people before one camera, by a clock that can be set."""

    def __init__(self, lengths=(60, 900, HOUR, DAY), *, zone=UTC, start=NINE, k=1, trend=None, mono=0.0, max_gap=1.0):
        calendar = Calendar(zone)
        self.summaries = Summaries(
            "cam",
            lengths,
            labels=LABELS,
            calendar=calendar,
            scale=SCALE,
            trend=trend or Trend(calendar),
            k_minimum=k,
            max_gap=max_gap,
        )
        self.now = Instant(mono, start)
        self.told = []

    def see(self, seconds=0.0, *, left=(), **people):
        """Time passes, then a frame shows these people."""
        self.now = self.now.later(seconds)
        readings = [
            emotion_reading("cam", who, self.now, label, 0.9, scores(), Quality(1.0)) for who, label in people.items()
        ]
        self.told += self.summaries.update(readings, left=list(left), at=self.now)

    def film(self, seconds, *, step=0.5, **people):
        for _ in range(round(seconds / step)):
            self.see(step, **people)

    def jump(self, seconds):
        """The wall clock is set."""
        self.now = Instant(self.now.mono, self.now.utc + timedelta(seconds=seconds), self.now.synced)

    def of(self, length):
        return [summary for summary in self.told if summary.length == length]


def restarted(scene, after=0.0, **kept):
    """The same place after the process was killed and started again; only what JSON can hold is left."""
    fresh = Scene(start=scene.now.utc + timedelta(seconds=after), mono=5.0, **kept)
    fresh.told = scene.told
    fresh.summaries.restore(json.loads(json.dumps(scene.summaries.snapshot())))
    return fresh
