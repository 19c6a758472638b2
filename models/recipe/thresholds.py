"""Thresholds of the profiles from curves: ``python -m models.recipe.thresholds``.

For each profile's rule about one person's emotions, tells which share of unhappy faces it finds and which share of calm
ones it takes for unhappy, threshold by threshold; what recall can be had at 5 % false alarms, and what the threshold
that ships gets of it; and how many alerts about a person eight invented hours of calm people raise
(`models.recipe.calm_hours`). The model is read as the daemon runs it, with the profile's own prior and labels. Faces
are single and settled: smoothing, which leaves a settled face's scores as they are, has no part in it.

Thresholds are chosen on SFHQ's choosing part alone: the lowest at which at most 5 % of calm faces are taken for unhappy
and at most one alert is raised, if it gets at least 0.9 of what can be had. Other sets are printed.
``--write`` puts the figures of sets that may be told into
``models/report/thresholds.json`` and onto the pages of the profiles.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_fer.config import Config
from edge_fer.emotion.labels import reduce
from edge_fer.wiring.vision import make_classifier

from .calm_hours import CLIP, PLACES, alerts_by_score, clip_logits, pool, profile_config, readings_of, wavering_of
from .data import LABELS
from .data.portraits import SETS, Portraits, choosing, read_portraits
from .errors import RecipeError, plainly
from .evaluate import FACES, REPORT, to_json
from .measure import rounded
from .metrics import interval

__all__ = ["BAR", "Rule", "chosen", "found_and_false", "measure_rule", "page_part", "picture", "rule_of", "with_part"]

#: The share of calm faces that may be taken for unhappy, at which recalls are compared.
FALSE_ALARMS: Final = 0.05
#: What share of the recall that is available there a threshold must get.
BAR: Final = 0.9
#: Alerts about a person that eight hours of calm people may raise.
MOST_ALERTS: Final = 1
#: Thresholds that are tried.
TRIED: Final = tuple(round(0.05 * step, 2) for step in range(1, 20))
#: Unhappy, and calm.
UNHAPPY, CALM = ("angry", "disgust", "fear", "sad"), ("neutral",)

OUT = REPORT.parent / "thresholds.json"
PAGES = Path(__file__).resolve().parents[2] / "docs" / "profiles"
BEGIN, END = "<!-- curves: python -m models.recipe.thresholds -->", "<!-- end of curves -->"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rule:
    """A profile's rule about one person's emotions.

    Attributes:
        profile: the profile's name.
        name: the rule's.
        emotions: whose scores are added up.
        score: the threshold that ships.
    """

    profile: str
    name: str
    emotions: tuple[str, ...]
    score: float


def rule_of(profile: str, settings: Config) -> Rule:
    """Return the one rule of a profile that adds up a person's scores; RecipeError where there is none."""
    for name, alert in settings.alerts.items():
        emotions, score = getattr(alert.when, "emotion", None), getattr(alert.when, "score", None)
        if emotions and score is not None:
            return Rule(profile, name, tuple(emotions), score)
    msg = f"profile {profile}: has no alert about the emotions of one person"
    raise RecipeError(msg, remedy=f"Choose from {', '.join(PLACES)}")


def found_and_false(unhappy: Floats, calm: Floats, score: float) -> tuple[float, float]:
    """Return which share of the unhappy and of the calm faces reach a threshold, given their sums of scores."""
    return float((unhappy >= score).mean()), float((calm >= score).mean())


def available(unhappy: Floats, calm: Floats) -> tuple[float, float]:
    """Return the highest recall at no more than 5 % false alarms, and the lowest threshold that has it so."""
    allowed = int(FALSE_ALARMS * len(calm) + 1e-9)
    # the next calm face beyond those allowed must stay below
    bound = float(np.sort(calm)[::-1][allowed])
    above = unhappy[unhappy > bound]
    return len(above) / len(unhappy), float(np.min(above)) if len(above) else 1.0


def measure_rule(unhappy: Floats, calm: Floats, score: float) -> dict:
    """Return what a rule gets on one set.

    Args:
        unhappy: sums of scores of unhappy faces.
        calm: of calm ones.
        score: the threshold that ships.
    """
    recall, at = available(unhappy, calm)
    found, false = found_and_false(unhappy, calm, score)

    def share(rows: NDArray[np.int64]) -> float:
        return float((unhappy[rows] >= score).mean())

    return {
        "unhappy": len(unhappy),
        "calm": len(calm),
        "available": recall,
        "available_at": at,
        "shipped": {"score": score, "found": found, "found_95": list(interval(share, len(unhappy))), "false": false},
        "of_available": found / recall if recall else 1.0,
        "curve": [
            {"score": tried, **dict(zip(("found", "false"), found_and_false(unhappy, calm, tried), strict=True))}
            for tried in TRIED
        ],
    }


