"""What a frame source is to the rest of the house."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from edge_fer.types import Frame

__all__ = ["SourcePort"]


class SourcePort(Protocol):
    """A camera, a stream or a recording.

    `frames()` may be called again after the generator it gave has ended, been closed, or been given up while stuck
    in a driver: whatever a run needs lives in its generator, so that a run that hangs cannot spoil the next one.
    """

    @property
    def live(self) -> bool:
        """Whether frames come when they come (a camera), rather than when they are asked for (a recording)."""
        ...

    def frames(self) -> Generator[Frame, None, None]:
        """Opens the source when iteration begins, and closes it when the generator is closed or ends.

        Every frame carries the instant it was captured, or, from a recording, the instant of the run's first frame
        plus its own presentation time, strictly increasing. `Frame.index` counts what the device delivered within
        this run, from 0; a gap means frames that the source left out because fewer a second are wanted.

        It is a generator rather than any iterator because only a generator can be told to let go of its device.

        Yields:
            RGB frames. A recording's generator ends when the recording is over; a live one never ends by itself.

        Raises:
            SourceError: it cannot be used at all, and trying again will not help.
            SourceLostError: it is not there now; trying again may help.
            SourceStalledError: likewise, it sends nothing and does not say why.
        """
        ...
