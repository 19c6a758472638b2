"""The nets by name, and that each can be exported to int8 as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the recipe's own environment has PyTorch")

from edge_fer.inference.runtime import Model  # noqa: E402
from models.recipe.architectures import ARCHITECTURES, build, count_macs  # noqa: E402
from models.recipe.checkpoint import load_checkpoint  # noqa: E402
from models.recipe.export import fold, to_tflite  # noqa: E402

#: Millions of parameters and of multiply-accumulates at width 1 and 48 px.
SIZES = {
    "mobilenet_v1": (3.21, 103),
    "mobilenet_v1_shortcuts": (3.21, 103),
    "mobilenet_v2": (2.23, 53.7),
    "mobilenet_v3_small": (0.93, 9.8),
    "mini_xception": (0.057, 5.5),
    "lenet": (0.061, 2.28),
    "alexnet": (28.7, 515),
    "vgg16": (14.7, 702),
    "vgg19": (20.0, 893),
    "resnet18": (11.2, 1247),
}


def count(net):
    return sum(weight.numel() for weight in net.parameters())


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    net = build(name, width=1.0).eval()
    millions = count(net) / 1e6, count_macs(net, 48) / 1e6
    assert millions == pytest.approx(SIZES[name], rel=0.01)
    assert net.training is False


@pytest.mark.parametrize("size", [36, 48])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_takes_every_size_and_learns(name, size):
    net = build(name, width=0.25)
    assert sum(weight.numel() for weight in net.parameters()) < sum(
        w.numel() for w in build(name, width=1).parameters()
    )
    logits = net(torch.rand(4, 1, size, size, generator=torch.Generator().manual_seed(0)))
    assert logits.shape[0] == 4
    assert logits.shape[1] in {7, 14}  # a teacher may answer twice
    logits.square().sum().backward()
    assert all(weight.grad is not None for weight in net.parameters())


def test_unknown_architecture():
    with pytest.raises(ValueError, match="no architecture 'alexa'; there are mobilenet_v1"):
        build("alexa")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_folding_changes_nothing(name):
    torch.manual_seed(0)
    net = build(name, width=0.25)
    net(torch.rand(16, 1, 48, 48))  # so that the norms have something to fold
    net.eval()
    pictures = torch.rand(4, 1, 48, 48)
    folded = fold(net)
    assert torch.allclose(folded(pictures), net(pictures), atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())


@pytest.mark.filterwarnings("default")  # the converter's and the quantiser's own
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "lenet"])
def test_export(name):
    torch.manual_seed(0)
    net = build(name, width=0.5)
    for _ in range(20):
        net(torch.rand(16, 1, 48, 48) * 2 - 1)
    net.eval()
    pictures = np.random.default_rng(0).integers(0, 256, (12, 48, 48), np.uint8)
    model = Model(to_tflite(net, pictures), name=name)
    assert (model.input.shape, model.output.shape) == ((1, 48, 48, 1), (1, 7))
    told = model.invoke((pictures[0].astype(np.int16) - 128).astype(np.int8))
    floating = net(torch.from_numpy(pictures[:1]).unsqueeze(1).float() / 127.5 - 1).detach().numpy()
    wanted = np.rint(floating / model.output.scale) + model.output.zero_point
    assert np.abs(told - wanted).max() < 40  # of 255 steps: untrained logits hardly differ from one another


def test_the_shipped_checkpoint_still_loads():
    net, state = load_checkpoint(Path(__file__).parents[2] / "models" / "recipe" / "shipped.pt")
    assert state["settings"]["architecture"] in ARCHITECTURES
    assert net(torch.zeros(1, 1, 48, 48)).shape == (1, 7)