def chosen(curve: Sequence[Mapping[str, float]], recall: float, alerts: Mapping[float, int] | None) -> float | None:
    """Return the lowest threshold with few enough false alarms and alerts; None where it finds too little.

    Args:
        curve: of `measure_rule`.
        recall: what is available.
        alerts: in eight calm hours, by threshold; None where that is not asked.
    """
    good = (
        row for row in curve if row["false"] <= FALSE_ALARMS and (alerts is None or alerts[row["score"]] <= MOST_ALERTS)
    )
    row = min(good, key=lambda one: one["score"], default=None)
    return row["score"] if row and row["found"] >= BAR * recall else None


def sums(portraits: Portraits, rule: Rule, settings: Config, model: Path | None) -> tuple[Floats, Floats]:
    """Return the sums of scores that a rule sees: of a set's unhappy faces, and of its calm ones."""
    emotion = settings.emotion.model_copy(update={"model": model})
    scores = [reduce(one, emotion.labels) for one in make_classifier(emotion).classify(list(portraits.crops))]
    summed = np.array([sum(one[label] for label in rule.emotions if label in one) for one in scores])
    truth = portraits.truth
    unhappy, calm = (np.isin(truth, [LABELS.index(label) for label in names]) for names in (UNHAPPY, CALM))
    return summed[unhappy], summed[calm]


def sets_in(folder: Path) -> Iterator[tuple[str, Portraits, bool]]:
    """Yield the sets that hold unhappy and calm faces and are not learned from, and whether they may be told."""
    for name, about in SETS.items():
        if not (folder / f"{name}.npz").is_file() or (about.learn and not about.split):
            continue
        portraits = read_portraits(folder, name)
        portraits = portraits.take(choosing(portraits.group)) if about.split else portraits
        truth = portraits.truth
        if all(np.isin([LABELS.index(label) for label in names], truth).any() for names in (UNHAPPY, CALM)):
            yield name, portraits, about.tell


def with_part(page: str, part: str) -> str:
    """Return a page whose generated part is another."""
    before, found, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (found and end):
        msg = f"no {BEGIN} or no {END} in the page"
        raise RecipeError(msg, remedy="Put both where the curve is to stand")
    return f"{before}{BEGIN}\n{part}{END}{after}"


