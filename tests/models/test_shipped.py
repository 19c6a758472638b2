"""The shipped model is the one that its sidecar, report and card speak of, and as good as they say."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier, packaged_model
from edge_fer.emotion.sidecar import Sidecar, beside
from edge_fer.faces.reading.crop import crop_face
from edge_fer.inference.runtime import available
from edge_fer.types import Box, Face
from models.recipe.card import fill
from models.recipe.data import LABELS, NO_MAJORITY, ferplus_majority, load
from models.recipe.metrics import calibration_error
from tests.shared import shared_data

MODELS = Path(__file__).parents[2] / "models"
SIDECAR = Sidecar.load(MODELS / "emotion.json")
REPORT = json.loads((MODELS / "report" / "scores.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def public():
    return load(shared_data() / "fer2013", "public-test")


def test_files_belong_together():
    sha256 = hashlib.sha256((MODELS / "emotion.tflite").read_bytes()).hexdigest()
    assert sha256 == SIDECAR.sha256 == REPORT["sha256"]
    assert packaged_model().read_bytes() == (MODELS / "emotion.tflite").read_bytes()
    assert beside(packaged_model()).read_bytes() == (MODELS / "emotion.json").read_bytes()


def test_labels_are_in_the_order_of_training():
    assert SIDECAR.labels == LABELS


def test_bars():
    assert (MODELS / "emotion.tflite").stat().st_size <= 1.5e6
    private = SIDECAR.scores["private-test"]
    # it learns from the votes, which FER2013's labels contradict on a third of the pictures, and from other faces; the
    # default prior is not FER+'s
    assert private["ferplus_majority_accuracy"] >= 0.835
    assert private["ferplus_majority_macro_f1"] >= 0.72
    assert private["ferplus_majority_calibration_error"] <= 0.03


def test_sidecar_says_what_the_report_says():
    home = {name: short for name, short in SIDECAR.scores.items() if name in REPORT}
    assert home
    for name, short in home.items():
        assert short["fer2013_accuracy"] == REPORT[name]["fer2013"]["accuracy"]
        assert short["ferplus_majority_accuracy"] == REPORT[name]["ferplus_majority"]["accuracy"]
    elsewhere = {name: short for name, short in SIDECAR.scores.items() if name not in home}
    assert elsewhere.keys() == REPORT["abroad"].keys()
    assert all(short["accuracy"] == REPORT["abroad"][name]["accuracy"] for name, short in elsewhere.items())


def test_private_test_was_logged():
    log = (MODELS / "recipe" / "private-test.log").read_text(encoding="utf-8").splitlines()
    assert SIDECAR.sha256 in [json.loads(line)["sha256"] for line in log]


def test_card_gives_the_reports_figures():
    """Its generated parts are what the report makes of them; `make -C models/recipe report` writes them anew."""
    card = (MODELS / "MODEL_CARD.md").read_text(encoding="utf-8")
    compared = MODELS / "report" / "comparison.json"
    comparison = json.loads(compared.read_text(encoding="utf-8")) if compared.is_file() else []
    assert fill(card, REPORT, comparison) == card
    assert SIDECAR.sha256 in card
    for name in SIDECAR.scores.keys() & REPORT.keys():
        assert f"{100 * REPORT[name]['ferplus_majority']['accuracy']:.1f} %" in card


def test_card_shows_pictures_that_are_there():
    card = (MODELS / "MODEL_CARD.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", card)
    assert len(shown) >= 5
    assert all((MODELS / name).read_bytes().startswith(b"\x89PNG") for name in shown)


def test_as_good_as_it_says(public):
    """On every fourth picture of the public test; the private one is not for tests."""
    sample = public.take(slice(None, None, 4))
    scores = EmotionClassifier.load().classify(list(sample.images))
    probabilities = np.array([list(row.values()) for row in scores])
    guess = probabilities.argmax(axis=1)
    majority = ferplus_majority(sample.votes)
    decided = majority != NO_MAJORITY
    assert REPORT["sha256"] == SIDECAR.sha256
    told = {f"{name}_accuracy": REPORT["public-test"][name]["accuracy"] for name in ("fer2013", "ferplus_majority")}
    assert (guess == sample.labels).mean() == pytest.approx(told["fer2013_accuracy"], abs=0.05)
    assert (guess == majority)[decided].mean() == pytest.approx(told["ferplus_majority_accuracy"], abs=0.05)
    assert calibration_error(probabilities[decided], majority[decided]) < 0.08


def test_runtimes_agree_on_real_faces(public):
    if len(available()) < 2:
        pytest.skip("needs both runtimes")
    faces = list(public.images[:150])
    one, other = (EmotionClassifier.load(runtime=name).logits(faces) for name in available())
    assert (one.argmax(axis=1) == other.argmax(axis=1)).mean() >= 0.98


def test_a_colour_picture_of_a_grey_face_reads_the_same(public):
    classifier = EmotionClassifier.load()
    face = public.images[7]
    colour = np.repeat(face[:, :, None], 3, axis=2)
    assert np.array_equal(classifier.logits([face]), classifier.logits([colour]))


@pytest.mark.parametrize("runtime", available())
def test_evaluation_and_daemon_give_identical_logits(public, monkeypatch, tmp_path, runtime):
    """The recipe's evaluation is run as it is, and what it measures is compared with the daemon's classifier."""
    evaluate = pytest.importorskip("models.recipe.evaluate")
    sample = public.take(slice(0, 40))
    seen = []
    monkeypatch.setattr(evaluate, "load", lambda _folder, _name: sample)
    real = evaluate.measure
    noted = lambda logits, *more, **named: seen.append(logits) or real(logits, *more, **named)  # noqa: E731
    monkeypatch.setattr(evaluate, "measure", noted)
    for name in ("emotion.tflite", "emotion.json"):
        (tmp_path / name).write_bytes((MODELS / name).read_bytes())
    model = str(tmp_path / "emotion.tflite")
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", model, "--report", str(tmp_path / "scores.json")])
    monkeypatch.setattr("sys.argv", [*sys.argv, "--quick", "--runtime", runtime, "--portraits", str(tmp_path)])
    evaluate.main()
    daemon = EmotionClassifier.load(runtime=runtime)
    colour = [np.repeat(face[:, :, None], 3, axis=2) for face in sample.images]
    assert np.array_equal(seen[0], daemon.logits(colour))
    # and through the daemon's own crop: a box whose canonical square is the whole picture
    frame = daemon.crop_frame
    side = 48 / frame.box_scale
    middle = [24 - shift * side for shift in frame.box_shift]
    face = Face(Box(middle[0] - side / 2, middle[1] - side / 2, side, side), 1.0)
    assert np.array_equal(seen[0], daemon.logits([crop_face(picture, face, frame) for picture in colour]))


@pytest.mark.slow
def test_a_model_with_a_prior_is_measured_by_the_default_one(tmp_path, data, monkeypatch):
    evaluate = pytest.importorskip("models.recipe.evaluate")
    sidecar = json.loads((MODELS / "emotion.json").read_text(encoding="utf-8"))
    share = {label: 0.7 if label == "neutral" else 0.05 for label in LABELS}
    sidecar["prior"] = {"learned": dict.fromkeys(LABELS, 1 / 7), "reference": share}
    (tmp_path / "emotion.json").write_text(json.dumps(sidecar))
    (tmp_path / "emotion.tflite").write_bytes((MODELS / "emotion.tflite").read_bytes())
    arguments = ["--model", tmp_path / "emotion.tflite", "--data", data, "--report", tmp_path / "scores.json"]
    monkeypatch.setattr("sys.argv", ["evaluate", *map(str, arguments), "--quick", "--portraits", str(tmp_path)])
    evaluate.main()
    public = load(data, "public-test")
    scores = EmotionClassifier.load(tmp_path / "emotion.tflite").classify(list(public.images))
    guess = [max(row, key=row.__getitem__) for row in scores]
    told = json.loads((tmp_path / "scores.json").read_text())["public-test"]
    right = np.mean([LABELS.index(label) == truth for label, truth in zip(guess, public.labels, strict=True)])
    assert told["fer2013"]["accuracy"] == pytest.approx(right)
    assert told["by_own_prior"].keys() == {"fer2013", "ferplus_majority"}
