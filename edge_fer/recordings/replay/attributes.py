"""What a trace says of further attributes: how often each value was read, by camera."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edge_fer.trace.reader import Step
from edge_fer.types import EMOTION, AttributeValue

__all__ = ["AttributeTally"]

#: So many different labels of an attribute are counted, the others are left out.
MOST_LABELS = 100


class AttributeTally:
    """Counts the values of attributes while the steps of a trace pass; of numbers, the lowest, mean and highest."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], Counter[str]] = {}
        self._numbers: dict[tuple[str, str], tuple[int, float, float, float]] = {}

    def watching(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The steps as they come, each noted; where nothing has changed, nothing is counted."""
        for step in steps:
            if step.readings is not None:
                self._note(step.camera, step.attributes)
                for reading in step.readings:
                    self._note(step.camera, reading.attributes)
            yield step

    def as_json(self) -> dict[str, Any]:
        """By camera and attribute: readings of each label, or what the numbers were."""
        told: dict[str, Any] = {}
        for (camera, name), counts in self._labels.items():
            told.setdefault(camera, {})[name] = dict(counts.most_common())
        for (camera, name), (count, lowest, total, highest) in self._numbers.items():
            numbers = {"lowest": lowest, "mean": total / count, "highest": highest}
            rounded = {key: round(value, 4) for key, value in numbers.items()}
            told.setdefault(camera, {})[name] = {"readings": count, **rounded}
        return told

    def lines(self) -> Iterator[str]:
        """The same for people."""
        for camera, attributes in self.as_json().items():
            for name, told in attributes.items():
                yield f"{camera} {name}: {', '.join(f'{key} {value:g}' for key, value in told.items())}"

    def _note(self, camera: str, attributes: Mapping[str, AttributeValue]) -> None:
        for name, known in attributes.items():
            if name == EMOTION:
                continue
            if isinstance(known.value, str):
                counts = self._labels.setdefault((camera, name), Counter())
                if known.value in counts or len(counts) < MOST_LABELS:
                    counts[known.value] += 1
                continue
            count, lowest, total, highest = self._numbers.get((camera, name), (0, known.value, 0.0, known.value))
            self._numbers[camera, name] = (
                count + 1,
                min(lowest, known.value),
                total + known.value,
                max(highest, known.value),
            )
