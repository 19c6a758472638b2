"""The nets, by name. Each takes float32 (N, 1, H, W) in the model's range and gives logits (N, 7).

A family is a file. Every net has a ``width`` (channels, as a share of the published net's) and a ``dropout`` before its
last layer. To add one: write its file, add its row here; training, export, report and tests then know it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from .alexnet import AlexNet
from .lenet import LeNet
from .macs import count_macs
from .mini_xception import MiniXception
from .mobilenet_fused import MobileNetFused
from .mobilenet_v1 import MobileNetV1
from .mobilenet_v2 import MobileNetV2
from .mobilenet_v3 import MobileNetV3Small
from .resnet import ResNet18
from .teachers import ResidualTeacher
from .vgg import VGG16, VGG19

__all__ = ["ARCHITECTURES", "build", "count_macs"]

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "mobilenet_v1": MobileNetV1,
    "mobilenet_v1_shortcuts": partial(MobileNetV1, shortcuts=True),
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v3_small": MobileNetV3Small,
    "mini_xception": MiniXception,
    "lenet": LeNet,
    "alexnet": AlexNet,
    "vgg16": VGG16,
    "vgg19": VGG19,
    "resnet18": ResNet18,
    "mobilenet_fused": MobileNetFused,
    "residual_teacher": ResidualTeacher,
}


def build(name: str, **options: float) -> nn.Module:
    """Return a freshly initialised net of :data:`ARCHITECTURES`; ValueError for any other name."""
    if name not in ARCHITECTURES:
        msg = f"no architecture {name!r}; there are {', '.join(ARCHITECTURES)}"
        raise ValueError(msg)
    return ARCHITECTURES[name](**options)
