"""A trial of the emotions: somebody is asked to make one face after another, and what is read meanwhile is added up.

Pure: times are passed in as seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge_fer.types import UNCERTAIN, Reading

__all__ = [
    "LEAST",
    "NOT_TRIED",
    "NO_FACE",
    "Prompt",
    "Trial",
    "TrialReading",
    "Tried",
    "as_json",
    "lines",
    "reasons_of",
]

#: What stands in the place of a label while no face is found.
NO_FACE = "no_face"
#: What is told of an emotion whose turn did not come.
NOT_TRIED = "not tried"
#: What was read stands until the next frame, but no longer than this, in seconds.
STANDS = 1.0
#: A smaller share is not worth a word.
LEAST = 0.005


@dataclass(frozen=True, slots=True)
class Prompt:
    """What somebody is asked at the moment.

    Attributes:
        label: the emotion that they are to show.
        counts: whether what is read counts; else there is time to make the face.
        left: seconds until that changes.
    """

    label: str
    counts: bool
    left: float


@dataclass(frozen=True, slots=True)
class TrialReading:
    """What was read of a face at one moment.

    Attributes:
        label: the emotion, or `uncertain`.
        reasons: why it is uncertain; empty where it is not.
    """

    label: str
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, reading: Reading | None) -> TrialReading | None:
        """The same of a reading, with the reasons in words."""
        return None if reading is None else cls(reading.label, reasons_of(reading))


@dataclass(slots=True)
class Tried:
    """What was read while somebody was asked for one emotion.

    Attributes:
        label: the emotion asked for.
        seconds: how long each label was read, `uncertain` and `NO_FACE` among them.
        reasons: how long each reason was told for which a reading was uncertain.
    """

    label: str
    seconds: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, float] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float]:
        """The seconds as shares of all of them, the longest first; empty where the emotion was not tried."""
        whole = sum(self.seconds.values())
        return {label: spent / whole for label, spent in _longest_first(self.seconds)} if whole else {}

    @property
    def right(self) -> float | None:
        """The share of the time in which the emotion asked for was read; None where it was not tried."""
        return self.shares.get(self.label, 0.0) if self.seconds else None


class Trial:
    """Asks for each emotion in turn, by the times of the frames.

    Args:
        labels: the emotions to ask for.
        ready: seconds given to make each face, which do not count.
        hold: seconds for which each is to be held, which count.

    Attributes:
        tried: what was read so far; one for each emotion, in order.
    """

    def __init__(self, labels: Sequence[str], *, ready: float, hold: float) -> None:
        self.tried = [Tried(label) for label in labels]
        self._ready, self._turn = ready, ready + hold
        self._before: tuple[float, TrialReading | None] | None = None

    def prompt(self, seconds: float) -> Prompt | None:
        """What is asked so many seconds after the first frame; None when it is over."""
        index, within = divmod(max(0.0, seconds), self._turn)
        if index >= len(self.tried):
            return None
        counts = within >= self._ready
        return Prompt(self.tried[int(index)].label, counts, (self._turn if counts else self._ready) - within)

    def take(self, seconds: float, seen: TrialReading | None) -> None:
        """Takes one frame.

        Args:
            seconds: since the first frame.
            seen: of whoever is nearest; None where there is no face.
        """
        if self._before is not None:
            then, before = self._before
            asked = self.prompt(then)
            if asked is not None and asked.counts:
                self._add(asked.label, before, min(seconds - then, asked.left, STANDS))
        self._before = seconds, seen

    def _add(self, label: str, seen: TrialReading | None, spent: float) -> None:
        tried = next(one for one in self.tried if one.label == label)
        label_read = seen.label if seen else NO_FACE
        tried.seconds[label_read] = tried.seconds.get(label_read, 0.0) + spent
        for reason in seen.reasons if seen else ():
            tried.reasons[reason] = tried.reasons.get(reason, 0.0) + spent


def reasons_of(reading: Reading) -> tuple[str, ...]:
    """Why a reading is uncertain, in words; empty where it is not."""
    doubts = (str(reading.doubt),) if reading.doubt else ()
    return tuple(fault.replace("_", " ") for fault in reading.quality.faults) or doubts


def lines(tried: Sequence[Tried]) -> Iterator[str]:
    """What was read of each emotion, and for which others it was taken, for people."""
    width = max(len("asked for"), *(len(one.label) for one in tried))
    yield f"{'asked for':<{width}}  read   taken for"
    for one in tried:
        if one.right is None:
            yield f"{one.label:<{width}}  {NOT_TRIED}"
            continue
        others = ", ".join(
            _taken(label, share, one) for label, share in one.shares.items() if label != one.label and share >= LEAST
        )
        yield f"{one.label:<{width}}  {100 * one.right:3.0f} %  {others}".rstrip()
    rights = [one.right for one in tried if one.right is not None]
    if rights:
        yield ""
        tried_ones = "one emotion" if len(rights) == 1 else f"{len(rights)} emotions"
        yield f"Read as asked for: {100 * sum(rights) / len(rights):.0f} % of the time, over {tried_ones}."


def _taken(label: str, share: float, one: Tried) -> str:
    words = f"{label.replace('_', ' ')} {100 * share:.0f} %"
    if label == UNCERTAIN and one.reasons:
        words += f" (mostly {_longest_first(one.reasons)[0][0]})"
    return words


def _longest_first(spent: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda item: item[1], reverse=True)


def as_json(tried: Sequence[Tried]) -> list[Mapping[str, object]]:
    """The same for programs."""
    return [
        {
            "asked": one.label,
            "seconds": round(sum(one.seconds.values()), 3),
            "right": None if one.right is None else round(one.right, 4),
            "shares": {label: round(share, 4) for label, share in one.shares.items()},
            "reasons_s": {reason: round(spent, 3) for reason, spent in _longest_first(one.reasons)},
        }
        for one in tried
    ]
