"""MobileNetV3-Small (Howard et al., "Searching for MobileNetV3", ICCV 2019)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .pooled import Pooled, Shortcut, convolution, rounded

__all__ = ["MobileNetV3Small"]

#: Kernel, expanded channels, channels, squeeze-and-excite, activation, stride.
BLOCKS = (
    (3, 16, 16, True, nn.ReLU, 2),
    (3, 72, 24, False, nn.ReLU, 2),
    (3, 88, 24, False, nn.ReLU, 1),
    (5, 96, 40, True, nn.Hardswish, 2),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 120, 48, True, nn.Hardswish, 1),
    (5, 144, 48, True, nn.Hardswish, 1),
    (5, 288, 96, True, nn.Hardswish, 2),
    (5, 576, 96, True, nn.Hardswish, 1),
    (5, 576, 96, True, nn.Hardswish, 1),
)


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole picture shows (Hu et al., "Squeeze-and-Excitation Networks", 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = rounded(channels // 4)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        weights = self.fc2(functional.relu(self.fc1(pictures.mean(dim=(2, 3), keepdim=True))))
        return pictures * functional.hardsigmoid(weights)


class MobileNetV3Small(Pooled):
    """MobileNetV3-Small for one grey channel, with a stem of stride 1 and without the hidden dense layer.

    That layer (576 to 1024, for a thousand classes) would be a third of all weights for seven labels. Hard-swish and
    squeeze-and-excite are as published; both cost int8 more than ReLU6 does: the one has no fixed range, the other
    multiplies two quantised tensors.

    Args:
        width: channels, as a share of the full net's.
        dropout: before the last layer.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.2) -> None:
        channels = rounded(16 * width)
        layers: list[nn.Module] = [convolution(1, channels, 3, activation=nn.Hardswish)]
        for kernel, expanded, full, squeezes, activation, stride in BLOCKS:
            hidden, wanted = rounded(expanded * width), rounded(full * width)
            block = nn.Sequential(
                *([convolution(channels, hidden, 1, activation=activation)] if hidden != channels else []),
                convolution(hidden, hidden, kernel, stride, groups=hidden, activation=activation),
                *([SqueezeExcite(hidden)] if squeezes else []),
                convolution(hidden, wanted, 1, activation=None),
            )
            layers.append(Shortcut(block) if stride == 1 and wanted == channels else block)
            channels = wanted
        layers.append(convolution(channels, 6 * channels, 1, activation=nn.Hardswish))
        super().__init__(nn.Sequential(*layers), 6 * channels, dropout)
