"""Label sets: all emotions of the model, or fewer of them for places where some only confuse."""

from __future__ import annotations

from edge_fer.types import LABEL_SETS, Scores

__all__ = ["reduce"]


def reduce(scores: Scores, label_set: str) -> Scores:
    """The scores of one set's labels, renormalised: the probabilities if it must be one of them.

    Args:
        scores: probabilities of at least the set's labels.
        label_set: a name of `edge_fer.types.LABEL_SETS`; KeyError for any other.

    Returns:
        The set's labels in the model's order, summing to 1; all alike where the model is sure of something else.
    """
    labels = LABEL_SETS[label_set]
    total = sum(scores[label] for label in labels)
    if total <= 0:
        return dict.fromkeys(labels, 1 / len(labels))
    return {label: scores[label] / total for label in labels}
