"""A stage for the capture loop: invented sources and an invented clock."""

from __future__ import annotations

from edge_fer.capture.loop import CaptureLoop, LoopSettings
from edge_fer.support.backoff import Backoff
from tests.capture.broken import BrokenSource
from tests.capture.helpers import InventedClock, InventedStop, KeepingSlot


class Stage:
    """A loop with all that it needs, and a record of what it said."""

    def __init__(self, *script, slot=None, live=True, source=None, enough=None, **options):
        self.clock = InventedClock()
        self.stop = InventedStop(self.clock)
        self.source = source or BrokenSource("front", script, clock=self.clock, live=live)
        self.slot = slot or KeepingSlot()
        self.said = []
        self.passes = 0
        self.enough = enough
        #: how many seconds a pass takes, asked at each
        self.pass_takes = lambda: 0.0
        self.loop = CaptureLoop(
            "front",
            self.source,
            self.slot,
            clock=self.clock,
            on_state=lambda state, reason: self.said.append((state, reason)),
            on_pass=self.on_pass,
            backoff=options.pop("backoff", None) or Backoff(chance=lambda: 1.0),
            settings=LoopSettings(**{"poll": 0.01} | options),
        )

    def on_pass(self):
        self.passes += 1
        self.clock.advance(self.pass_takes())
        if self.enough and self.enough(self):
            self.stop.set()
            if isinstance(self.source, BrokenSource):
                self.source.release()

    def run(self):
        """In the test's own thread."""
        try:
            self.loop.run(self.stop)
        finally:
            if isinstance(self.source, BrokenSource):
                self.source.release()
        return self

    @property
    def states(self):
        return [state for state, _ in self.said]
