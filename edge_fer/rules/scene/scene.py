"""The scene as a whole, and when it is worth telling."""

from __future__ import annotations

from collections.abc import Sequence

from edge_fer.types import UNCERTAIN, Instant, Reading, Scene, View

__all__ = ["SceneTeller", "scene_of"]

#: A smaller change of the mood's confidence is not worth a message.
CONFIDENCE_STEP = 0.05
#: Nor is a smaller one of satisfaction, of 100.
SATISFACTION_STEP = 2.0


def scene_of(camera: str, readings: Sequence[Reading], people: int, at: Instant, view: View | None = None) -> Scene:
    """Sums up what one camera sees.

    Args:
        camera: the camera's name.
        readings: of the people found in this frame.
        people: everybody in view, those the detector missed in this frame included.
        at: when the frame was captured.
        view: what it gets to see at all.
    """
    if not people:
        return Scene(camera, at, 0, None, 0.0, view)
    certain = [reading.scores for reading in readings if reading.label != UNCERTAIN]
    if not certain:
        return Scene(camera, at, people, UNCERTAIN, 0.0, view)
    mean = {label: sum(scores[label] for scores in certain) / len(certain) for label in certain[0]}
    mood = max(mean, key=mean.__getitem__)
    return Scene(camera, at, people, mood, mean[mood], view)


class SceneTeller:
    """Lets a scene through when it differs from the one told last, and not more often than it should.

    Args:
        interval: least seconds between two scenes told.
    """

    def __init__(self, *, interval: float = 1.0) -> None:
        self._interval = interval
        self._told: Scene | None = None

    def offer(self, scene: Scene, *, last: bool = False) -> Scene | None:
        """The scene, if it should be told now.

        A change held back is told with a later frame; unless the scene is the `last` for now, which cannot wait.
        """
        told = self._told
        if told is not None:
            too_soon = not last and scene.at.mono - told.at.mono < self._interval
            if too_soon or _alike(scene, told):
                return None
        self._told = scene
        return scene


def _alike(one: Scene, other: Scene) -> bool:
    same = (one.people, one.mood, one.view, one.paused) == (other.people, other.mood, other.view, other.paused)
    if (one.satisfaction is None) != (other.satisfaction is None):
        return False
    if abs((one.satisfaction or 0.0) - (other.satisfaction or 0.0)) >= SATISFACTION_STEP:
        return False
    same = same and _values(one) == _values(other)
    return same and abs(one.confidence - other.confidence) < CONFIDENCE_STEP


def _values(scene: Scene) -> dict[str, str | float]:
    return {name: told.value for name, told in scene.attributes.items()}
