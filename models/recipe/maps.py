"""Class-activation maps in the exported graph: what each place of a face says for each label.

A net that takes the mean over its last feature map and then a dense layer may as well apply the dense layer to each
cell and take the mean last: the cells are the class-activation maps (Zhou et al., "Learning Deep Features for
Discriminative Localization", CVPR 2016), and their mean is the logits. So they are made on the way, and whoever wants
them reads a second output; 1x1 convolution and mean cost half a percent of the net's multiply-accumulates.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["with_maps"]


class WithMaps(nn.Module):
    """Pictures (N, 1, H, W) to logits (N, labels), and the maps (N, h, w, labels) whose mean they are."""

    def __init__(self, maps: nn.Module) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.maps(pictures)
        return maps.mean(dim=(2, 3)), maps.permute(0, 2, 3, 1)


class LogitsOnly(nn.Module):
    """A net without maps, as a tuple like those with."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> tuple[Tensor]:
        return (self.net(pictures),)


@torch.no_grad()
def with_maps(net: nn.Module, pictures: Tensor) -> nn.Module:
    """Return the net with its maps beside its logits, or with its logits alone where it has none.

    Args:
        net: in evaluation mode. It has maps if it has a module ``maps`` that ends in them, or ``features`` whose mean
            goes into ``head``, the last layer of which is dense.
        pictures: float32 (N, 1, H, W), on which both ways must come to the same: a net may use these names otherwise.
    """
    maps = _maps_of(net)
    if maps is None:
        return LogitsOnly(net).eval()
    changed = WithMaps(maps).eval()
    same = torch.allclose(changed(pictures)[0], net(pictures), rtol=1e-3, atol=1e-3)
    return changed if same else LogitsOnly(net).eval()


def _maps_of(net: nn.Module) -> nn.Module | None:
    if isinstance(getattr(net, "maps", None), nn.Module):
        return net.maps
    features, head = getattr(net, "features", None), getattr(net, "head", None)
    if (
        not isinstance(features, nn.Module)
        or not isinstance(head, nn.Sequential)
        or not isinstance(head[-1], nn.Linear)
    ):
        return None
    dense = head[-1]
    cells = nn.Conv2d(dense.in_features, dense.out_features, 1)
    cells.weight.copy_(dense.weight[:, :, None, None])
    cells.bias.copy_(dense.bias)
    return nn.Sequential(features, cells)
