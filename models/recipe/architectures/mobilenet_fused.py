"""A MobileNet whose first stage does without depthwise convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from models.recipe.data import LABELS

from .pooled import Shortcut, convolution

__all__ = ["MobileNetFused"]


def _separable(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels_in, channels_in, 3, stride, groups=channels_in),
        convolution(channels_in, channels_out, 1),
    )


class MobileNetFused(nn.Module):
    """MobileNetV1's blocks (Howard et al., 2017) behind a first stage of plain 3 by 3 convolutions.

    At 48 and 24 px a depthwise convolution and the pointwise one after it are bound by memory; one plain convolution in
    their place ("fused", as in MobileNet-EdgeTPU and EfficientNetV2, Tan and Le, 2021) does more with the same time.
    Every block that keeps its shape has a shortcut around it.

    Args:
        width: channels, as a share of the full net's (58 M MACs, 0.92 M weights).
        dropout: before the last layer.
    """

    _CHANNELS = (24, 48, 128, 256, 512)
    _REPEATS = (2, 4, 5, 1)

    def __init__(self, width: float = 1.0, dropout: float = 0.2) -> None:
        super().__init__()
        stem, *stages = (round(channels * width / 8) * 8 for channels in self._CHANNELS)
        layers: list[nn.Module] = [convolution(1, stem, 3)]
        before = stem
        for at, (channels, repeats) in enumerate(zip(stages, self._REPEATS, strict=True)):
            if at == 0:
                layers.append(convolution(before, channels, 3, stride=2))
                layers += [Shortcut(convolution(channels, channels, 3)) for _ in range(repeats)]
            else:
                layers.append(_separable(before, channels, stride=2))
                layers += [Shortcut(_separable(channels, channels)) for _ in range(repeats)]
            before = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(before, len(LABELS)))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures).mean(dim=(2, 3)))
