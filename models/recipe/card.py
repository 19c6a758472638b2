"""The model card's numbers: the parts of ``MODEL_CARD.md`` between markers, written from the report's. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .errors import RecipeError
from .measure import AGAINST, short

__all__ = ["PARTS", "fill"]

_BEGIN, _END = "<!-- report: {} -->", "<!-- end of report -->"
_TRUTHS = dict(
    zip(
        AGAINST,
        ("FER2013 labels", "FER2013 labels, without twins", "FER+ majority", "FER+ majority, without twins"),
        strict=True,
    )
)
_TESTS = {"private-test": "private test", "public-test": "public test"}


def fill(card: str, scores: dict, comparison: list[dict]) -> str:
    """Return the card with its parts written anew.

    Args:
        card: as it is; each part stands between ``<!-- report: NAME -->`` and ``<!-- end of report -->``.
        scores: what ``scores.json`` holds.
        comparison: what ``comparison.json`` holds; may be empty.

    Raises:
        RecipeError: the card lacks a part, or has one that there is not.
    """
    pattern = re.compile(rf"{_BEGIN.format('([a-z0-9-]+)')}\n.*?{re.escape(_END)}", re.DOTALL)
    names = [found[1] for found in pattern.finditer(card)]
    if sorted(names) != sorted(PARTS):
        msg = f"MODEL_CARD.md: has the parts {', '.join(names) or '(none)'}, not {', '.join(PARTS)}"
        raise RecipeError(msg, remedy=f"Put each between {_BEGIN.format('NAME')} and {_END}")
    return pattern.sub(lambda found: f"{_BEGIN.format(found[1])}\n{PARTS[found[1]](scores, comparison)}\n{_END}", card)


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _between(ends: list[float], places: int = 2) -> str:
    return f"{ends[0]:.{places}f} to {ends[1]:.{places}f}"


def _model(scores: dict, _: list[dict]) -> str:
    net = scores.get("net")
    size = f"{scores['bytes'] / 1e6:.2f} MB" if "bytes" in scores else "size not measured"
    lines = [f"- Model `{scores['model']}`, {size}, sha256 `{scores['sha256']}`."]
    if net:
        millions = f"{net['parameters'] / 1e6:.3f} million parameters, {net['macs'] / 1e6:.1f} million"
        lines.append(
            f"- Architecture `{net['architecture']}`, width {net['width']:g}: {millions} multiply-accumulates."
        )
    if "temperature" in scores:
        lines.append(
            f"- Temperature {scores['temperature']:g}. Measured with {scores['runtime']}, one crop, no flipping."
        )
    return "\n".join(lines)


def _accuracy(test: str) -> Callable[[dict, list[dict]], str]:
    def part(scores: dict, _: list[dict]) -> str:
        if test not in scores:
            return f"The {_TESTS[test]} has not been read for this model."
        own = scores[test].get("by_own_prior", {})
        rows = [
            (
                truth,
                f"{told['pictures']:,}",
                _percent(told["accuracy"]),
                " to ".join(f"{100 * end:.1f}" for end in told["accuracy_95"]),
                f"{told['macro_f1']:.3f} ({_between(told['macro_f1_95'])})",
                f"{told['calibration_error']:.3f} ({_between(told['calibration_error_95'], 3)})",
            )
            for truth, told in (
                *((truth, scores[test][name]) for name, truth in _TRUTHS.items()),
                *((f"{_TRUTHS[name]}, by their own prior", told) for name, told in own.items()),
            )
        ]
        head = ("measured against", "pictures", "accuracy", "95 % interval", "macro-F1", "calibration error")
        text = _table(head, rows)
        contempt = scores[test].get("ferplus_majority_contempt_as_error")
        if contempt:
            text += (
                f"\n\nPictures whose majority is contempt ({contempt['contempt']}) have no place above. Counted as "
                f"errors, as papers with eight classes would: {_percent(contempt['accuracy'])}."
            )
        return text

    return part


def _best_test(scores: dict) -> str:
    return "private-test" if "private-test" in scores else "public-test"


def _labels(scores: dict, _: list[dict]) -> str:
    test = _best_test(scores)
    told = scores[test]
    rows = [
        (
            label,
            row["pictures"],
            *(
                f"{row[name]:.2f}" + (f" ({_between(row[f'{name}_95'])})" if f"{name}_95" in row else "")
                for name in ("precision", "recall", "f1")
            ),
            told["fer2013"]["labels"][label]["pictures"],
            f"{told['fer2013']['labels'][label]['recall']:.2f}",
        )
        for label, row in told["ferplus_majority"]["labels"].items()
    ]
    head = ("label", "pictures (FER+)", "precision", "recall", "F1", "pictures (FER2013)", "recall")
    return f"On the {_TESTS[test]}, with 95 % intervals:\n\n{_table(head, rows)}"


def _label_sets(scores: dict, _: list[dict]) -> str:
    test = _best_test(scores)
    sets = scores[test].get("label_sets")
    if not sets:
        return "Not measured for this model."
    rows = [
        (
            f"`{name}`",
            ", ".join(told["labels"]),
            f"{told['pictures']:,}",
            f"{_percent(told['accuracy'])} ({' to '.join(f'{100 * end:.1f}' for end in told['accuracy_95'])})",
            f"{told['macro_f1']:.3f}",
            f"{told['calibration_error']:.3f}",
        )
        for name, told in sets.items()
    ]
    head = ("set", "labels", "pictures", "accuracy", "macro-F1", "calibration error")
    return f"On the pictures of the {_TESTS[test]} that show one of the set's labels:\n\n{_table(head, rows)}"


def _int8(scores: dict, _: list[dict]) -> str:
    lines = []
    for test, name in _TESTS.items():
        floating = scores.get(f"{test}-float")
        if test not in scores or not floating:
            continue
        both = {key: (scores[test][key], floating[key]) for key in ("ferplus_majority", "fer2013")}
        pairs = [
            f"{100 * one['accuracy']:.2f} % against {100 * other['accuracy']:.2f} % ({_TRUTHS[key]})"
            for key, (one, other) in both.items()
        ]
        same = floating["same_label_as_int8"]
        lines.append(
            f"- On the {name}, int8 has {' and '.join(pairs)} of its float parent; the two give the same label on "
            f"{_percent(same)} of the pictures."
        )
    agree = scores.get("runtimes")
    if agree:
        versions = " and ".join(agree["versions"])
        lines.append(
            f"- The two runtimes ({versions}, on {agree['machine']}) give the same label on "
            f"{100 * agree['same_label']:.2f} % of the public test."
        )
    return "\n".join(lines) or "Not measured for this model."


def _degradation(scores: dict, _: list[dict]) -> str:
    models = scores.get("degradation")
    if not models:
        return "Not measured for this model."
    rows = []
    for condition, told in models["ours"].items():
        first = True
        for at, amount in enumerate(told["amounts"]):
            cells = [_percent(one[condition]["accuracy"][at]) for one in models.values()]
            rows.append((f"{condition} ({told['unit']})" if first else "", f"{amount:g}", *cells))
            first = False
    names = ["this model" if name == "ours" else f"`{name}`" for name in models]
    return f"Accuracy on the public test, FER+ majority:\n\n{_table(('harm', 'amount', *names), rows)}"


def _comparison(scores: dict, comparison: list[dict]) -> str:
    tests = [test for test in ("public-test", "private-test") if test in scores]
    head: tuple[str, ...] = ("model", "parameters", "MACs", "int8 size", "training")
    for test in tests:
        head += (f"FER+ majority, {_TESTS[test]}", f"FER2013, {_TESTS[test]}", "macro-F1 (FER+)", "calibration error")
    rows = []
    net = scores.get("net", {})
    rows.append(("**this model**", *_costs(net, scores.get("bytes")), "see below", *_results(scores, tests)))
    for row in comparison:
        training = row["training"]
        spent = f"{training['epochs']} epochs, {training['seconds'] / 60:.0f} min"
        rows.append((row["name"], *_costs(row, row["int8_bytes"]), spent, *_results(row, tests)))
    for name, told in scores.items():
        if name.startswith("fer "):
            rows.append((f"`{name}`", *_costs({}, told["bytes"]), "its authors'", *_results(told, tests)))
    return _table(head, rows)


def _costs(net: dict, size: int | None) -> tuple[str, str, str]:
    return (
        f"{net['parameters'] / 1e3:,.0f} k" if "parameters" in net else "",
        f"{net['macs'] / 1e6:.1f} M" if "macs" in net else "",
        f"{size / 1e6:.2f} MB" if size else "",
    )


def _results(told: dict, tests: list[str]) -> list[str]:
    cells = []
    for test in tests:
        if test not in told:
            cells += ["not read"] * 4
            continue
        # a whole report, or a summary
        one = short(told[test]) if "ferplus_majority" in told[test] else told[test]
        cells += [_percent(one["ferplus_majority_accuracy"]), _percent(one["fer2013_accuracy"])]
        cells += [f"{one[f'ferplus_majority_{name}']:.3f}" for name in ("macro_f1", "calibration_error")]
    return cells


_ELSEWHERE = {
    "sfhq, testing": "SFHQ portraits, testing part",
    "sfhq, choosing": "SFHQ portraits, choosing part",
    "emonet, testing": "EmoNet-Face HQ, testing part",
    "emonet, choosing": "EmoNet-Face HQ, choosing part",
    "london": "London",
}


def _abroad(scores: dict, _: list[dict]) -> str:
    measured = scores.get("abroad")
    if not measured:
        return "Not measured for this model."
    sets = [(title, measured[name]) for name, title in _ELSEWHERE.items() if name in measured]
    keys = ("accuracy", "macro_f1", "calibration_error", "errors_in_unsurest_third")
    rows = [(title, told["pictures"], *(_with_ends(told, key) for key in keys)) for title, told in sets]
    head = ("set", "pictures", "accuracy", "macro-F1", "calibration error", "errors in the unsurest third")
    shown = ("angry", "happy", "sad", "surprise", "neutral")
    labels = [
        (title, *(_recall(row) for row in rates))
        for title, told in sets
        for rates in ([told["labels"][label] for label in shown],)
    ]
    return f"{_table(head, rows)}\n\nRecall, precision (pictures):\n\n{_table(('set', *shown), labels)}"


def _groups(scores: dict, _: list[dict]) -> str:
    measured = scores.get("groups", {})
    name = next((one for one in _ELSEWHERE if one in measured), None)
    if name is None:
        return "Not measured for this model."
    keys = ("accuracy", "macro_f1", "uncertain", "neutral_bias")
    rows = [
        (group, told["pictures"], *(_with_ends(told, key) + _of_labels(told, key) for key in keys))
        if "accuracy" in told
        else (group, told["pictures"], "too few", "", "", "")
        for group, told in measured[name].items()
    ]
    head = ("perceived", "pictures", "accuracy", "macro-F1", "uncertain", "read as neutral, labelled otherwise")
    return f"On the {_ELSEWHERE[name]}:\n\n{_table(head, rows)}"


def _recall(row: dict) -> str:
    return f"{row['recall']:.2f}, {row['precision']:.2f} ({row['pictures']})" if row["pictures"] else ""


def _of_labels(told: dict, key: str) -> str:
    return f", {len(told['labels'])} labels" if key == "macro_f1" and key in told else ""


def _with_ends(told: dict, key: str) -> str:
    return f"{told[key]:.2f} ({_between(told[f'{key}_95'])})" if key in told else ""


#: The card's parts, by name.
PARTS: dict[str, Callable[[dict, list[dict]], str]] = {
    "model": _model,
    "private-test": _accuracy("private-test"),
    "public-test": _accuracy("public-test"),
    "labels": _labels,
    "label-sets": _label_sets,
    "abroad": _abroad,
    "groups": _groups,
    "int8": _int8,
    "degradation": _degradation,
    "comparison": _comparison,
}
