"""Nets that are too heavy for a Pi, from which a small one learns more than from votes and labels alone."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from models.recipe.data import LABELS

__all__ = ["ResidualTeacher"]


def _convolution(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class _Stage(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.enter = _convolution(channels_in, channels_out, stride)
        self.block = nn.Sequential(_convolution(channels_out, channels_out), _convolution(channels_out, channels_out))

    def forward(self, features: Tensor) -> Tensor:
        features = self.enter(features)
        return features + self.block(features)


class ResidualTeacher(nn.Module):
    """A short, broad residual net (He et al., "Deep Residual Learning", 2016) with two answers for each picture.

    Plain convolutions throughout: 224 M MACs, which a CPU with bfloat16 matrices trains as fast as a MobileNet of an
    eighth of that.

    Returns float32 (N, 14): seven logits of what voters would say, then seven of what the FER2013 label would be. The
    two contradict each other often, and what is common to them is learned from both.
    """

    heads = 2

    def __init__(self, width: float = 1.0, dropout: float = 0.3) -> None:
        super().__init__()
        widths = [round(channels * width) for channels in (32, 64, 128, 256)]
        stages = [_Stage(widths[0], widths[0], stride=1)]
        stages += [_Stage(before, after, stride=2) for before, after in pairwise(widths)]
        self.features = nn.Sequential(_convolution(1, widths[0]), *stages)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], self.heads * len(LABELS)))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures).mean(dim=(2, 3)))
