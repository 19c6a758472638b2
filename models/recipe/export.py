"""Make ``emotion.tflite`` and its sidecar of a checkpoint: ``python -m models.recipe.export --checkpoint best.pt``."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import tempfile
from pathlib import Path

import litert_torch
import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.preprocess import normalise_table
from edge_fer.emotion.sidecar import beside
from edge_fer.inference.runtime import Model, Tensor

from .calibrate import calibrate, learned_prior, priors_of
from .checkpoint import load_checkpoint
from .data import LABELS, RANGE, SIZE, Split, data_folder, load
from .data.portraits import Portraits, chosen_by
from .distil import heads_of
from .errors import RecipeError, plainly
from .evaluate import FACES, MODEL, to_json, update_sidecar

__all__ = ["export", "fold", "main", "to_tflite", "write"]

CROP = Path(__file__).resolve().parent / "crop.json"


def fold(net: nn.Module) -> nn.Module:
    """Return a copy with its batch norms folded into the convolutions before them: what gets quantised is what runs."""
    net = copy.deepcopy(net)
    for block in net.modules():
        if not isinstance(block, nn.Sequential):
            continue
        for at in range(len(block) - 1):
            if isinstance(block[at], nn.Conv2d) and isinstance(block[at + 1], nn.BatchNorm2d):
                block[at], block[at + 1] = fuse_conv_bn_eval(block[at], block[at + 1]), nn.Identity()
    return net


def to_tflite(net: nn.Module, pictures: NDArray[np.uint8]) -> bytes:
    """Return the net as a full int8 TFLite model.

    Args:
        net: float net, in evaluation mode.
        pictures: uint8 (N, 48, 48) training pictures, from which the ranges of the activations are taken.

    Returns:
        The file: int8 (1, 48, 48, 1) in, int8 logits (1, 7) out, weights per channel.
    """
    values = normalise_table(RANGE)[pictures]
    net = fold(net)
    with torch.inference_mode():
        logits = net(torch.from_numpy(values).unsqueeze(1))
    converted = litert_torch.convert(
        litert_torch.to_channel_last_io(net, args=[0]).eval(), (torch.zeros(1, SIZE, SIZE, 1),)
    )
    with tempfile.TemporaryDirectory() as folder:
        floating = Path(folder, "float.tflite")
        converted.export(str(floating))
        interpreter = Interpreter(str(floating))
        (signature,) = interpreter.get_signature_list().values()
        (name,) = signature["inputs"]
        quantiser = quantizer.Quantizer(str(floating), recipe.static_wi8_ai8())
        ranges = quantiser.calibrate({"serving_default": [{name: value[None, :, :, None]} for value in values]})
        # Calibration averages the ranges of single pictures. That suits activations, but would cut off what is brighter
        # than most, and the answers that are surer than most.
        _set_range(ranges, interpreter.get_input_details()[0]["name"], *RANGE)
        (output,) = interpreter.get_output_details()
        _set_range(ranges, output["name"], float(logits.min()), float(logits.max()))
        return bytes(quantiser.quantize(ranges).quantized_model)


def _set_range(ranges: dict, tensor: str, low: float, high: float) -> None:
    for end, value in (("min", low), ("max", high)):
        ranges[tensor][end] = np.full_like(ranges[tensor][end], value)


def write(
    content: bytes,
    path: Path,
    name: str,
    *,
    training: Split,
    public: Split,
    portraits: Portraits | None,
    balance: float,
) -> None:
    """Write a model and its sidecar, with temperature and priors (`calibrate`).

    Args:
        content: the model.
        path: of its file; the sidecar goes beside it.
        name: for people.
        training: the pictures it learned from, which tell how common emotions are at home.
        public: the public test.
        portraits: for choosing, all of them decided; None where there are none.
        balance: with which it was trained.
    """
    path.write_bytes(content)
    model = Model(content, name=str(path))
    sidecar = {
        "format": 1,
        "name": name,
        "labels": LABELS,
        "input": {"width": SIZE, "height": SIZE, "channels": 1, "range": RANGE},
        "crop": json.loads(CROP.read_text(encoding="utf-8"))["crop"],
        "quantisation": {"input": _steps(model.input), "output": _steps(model.output)},
        "temperature": 1.0,
        "sha256": hashlib.sha256(content).hexdigest(),
        "scores": {},
    }
    beside(path).write_text(to_json(sidecar), encoding="utf-8")

    classifier = EmotionClassifier.load(path)
    priors = priors_of(training)
    learned = learned_prior(priors, balance)
    elsewhere = (classifier.logits(list(portraits.crops)), portraits.truth) if portraits else None
    found = calibrate((classifier.logits(list(public.images)), public), elsewhere, priors, learned)
    print(f"temperature {found.temperature:.4f}; the reference prior lies {found.share:g} of the way to FER+'s")
    prior = {"learned": _named(learned), "reference": _named(found.reference)}
    update_sidecar(beside(path), temperature=round(found.temperature, 4), prior=prior)


def _named(shares: NDArray[np.float64]) -> dict[str, float]:
    return {label: round(share, 4) for label, share in zip(LABELS, shares.tolist(), strict=True)}


def _steps(tensor: Tensor) -> dict[str, float]:
    return {"scale": tensor.scale, "zero_point": tensor.zero_point}


def export(
    checkpoint: Path,
    out: Path,
    data: Path,
    *,
    name: str | None = None,
    calibrate_with: int = 500,
    portraits: Path = FACES,
) -> None:
    """Write the model and sidecar of a checkpoint.

    Args:
        checkpoint: a run's ``best.pt``.
        out: the ``.tflite`` file; its sidecar goes beside it.
        data: the pictures: for calibrating the ranges (training ones) and the scores (public test).
        name: of the model, for people; its architecture and width if left out.
        calibrate_with: how many training pictures.
        portraits: the folder of faces from elsewhere, by which the scores are calibrated, too; may be missing.

    Raises:
        RecipeError: its net is a teacher, with two answers.
    """
    net, state = load_checkpoint(checkpoint)
    settings = state["settings"]
    if len(heads_of(net, settings["learn"])) > 1:
        msg = f"{checkpoint}: {settings['architecture']} answers twice, and a model for the daemon once"
        raise RecipeError(msg, remedy="Train another net from it (--teacher), and take that one")
    training = load(data, "train")
    training = training.take(~training.twins)
    rows = np.random.default_rng(0).permutation(len(training))[:calibrate_with]
    content = to_tflite(net, training.images[rows])
    out.parent.mkdir(parents=True, exist_ok=True)
    name = name or f"{settings['architecture']}-{settings['width']:g}-{SIZE}px"
    write(
        content,
        out,
        name,
        training=training,
        public=load(data, "public-test"),
        portraits=chosen_by(portraits) if (portraits / "sfhq.npz").is_file() else None,
        balance=settings.get("balance", 0.0),
    )
    print(f"{out}: {len(content)} bytes")


def main() -> None:
    """Read the command line, convert, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the pictures (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODEL, help="the .tflite file; its sidecar goes beside it")
    parser.add_argument("--name", help="of the model, for people; its architecture and width if left out")
    parser.add_argument("--calibrate-with", type=int, default=500, help="how many training pictures")
    parser.add_argument("--portraits", type=Path, default=FACES, help="faces from elsewhere, to calibrate with, too")
    given = parser.parse_args()
    with plainly():
        export(
            given.checkpoint,
            given.out,
            data_folder(given.data),
            name=given.name,
            calibrate_with=given.calibrate_with,
            portraits=given.portraits,
        )


if __name__ == "__main__":
    main()
