"""How often the two runtimes give the same label: ``python -m models.recipe.agreement``.

Needs both, which one environment has only where numpy is below 2 (as the project's own for tests on Python 3.11). Adds
``runtimes`` to ``models/report/scores.json``.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import numpy as np

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.inference.runtime import RUNTIMES, available

from .data import data_folder, load
from .errors import RecipeError, plainly
from .evaluate import MODEL, REPORT, to_json

__all__ = ["agreement", "main"]


def agreement(model: Path, data: Path) -> dict[str, object]:
    """Return on what share of the public test the runtimes agree, and by how many steps their logits differ."""
    missing = [name for name in RUNTIMES if name not in available()]
    if missing:
        msg = f"{', '.join(missing)} cannot be imported here"
        raise RecipeError(msg, remedy="Use an environment with both, as make .venv/test.done makes on Python 3.11")
    images = list(load(data, "public-test").images)
    both = [EmotionClassifier.load(model, runtime=name) for name in RUNTIMES]
    one, other = (classifier.logits(images) for classifier in both)
    steps = np.abs(one - other) / both[0].sidecar.quantisation.output.scale
    return {
        "versions": [f"{classifier.model.runtime} {classifier.model.version}" for classifier in both],
        "machine": platform.machine(),
        "pictures": len(images),
        "same_label": round(float((one.argmax(axis=1) == other.argmax(axis=1)).mean()), 4),
        "mean_steps_apart": round(float(steps.mean()), 3),
    }


def main() -> None:
    """Read the command line, compare, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the pictures (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--report", type=Path, default=REPORT)
    given = parser.parse_args()
    with plainly():
        found = agreement(given.model, data_folder(given.data))
    report = json.loads(given.report.read_text(encoding="utf-8")) | {"runtimes": found}
    given.report.write_text(to_json(report), encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
