"""Mini-Xception (Arriaga et al., "Real-time CNNs for Emotion and Gender Classification", 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.recipe.data import LABELS

__all__ = ["MiniXception"]


class Module(nn.Module):
    """Two depthwise-separable convolutions and a pooling, beside a strided 1x1 convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            *_separable(channels_in, channels_out),
            nn.ReLU(inplace=True),
            *_separable(channels_out, channels_out),
            nn.MaxPool2d(3, 2, 1),
        )
        self.beside = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 1, 2, bias=False), nn.BatchNorm2d(channels_out)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return self.block(pictures) + self.beside(pictures)


class MiniXception(nn.Module):
    """Mini-Xception as published, at whatever size comes in.

    It ends in seven maps whose mean is the logits.

    Args:
        width: channels, as a share of the published net's.
        dropout: before the last convolution; the published net has none.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()
        channels = int(8 * width)
        layers: list[nn.Module] = [
            nn.Conv2d(1, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]
        for full in (16, 32, 64, 128):
            layers.append(Module(channels, int(full * width)))
            channels = int(full * width)
        self.maps = nn.Sequential(*layers, nn.Dropout2d(dropout), nn.Conv2d(channels, len(LABELS), 3, padding=1))

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.mean(self.maps(pictures), dim=(2, 3))


def _separable(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False),
        nn.Conv2d(channels_in, channels_out, 1, bias=False),
        nn.BatchNorm2d(channels_out),
    ]
