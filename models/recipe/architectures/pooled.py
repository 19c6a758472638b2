"""What the convolutional families share: their layers, and their common ending."""

from __future__ import annotations

from torch import Tensor, nn

from models.recipe.data import LABELS

__all__ = ["Pooled", "Shortcut", "convolution", "rounded"]


class Pooled(nn.Module):
    """A net that ends in the mean over its last feature map and one dense layer.

    Attributes:
        features: (N, 1, H, W) to feature maps (N, C, h, w).
        head: dropout, then the dense layer.
    """

    def __init__(self, features: nn.Module, channels: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, len(LABELS)))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures).mean(dim=(2, 3)))


class Shortcut(nn.Module):
    """What goes in, added to what a block makes of it (He et al., "Deep Residual Learning", 2016)."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures + self.block(pictures)


def convolution(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU6,
) -> nn.Sequential:
    """Return a convolution that keeps the size, batch norm, and an activation if any.

    In this order the norm folds into the convolution, and of ReLU6, whose range is known, int8 keeps nearly all.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


def rounded(channels: float) -> int:
    """Return the nearest multiple of 8 that is not more than a tenth below, as the MobileNets have it from V2 on."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
