"""Starting from torchvision's weights, whose names and shapes are written out here as its source has them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the recipe's own environment has PyTorch")

from models.recipe.architectures import build  # noqa: E402
from models.recipe.errors import RecipeError  # noqa: E402
from models.recipe.pretrained import start_from  # noqa: E402


def norm(name, channels):
    shapes = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return shapes | {f"{name}.num_batches_tracked": ()}


def conv_norm(name, channels_in, channels_out, kernel, groups=1, parts=("0", "1")):
    conv = {f"{name}.{parts[0]}.weight": (channels_out, channels_in // groups, kernel, kernel)}
    return conv | norm(f"{name}.{parts[1]}", channels_out)


def dense(name, into, out):
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def mobilenet_v2():
    shapes = conv_norm("features.0", 3, 32, 3)
    at, channels = 1, 32
    for expand, wanted, count in ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)):
        for _ in range(count):
            block, hidden = f"features.{at}.conv", channels * expand
            if expand == 1:
                shapes |= conv_norm(f"{block}.0", hidden, hidden, 3, hidden)
                shapes |= conv_norm(block, hidden, wanted, 1, parts=("1", "2"))
            else:
                shapes |= conv_norm(f"{block}.0", channels, hidden, 1)
                shapes |= conv_norm(f"{block}.1", hidden, hidden, 3, hidden)
                shapes |= conv_norm(block, hidden, wanted, 1, parts=("2", "3"))
            at, channels = at + 1, wanted
    return shapes | conv_norm("features.18", 320, 1280, 1) | dense("classifier.1", 1280, 1000)


def mobilenet_v3_small():
    shapes = conv_norm("features.0", 3, 16, 3)
    rows = (
        (16, 3, 16, 16, 8),
        (16, 3, 72, 24, 0),
        (24, 3, 88, 24, 0),
        (24, 5, 96, 40, 24),
        (40, 5, 240, 40, 64),
        (40, 5, 240, 40, 64),
        (40, 5, 120, 48, 32),
        (48, 5, 144, 48, 40),
        (48, 5, 288, 96, 72),
        (96, 5, 576, 96, 144),
        (96, 5, 576, 96, 144),
    )
    for row, (channels, kernel, hidden, wanted, squeezed) in enumerate(rows, start=1):
        at = 0
        if hidden != channels:
            shapes |= conv_norm(f"features.{row}.block.{at}", channels, hidden, 1)
            at += 1
        shapes |= conv_norm(f"features.{row}.block.{at}", hidden, hidden, kernel, hidden)
        if squeezed:
            at += 1
            name = f"features.{row}.block.{at}"
            shapes |= {f"{name}.fc1.weight": (squeezed, hidden, 1, 1), f"{name}.fc1.bias": (squeezed,)}
            shapes |= {f"{name}.fc2.weight": (hidden, squeezed, 1, 1), f"{name}.fc2.bias": (hidden,)}
        shapes |= conv_norm(f"features.{row}.block.{at + 1}", hidden, wanted, 1)
    shapes |= conv_norm("features.12", 96, 576, 1)
    return shapes | dense("classifier.0", 576, 1024) | dense("classifier.3", 1024, 1000)


def resnet18():
    shapes = {"conv1.weight": (64, 3, 7, 7)} | norm("bn1", 64)
    before = 64
    for layer, channels in enumerate((64, 128, 256, 512), start=1):
        for block in (0, 1):
            name = f"layer{layer}.{block}"
            shapes |= {f"{name}.conv1.weight": (channels, before, 3, 3)} | norm(f"{name}.bn1", channels)
            shapes |= {f"{name}.conv2.weight": (channels, channels, 3, 3)} | norm(f"{name}.bn2", channels)
            if before != channels:
                shapes |= conv_norm(f"{name}.downsample", before, channels, 1)
            before = channels
    return shapes | dense("fc", 512, 1000)


def vgg16(batch_norm):
    shapes, at, before = {}, 0, 3
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            shapes |= {f"features.{at}.weight": (channels, before, 3, 3), f"features.{at}.bias": (channels,)}
            if batch_norm:
                shapes |= norm(f"features.{at + 1}", channels)
            at, before = at + (3 if batch_norm else 2), channels
        at += 1
    return shapes | dense("classifier.0", 25088, 64) | dense("classifier.3", 64, 64) | dense("classifier.6", 64, 1000)


def alexnet():
    shapes, before = {}, 3
    for at, channels, kernel in ((0, 64, 11), (3, 192, 5), (6, 384, 3), (8, 256, 3), (10, 256, 3)):
        shapes |= {f"features.{at}.weight": (channels, before, kernel, kernel), f"features.{at}.bias": (channels,)}
        before = channels
    return shapes | dense("classifier.1", 9216, 64) | dense("classifier.4", 64, 64) | dense("classifier.6", 64, 1000)


def file_of(shapes, path):
    random = torch.Generator().manual_seed(0)
    state = {name: torch.rand(shape, generator=random) if shape else torch.tensor(7) for name, shape in shapes.items()}
    torch.save(state, path)
    return state


#: What there is no place for, and what stays as it was, beside the last layer.
CASES = {
    "mobilenet_v2": (mobilenet_v2(), {"classifier"}, set()),
    "mobilenet_v3_small": (mobilenet_v3_small(), {"classifier"}, set()),
    "resnet18": (resnet18(), {"fc"}, {"features.0.0.weight"}),
    "vgg16": (vgg16(batch_norm=True), {"classifier"}, set()),
    "alexnet": (alexnet(), set(), {"features.0.weight"}),
}


@pytest.mark.parametrize("name", CASES)
def test_torchvisions_weights_find_their_places(name, tmp_path):
    shapes, unused, left = CASES[name]
    state = file_of(shapes, tmp_path / "weights.pth")
    net = build(name, width=1.0)
    started = start_from(net, tmp_path / "weights.pth")
    assert {one.split(".")[0] for one in started.unused} == unused
    assert {one for one in started.left if not one.startswith(("head", "classifier"))} == left
    assert all(one.startswith("features") for one in started.loaded)
    mine = net.state_dict()
    assert len(started.loaded) + len(started.left) == len(mine)
    # both list their layers in the order of use
    ours = [mine[one] for one in started.loaded if mine[one].ndim == 4 and mine[one].shape[1] > 1]
    theirs = [value for one, value in state.items() if value.ndim == 4 and value.shape[1] > 3]
    assert len(ours) == len(theirs) > 3
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_order_of_layers_is_kept(tmp_path):
    state = file_of(mobilenet_v2(), tmp_path / "weights.pth")
    net = build("mobilenet_v2", width=1.0)
    start_from(net, tmp_path / "weights.pth")
    mine = net.state_dict()
    assert torch.equal(mine["features.1.1.0.weight"], state["features.1.conv.1.weight"])
    assert torch.equal(mine["features.3.block.2.1.running_var"], state["features.3.conv.3.running_var"])
    assert torch.equal(mine["features.18.0.weight"], state["features.18.0.weight"])


def test_a_colour_stem_sees_grey_as_it_did(tmp_path):
    """A grey picture of ImageNet's kind and the same in our range differ by a constant, which a norm takes off."""
    state = file_of(mobilenet_v2(), tmp_path / "weights.pth")
    net = build("mobilenet_v2", width=1.0)
    start_from(net, tmp_path / "weights.pth")
    grey = torch.rand(1, 1, 9, 9)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    colour = (grey.repeat(1, 3, 1, 1) - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    theirs = torch.nn.functional.conv2d(colour, state["features.0.0.weight"])
    ours = torch.nn.functional.conv2d(grey * 2 - 1, net.features[0][0].weight)
    difference = (theirs - ours).flatten(2)
    assert difference.std(dim=2).max() < 1e-3
    assert theirs.flatten(2).std(dim=2).min() > 0.1


def test_a_checkpoint_of_ours(tmp_path):
    other = build("mobilenet_v1_shortcuts", width=0.25)
    torch.save({"average": other.state_dict(), "settings": {}}, tmp_path / "best.pt")
    net = build("mobilenet_v1_shortcuts", width=0.25)
    started = start_from(net, tmp_path / "best.pt")
    assert not started.left
    assert not started.unused
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True))


