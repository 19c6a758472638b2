"""How a net's weights change: the rate, the averaging, and how far a run has come."""

from __future__ import annotations

import copy
import math
import time

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Average", "Progress", "cross_entropy", "learning_rate", "make_optimiser"]


class Progress:
    """How much of the training is done, 0 to 1: by epochs, or by time where that ends earlier.

    The learning rate follows it, so that a run on a busy machine decays over whatever time is left and still ends well.
    """

    def __init__(self, steps: int, finish_by: float | None) -> None:
        self.done = 0.0
        self._by_step = 1 / steps
        self._finish_by = finish_by
        self._before = time.time()

    def step(self) -> None:
        gain = self._by_step
        now = time.time()
        if self._finish_by is not None:
            left = max(self._finish_by - self._before, 1e-9)
            gain = max(gain, (1 - self.done) * min(1, (now - self._before) / left))
        self._before = now
        # A million small steps do not add up to exactly one.
        self.done = 1.0 if self.done + gain > 1 - 1e-6 else self.done + gain


class Average:
    """The exponential moving average of a net's weights and batch statistics: steadier than any single step."""

    def __init__(self, net: nn.Module, keep: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
        self._keep = keep
        self.steps = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        # Young averages forget faster, or the random start would linger in them.
        keep = min(self._keep, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def learning_rate(highest: float, warm_up: float, done: float) -> float:
    """Warm up linearly, then go down along a cosine to nothing."""
    if done < warm_up:
        return highest * max(done / warm_up, 0.01)
    return highest * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def make_optimiser(net: nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    """AdamW; weight decay on the kernels only, as norms, biases and depthwise kernels are too few to need any."""
    kernels = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.weight[0].numel() > 9]
    known = {id(weight) for weight in kernels}
    others = [weight for weight in net.parameters() if id(weight) not in known]
    groups = [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross entropy of logits and target distributions, both (N, heads, 7)."""
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(0, 1))
