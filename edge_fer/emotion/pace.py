"""How often a face that is followed must be read. Pure: times are passed in as monotonic seconds."""

from __future__ import annotations

__all__ = ["ReadingPace"]

#: How late a reading may be, as a share of the time between two: cameras jitter.
LATE = 0.03
#: Seconds between two readings of somebody whose emotion may be about to change.
UNSETTLED = 0.1


class ReadingPace:
    """Says whose face is to be read in a frame.

    Nobody is read later than `every` seconds after their last reading, as far as frames come. So somebody is read
    where the next frame would be too late, if it came after as long as this one did. Whoever's emotion may be about to
    change is read ten times a second, or in every frame where fewer come: then the change is told about as early as if
    each frame were read. Whoever has never been read is tried in every frame, and everybody where each reading counts.

    Args:
        every: seconds between two readings of a face at most; 0 reads it in every frame.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        #: by person, when they were read last, and how long that is enough
        self._read: dict[str, tuple[float, float]] = {}
        self._mono: float | None = None
        self._gap = 0.0

    def frame(self, mono: float) -> None:
        """Takes in when a frame was captured; call it before `is_due`."""
        self._gap = 0.0 if self._mono is None else max(0.0, mono - self._mono)
        self._mono = mono

    def is_due(self, track_id: str) -> bool:
        """Whether a person's face must be read in this frame."""
        last = self._read.get(track_id)
        if last is None or self._mono is None or self._mono < last[0]:
            return True
        read_at, enough = last
        return self._mono - read_at + self._gap > (1 + LATE) * enough

    def read(self, track_id: str, *, settled: bool | None) -> None:
        """Takes in that a face was read in this frame.

        Args:
            track_id: the person.
            settled: whether what was read leaves no doubt about the person's emotion; None to read the next frame, too.
        """
        if settled is not None and self._mono is not None:
            self._read[track_id] = self._mono, self._every if settled else min(self._every, UNSETTLED)
        else:
            self._read.pop(track_id, None)

    def forget(self, track_id: str) -> None:
        """Forgets a person who left; no harm if unknown."""
        self._read.pop(track_id, None)