def test_what_does_not_fit_is_told_by_name(tmp_path):
    file_of(resnet18(), tmp_path / "weights.pth")
    told = str(start_from(build("resnet18", width=1.0), tmp_path / "weights.pth"))
    assert "left: features.0.0.weight: the file's conv1.weight is 64 x 3 x 7 x 7, not 64 x 1 x 3 x 3" in told
    assert "left: head.1.weight: not in the file" in told
    assert "not used: fc.weight" in told


@pytest.mark.parametrize(
    ("name", "shapes", "match"),
    [
        ("lenet", mobilenet_v2(), "none of its .* tensors fits this net .*Give weights of the same architecture"),
        ("mobilenet_v2", {}, "something else than named tensors"),
        ("vgg16", vgg16(batch_norm=False), "no batch norm. Give the file with it"),
    ],
)
def test_useless_files(name, shapes, match, tmp_path):
    file_of(shapes, tmp_path / "weights.pth")
    with pytest.raises(RecipeError, match=match):
        start_from(build(name, width=1.0), tmp_path / "weights.pth")


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\3\4 cut short"])
def test_damaged_files(content, tmp_path):
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(RecipeError, match=r"weights\.pth: not a file of weights .*Give a state_dict"):
        start_from(build("lenet"), tmp_path / "weights.pth")


def test_missing_file(tmp_path):
    with pytest.raises(RecipeError, match=r"weights\.pth: no such file\. Give"):
        start_from(build("lenet"), tmp_path / "weights.pth")
