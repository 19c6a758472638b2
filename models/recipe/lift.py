"""Lift rare emotions in a trained net: ``python -m models.recipe.lift --checkpoint best.pt``.

A net that has seen few pictures of an emotion may name it too seldom for its F1. Taking ``strength * log(prior)`` from
the logits mends that after training, at no cost, for it goes into the last layer's bias (Menon et al., "Long-Tail
Learning via Logit Adjustment", 2021). Without ``--strength``, prints what each does on the public test; with it, writes
the changed checkpoint. Not every net gains: one that learned from softened labels named rare emotions often enough.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .checkpoint import load_checkpoint, save_checkpoint
from .data import NO_MAJORITY, data_folder, ferplus_majority, load
from .errors import RecipeError, plainly
from .evaluate import float_logits
from .metrics import confusion, macro_f1, per_class
from .sampling import targets_of

__all__ = ["adjustment", "lift", "main", "prior_of"]

STRENGTHS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


def prior_of(data: Path) -> NDArray[np.float64]:
    """Return how often voters see each emotion in the training pictures, float64 (7,), summing to 1."""
    training = load(data, "train")
    targets, useful = targets_of(training.take(~training.twins), ["votes"], smoothing=0.0)
    return targets[useful].double().mean(dim=(0, 1)).numpy()


def adjustment(prior: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """Return what to add to the logits, float64 (7,), 0 on average."""
    shift = -strength * np.log(prior)
    return shift - shift.mean()


@torch.no_grad()
def lift(net: nn.Module, shift: NDArray[np.float64]) -> None:
    """Add to the logits of a net that ends in a dense layer; RecipeError for any other."""
    head = getattr(net, "head", None)
    if not (isinstance(head, nn.Sequential) and isinstance(head[-1], nn.Linear)):
        msg = f"{type(net).__name__}: does not end in a dense layer named head"
        raise RecipeError(msg, remedy="Lift another net, or none")
    head[-1].bias += torch.from_numpy(shift).to(head[-1].bias)


def _show(checkpoint: Path, data: Path, prior: NDArray[np.float64]) -> None:
    public = load(data, "public-test")
    majority = ferplus_majority(public.votes)
    known = majority != NO_MAJORITY
    logits = float_logits(checkpoint, public)[known]
    for strength in STRENGTHS:
        guess = (logits + adjustment(prior, strength)).argmax(axis=1).astype(np.uint8)
        matrix = confusion(majority[known], guess)
        each = " ".join(f"{label} {of_one['f1']:.2f}" for label, of_one in per_class(matrix).items())
        right = float((guess == majority[known]).mean())
        print(f"{strength:.2f}: accuracy {right:.4f}, macro-F1 {macro_f1(matrix):.4f} ({each})")


def main() -> None:
    """Read the command line; show, or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the pictures (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--strength", type=float, help="0 for none; shows what some would do if left out")
    parser.add_argument("--out", type=Path, help="the changed checkpoint")
    given = parser.parse_args()
    with plainly():
        data = data_folder(given.data)
        prior = prior_of(data)
        if given.strength is None or given.out is None:
            _show(given.checkpoint, data, prior)
            return
        net, state = load_checkpoint(given.checkpoint)
        lift(net, adjustment(prior, given.strength))
        lifted = state.get("lifted", 0.0) + given.strength
        save_checkpoint({**state, "average": net.state_dict(), "lifted": lifted}, given.out)


if __name__ == "__main__":
    main()
