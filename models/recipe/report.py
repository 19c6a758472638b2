"""Draw the report and fill in the model card: ``python -m models.recipe.report``.

From ``scores.json`` (`evaluate` makes it), ``comparison.json`` (`compare` does) and ``training.jsonl`` (the log of the
shipped model's run), all in ``models/report``. Measures nothing itself.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .card import fill
from .errors import RecipeError, plainly
from .evaluate import REPORT
from .plots import (
    draw_comparison,
    draw_confusion,
    draw_degradation,
    draw_labels,
    draw_reliability,
    draw_training,
)

__all__ = ["draw", "main"]

CARD = REPORT.parents[1] / "MODEL_CARD.md"


def draw(scores: dict, comparison: list[dict], training: list[dict], folder: Path) -> list[Path]:
    """Draw everything that there are numbers for, and return the files."""
    for test in (name for name in ("public-test", "private-test") if name in scores):
        title = test.replace("-", " ")
        draw_confusion(scores[test], title, folder / f"confusion-{test}.png")
        if "reliability" in scores[test]["ferplus_majority"]:  # not in reports of before it was measured
            draw_reliability(scores[test], title, folder / f"reliability-{test}.png")
            draw_labels(scores[test], title, folder / f"labels-{test}.png")
    if "degradation" in scores:
        draw_degradation(scores["degradation"], folder / "degradation.png")
    if comparison:
        draw_comparison(comparison, folder / "comparison.png")
    if training:
        draw_training(training, folder / "training.png")
    return sorted(folder.glob("*.png"))


def main() -> None:
    """Read the command line, draw, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, default=REPORT.parent, help="the folder with the numbers")
    parser.add_argument("--training", type=Path, help="a run's log; the folder's training.jsonl if left out")
    parser.add_argument("--card", type=Path, default=CARD, help="the model card to fill in")
    given = parser.parse_args()
    with plainly():
        path = given.report / "scores.json"
        if not path.is_file():
            msg = f"{path}: no such file"
            raise RecipeError(msg, remedy="Make it first, with models.recipe.evaluate")
        scores = json.loads(path.read_text(encoding="utf-8"))
        compared, log = given.report / "comparison.json", given.training or given.report / "training.jsonl"
        comparison = json.loads(compared.read_text(encoding="utf-8")) if compared.is_file() else []
        training = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
        for file in draw(scores, comparison, training, given.report):
            print(file)
        given.card.write_text(fill(given.card.read_text(encoding="utf-8"), scores, comparison), encoding="utf-8")


if __name__ == "__main__":
    main()
