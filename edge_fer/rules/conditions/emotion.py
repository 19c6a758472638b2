"""A person shows emotions of a set."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge_fer.rules.conditions.finding import ALWAYS, Finding, Findings, Subject, Verdict
from edge_fer.rules.conditions.kind import A_LIST, ConditionKind, ConditionSection, Labels
from edge_fer.rules.sight import Sight
from edge_fer.types import UNCERTAIN, Reading
from edge_fer.values.section import Count
from edge_fer.values.units import PositiveFraction

__all__ = ["EMOTION", "EmotionCondition", "WhenEmotion"]


class WhenEmotion(ConditionSection):
    """A person shows emotions of a set."""

    emotion: Labels = Field(
        description="The emotions whose scores are added up; at least one.",
        examples=[["angry", "sad"]],
        json_schema_extra=A_LIST,
    )
    score: PositiveFraction = Field(default=0.6, description="The alert's condition holds from this sum on.")
    repeated: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=1, description="How many readings in a row must reach it; with more than 1, `for` is 0s if left out."
    )


class EmotionCondition:
    """A person's scores for a set of emotions, added up, reach a threshold, in so many readings in a row.

    Args:
        emotions: labels of the set.
        score: threshold of the sum, above 0 to 1.
        repeated: readings in a row, at least 1.
    """

    def __init__(self, emotions: frozenset[str], score: float, *, repeated: int = 1) -> None:
        self._emotions = emotions
        self._score = score
        self._repeated = repeated
        self._in_a_row: dict[str, int] = {}
        # readings in a row are counted with each frame
        self.stands_for = ALWAYS if repeated == 1 else 0.0

    def find(self, sight: Sight) -> Findings:
        """A finding for each reading."""
        found: dict[Subject, Finding] = {reading.track_id: self._counted(reading, sight) for reading in sight.readings}
        for track_id in sight.left:
            self._in_a_row.pop(track_id, None)
        return found

    def _counted(self, reading: Reading, sight: Sight) -> Finding:
        measured = sum(score for label, score in reading.scores.items() if label in self._emotions)
        verdict = self._judge(reading, measured)
        if self._repeated > 1:
            row = self._in_a_row.get(reading.track_id, 0)
            if verdict is Verdict.FAILS:
                self._in_a_row.pop(reading.track_id, None)
            elif verdict is Verdict.HOLDS:
                self._in_a_row[reading.track_id] = row = min(row + sight.fresh, self._repeated)
                # fewer in a row deny nothing, but confirm nothing either
                verdict = Verdict.HOLDS if row == self._repeated else Verdict.UNKNOWN
        return Finding(verdict, measured, self._score)

    def _judge(self, reading: Reading, measured: float) -> Verdict:
        """Whether the reading confirms the condition, denies it, or says nothing.

        A face that cannot be read says nothing. One that is merely torn between emotions cannot deny the
        condition, but confirms it when the set as a whole is clear: angry 0.4 and sad 0.4 is `uncertain`
        as an emotion and yet plainly unhappy.
        """
        if reading.quality.faults or not reading.scores:
            return Verdict.UNKNOWN
        if measured >= self._score:
            return Verdict.HOLDS
        return Verdict.UNKNOWN if reading.label == UNCERTAIN else Verdict.FAILS


EMOTION = ConditionKind(
    key="emotion",
    section=WhenEmotion,
    make=lambda when, _: EmotionCondition(frozenset(when.emotion), when.score, repeated=when.repeated),
    of_person=True,
    settable=frozenset({"score", "repeated"}),
    labels="emotion",
    signal=None,
    of_faces=True,
)
