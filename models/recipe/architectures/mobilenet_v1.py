"""MobileNet (Howard et al., "MobileNets: Efficient CNNs for Mobile Vision Applications", 2017)."""

from __future__ import annotations

from torch import nn

from .pooled import Pooled, Shortcut, convolution

__all__ = ["MobileNetV1"]

#: Channels and stride of each depthwise-separable block.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


class MobileNetV1(Pooled):
    """MobileNet for small grey pictures.

    The stem has stride 1: at 48 px the first layers see what they need, where upscaling to 96 px would cost four times
    as much for the same pixels.

    Args:
        width: channels, as a share of the full net's.
        dropout: before the last layer.
        shortcuts: around every block that keeps its shape. They add no weights and next to no work, and the same
            training gets much further in the same time.
    """

    def __init__(self, width: float = 0.5, dropout: float = 0.2, *, shortcuts: bool = False) -> None:
        channels = int(32 * width)
        layers: list[nn.Module] = [convolution(1, channels, 3)]
        for full, stride in BLOCKS:
            wanted = int(full * width)
            block = nn.Sequential(
                convolution(channels, channels, 3, stride, groups=channels), convolution(channels, wanted, 1)
            )
            keeps_shape = stride == 1 and wanted == channels
            layers.append(Shortcut(block) if shortcuts and keeps_shape else block)
            channels = wanted
        super().__init__(nn.Sequential(*layers), channels, dropout)
