"""Hours of calm people before a camera, and how often they raise an alert about a person.

``python -m models.recipe.calm_hours`` invents eight hours for the profiles ``ward`` and ``counter`` and prints the
alerts about a person: there should be one at most. Each reading is made by the model on a rendered face
(`calm_faces`), wavers as the readings of the test clip do, and goes through the smoothing and the rules that the
profile ships with. Faces are not searched for, and the quality gate is not asked: every face counts as readable.

The portraits are London's (CC BY 4.0) and those of SFHQ's choosing part, of which nothing is learned. SFHQ's labels are
readings by a vision-language model, not by people.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.clock.system import SystemClock
from edge_fer.config import Config, Layer, load
from edge_fer.config.tree import AlertSection, CameraSection
from edge_fer.emotion.labels import reduce
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import emotion_of
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.sight import Sight
from edge_fer.types import EMOTION, Instant, Quality, QualityFault, Reading, Scores
from edge_fer.wiring import build_rules, build_stages, build_summaries, make_smoother
from edge_fer.wiring.vision import make_classifier

from .calm_faces import Doing, Look, Person, calm_people, rendered
from .data.portraits import choosing, read_portraits
from .errors import RecipeError, plainly
from .evaluate import FACES

__all__ = [
    "CLIP",
    "PLACES",
    "Place",
    "Wavering",
    "alerts_by_score",
    "alerts_of",
    "clip_logits",
    "invented",
    "pool",
    "profile_config",
    "readings_of",
    "wavering_of",
]

CLIP = Path("..", "shared", "data", "clips", "wolfgang-langer-pexels.mp4")
#: Readings a second.
RATE = 4.0
#: Width of the window whose mean counts as what a face shows; what is left of the readings is their wavering. Seconds.
SETTLED = 2.0
NINE = Instant(0.0, datetime(2026, 1, 5, 9, tzinfo=UTC))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """How people come and what they do at a place.

    Attributes:
        stay: seconds that somebody stays, from and to.
        gap: seconds until the next one comes, from and to.
        doing: what they do: how often it is begun, and for how long on average, in seconds.
    """

    stay: tuple[float, float]
    gap: tuple[float, float]
    doing: Mapping[Doing, tuple[float, float]]


PLACES: Mapping[str, Place] = {
    # eight people for an hour each, a bed with visitors
    "ward": Place(
        (3500, 3500),
        (100, 100),
        {
            Doing.LOOKING: (4, 60),
            Doing.TALKING: (3, 30),
            Doing.CHEWING: (1, 120),
            Doing.LOOKING_DOWN: (2, 90),
            Doing.EYES_CLOSED: (1, 300),
            Doing.SMILING: (1, 5),
        },
    ),
    # two hundred guests, for a minute and a half each
    "counter": Place(
        (30, 150),
        (20, 90),
        {
            Doing.LOOKING: (4, 8),
            Doing.TALKING: (4, 8),
            Doing.CHEWING: (0.5, 15),
            Doing.LOOKING_DOWN: (2, 6),
            Doing.EYES_CLOSED: (0.5, 2),
            Doing.SMILING: (2, 3),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Wavering:
    """How readings of a settled face waver: an AR(1) process on the logits.

    Attributes:
        covariance: of the logits around what the face shows, (labels, labels).
        seconds: after which the correlation has fallen to 1/e.
    """

    covariance: Floats
    seconds: float

    def begun(self, random: np.random.Generator) -> Floats:
        """Return a first state."""
        return random.multivariate_normal(np.zeros(len(self.covariance)), self.covariance, method="svd")

    def later(self, state: Floats, seconds: float, random: np.random.Generator) -> Floats:
        """Return the state so many seconds later."""
        kept = math.exp(-seconds / self.seconds)
        return kept * state + math.sqrt(1 - kept**2) * self.begun(random)


def wavering_of(logits: Floats, rate: float) -> Wavering:
    """Return how the readings of one person waver.

    Args:
        logits: (N, labels), one after the other.
        rate: readings a second.
    """
    width = max(3, round(SETTLED * rate) | 1)
    centred = logits - logits.mean(axis=1, keepdims=True)
    padded = np.pad(centred, ((width // 2, width // 2), (0, 0)), mode="edge")
    settled = np.stack([np.convolve(column, np.full(width, 1 / width), mode="valid") for column in padded.T], axis=1)
    left = centred - settled
    lagged = float((left[1:] * left[:-1]).sum() / (left**2).sum())
    return Wavering(np.cov(left.T), -1 / (rate * math.log(min(max(lagged, 0.05), 0.99))))


def clip_logits(clip: Path, settings: Config) -> tuple[Floats, float]:
    """Return the logits of the largest face in each frame of a recording, and the frames a second."""
    camera = CameraSection(faces=settings.faces, emotion=settings.emotion)
    classifier = make_classifier(camera.emotion)
    stages = build_stages(camera, store=Store(settings.models_dir), classifier=classifier)
    crops, times = [], []
    for frame in VideoFile("clip", clip, clock=SystemClock()).frames():
        if faces := stages.detector.detect(frame.image):
            crops.append(stages.crop(frame.image, faces[0]))
            times.append(frame.at.mono)
    if len(crops) < 3:
        msg = f"{clip}: no face is found in it"
        raise RecipeError(msg, remedy="Name another recording with --clip")
    logits = np.asarray(classifier.logits(crops) / classifier.sidecar.temperature, dtype=np.float64)
    return logits, (len(times) - 1) / (times[-1] - times[0])


def profile_config(profile: str) -> Config:
    """Return the config that a profile ships with."""
    return load([Layer(profile, f"profile: {profile}\nnode: {{timezone: UTC}}")], settings=False).config


class _Body:
    """How one person moves; each call of `look` goes on by so many seconds."""

    def __init__(self, place: Place, random: np.random.Generator) -> None:
        self._place, self._random = place, random
        self._names = list(place.doing)
        weights = np.array([often for often, _ in place.doing.values()])
        self._weights = weights / weights.sum()
        self._left = 0.0
        self.doing = Doing.LOOKING
        self._speed = 1.0
        self._phase = 0.0
        self._blink = 0.0
        # slow drifts, each around 0 with a standard deviation of 1: shift x and y, scale, roll, pitch, light
        self._drift = random.normal(size=8)

    def look(self, seconds: float) -> Look:
        """Return how they look now."""
        random = self._random
        self._left -= seconds
        if self._left <= 0:
            self.doing = self._names[random.choice(len(self._names), p=self._weights)]
            self._left = random.exponential(self._place.doing[self.doing][1])
            self._speed = random.uniform(0.8, 1.2)
        self._phase += seconds
        kept = math.exp(-seconds / 3)
        self._drift = kept * self._drift + math.sqrt(1 - kept**2) * random.normal(size=8)
        drift, jitter = self._drift, random.normal(size=4)
        self._blink = 0.0 if random.random() < seconds / 4 else self._blink + seconds
        shown = Look(
            lids=1.0 if self._blink < 0.15 else 0.0,
            shift=(0.012 * drift[0] + 0.006 * jitter[0], 0.012 * drift[1] + 0.006 * jitter[1]),
            scale=1 + 0.025 * drift[2] + 0.01 * jitter[2],
            roll=0.05 * drift[3] + 0.01 * jitter[3],
            pitch=0.06 * drift[4],
            gain=math.exp(0.12 * drift[5]),
            gamma=math.exp(0.12 * drift[6]),
            slope=0.15 * drift[7],
            noise=3.0,
        )
        return self._with(shown)

    def _with(self, shown: Look) -> Look:
        """The look with what they do."""
        random, beat = self._random, 2 * math.pi * self._phase * self._speed
        if self.doing is Doing.TALKING:
            # syllables, some four a second, of random height
            return replace(shown, mouth=max(0.0, 0.05 * math.sin(4 * beat) * random.uniform(0.2, 1.2)))
        if self.doing is Doing.CHEWING:
            return replace(shown, jaw=(0.025 * (1 + math.sin(1.3 * beat)), 0.012 * math.sin(1.3 * beat + 1)))
        if self.doing is Doing.LOOKING_DOWN:
            return replace(shown, pitch=shown.pitch + 0.4, lids=max(shown.lids, 0.7))
        if self.doing is Doing.EYES_CLOSED:
            return replace(shown, lids=1.0)
        return replace(shown, smiling=self.doing is Doing.SMILING)


def invented(
    place: Place, people: Sequence[Person], *, seconds: float, rate: float, random: np.random.Generator
) -> Iterator[tuple[float, str, Person, Look]]:
    """Yield when, the track, who is in view and how they look, reading by reading: one person at a time."""
    now = 0.0
    order: list[int] = []
    count = 0
    while now < seconds:
        # everybody once before anybody twice
        order = order or list(random.permutation(len(people)))
        person, body = people[order.pop()], _Body(place, random)
        gone = min(now + random.uniform(*place.stay), seconds)
        while now < gone:
            yield now, f"{count}", person, body.look(1 / rate)
            now += 1 / rate
        now += random.uniform(*place.gap)
        count += 1


def readings_of(
    profile: str,
    people: Sequence[Person],
    wavering: Wavering,
    *,
    hours: float,
    rate: float = RATE,
    model: Path | None = None,
    seed: int = 1,
) -> Iterator[tuple[Reading, tuple[str, ...], Person]]:
    """Yield a camera's readings with a profile's settings, those who left before each, and who it is."""
    random = np.random.default_rng(seed)
    emotion = profile_config(profile).emotion.model_copy(update={"model": model})
    classifier, smoother = make_classifier(emotion), make_smoother(emotion.smoothing)
    reduced = partial(reduce, label_set=emotion.labels)
    before, state = "", wavering.begun(random)
    for now, who, person, look in invented(PLACES[profile], people, seconds=3600 * hours, rate=rate, random=random):
        left = (before,) if before and who != before else ()
        state = wavering.later(state, 1 / rate, random) if who == before else wavering.begun(random)
        (scores,) = classifier.read([rendered(person, look, random)])
        for gone in left:
            smoother.forget(gone)
        quality = Quality(1.0) if scores else Quality(1.0, (QualityFault.UNFAMILIAR,))
        smoothed = smoother.update(who, reduced(_wavering(scores, state)) if scores else None, now)
        known = emotion_of(quality, smoothed, min_confidence=emotion.min_confidence, min_lead=emotion.min_lead)
        yield Reading("camera", who, NINE.later(now), quality, {EMOTION: known}), left, person
        before = who


def _wavering(scores: Scores, state: Floats) -> dict[str, float]:
    """Scores whose logits are moved."""
    logits = np.log(np.maximum(list(scores.values()), 1e-9)) + state
    powers = np.exp(logits - np.max(logits))
    return dict(zip(scores, (powers / powers.sum()).tolist(), strict=True))


def alerts_of(profile: str, steps: Iterable[tuple[Reading, tuple[str, ...]]]) -> Counter[str]:
    """Return how often each of a profile's alerts about a person fires, by its name.

    Args:
        profile: its rules are those that it ships with.
        steps: readings, and those who left before each.
    """
    settings = profile_config(profile)
    rules = _rules(settings, settings.alerts)
    return Counter(rules[index].name for index in _fired(rules, steps))


def alerts_by_score(
    profile: str, steps: Iterable[tuple[Reading, tuple[str, ...]]], scores: Sequence[float]
) -> dict[float, int]:
    """Return how many alerts about a person there are with each of several thresholds in the rules about emotions."""
    settings = profile_config(profile)
    emotional = {name: alert for name, alert in settings.alerts.items() if hasattr(alert.when, "score")}
    others = {name: alert for name, alert in settings.alerts.items() if name not in emotional}
    rules = _rules(settings, others)
    belongs: list[float | None] = [None] * len(others)
    for score in scores:
        changed = {
            name: alert.model_copy(update={"when": alert.when.model_copy(update={"score": score})})
            for name, alert in emotional.items()
        }
        rules += _rules(settings, changed)
        belongs += [score] * len(changed)
    fired = Counter(belongs[index] for index in _fired(rules, steps))
    return {score: fired[score] + fired[None] for score in scores}


def _rules(settings: Config, alerts: Mapping[str, AlertSection]) -> list[AlertRule]:
    camera = CameraSection(view=settings.view, faces=settings.faces, emotion=settings.emotion, alerts=dict(alerts))
    return build_rules("camera", camera, settings, build_summaries("camera", camera, settings).trend)


def _fired(rules: Sequence[AlertRule], steps: Iterable[tuple[Reading, tuple[str, ...]]]) -> Iterator[int]:
    """Yield the place of a rule in the list whenever it fires about a person."""
    for reading, left in steps:
        sight = Sight(reading.at, (reading,), 1, left)
        for index, rule in enumerate(rules):
            for change in rule.update(sight):
                if not change.resolved and change.alert.track_id is not None:
                    yield index


def pool(folder: Path) -> list[Person]:
    """Return the calm people of London and of SFHQ's choosing part."""
    sfhq = read_portraits(folder, "sfhq")
    return [
        *calm_people("london", read_portraits(folder, "london")),
        *calm_people("sfhq", sfhq.take(choosing(sfhq.group))),
    ]


