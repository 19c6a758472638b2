"""Further attributes, each added in a single place: the config, which names a model with its sidecar."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_fer import Analyzer
from edge_fer.config import ConfigFaults, Layer, load
from edge_fer.emotion.attributes import AttributeModel, AttributeReader
from edge_fer.emotion.smoothing import ExponentialSmoother
from edge_fer.errors import ModelError
from edge_fer.rules.events import EventTeller
from edge_fer.rules.scene.scene import SceneTeller
from edge_fer.sample import sample_picture
from edge_fer.types import AttributeValue, Doubt, EventKind, Reading, Scene
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon, edge_fer
from tests.fetched import models_folder
from tests.invented import at, reading, track
from tests.running import ENDLESS, SAMPLE, check_payloads, config, is_event
from tests.tiny_model import CROP, write_model, write_sidecar


@pytest.fixture
def attributes(tmp_path):
    """What the config says of three attributes: labels of a face, a number of a face, labels of the whole picture."""
    mask, light, room = (tmp_path / f"{name}.tflite" for name in ("mask", "light", "room"))
    write_model(mask, [0, 0], [0, 3])
    write_sidecar(mask, labels=["with", "without"], crop=CROP)
    write_model(light, [5], [5], channels=3)
    write_sidecar(light, channels=3, range={"low": 0, "high": 10, "step": 0.2}, crop=CROP)
    write_model(room, [5, -5, 0], [0, 0, -9])
    write_sidecar(room, labels=["bright", "dim", "foggy"])
    return {
        "mask": {"model": str(mask)},
        "light": {"model": str(light), "every": "0s", "smoothing": {"time_constant": "0s"}},
        "room": {"model": str(room), "looks_at": "picture", "every": "0.5s"},
    }


@pytest.fixture
def settings(attributes):
    return {"models_dir": str(models_folder()), "attributes": attributes}


def test_they_are_in_the_readings_events_and_scenes_of_a_video(settings):
    moments = list(Analyzer(settings=settings).watch("sample"))
    readings = [one for moment in moments for one in moment.readings]
    assert {tuple(one.attributes) for one in readings} == {("emotion", "mask", "light")}
    for one in readings:
        mask = one.attributes["mask"]
        assert (mask.value, mask.confidence) == ("without", pytest.approx(1 / (1 + np.exp(-3)), abs=1e-3))
        assert mask.scores == {"with": pytest.approx(1 - mask.confidence), "without": mask.confidence}
        assert one.attributes["light"].confidence is None
        assert one.label == one.attributes["emotion"].value
    light = {one.attributes["light"].value for one in readings}
    assert len(light) > 2
    events = [event for moment in moments for event in moment.told.events]
    changed = [event for event in events if event.kind is EventKind.CHANGED]
    assert {event.attribute for event in changed} == {"light"}, "what is told with `appeared` is no change"
    before = next(event for event in events if event.kind is EventKind.APPEARED).reading.attributes["light"].value
    for event in changed:
        assert event.previous == before
        before = event.reading.attributes["light"].value
        assert abs(before - event.previous) >= 0.2
    rooms = {moment.told.scene.attributes["room"].value for moment in moments if moment.told.scene and moment.frame}
    assert rooms <= {"bright", "dim", "uncertain"}
    assert rooms
    assert all("mask" not in moment.told.attributes for moment in moments)
    assert moments[-1].told.scene.attributes == {}, "nobody looks any more"


def test_a_camera_may_have_others_and_switch_some_off(settings, attributes):
    cameras = {"front": {"attributes": {"mask": False, "glow": attributes["light"]}}, "back": {}}
    found = load(overrides=[Layer.mapping("test", settings | {"cameras": cameras})]).config.cameras
    assert set(found["front"].attributes) == {"light", "room", "glow"}
    assert set(found["back"].attributes) == {"mask", "light", "room"}


def test_predict_shows_them_to_people_and_programs(tmp_path, settings):
    file, picture = tmp_path / "config.yaml", tmp_path / "a.png"
    file.write_text(json.dumps(settings))
    cv2.imwrite(str(picture), cv2.cvtColor(sample_picture(), cv2.COLOR_RGB2BGR))

    def said(*more):
        told = edge_fer("predict", str(picture), "--config", str(file), *more)
        assert (told.returncode, told.stderr) == (0, "")
        return told.stdout

    (whole,) = json.loads(said("--json"))["pictures"]
    (face,) = whole["faces"]
    assert face["attributes"]["mask"] == {
        "value": "without",
        "confidence": 0.9526,
        "scores": {"with": 0.0474, "without": 0.9526},
    }
    light = face["attributes"]["light"]
    assert (light["confidence"], light["scores"]) == (None, {})
    assert 0 < light["value"] < 10
    assert list(whole["attributes"]) == ["room"]
    (row,) = csv.DictReader(io.StringIO(said("--csv")))
    assert (row["attribute.mask"], float(row["attribute.light"])) == (
        "without",
        pytest.approx(light["value"], abs=1e-3),
    )
    assert row["attribute.room"] == whole["attributes"]["room"]["value"]
    shown = said()
    assert "mask: without 95 %" in shown
    assert f"light: {light['value']:.3g}" in shown
    assert "room: " in shown


def test_a_recording_of_them_is_replayed_and_analysed(tmp_path, settings):
    file, trace = tmp_path / "config.yaml", tmp_path / "t.jsonl"
    file.write_text(json.dumps(settings | {"cameras": {"front": SAMPLE}, "state_dir": str(tmp_path / "state")}))
    recorded = edge_fer("record", str(trace), "--config", str(file))
    assert recorded.returncode == 0, recorded.stderr
    replayed = edge_fer("replay", str(trace), "--config", str(file), "--json")
    assert (replayed.returncode, replayed.stderr) == (0, "")
    told = json.loads(replayed.stdout)
    counted = told["attributes"]["front"]
    assert counted["mask"] == {"without": told["readings"]}
    assert counted["light"]["readings"] == told["readings"]
    assert 0 <= counted["light"]["lowest"] < counted["light"]["mean"] < counted["light"]["highest"] <= 10
    assert set(counted["room"]) <= {"bright", "dim", "uncertain"}
    shown = edge_fer("replay", str(trace), "--config", str(file)).stdout
    below = shown.partition("\n\nreadings of attributes\n")[2].splitlines()
    assert f"front mask: without {told['readings']}" in below
    analysed = edge_fer("analyze", str(SAMPLE["source"]), "--config", str(file), "--out", str(tmp_path / "analysis"))
    assert analysed.returncode == 0, analysed.stderr
    (csv_file,) = (tmp_path / "analysis").rglob("readings.csv")
    rows = list(csv.DictReader(io.StringIO(csv_file.read_text())))
    assert {row["attribute.mask"] for row in rows} == {"without"}
    assert len({row["attribute.light"] for row in rows}) > 2


def test_they_are_published_but_not_where_events_are_off(tmp_path, settings):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path / "on", config(broker, ENDLESS, **settings)) as daemon:
            seen.wait_for(is_event("changed"), timeout=180)
            seen.wait_for(lambda m: m.topic.endswith("/state") and "room" in m.json.get("attributes", {}), timeout=180)
            assert daemon.stop() == 0, daemon.output
        check_payloads(seen.messages)
        appeared = next(message.json for message in seen.messages if is_event("appeared")(message))
        changed = next(message.json for message in seen.messages if is_event("changed")(message))
    assert appeared["attributes"]["mask"]["value"] == "without"
    assert not {"attribute", "value"} & appeared.keys()
    assert (changed["attribute"], changed["value"]) == ("light", changed["attributes"]["light"]["value"])
    assert isinstance(changed["previous"], float)
    assert changed["confidence"] is None
    private = {"privacy": {"events": "off", "k_minimum": 2}, "summaries": {"windows": ["10s"]}}
    with Mosquitto(tmp_path / "broker2") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path / "off", config(broker, ENDLESS, **settings, **private)) as daemon:
            held_back = seen.wait_for(lambda m: m.topic.endswith("/summary"), timeout=180)[0].json
            assert daemon.stop() == 0, daemon.output
        check_payloads(seen.messages)
        assert not seen.of("/event") + seen.of("/state")
        assert not [m for m in seen.messages if any(f'"{name}"' in m.payload for name in settings["attributes"])]
    assert held_back["held_back"]


class Looks:
    """Counts how often it is looked at, and gives pictures of one grey."""

    def __init__(self, level):
        self.count = 0
        self.level = level

    def __call__(self):
        self.count += 1
        return np.full((20, 20, 3), self.level, np.uint8)


def reader(attributes, name, **changes):
    model = AttributeModel.load(Path(attributes[name]["model"]), of_faces=False)
    how = {"smoother": ExponentialSmoother(0), "every": 1.0, "min_confidence": 0.5} | changes
    return AttributeReader(name, model, **how)


def test_each_person_is_read_when_it_is_time_and_forgotten_when_they_leave(attributes):
    looks, found = Looks(255), reader(attributes, "mask")
    for tick in range(31):
        found.observe("a", tick * 0.1, looks)
    assert looks.count == 4
    found.observe("b", 3.05, looks)
    assert looks.count == 5, "somebody new does not wait"
    found.forget("a")
    assert (found.value("a"), found.value("b").value) == (None, "without")
    found.observe("a", 3.1, looks)
    assert looks.count == 6


def test_a_label_that_scores_too_low_is_uncertain_and_keeps_its_scores(attributes):
    found = reader(attributes, "mask", min_confidence=0.96)
    found.observe("a", 0, Looks(0))
    value = found.value("a")
    assert (value.value, value.doubt) == ("uncertain", Doubt.UNCLEAR)
    assert value.scores["without"] == value.confidence == pytest.approx(0.9526, abs=1e-3)


def test_a_number_stays_in_its_range_and_moves_by_steps(attributes):
    found, told = reader(attributes, "light", every=0.0), []
    for second, level in enumerate((0, 1, 3, 128, 129, 255)):
        found.observe("a", second, Looks(level))
        told.append(found.value("a").value)
    assert told == pytest.approx([0, 0, 0, 5, 5, 10], abs=0.2)
    assert told[0] == told[2]
    assert told[3] == told[4]


def known(seconds, **values):
    told = reading(seconds)
    others = {
        name: value if isinstance(value, AttributeValue) else AttributeValue(value) for name, value in values.items()
    }
    return Reading("cam", "a", at(seconds), told.quality, {**told.attributes, **others})


def test_changes_are_told_with_the_value_before_but_not_what_is_uncertain():
    teller = EventTeller(uncertain_after=1)
    steps = [
        known(0, mask="with"),
        known(1, mask="with", age=30.0),
        known(2, mask=AttributeValue("uncertain", 0.4, {}, Doubt.UNCLEAR), age=30.0),
        known(3, mask="without", age=31.0),
    ]
    told = [
        [
            (str(event.kind), event.attribute, event.previous, event.duration)
            for event in teller.update([step], appeared=[track()] if step is steps[0] else [], left=[], at=step.at)
        ]
        for step in steps
    ]
    assert told == [
        [("appeared", None, None, 0)],
        [("changed", "age", None, 1)],
        [],
        [("changed", "mask", "with", 3), ("changed", "age", 30.0, 3)],
    ]


def test_a_scene_is_told_when_an_attribute_of_it_changes():
    teller = SceneTeller(interval=1)
    light = AttributeValue("light", 0.9, {"light": 0.9, "dark": 0.1})
    scenes = [Scene("cam", at(0), 0, None, 0.0)]
    scenes += [Scene("cam", at(second), 0, None, 0.0, attributes={"room": light}) for second in (1, 2, 3)]
    assert [teller.offer(scene) is not None for scene in scenes] == [True, True, False, False]


@pytest.mark.parametrize(
    ("sidecar", "told"),
    [
        ({"labels": ["on", "off"], "range": {"low": 0, "high": 1, "step": 0.1}}, "either labels or a range"),
        ({}, "either labels or a range"),
        ({"range": {"low": 1, "high": 1, "step": 0.1}}, "range: low must be below high"),
        ({"range": {"low": 0, "high": 1, "step": 0}}, "range.step: "),
        ({"labels": ["on", "uncertain"]}, "none may be uncertain"),
        ({"labels": ["on", "on"]}, "labels must be distinct"),
        ({"labels": ["on", "off", "open"]}, r"labels makes a tensor of shape \(1, 3\), but the model's is \(1, 2\)"),
        ({"labels": ["on", "off"], "channels": 3}, "input makes a tensor of shape"),
        ({"labels": ["on", "off"], "channels": 2}, "input.channels: input should be 1 or 3"),
        ({"labels": ["on", "off"]}, "crop is missing"),
        ({"labels": ["on", "off"], "crop": CROP, "colour": 1}, "colour: extra"),
    ],
)
def test_a_sidecar_that_is_wrong_names_the_attribute_and_the_field(tmp_path, sidecar, told):
    model = tmp_path / "door.tflite"
    write_model(model, [1, -1], [0, 0])
    write_sidecar(model, **sidecar)
    settings = {"models_dir": str(models_folder()), "attributes": {"door": {"model": str(model)}}}
    with pytest.raises(ModelError, match=told) as caught:
        Analyzer(settings=settings).read(sample_picture())
    assert caught.value.message.startswith("attribute door: ")
    assert caught.value.remedy


def test_a_model_that_is_not_there_is_told(tmp_path):
    settings = {"attributes": {"door": {"model": str(tmp_path / "door.tflite")}}}
    with pytest.raises(ModelError, match=r"attribute door: .*door\.json: cannot read"):
        Analyzer(settings=settings).read(sample_picture())


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"emotion": {"model": "a.tflite"}}, "attributes.emotion.*is read anyway"),
        ({"door": {}}, "attributes.door.model.*is missing"),
        ({"door": {"model": "door.json"}}, "is the sidecar of a model"),
        ({"door": {"model": "a.tflite", "looks_at": "hands"}}, "attributes.door.looks_at"),
        ({f"a{number}": {"model": "a.tflite"} for number in range(9)}, "are 9, and 8 at most can be read"),
    ],
)
def test_what_cannot_be_is_told(attributes, told):
    with pytest.raises(ConfigFaults, match=told):
        load(overrides=[Layer.mapping("test", {"attributes": attributes})])


def test_without_any_nothing_is_there_to_be_asked():
    analyzer = Analyzer(settings={"models_dir": str(models_folder())})
    assert analyzer.attributes == ()
    (face,) = analyzer.read(sample_picture()).faces
    assert list(face.attributes) == ["emotion"]
    assert analyzer._stages.attributes == analyzer._stages.picture_attributes == []
