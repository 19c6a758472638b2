"""AlexNet (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from models.recipe.data import LABELS

__all__ = ["AlexNet"]

#: Side of the feature maps that the dense layers see, whatever the picture's.
SIDE = 3


class AlexNet(nn.Module):
    """AlexNet in its one-column form, with a stem for 48 px: 5x5 at stride 1, not 11x11 at stride 4.

    Args:
        width: channels, of the dense layers too, as a share of the published net's.
        dropout: before the dense layers.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()
        c1, c2, c3, c4, dense = (max(1, round(full * width)) for full in (64, 192, 384, 256, 4096))
        self.features = nn.Sequential(
            nn.Conv2d(1, c1, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(c1, c2, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(c2, c3, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c3, c4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c4, c4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(c4 * SIDE * SIDE, dense),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(dense, dense),
            nn.ReLU(inplace=True),
            nn.Linear(dense, len(LABELS)),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        features = self.features(pictures)
        # 36 px leave 5x5 cells, 48 px leave 6x6; TFLite has no adaptive pooling, so the cell size is worked out here.
        cell = features.shape[-1] // SIDE
        return self.classifier(functional.avg_pool2d(features, cell)[..., :SIDE, :SIDE].flatten(1))