def main() -> None:
    """Read the command line, invent, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a .tflite file with its sidecar; the packaged one if left out")
    parser.add_argument("--portraits", type=Path, default=FACES, help="faces as cut_portraits leaves them")
    parser.add_argument("--clip", type=Path, default=CLIP, help="the recording from which the wavering is taken")
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--seeds", type=int, default=1, help="how many cameras are invented for each profile")
    given = parser.parse_args()
    with plainly():
        people = pool(given.portraits)
        for profile in PLACES:
            settings = profile_config(profile)
            settings = settings.model_copy(
                update={"emotion": settings.emotion.model_copy(update={"model": given.model})}
            )
            wavering = wavering_of(*clip_logits(given.clip, settings))
            for seed in range(1, given.seeds + 1):
                made = list(readings_of(profile, people, wavering, hours=given.hours, model=given.model, seed=seed))
                fired = alerts_of(profile, [step[:2] for step in made])
                told = {
                    "profile": profile,
                    "hours": given.hours,
                    "seed": seed,
                    "readings": len(made),
                    "people": len({reading.track_id for reading, _, _ in made}),
                    "labels": dict(Counter(reading.label for reading, _, _ in made)),
                    "alerts": dict(fired),
                    "held": sum(fired.values()) <= 1,
                }
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
