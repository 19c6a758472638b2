"""Measure a model as the daemon runs it: ``python -m models.recipe.evaluate``.

Writes ``models/report/scores.json`` and the short form of it into the sidecar. With ``--private`` the private test is
measured too, and the fact is appended to ``models/recipe/private-test.log``: it is for finished models only.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.classifier import EmotionClassifier

from .data import NO_MAJORITY, Split, data_folder, ferplus_majority, load
from .metrics import calibration_error, confusion, interval, macro_f1, per_class, softmax

__all__ = ["main", "measure", "to_json", "update_sidecar"]

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "emotion.tflite"
REPORT = HERE.parent / "report" / "scores.json"
LOG = HERE / "private-test.log"


def measure(logits: NDArray[np.float32], split: Split, temperature: float) -> dict:
    """Return all that is reported of one split's logits (N, 7)."""
    everything, distinct = np.ones(len(split), dtype=bool), ~split.twins
    majority = ferplus_majority(split.votes)
    decided = majority != NO_MAJORITY
    probabilities = softmax(logits, temperature)
    return {
        "fer2013": _against(probabilities, split.labels, everything),
        "fer2013_without_twins": _against(probabilities, split.labels, distinct),
        "ferplus_majority": _against(probabilities, majority, decided),
        "ferplus_majority_without_twins": _against(probabilities, majority, decided & distinct),
    }


def _against(probabilities: NDArray[np.float64], truth: NDArray[np.uint8], rows: NDArray[np.bool_]) -> dict:
    probabilities, truth = probabilities[rows], truth[rows]
    guess = probabilities.argmax(axis=1).astype(np.uint8)
    count = len(truth)
    matrix = confusion(truth, guess)
    return {
        "pictures": count,
        "accuracy": float((guess == truth).mean()),
        "accuracy_95": interval(lambda drawn: float((guess == truth)[drawn].mean()), count),
        "macro_f1": macro_f1(matrix),
        "macro_f1_95": interval(lambda drawn: macro_f1(confusion(truth[drawn], guess[drawn])), count),
        "calibration_error": calibration_error(probabilities, truth),
        "calibration_error_95": interval(lambda drawn: calibration_error(probabilities[drawn], truth[drawn]), count),
        "labels": per_class(matrix),
        "confusion": matrix.tolist(),
    }


def to_json(value: object) -> str:
    """JSON with each flat list on one line, so that a confusion matrix can be read."""
    text = json.dumps(value, indent=1)
    return re.sub(r"\[([^][{}]+)\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def update_sidecar(path: Path, **fields: object) -> None:
    """Write fields into a sidecar, leaving the others as they are."""
    sidecar = json.loads(path.read_text(encoding="utf-8")) | fields
    path.write_text(to_json(sidecar), encoding="utf-8")


def _short(scores: dict) -> dict[str, float]:
    return {
        "fer2013_accuracy": round(scores["fer2013"]["accuracy"], 4),
        "fer2013_accuracy_without_twins": round(scores["fer2013_without_twins"]["accuracy"], 4),
        "ferplus_majority_accuracy": round(scores["ferplus_majority"]["accuracy"], 4),
        "ferplus_majority_macro_f1": round(scores["ferplus_majority"]["macro_f1"], 4),
        "ferplus_majority_calibration_error": round(scores["ferplus_majority"]["calibration_error"], 4),
    }


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def main() -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of FER2013 (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--checkpoint", type=Path, help="its float parent, to tell what int8 cost")
    parser.add_argument("--runtime", help="ai_edge_litert or tflite_runtime; the best there is if left out")
    parser.add_argument("--private", action="store_true", help="also the private test: finished models only, logged")
    given = parser.parse_args()
    data = data_folder(given.data)
    classifier = EmotionClassifier.load(given.model, runtime=given.runtime)
    sha256, temperature = classifier.sidecar.sha256, classifier.sidecar.temperature
    report: dict = {
        "model": classifier.sidecar.name,
        "sha256": sha256,
        "runtime": f"{classifier.model.runtime} {classifier.model.version}",
    }
    for name in ("public-test", *(("private-test",) if given.private else ())):
        split = load(data, name)
        logits = classifier.logits(list(split.images))
        report[name] = _rounded(measure(logits, split, temperature))
        if given.checkpoint:
            floating = _float_logits(given.checkpoint, split)
            same = float((floating.argmax(axis=1) == logits.argmax(axis=1)).mean())
            report[f"{name}-float"] = _rounded({**measure(floating, split, temperature), "same_label_as_int8": same})
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(to_json(report), encoding="utf-8")
    short = {name: _short(report[name]) for name in ("public-test", "private-test") if name in report}
    update_sidecar(given.model.with_suffix(".json"), scores=short)
    print(json.dumps(short, indent=2))
    if given.private:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"at": when, "model": report["model"], "sha256": sha256, **short["private-test"]}
        with LOG.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def _float_logits(checkpoint: Path, split: Split) -> NDArray[np.float32]:
    import torch  # noqa: PLC0415  (the rest of the evaluation does without)

    from .augment import scale  # noqa: PLC0415
    from .checkpoint import load_checkpoint  # noqa: PLC0415

    net, _ = load_checkpoint(checkpoint)
    pictures = torch.from_numpy(split.images).unsqueeze(1).float() / 255
    with torch.inference_mode():
        return torch.cat([net(scale(part)) for part in pictures.split(256)]).numpy()


if __name__ == "__main__":
    main()
