"""The nets, by name. Each takes float32 (N, 1, H, W) in the model's range and gives logits (N, 7)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from .data import LABELS

__all__ = ["ARCHITECTURES", "build", "count_macs"]


def _convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    # ReLU6 and batch norm right after a convolution: both fold into it, and int8 keeps nearly all of it.
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU6(inplace=True),
    )


class Shortcut(nn.Module):
    """What goes in, added to what a block makes of it (He et al., "Deep Residual Learning", 2016)."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures + self.block(pictures)


class MobileNetV1(nn.Module):
    """MobileNet (Howard et al., 2017) for small grey pictures.

    The stem has stride 1: at 48 px the first layers see what they need, where upscaling to 96 px would cost four times
    as much for the same pixels.

    Args:
        width: channels, as a share of the full net's.
        dropout: before the last layer.
        shortcuts: around every block that keeps its shape. They add no weights and next to no work, and the same
            training gets much further in the same time.
    """

    _BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))

    def __init__(self, width: float = 0.5, dropout: float = 0.2, *, shortcuts: bool = False) -> None:
        super().__init__()
        channels = int(32 * width)
        layers: list[nn.Module] = [_convolution(1, channels, 3)]
        for full, stride in self._BLOCKS:
            wanted = int(full * width)
            block = nn.Sequential(
                _convolution(channels, channels, 3, stride, groups=channels), _convolution(channels, wanted, 1)
            )
            keeps_shape = stride == 1 and wanted == channels
            layers.append(Shortcut(block) if shortcuts and keeps_shape else block)
            channels = wanted
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, len(LABELS)))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures).mean(dim=(2, 3)))


from .mobilenet_fused import MobileNetFused  # noqa: E402
from .teachers import ResidualTeacher  # noqa: E402

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "mobilenet_v1": MobileNetV1,
    "mobilenet_v1_shortcuts": partial(MobileNetV1, shortcuts=True),
    "mobilenet_fused": MobileNetFused,
    "residual_teacher": ResidualTeacher,
}


def build(name: str, **options: float) -> nn.Module:
    """Return a freshly initialised net of :data:`ARCHITECTURES`; ValueError for any other name."""
    if name not in ARCHITECTURES:
        msg = f"no architecture {name!r}; there are {', '.join(ARCHITECTURES)}"
        raise ValueError(msg)
    return ARCHITECTURES[name](**options)


def count_macs(net: nn.Module, size: int) -> int:
    """Return the multiply-accumulates of one square picture of ``size`` px, convolutions and dense layers only."""
    total = 0

    def add(layer: nn.Module, _: tuple[Tensor, ...], result: Tensor) -> None:
        nonlocal total
        total += result[0].numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(add) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    was_training = net.training
    with torch.no_grad():
        net.eval()(torch.zeros(1, 1, size, size))
    net.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
