"""From the config to a detector, and what `auto` means."""

from __future__ import annotations

import json
import shutil

import pytest

from edge_fer.config.tree import CameraSection, FacesSection
from edge_fer.errors import ModelError
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.detectors.choice import DETECTORS, make_detector
from edge_fer.inference.catalogue import BLAZEFACE, YUNET
from edge_fer.inference.store import Store
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import UNCERTAIN, Frame, QualityFault
from edge_fer.wiring import build_pipeline
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.faces.pictures import on_wall, portrait
from tests.fetched import models_folder
from tests.invented import at
from tests.shared import shared_data


def test_every_name_of_the_config_is_in_the_table():
    names = set(FacesSection.model_fields["detector"].annotation.__args__)
    assert names == {"auto", *DETECTORS}


def test_auto_takes_blazeface_where_it_is(caplog):
    store = Store(models_folder())
    made = make_detector(FacesSection(), store)
    assert made.name == "blazeface"
    assert len(made.detect(portrait())) == 1
    assert not caplog.records


@pytest.mark.parametrize("damage", ["nothing there", "one missing", "one damaged"])
def test_auto_falls_back_to_nothing_and_says_what_to_do(tmp_path, damage):
    store = Store(tmp_path / "models")
    if damage != "nothing there":
        shutil.copytree(models_folder(), store.folder)
        path = store.path(BLAZEFACE["full"])
        path.unlink() if damage == "one missing" else path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=r"Fetch it: edge-fer models fetch blazeface; or .*-o faces\.detector=haar"):
        make_detector(FacesSection(), store)
    assert make_detector(FacesSection(detector="haar"), store).name == "haar"


def stepping(sides):
    """Readings of somebody whose head is so many pixels high, frame by frame, at the default `min_size` of 48.

    Of a head of 108, BlazeFace says that the face is 71 wide, of 94 it says 64, and of 72 it says 42.
    """
    faces = FacesSection(detect_every=0, rest_every=0)
    line = build_pipeline("front", CameraSection(faces=faces), store=Store(models_folder()), time=Stopwatch())
    told = []
    for index, side in enumerate(sides):
        image = on_wall(360, 640, (250, 100, side))
        told.append(line.step(Frame("front", index, image, at(index / 10))).readings)
    return told


def test_somebody_who_steps_back_a_little_stays_the_same_and_is_read_on():
    # for longer than anybody is followed without being found
    told = stepping([108] * 4 + [104, 100, 96] + [94] * 120)
    assert len({reading.track_id for readings in told for reading in readings}) == 1
    (last,) = told[-1]
    assert last.quality.faults == ()
    assert last.scores


def test_whoever_is_a_little_too_far_away_is_told_as_too_small():
    (last,) = stepping([72] * 8)[-1]
    assert (last.label, last.quality.faults) == (UNCERTAIN, (QualityFault.TOO_SMALL,))
    assert stepping([62] * 8)[-1] == ()


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080)], ids=str)
def test_faces_a_little_too_small_cost_no_more_searches(size):
    made = make_detector(FacesSection(), Store(models_folder()))
    models = {which: made_of.args[0] for which, made_of in made._make.items()}
    strict = BlazeFaceDetector(models)
    inputs = [[(which, longest) for which, _, longest in one._views(*size)] for one in (made, strict)]
    assert inputs[0] == inputs[1]


def test_one_range_needs_one_file(tmp_path):
    store = Store(tmp_path)
    shutil.copy(Store(models_folder()).path(BLAZEFACE["short"]), tmp_path)
    assert make_detector(FacesSection(range="short"), store).name == "blazeface"
    with pytest.raises(ModelError, match=r"full_range_sparse\.tflite: cannot read.*models fetch blazeface"):
        make_detector(FacesSection(detector="blazeface", range="full"), store)


def test_rotations_and_smallest_size_reach_blazeface():
    store = Store(models_folder())
    made = make_detector(FacesSection(detector="blazeface", rotations=(0, 90), min_size=200), store)
    assert isinstance(made, BlazeFaceDetector)
    assert made._turns == (0, 90)
    assert made.detect(portrait()) == []


def test_yunet_takes_the_file_that_is_named(tmp_path):
    model = shared_data() / "reference" / "yunet_n_320_320.onnx"
    assert make_detector(FacesSection(detector="yunet", model=model), Store(tmp_path)).name == "yunet"
    with pytest.raises(ModelError, match=r"`faces\.model: .*gone\.onnx` cannot be read: No such file"):
        make_detector(FacesSection(detector="yunet", model=tmp_path / "gone.onnx"), Store(tmp_path))
    with pytest.raises(ModelError, match=rf"{YUNET.file}: cannot read the model.*models fetch yunet"):
        make_detector(FacesSection(detector="yunet"), Store(tmp_path))


def test_mtcnn_without_its_package_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "mtcnn", None)
    with pytest.raises(ModelError, match=r"`faces\.detector: mtcnn` cannot be used.*pip install 'edge-fer\[mtcnn\]'"):
        make_detector(FacesSection(detector="mtcnn"), Store(tmp_path))


@pytest.mark.parametrize("which", ["blazeface", "haar"])
def test_info_says_what_finds_faces(tmp_path, which):
    faces = {} if which == "blazeface" else {"detector": "haar"}
    config = {
        "cameras": {"front": {"source": str(sample_path()), "speed": "fast"}},
        "models_dir": str(models_folder()),
        "faces": faces,
        "log_level": "warning",
    }
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        config["mqtt"] = {"broker": broker.url}
        with Daemon(tmp_path, config) as daemon:
            assert daemon.wait() == 0, daemon.output
        seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["event_type"] == "left")
        assert json.loads(broker.retained("edge-fer/#")["edge-fer/test/info"])["detector"] == which
