"""ResNet-18 (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016)."""

from __future__ import annotations

from torch import Tensor, nn

from .pooled import Pooled, convolution

__all__ = ["ResNet18"]


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut, which is a strided 1x1 convolution where the shape changes."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            convolution(channels_in, channels_out, 3, stride, activation=nn.ReLU),
            convolution(channels_out, channels_out, 3, activation=None),
        )
        keeps_shape = stride == 1 and channels_in == channels_out
        self.beside = (
            nn.Identity() if keeps_shape else convolution(channels_in, channels_out, 1, stride, activation=None)
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.activation(self.block(pictures) + self.beside(pictures))


class ResNet18(Pooled):
    """ResNet-18 with the stem it has for small pictures (3x3, stride 1, no pooling).

    Args:
        width: channels, as a share of the published net's.
        dropout: before the last layer; the published net has none.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.0) -> None:
        channels = max(1, round(64 * width))
        layers: list[nn.Module] = [convolution(1, channels, 3, activation=nn.ReLU)]
        for full, first_stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            wanted = max(1, round(full * width))
            layers += [BasicBlock(channels, wanted, first_stride), BasicBlock(wanted, wanted, 1)]
            channels = wanted
        super().__init__(nn.Sequential(*layers), channels, dropout)
