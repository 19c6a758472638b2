"""The demo's recordings, held to what their script wrote down: who is there when, with which face, and the alert.

The portraits were chosen because the model reads them rightly, so that this says nothing of how often it is right.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import pytest

import edge_fer.inference.runtime
from edge_fer import Analyzer
from edge_fer.inference.runtime import RUNTIMES, available, loaded_runtime
from edge_fer.sample import RECORDINGS, SAMPLES
from edge_fer.types import EventKind
from tests.fetched import models_folder
from tests.missing import missing
from tests.shared import shared_data

NAMES = sorted(RECORDINGS)
#: Seconds after somebody stands at their place until they must be read: found, confirmed, and smoothed (the ward's slow
#: smoothing included).
SETTLED = 2.0
#: How far somebody may sway from their place, pixels, and how far the middle of a face in profile is from the eyes.
NEAR = 90


@dataclass
class Seen:
    """What the pipeline made of a recording."""

    #: second, and of each face its x and label
    moments: list[tuple[float, list[tuple[float, str]]]] = field(default_factory=list)
    #: second, rule, and whether it was resolved
    alerts: list[tuple[float, str, bool]] = field(default_factory=list)
    appeared: int = 0

    def share(self, person, labels):
        """In which share of the moments somebody is read where they stand, with one of the labels."""
        times = [faces for second, faces in self.moments if person["from"] + SETTLED <= second <= person["to"]]
        right = [any(abs(x - person["x"]) < NEAR and label in labels for x, label in faces) for faces in times]
        return sum(right) / len(right)


def truth(name):
    return json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))


def seen(name, detector):
    found = Seen()
    analyzer = Analyzer(settings={"profile": truth(name)["profile"], "faces": {"detector": detector}})
    for moment in analyzer.watch(RECORDINGS[name]):
        faces = [(reading.box.x + reading.box.width / 2, reading.label) for reading in moment.readings]
        found.moments.append((moment.seconds, faces))
        found.alerts += [(moment.seconds, change.alert.rule, change.resolved) for change in moment.told.changes]
        found.appeared += sum(event.kind is EventKind.APPEARED for event in moment.told.events)
    return found


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", NAMES)
def test_the_pipeline_sees_what_the_script_wrote_down(monkeypatch, name, runtime):
    if runtime not in available():
        missing(f"needs the package {runtime}")
    models_folder()
    monkeypatch.setattr(edge_fer.inference.runtime, "RUNTIMES", (runtime,))
    assert loaded_runtime().startswith(runtime)
    found, story = seen(name, "blazeface"), truth(name)
    shares = {person["portrait"]: found.share(person, {person["emotion"]}) for person in story["people"]}
    assert min(shares.values()) > 0.9, shares
    # nobody is taken for two, or two for one
    assert found.appeared == len(story["people"])
    alert = story["alert"]
    (fired, rule, over), (resolved, same, really) = found.alerts
    assert (rule, over, same, really) == (alert["rule"], False, alert["rule"], True)
    assert alert["fires"][0] < fired < alert["fires"][1]
    assert alert["resolved"][0] < resolved < alert["resolved"][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_haar_sees_those_who_are_upright_and_look_into_the_camera(name):
    found, story = seen(name, "haar"), truth(name)
    upright = [person for person in story["people"] if person["emotion"] != "uncertain" and not person["turn"]]
    shares = {person["portrait"]: found.share(person, {person["emotion"]}) for person in upright}
    assert min(shares.values()) > 0.9, shares
    assert [rule for _, rule, _ in found.alerts] == [story["alert"]["rule"]] * 2


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_small_ends_as_it_begins_and_is_read_by_both_decoders(name):
    path = RECORDINGS[name]
    assert path.stat().st_size <= 1.5e6
    with av.open(str(path)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        pictures = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    seconds = truth(name)["seconds"]
    assert 60 <= seconds <= 90
    assert len(pictures) == 12 * seconds
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    count = 0
    while capture.grab():
        count += 1
    assert count == len(pictures)
    # it is played in a loop: its end is hardly another picture than its beginning
    assert cv2.absdiff(pictures[0], pictures[-1]).mean() < 6


def test_every_sample_is_there_with_its_licence():
    assert all(path.is_file() for path in SAMPLES.values())
    assert "David Beniaguev" in (RECORDINGS["counter"].parent / "LICENSE.SFHQ").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_no_portrait_is_one_of_those_that_are_kept_for_testing(name):
    with (shared_data() / "faces/sfhq/labels.csv").open(encoding="utf-8") as file:
        groups = {row["picture"]: int(row["group"]) for row in csv.DictReader(file)}
    portraits = {person["portrait"]: groups[f"{person['portrait']}.jpg"] for person in truth(name)["people"]}
    assert all(group % 3 for group in portraits.values()), portraits
