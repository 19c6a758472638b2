"""Gather runs into one table: ``python -m models.recipe.compare RUN …``.

Each RUN is a folder that training left. Its best net is exported to int8 (once; the files stay in the folder), measured
as the shipped model is, and summed up in ``summary.json`` there. All summaries go into
``models/report/comparison.json``, where a run of the same name replaces the one before. A teacher is not compared: what
answers twice is not exported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_fer.emotion.classifier import EmotionClassifier

from .checkpoint import load_checkpoint
from .data import SIZE, data_folder, load
from .errors import RecipeError, plainly
from .evaluate import REPORT, float_logits, log_private, net_of, shifts_of, to_json
from .export import export
from .measure import measure, short

__all__ = ["budget", "gather", "main", "named", "summarise"]

OUT = REPORT.with_name("comparison.json")


def budget(log: Path) -> dict[str, float]:
    """Return what a run cost by its log: epochs, and seconds of training and validating."""
    try:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        msg = f"{log}: cannot read the run's log ({error})"
        raise RecipeError(msg, remedy="Give folders that models.recipe.train has made") from error
    return {"epochs": len(lines), "seconds": round(sum(line.get("seconds", 0.0) for line in lines))}


def name_of(run: Path) -> str:
    """Return what a run is called: its architecture and width, and what it learned where that is not what ships.

    RecipeError where there is no checkpoint in the folder.
    """
    checkpoint = run / "best.pt"
    if not checkpoint.is_file():
        msg = f"{checkpoint}: no such file"
        raise RecipeError(msg, remedy="Give folders that models.recipe.train has made")
    _, state = load_checkpoint(checkpoint)
    settings = state["settings"]
    learned = ", from FER2013's labels" if settings.get("learn") == "labels" else ""
    return f"{settings['architecture']}-{settings['width']:g}{learned}"


def named(runs: Sequence[Path]) -> dict[str, Path]:
    """Return the runs by their names; RecipeError where two have the same."""
    by_name: dict[str, Path] = {}
    for run in runs:
        name = name_of(run)
        other = by_name.setdefault(name, run)
        if other != run:
            msg = f"{other} and {run}: both are called {name}, and only one would stay"
            raise RecipeError(msg, remedy="Compare them one after the other, one of them with --name")
    return by_name


def summarise(name: str, run: Path, data: Path, *, private: bool, limit: int | None = None) -> dict:
    """Return a run's row, and write it into its folder.

    Args:
        name: what to call it.
        run: the folder.
        data: the pictures.
        private: measure on the private test too; logged.
        limit: how many pictures of each test; all if left out.

    Raises:
        RecipeError: its net answers twice, or there is no log in the folder.
    """
    checkpoint, model = run / "best.pt", run / "emotion.tflite"
    if not model.is_file() or model.stat().st_mtime < checkpoint.stat().st_mtime:
        export(checkpoint, model, data)
    classifier = EmotionClassifier.load(model)
    _, state = load_checkpoint(checkpoint)
    row: dict[str, Any] = {
        "name": name,
        **net_of(checkpoint),
        "size": SIZE,
        "int8_bytes": model.stat().st_size,
        "training": budget(run / "log.jsonl"),
        "targets": {key: state["settings"].get(key) for key in ("learn", "smoothing", "mixup", "distil", "rare_boost")},
    }
    shifts = shifts_of(classifier, data)
    for test in ("public-test", *(("private-test",) if private else ())):
        split = load(data, test).take(slice(limit))
        temperature = classifier.sidecar.temperature
        row[test] = short(measure(classifier.logits(list(split.images)), split, temperature, **shifts))
        row[f"{test}-float"] = short(measure(float_logits(checkpoint, split), split, temperature, **shifts))
        if test == "private-test":
            log_private(name, classifier.sidecar.sha256, row[test])
    (run / "summary.json").write_text(to_json(row), encoding="utf-8")
    return row


def gather(rows: list[dict], earlier: list[dict]) -> list[dict]:
    """Return all rows, each name once, the newest of it, fewest multiply-accumulates first."""
    by_name = {row["name"]: row for row in (*earlier, *rows)}
    return sorted(by_name.values(), key=lambda row: row["macs"])


def main() -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders that training left")
    parser.add_argument("--data", help="the pictures (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--name", help="what to call the run; its architecture and width if left out (one RUN only)")
    parser.add_argument("--private", action="store_true", help="also the private test: finished models only, logged")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--limit", type=int, help="use so many pictures only, to try things out")
    given = parser.parse_args()
    if given.name and len(given.runs) > 1:
        parser.error("--name is for one RUN")
    with plainly():
        data = data_folder(given.data)
        runs = {given.name: given.runs[0]} if given.name else named(given.runs)
        rows = [summarise(*run, data, private=given.private, limit=given.limit) for run in runs.items()]
    earlier = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(to_json(gather(rows, earlier)), encoding="utf-8")
    print(f"{given.out}: {', '.join(row['name'] for row in rows)}")


if __name__ == "__main__":
    main()
