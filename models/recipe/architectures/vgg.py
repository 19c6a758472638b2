"""VGG (Simonyan and Zisserman, "Very Deep Convolutional Networks", 2015), with batch norm."""

from __future__ import annotations

from functools import partial

from torch import nn

from .pooled import Pooled

__all__ = ["VGG", "VGG16", "VGG19"]

CHANNELS = (64, 128, 256, 512, 512)


class VGG(Pooled):
    """VGG as it is usual for small faces: batch norm, and one dense layer on the mean of the last maps.

    The three dense layers as published hold 120 of 138 million weights and expect 224 px.

    Args:
        convolutions: how many before each of the five poolings; the mean stands for the last pooling.
        width: channels, as a share of the published net's.
        dropout: before the last layer.
    """

    def __init__(self, convolutions: tuple[int, ...], width: float = 1.0, dropout: float = 0.5) -> None:
        layers: list[nn.Module] = []
        channels = 1
        for stage, (full, count) in enumerate(zip(CHANNELS, convolutions, strict=True)):
            if stage:
                layers.append(nn.MaxPool2d(2))
            for _ in range(count):
                wanted = max(1, round(full * width))
                layers += [nn.Conv2d(channels, wanted, 3, padding=1), nn.BatchNorm2d(wanted), nn.ReLU(inplace=True)]
                channels = wanted
        super().__init__(nn.Sequential(*layers), channels, dropout)


VGG16 = partial(VGG, (2, 2, 3, 3, 3))
VGG19 = partial(VGG, (2, 2, 4, 4, 4))
