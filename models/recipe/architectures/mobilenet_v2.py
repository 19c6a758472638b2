"""MobileNetV2 (Sandler et al., "Inverted Residuals and Linear Bottlenecks", CVPR 2018)."""

from __future__ import annotations

from torch import nn

from .pooled import Pooled, Shortcut, convolution, rounded

__all__ = ["MobileNetV2"]

#: Expansion, channels, blocks, stride of the first of them.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MobileNetV2(Pooled):
    """MobileNetV2 as published, but for one grey channel and a stem of stride 1.

    Its bottlenecks are linear, so that their range is not known beforehand as that of a ReLU6 is; per-channel weights
    and calibrated activations still keep int8 close to float.

    Args:
        width: channels, as a share of the full net's; the last 1280 do not shrink below width 1.
        dropout: before the last layer.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.2) -> None:
        channels = rounded(32 * width)
        layers: list[nn.Module] = [convolution(1, channels, 3)]
        for expansion, full, blocks, first_stride in STAGES:
            wanted = rounded(full * width)
            for stride in (first_stride, *[1] * (blocks - 1)):
                block = _bottleneck(channels, channels * expansion, wanted, stride)
                layers.append(Shortcut(block) if stride == 1 and wanted == channels else block)
                channels = wanted
        last = rounded(1280 * max(1.0, width))
        layers.append(convolution(channels, last, 1))
        super().__init__(nn.Sequential(*layers), last, dropout)


def _bottleneck(channels_in: int, hidden: int, channels_out: int, stride: int) -> nn.Sequential:
    expand = [convolution(channels_in, hidden, 1)] if hidden != channels_in else []
    return nn.Sequential(
        *expand,
        convolution(hidden, hidden, 3, stride, groups=hidden),
        convolution(hidden, channels_out, 1, activation=None),
    )
