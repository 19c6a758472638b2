"""Average the weights of trained nets: ``python -m models.recipe.soup A.pt B.pt … --out C.pt``.

Nets that began from the same weights and were trained otherwise often lie in one basin. The mean of their weights is
then as good as each at what it does best, at the cost of one net (Wortsman et al., "Model soups", 2022).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from .checkpoint import load_checkpoint, save_checkpoint
from .errors import RecipeError, plainly

__all__ = ["main", "soup"]

#: Settings that must agree for an average to make sense.
SAME = ("architecture", "width", "learn", "balance")


def soup(checkpoints: Sequence[Path], out: Path) -> None:
    """Write the mean of several nets' weights, with the settings of the last.

    Args:
        checkpoints: at least two.
        out: the file to write.

    Raises:
        RecipeError: fewer than two, or nets that are not of a kind.
    """
    if len(checkpoints) < 2:
        msg = "a mean needs at least two checkpoints"
        raise RecipeError(msg, remedy="Name more")
    loaded = [load_checkpoint(path) for path in checkpoints]
    _, state = loaded[-1]
    for path, (_, other) in zip(checkpoints, loaded, strict=True):
        for name in SAME:
            given, wanted = other["settings"].get(name), state["settings"].get(name)
            if given != wanted:
                msg = f"{path}: its {name} is {given}, and that of {checkpoints[-1]} {wanted}"
                raise RecipeError(msg, remedy="Average nets of one kind")
    weights = [net.state_dict() for net, _ in loaded]
    mean = {name: _mean([one[name] for one in weights]) for name in weights[0]}
    save_checkpoint({**state, "average": mean}, out)


def _mean(values: list[Tensor]) -> Tensor:
    """The mean of numbers; of counts, such as the steps that a batch norm has seen, the last."""
    return torch.stack(values).mean(dim=0) if values[0].is_floating_point() else values[-1]


def main() -> None:
    """Read the command line and average."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    with plainly():
        soup(given.checkpoints, given.out)


if __name__ == "__main__":
    main()
