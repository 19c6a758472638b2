"""Label switches and the delay of spliced steps, on invented readings."""

from __future__ import annotations

from functools import partial
from math import inf

import pytest

from edge_fer.bench.flicker import Sample, Stretch, percentile, steady_stretches, step_delays, switches_per_second
from edge_fer.emotion.smoothing import ExponentialSmoother


def scores(label: str, sure: float = 0.9) -> dict[str, float]:
    other = "sad" if label == "happy" else "happy"
    return {label: sure, other: round(1 - sure, 6)}


def person(labels: list[str | None], fps: float = 10.0, sure: float = 0.9) -> list[Sample]:
    return [
        Sample(index / fps, label and scores(label, sure), label, label or "uncertain")
        for index, label in enumerate(labels)
    ]


def test_switches_are_counted_for_each_second_of_each_person():
    people = [person(["happy"] * 10 + ["sad"] * 11), person(["sad"] * 21)]
    assert switches_per_second(people, lambda sample: sample.smoothed) == pytest.approx(1 / 4)
    # somebody else's label is no switch
    assert switches_per_second([people[1], person(["happy"] * 21)], lambda sample: sample.smoothed) == 0
    assert switches_per_second([], lambda sample: sample.smoothed) == 0


def test_a_face_that_could_not_be_read_switches_what_is_told_but_not_the_emotion():
    people = [person(["happy", "happy", None, "happy", "happy"])]
    assert switches_per_second(people, lambda sample: sample.smoothed) == 0
    assert switches_per_second(people, lambda sample: sample.told) == pytest.approx(2 / 0.4)


def test_a_steady_second_has_one_leading_emotion():
    people = [person(["happy"] * 11 + ["sad", "happy"] * 5 + ["sad"] * 11)]
    assert [stretch.label for stretch in steady_stretches(people, min_confidence=0.45)] == ["happy", "sad"]


@pytest.mark.parametrize(
    "readings",
    [
        person(["happy"] * 9),  # shorter than a second
        person(["happy", "sad"] * 6),
        person([None] * 12),
        person(["happy"] * 12, sure=0.55),
    ],
    ids=["short", "torn", "unread", "unsure"],
)
def test_anything_less_is_not_steady(readings):
    assert steady_stretches([readings], min_confidence=0.6) == []


@pytest.mark.parametrize(("time_constant", "delay"), [(0.0, 0.0), (1.0, 0.7), (2.0, 1.4)])
def test_a_step_shows_when_the_new_emotion_has_surely_come(time_constant, delay):
    """Readings that are 0.8 ahead add up to the limit after 0.7 time constants: 0.7 * (0.8 - 0.3) = 0.35."""
    happy, sad = (Stretch(label, (scores(label),) * 10) for label in ("happy", "sad"))
    smoother = partial(ExponentialSmoother, time_constant, margin=0.1)
    delays = step_delays([happy, sad], smoother, min_confidence=0.45, min_lead=0.0)
    assert delays == pytest.approx([delay, delay], abs=0.11)


def test_a_step_that_is_never_sure_enough_is_never_told():
    happy, sad = Stretch("happy", (scores("happy"),) * 10), Stretch("sad", (scores("sad", 0.6),) * 10)
    delays = step_delays([happy, sad], partial(ExponentialSmoother, 1.0), min_confidence=0.7, min_lead=0.0)
    assert sorted(delays)[1] == inf
    assert percentile(delays, 0.95) is None
    assert percentile(delays, 0.5) == pytest.approx(0.92, abs=0.11)


def test_one_expression_alone_makes_no_step():
    happy = Stretch("happy", (scores("happy"),) * 10)
    assert step_delays([happy, happy], partial(ExponentialSmoother, 1.0), min_confidence=0.4, min_lead=0.0) == []
    assert percentile([], 0.5) is None


def test_of_very_many_steps_some_are_tried():
    stretches = [Stretch(label, (scores(label),) * 3) for label in ("happy", "sad") for _ in range(40)]
    assert (
        200 <= len(step_delays(stretches, partial(ExponentialSmoother, 0.0), min_confidence=0.4, min_lead=0.0)) <= 400
    )