def page_part(report: Mapping) -> str:
    """Return what a profile's page says of its threshold, of a profile's part of the report."""
    one = report["sets"]["sfhq"]
    shipped = one["shipped"]
    counts = f"{one['unhappy']} unhappy and {one['calm']} calm"
    told = [
        f"![Unhappy faces found against calm faces taken for unhappy]({report['profile']}-threshold.svg)",
        "",
        f"Measured on {counts} synthetic portraits (SFHQ's choosing part), each one",
        "settled face; their labels are readings by a vision-language model, not by people. *False alerts* are those",
        f"about a person in a day of {report['hours']:g} invented hours: calm people talk, chew, look down and",
        "close their eyes.",
        "",
        "| `score` | unhappy faces found | calm faces taken for unhappy | false alerts a day |",
        "|---|---|---|---|",
    ]
    alerts = {float(score): count for score, count in report["alerts"].items()}
    ends = [_percent(end) for end in shipped["found_95"]]
    for row in one["curve"]:
        if round(100 * row["score"]) % 10 == 0 or row["score"] == shipped["score"]:
            cells = [f"{row['score']:g}", _percent(row["found"]), _percent(row["false"]), str(alerts[row["score"]])]
            bold = "**" if row["score"] == shipped["score"] else ""
            told.append("| " + " | ".join(f"{bold}{cell}{bold}" for cell in cells) + " |")
    told += [
        "",
        f"With at most 5 % of calm faces taken for unhappy, {_percent(one['available'])} of the unhappy can be found.",
        f"The threshold that ships finds {_percent(shipped['found'])} (95 % interval {ends[0]} to {ends[1]}),",
        f"which is {one['of_available']:.2f} of that.",
        "",
    ]
    return "\n".join(told)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def picture(report: Mapping) -> str:
    """Return the curve of a profile's part of the report as SVG: found against false alarms, up to 20 % of them."""
    left, top, width, height, most = 60, 20, 380, 220, 0.2
    one = report["sets"]["sfhq"]

    def at(row: Mapping) -> tuple[float, float]:
        return left + width * min(row["false"], most) / most, top + height * (1 - row["found"])

    inside = [row for row in one["curve"] if row["false"] <= most]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, inside))
    x, y = at(one["shipped"])
    bar = left + width * FALSE_ALARMS / most
    right, bottom, middle = left + width + 20, top + height + 50, top + height / 2
    font, centred = 'font-family="sans-serif" font-size="12"', 'text-anchor="middle"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" {font}>',
        f'<rect width="{right}" height="{bottom}" fill="#ffffff"/>',
        f'<line x1="{bar:.1f}" y1="{top}" x2="{bar:.1f}" y2="{top + height}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<polyline points="{points}" fill="none" stroke="#2f6f9f" stroke-width="2"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#d1495b"/>',
        f'<text x="{x + 8:.1f}" y="{y + 16:.1f}" fill="#d1495b">{one["shipped"]["score"]:g}, which ships</text>',
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#333"/>',
    ]
    for share in (0.0, 0.05, 0.1, 0.15, 0.2):
        place = left + width * share / most
        lines.append(f'<text x="{place:.1f}" y="{top + height + 16}" {centred}>{_percent(share)}</text>')
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        place = top + height * (1 - share)
        lines.append(f'<text x="{left - 6}" y="{place + 4:.1f}" text-anchor="end">{_percent(share)}</text>')
    lines += [
        f'<text x="{left + width / 2}" y="{top + height + 38}" {centred}>calm faces taken for unhappy</text>',
        f'<text transform="translate(14 {middle}) rotate(-90)" {centred}>unhappy faces found</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def measured(profile: str, given: argparse.Namespace) -> tuple[dict, list[str]]:
    """Return what may be told of a profile's rule, and lines to print, other sets included."""
    settings = profile_config(profile)
    rule = rule_of(profile, settings)
    report: dict = {"profile": profile, "rule": rule.name, "emotions": list(rule.emotions), "sets": {}}
    lines = []
    for name, portraits, tell in sets_in(given.portraits):
        told = measure_rule(*sums(portraits, rule, settings, given.model), rule.score)
        shipped = told["shipped"]
        lines.append(
            f"{profile} {rule.name} on {name}: {told['unhappy']} unhappy, {told['calm']} calm; {rule.score:g} finds "
            f"{shipped['found']:.3f} with {shipped['false']:.3f} false alarms; with 5 % of them "
            f"{told['available']:.3f} can be had, at {told['available_at']:.2f}; {told['of_available']:.2f} of that is "
            f"{'enough' if told['of_available'] >= BAR else 'too little'}"
        )
        lines.append(
            "  " + "  ".join(f"{row['score']:g}: {row['found']:.2f}/{row['false']:.2f}" for row in told["curve"])
        )
        if tell:
            report["sets"][name] = told
    alerts = None
    if given.hours:
        camera_settings = settings.model_copy(
            update={"emotion": settings.emotion.model_copy(update={"model": given.model})}
        )
        wavering = wavering_of(*clip_logits(given.clip, camera_settings))
        people = pool(given.portraits)
        steps = [
            (reading, left)
            for reading, left, _ in readings_of(
                profile, people, wavering, hours=given.hours, model=given.model, seed=given.seed
            )
        ]
        alerts = alerts_by_score(profile, steps, TRIED)
        report |= {"hours": given.hours, "alerts": {str(score): count for score, count in alerts.items()}}
        lines.append(f"  alerts in {given.hours:g} calm hours: {json.dumps(alerts)}")
    for name, told in report["sets"].items():
        report["chosen"] = chosen(told["curve"], told["available"], alerts)
        lines.append(
            f"  chosen on {name}: {report['chosen'] or 'none, for what holds few enough alerts finds too little'}"
        )
    return report, lines


def main() -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a .tflite file with its sidecar; the packaged one if left out")
    parser.add_argument("--portraits", type=Path, default=FACES, help="faces as cut_portraits leaves them")
    parser.add_argument("--clip", type=Path, default=CLIP, help="the recording from which the wavering is taken")
    parser.add_argument("--hours", type=float, default=8.0, help="hours to invent; 0 for none")
    parser.add_argument("--seed", type=int, default=1, help="other hours")
    parser.add_argument("--write", action="store_true", help="into the report and onto the profiles' pages")
    given = parser.parse_args()
    with plainly():
        if given.write and not given.hours:
            msg = "--write --hours 0: the pages tell of alerts"
            raise RecipeError(msg, remedy="Leave out --hours")
        sidecar = make_classifier(profile_config("ward").emotion.model_copy(update={"model": given.model})).sidecar
        report: dict = {"model": sidecar.name, "sha256": sidecar.sha256, "profiles": {}}
        for profile in PLACES:
            report["profiles"][profile], lines = measured(profile, given)
            print(*lines, sep="\n", flush=True)
        if given.write:
            OUT.write_text(to_json(rounded(report)), encoding="utf-8")
            for profile, part in json.loads(OUT.read_text(encoding="utf-8"))["profiles"].items():
                page = PAGES / f"{profile}.md"
                page.write_text(with_part(page.read_text(encoding="utf-8"), page_part(part)), encoding="utf-8")
                (PAGES / f"{profile}-threshold.svg").write_text(picture(part), encoding="utf-8")


if __name__ == "__main__":
    main()
