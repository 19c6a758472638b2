"""Start a net from weights trained elsewhere: torchvision's for ImageNet, or a checkpoint of ours.

torchvision's files are named tensors (`torch.save(net.state_dict())`, as its `.pth` downloads are) of nets for colour
pictures and a thousand classes. What fits is taken, and whatever does not is told by name.
"""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .errors import RecipeError

__all__ = ["Started", "start_from"]

# How torchvision's names become ours, rule after rule. Its blocks and ours hold the same layers in the same order;
# ours lie in a `block` only where there is a shortcut around it, so that this word is left out of both.
_RULES = (
    (r"^module\.", ""),  # saved from a DataParallel
    # ResNet: two blocks a stage, after the stem
    (r"^conv1\.", "features.0.0."),
    (r"^bn1\.", "features.0.1."),
    (r"^layer(\d)\.(\d)\.", lambda found: f"features.{2 * int(found[1]) - 1 + int(found[2])}."),
    (r"^(features\.\d+)\.conv(\d)\.", lambda found: f"{found[1]}.{int(found[2]) - 1}.0."),
    (r"^(features\.\d+)\.bn(\d)\.", lambda found: f"{found[1]}.{int(found[2]) - 1}.1."),
    (r"\.downsample\.", ".beside."),
    # MobileNetV2: the last convolution of a block and its norm lie bare beside the others; the first block has no
    # expansion before them
    (r"^features\.1\.conv\.1\.(\w+)$", r"features.1.1.0.\1"),
    (r"^features\.1\.conv\.2\.(\w+)$", r"features.1.1.1.\1"),
    (r"\.conv\.2\.(\w+)$", r".2.0.\1"),
    (r"\.conv\.3\.(\w+)$", r".2.1.\1"),
    (r"\.conv\.", "."),
    (r"\.block\.", "."),
)

# What torchvision takes off its pictures' channels and divides them by (ImageNet's own).
_DEVIATION = (0.229, 0.224, 0.225)

_REMEDY = "Give a state_dict as torchvision's .pth files are, or a best.pt of a training run"


@dataclass(frozen=True, slots=True)
class Started:
    """What became of the tensors of a net and of a file.

    Attributes:
        loaded: names of the net's tensors that the file gave.
        left: the net's other tensors, which stay as they were, and why.
        unused: names of the file's tensors that have no place in the net.
    """

    loaded: tuple[str, ...]
    left: dict[str, str]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{len(self.loaded)} tensors loaded, {len(self.left)} left as they were, {len(self.unused)} not used"]
        lines += [f"  left: {name}: {why}" for name, why in self.left.items()]
        lines += [f"  not used: {name}" for name in self.unused]
        return "\n".join(lines)


@torch.no_grad()
def start_from(net: nn.Module, path: Path) -> Started:
    """Load into a net what fits of a file's weights; the net is changed.

    A stem for colour is folded to grey: three alike channels weigh what their kernels add up to, each divided by
    ImageNet's deviation of that channel, for its nets saw normalised pictures and ours see -1 to 1.

    Args:
        net: of ours, freshly built.
        path: torchvision's state_dict of the same architecture (of VGG those with batch norm), or a checkpoint of ours
            of any architecture that shares layers.

    Raises:
        RecipeError: there is no such file, or it holds no weights, or none that fits; says what to give instead.
    """
    given = {_our_name(name): (name, tensor) for name, tensor in _read(path).items()}
    loaded, left, used = [], {}, set()
    for name, mine in net.state_dict().items():
        theirs_name, theirs = given.get(_our_name(name), (None, None))
        if theirs is None:
            left[name] = "not in the file"
            continue
        used.add(theirs_name)
        fitted = _grey(theirs) if mine.shape[1:2] == (1,) and theirs.shape[1:2] == (3,) else theirs
        if fitted.shape != mine.shape:
            left[name] = f"the file's {theirs_name} is {_shape(theirs)}, not {_shape(mine)}"
            continue
        mine.copy_(fitted)
        loaded.append(name)
    if not any(name.endswith("weight") for name in loaded):
        some = "; ".join(f"{name}: {why}" for name, why in list(left.items())[:2])
        msg = f"{path}: none of its {len(given)} tensors fits this net ({some})"
        raise RecipeError(msg, remedy="Give weights of the same architecture and width")
    return Started(tuple(loaded), left, tuple(name for name, _ in given.values() if name not in used))


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        msg = f"{path}: no such file"
        raise RecipeError(msg, remedy=_REMEDY)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        msg = f"{path}: not a file of weights ({str(error).splitlines()[0] if str(error) else 'empty'})"
        raise RecipeError(msg, remedy=_REMEDY) from error
    for wrapper in ("average", "state_dict"):  # ours; many people's
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()) or not content:
        msg = f"{path}: holds something else than named tensors"
        raise RecipeError(msg, remedy=_REMEDY)
    if "features.1.bias" not in content and {"features.2.weight", "features.28.weight"} <= set(content):
        msg = f"{path}: this VGG has no batch norm"
        raise RecipeError(msg, remedy="Give the file with it: torchvision's vgg16_bn or vgg19_bn")
    return content


def _our_name(name: str) -> str:
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    return name


def _grey(stem: Tensor) -> Tensor:
    deviation = torch.tensor(_DEVIATION).view(1, 3, 1, 1)
    # Half, as black and white are two apart for us and one for them.
    return (stem / (2 * deviation)).sum(dim=1, keepdim=True)


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(side) for side in tensor.shape) or "a number"
