"""What a net costs to run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["count_macs"]


def count_macs(net: nn.Module, size: int) -> int:
    """Return the multiply-accumulates of one square picture of ``size`` px, convolutions and dense layers only."""
    total = 0

    def add(layer: nn.Module, _: tuple[Tensor, ...], result: Tensor) -> None:
        nonlocal total
        total += result[0].numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(add) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    was_training = net.training
    with torch.no_grad():
        net.eval()(torch.zeros(1, 1, size, size))
    net.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
