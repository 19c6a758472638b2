"""The report's pictures, each from the numbers in ``scores.json``, ``comparison.json`` or a run's log."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from .data import LABELS

__all__ = ["draw_comparison", "draw_confusion", "draw_degradation", "draw_labels", "draw_reliability", "draw_training"]

_TRUTHS = {"ferplus_majority": "FER+ majority", "fer2013": "FER2013 label"}


def draw_training(lines: list[dict], out: Path) -> None:
    """Accuracy and loss by epoch, of the lines of a run's log."""
    epochs = [line["epoch"] for line in lines]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    for name, truth in (("ferplus", "FER+ majority"), ("fer2013", "FER2013 label")):
        left.plot(epochs, [100 * line["public"][name] for line in lines], label=f"public test, {truth}")
    left.set(xlabel="epoch", ylabel="accuracy or F1, %")
    left.plot(epochs, [100 * line["public"]["macro_f1"] for line in lines], label="public test, macro-F1 (FER+)")
    right.plot(epochs, [line["train_loss"] for line in lines], label="training, teacher's part included")
    right.set(xlabel="epoch", ylabel="loss")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    _save(figure, out)


def draw_confusion(scores: dict, title: str, out: Path) -> None:
    """Confusion matrices against both truths, shares of each row's pictures."""
    figure, both = plt.subplots(1, 2, figsize=(11, 5))
    for axes, (name, truth) in zip(both, _TRUTHS.items(), strict=True):
        counts = np.array(scores[name]["confusion"])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            colour = "white" if share > 0.5 else "black"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=colour)
        rows = [f"{label} ({count})" for label, count in zip(LABELS, counts.sum(axis=1), strict=True)]
        axes.set_yticks(range(len(LABELS)), rows, fontsize=8)
        axes.set_xticks(range(len(LABELS)), LABELS, rotation=45, ha="right", fontsize=8)
        axes.set(title=f"{title}: %, by {truth}", xlabel="model", ylabel="truth (pictures)")
    _save(figure, out)


def draw_reliability(scores: dict, title: str, out: Path) -> None:
    """Accuracy by confidence; the bars below show how often each confidence comes up."""
    told = scores["ferplus_majority"]
    bins = told["reliability"]
    confidence = [one["confidence"] for one in bins]
    figure, (axes, below) = plt.subplots(2, 1, figsize=(4.6, 5.4), sharex=True, height_ratios=(3, 1))
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="as sure as right")
    axes.plot(confidence, [one["accuracy"] for one in bins], marker="o", label="model")
    error = f"calibration error {told['calibration_error']:.3f}"
    axes.set(title=f"{title}, FER+ majority: {error}", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    below.bar(confidence, [one["share"] for one in bins], width=0.04)
    below.set(xlabel="confidence", ylabel="share")
    _save(figure, out)


def draw_labels(scores: dict, title: str, out: Path) -> None:
    """Precision, recall and F1 of each label with their 95 % intervals."""
    rows = scores["ferplus_majority"]["labels"]
    figure, axes = plt.subplots(figsize=(9, 3.8))
    for shift, name in zip((-0.25, 0, 0.25), ("precision", "recall", "f1"), strict=True):
        values = np.array([row[name] for row in rows.values()])
        ends = np.array([row[f"{name}_95"] for row in rows.values()])
        reach = np.clip(np.abs(ends - values[:, None]).T, 0, None)
        axes.bar(np.arange(len(rows)) + shift, values, 0.24, yerr=reach, capsize=2, label=name)
    axes.set_xticks(range(len(rows)), [f"{label}\n{row['pictures']}" for label, row in rows.items()], fontsize=8)
    axes.set(title=f"{title}, FER+ majority, 95 % intervals", ylim=(0, 1))
    axes.legend(fontsize=8)
    _save(figure, out)


def draw_degradation(models: dict, out: Path) -> None:
    """Accuracy against how much pictures are harmed, a panel for each way."""
    conditions = next(iter(models.values()))
    figure, panels = plt.subplots(1, len(conditions), figsize=(3.2 * len(conditions), 3.4), sharey=True)
    for axes, condition in zip(np.atleast_1d(panels), conditions, strict=True):
        for model, told in models.items():
            _curve(axes, told[condition], model)
        axes.set(title=condition, xlabel=conditions[condition]["unit"])
        axes.grid(alpha=0.3)
    np.atleast_1d(panels)[0].set_ylabel("accuracy, %, FER+ majority, public test")
    np.atleast_1d(panels)[-1].legend(fontsize=8)
    _save(figure, out)


def _curve(axes: Axes, told: dict, model: str) -> None:
    # By position: amounts go down for some and up for others, and grow by steps of their own.
    places = range(len(told["amounts"]))
    axes.plot(places, [100 * value for value in told["accuracy"]], marker="o", markersize=3, label=model)
    axes.set_xticks(places, [f"{amount:g}" for amount in told["amounts"]], fontsize=7)


def draw_comparison(rows: list[dict], out: Path) -> None:
    """FER+ majority accuracy on the public test against multiply-accumulates."""
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for row in rows:
        accuracy = 100 * row["public-test"]["ferplus_majority_accuracy"]
        axes.scatter(row["macs"] / 1e6, accuracy, s=20 + row["int8_bytes"] / 2e4)
        axes.annotate(row["name"], (row["macs"] / 1e6, accuracy), fontsize=7, xytext=(5, 3), textcoords="offset points")
    axes.set(xscale="log", xlabel="million multiply-accumulates", ylabel="accuracy, %, FER+ majority, public test")
    axes.grid(alpha=0.3)
    _save(figure, out)


def _save(figure: plt.Figure, out: Path) -> None:
    figure.tight_layout()
    # Without a date, so that the same numbers make the same file.
    figure.savefig(out, dpi=90, metadata={"Software": None})
    plt.close(figure)
