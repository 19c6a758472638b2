"""What a kind of condition is made of: its section of the config, its maker, and what else belongs to it.

A new kind is one file with its section, its condition and its row, and one more name in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from edge_fer.rules.conditions.finding import Condition
from edge_fer.rules.past import Past
from edge_fer.rules.scene.mood import MoodScale
from edge_fer.types import LABEL_NAMES, SignalKey
from edge_fer.values.distinct import some_and_distinct
from edge_fer.values.section import Section
from edge_fer.values.units import DURATION, Seconds

__all__ = [
    "A_LIST",
    "BaselinePort",
    "ConditionKind",
    "ConditionSection",
    "Label",
    "Labels",
    "Means",
    "Number",
    "UsualPort",
    "Window",
]

if TYPE_CHECKING:
    Label: TypeAlias = str
else:
    Label = Literal[LABEL_NAMES]
Labels: TypeAlias = Annotated[tuple[Label, ...], some_and_distinct("[angry, sad]")]
#: What the JSON Schema says of a list of which each item may be named but once.
A_LIST: Final[dict[str, JsonValue]] = {"minItems": 1, "uniqueItems": True}
Window: TypeAlias = Annotated[Seconds, DURATION.within(1, 86_400)]
Number: TypeAlias = Annotated[float, Field(strict=True)]


class ConditionSection(Section):
    """What `when` may hold: the settings of one condition."""

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class UsualPort(Protocol):
    """What is usual: a mean, and how far off single values are."""

    @property
    def mean(self) -> float:
        """Of single values."""

    @property
    def spread(self) -> float:
        """In the same unit, above 0."""


class BaselinePort(Protocol):
    """Knows what is usual at an hour of the week."""

    def usual(self, measure: str, utc: datetime, /) -> UsualPort | None:
        """Of `satisfaction` (0 to 100) or `distress` (0 to 1); None while that is not known."""


@dataclass(frozen=True, slots=True)
class Means:
    """What conditions need beside their own settings.

    Attributes:
        scale: makes satisfaction and distress of seconds by emotion.
        baseline: knows what is usual.
        max_gap: seconds that a frame stands without a next one.
        past: knows what happened on the camera before.
    """

    scale: MoodScale
    baseline: BaselinePort
    max_gap: float
    past: Past = field(default_factory=Past)


S = TypeVar("S", bound=ConditionSection)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionKind(Generic[S]):
    """One kind of condition, with everything that belongs to it.

    Attributes:
        key: the key of `when` that tells it.
        section: its settings.
        make: makes the condition of its settings.
        of_person: whether it is asked of each person, rather than of the scene as a whole.
        settable: the keys that may be set remotely.
        labels: the key that names emotions; None where none does.
        signal: the outside number that it asks for; None where it asks for none.
        of_faces: whether it goes by what faces show, so that its alerts say something about people.

    Raises:
        TypeError: its section has no such key.
    """

    key: str
    section: type[S]
    make: Callable[[S, Means], Condition]
    of_person: bool
    settable: frozenset[str]
    labels: str | None
    signal: Callable[[S], SignalKey] | None
    of_faces: bool

    def __post_init__(self) -> None:
        named = {self.key, *self.settable, *([self.labels] if self.labels else [])}
        if strange := sorted(named - self.section.model_fields.keys()):
            msg = f"the condition {self.key}: {self.section.__name__} has no field {', '.join(strange)}"
            raise TypeError(msg)
