"""LeNet-5 (LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998)."""

from __future__ import annotations

from torch import Tensor, nn

from models.recipe.data import LABELS

__all__ = ["LeNet"]


class LeNet(nn.Module):
    """LeNet-5 with ReLU and max pooling for the tanh and averages of 1998, for pictures of any size.

    Args:
        width: channels, as a share of the published net's.
        dropout: before the last layer; the published net has none.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()
        first, second, third, hidden = (max(1, round(full * width)) for full in (6, 16, 120, 84))
        self.features = nn.Sequential(
            nn.Conv2d(1, first, 5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            # As published, the third layer is a convolution that sees all of what is left of a 32 px picture; of a
            # larger one, it sees each part, and the strongest answer is taken.
            nn.Conv2d(second, third, 5),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Sequential(
            nn.Linear(third, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, len(LABELS)),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return self.classifier(self.features(pictures).amax(dim=(2, 3)))
