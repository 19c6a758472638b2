"""Train one net: ``python -m models.recipe.train --out FOLDER``.

Leaves ``last.pt`` (to go on from, with ``--resume``), ``best.pt`` (the best averaged weights by the public test) and
``log.jsonl`` (one line an epoch) in the folder. The private test is never read here.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from .architectures import ARCHITECTURES, build, count_macs
from .augment import augment, mixup
from .checkpoint import save_checkpoint
from .data import NO_MAJORITY, RANGE, SIZE, Split, data_folder, ferplus_majority, load, soft_targets

__all__ = ["Run", "Settings", "main", "train"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training run depends on; the same settings and ``finish_by=None`` give the same weights on one machine."""

    architecture: str = "mobilenet_v1_shortcuts"
    width: float = 0.5
    epochs: float = 50
    finish_by: float | None = None
    batch: int = 128
    rate: float = 3e-3
    decay: float = 0.05
    warm_up: float = 0.04
    hard_share: float = 0.5
    smoothing: float = 0.05
    mixup: float = 0.2
    average: float = 0.998
    small_size: int = 36
    small_until: float = 0.5
    seed: int = 1
    limit: int | None = None


class Progress:
    """How much of the training is done, 0 to 1: by epochs, or by time where that ends earlier.

    The learning rate follows it, so that a run on a busy machine decays over whatever time is left and still ends well.
    """

    def __init__(self, steps: int, finish_by: float | None) -> None:
        self.done = 0.0
        self._by_step = 1 / steps
        self._finish_by = finish_by
        self._before = time.time()

    def step(self) -> None:
        gain = self._by_step
        now = time.time()
        if self._finish_by is not None:
            left = max(self._finish_by - self._before, 1e-9)
            gain = max(gain, (1 - self.done) * min(1, (now - self._before) / left))
        self._before = now
        # A million small steps do not add up to exactly one.
        self.done = 1.0 if self.done + gain > 1 - 1e-6 else self.done + gain


class Average:
    """The exponential moving average of a net's weights and batch statistics: steadier than any single step."""

    def __init__(self, net: nn.Module, keep: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
        self._keep = keep
        self.steps = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        # Young averages forget faster, or the random start would linger in them.
        keep = min(self._keep, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def learning_rate(settings: Settings, done: float) -> float:
    """Warm up linearly, then go down along a cosine to nothing."""
    if done < settings.warm_up:
        return settings.rate * max(done / settings.warm_up, 0.01)
    return settings.rate * 0.5 * (1 + math.cos(math.pi * (done - settings.warm_up) / (1 - settings.warm_up)))


def make_optimiser(net: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """AdamW; weight decay on the kernels only, as norms, biases and depthwise kernels are too few to need any."""
    kernels = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.weight[0].numel() > 9]
    known = {id(weight) for weight in kernels}
    others = [weight for weight in net.parameters() if id(weight) not in known]
    groups = [{"params": kernels, "weight_decay": settings.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.rate)


def scale(pictures: Tensor) -> Tensor:
    """Bring pictures from 0 to 1 into the range that every net expects, channels last (faster on a CPU)."""
    low, high = RANGE
    return (pictures * (high - low) + low).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def validate(net: nn.Module, split: Split, size: int) -> dict[str, float]:
    """Return accuracy against the FER2013 labels, against the FER+ majority, and the loss against the labels.

    At the ``size`` in px that the net is being trained at: it knows no other scale of face yet.
    """
    pictures = torch.from_numpy(split.images).unsqueeze(1).float() / 255
    if size != SIZE:
        pictures = functional.interpolate(pictures, size, mode="bilinear", antialias=True)
    logits = torch.cat([net(scale(part)) for part in pictures.split(256)])
    guess = logits.argmax(dim=1).numpy()
    majority = ferplus_majority(split.votes)
    known = majority != NO_MAJORITY
    return {
        "fer2013": float((guess == split.labels).mean()),
        "ferplus": float((guess == majority)[known].mean()),
        "loss": float(functional.cross_entropy(logits, torch.from_numpy(split.labels).long())),
    }


class Run:
    """One training run: everything that changes while it goes, and that a checkpoint has to hold."""

    def __init__(self, settings: Settings, data: Path) -> None:
        torch.manual_seed(settings.seed)
        # Numbers next to nothing cost a CPU a hundred times as much as others, and mean nothing.
        torch.set_flush_denormal(True)
        self.settings = settings
        self.random = torch.Generator().manual_seed(settings.seed)

        everything = load(data, "train")
        everything = everything.take(~everything.twins)
        targets, useful = soft_targets(everything, settings.hard_share, settings.smoothing)
        self.pictures = torch.from_numpy(everything.images[useful][: settings.limit]).unsqueeze(1)
        self.targets = torch.from_numpy(targets[useful][: settings.limit])
        self.public = load(data, "public-test").take(slice(settings.limit))

        self.net = build(settings.architecture, width=settings.width).to(memory_format=torch.channels_last)
        self.average = Average(self.net, settings.average)
        self.optimiser = make_optimiser(self.net, settings)
        steps = settings.epochs * max(1, len(self.pictures) // settings.batch)
        self.progress = Progress(max(1, round(steps)), settings.finish_by)
        self.epoch = 0
        self.best: float | None = None

    def one_epoch(self) -> dict[str, Any]:
        """Train on every picture once, or until the run is done, and return the line for the log."""
        started, losses = time.time(), []
        self.epoch += 1
        settings = self.settings
        size = settings.small_size if self.progress.done < settings.small_until else SIZE
        self.net.train()
        rows = torch.randperm(len(self.pictures), generator=self.random).split(settings.batch)
        # A last, smaller batch would upset the batch norms.
        whole = rows[: max(1, len(self.pictures) // settings.batch)]
        for batch in tqdm(whole, desc=f"epoch {self.epoch}", leave=False):
            losses.append(self._step(batch, size))
            if self.progress.done >= 1:
                break
        return {
            "epoch": self.epoch,
            "progress": self.progress.done,
            "size": size,
            "train_loss": sum(losses) / len(losses),
            "public": validate(self.average.net, self.public, size),
            "seconds": time.time() - started,
        }

    def _step(self, rows: Tensor, size: int) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, self.progress.done)
        changed = augment(self.pictures[rows].float() / 255, size, self.random)
        changed, targets = mixup(changed, self.targets[rows], self.settings.mixup, self.random)
        loss = functional.cross_entropy(self.net(scale(changed)), targets)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.average.update(self.net)
        self.progress.step()
        return float(loss.detach())

    def is_best(self, line: dict[str, Any]) -> bool:
        """Whether this epoch beats all before it, by the mean of the two accuracies on the public test.

        The votes and the labels contradict each other; a net chosen by either alone would be a worse one. What smaller
        pictures score is no measure for full ones, so that the first epoch of those always counts as the best.
        """
        score = (line["public"]["fer2013"] + line["public"]["ferplus"]) / 2 if line["size"] == SIZE else 0.0
        if self.best is not None and score < self.best:
            return False
        self.best = score
        return True

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {
            "settings": asdict(self.settings),
            "epoch": self.epoch,
            "progress": self.progress.done,
            "best": self.best,
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "average_steps": self.average.steps,
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.get_state(),
            "torch_random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self.epoch, self.progress.done, self.best = state["epoch"], state["progress"], state["best"]
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.steps = state["average_steps"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.random.set_state(state["random"])
        torch.set_rng_state(state["torch_random"])


def train(settings: Settings, data: Path, out: Path, *, resume: bool = False) -> None:
    """Train by the settings, leaving checkpoints and the log in ``out``; FileExistsError if another run did before."""
    last, best = out / "last.pt", out / "best.pt"
    if last.exists() and not resume:
        msg = f"{out} holds a run already; go on with it (--resume), or take another folder"
        raise FileExistsError(msg)
    out.mkdir(parents=True, exist_ok=True)
    run = Run(settings, data)
    if resume:
        run.restore(torch.load(last, weights_only=True))
    parameters, macs = sum(weight.numel() for weight in run.net.parameters()), count_macs(run.net, SIZE)
    print(f"{settings.architecture}: {parameters} parameters, {macs} MACs, {len(run.pictures)} pictures")
    while run.progress.done < 1:
        line = run.one_epoch()
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        if run.is_best(line):
            wanted = {"settings", "epoch", "progress", "average"}
            save_checkpoint({key: value for key, value in run.state().items() if key in wanted}, best)
        save_checkpoint(run.state(), last)


def _time_today(text: str) -> float:
    hour, minute = (int(part) for part in text.split(":"))
    wanted = datetime.now().astimezone().replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp()
    return wanted if wanted > time.time() else wanted + 86400


def main() -> None:
    """Read the command line and train."""
    defaults = Settings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of FER2013 (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--resume", action="store_true", help="go on from last.pt in the folder")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: as many as there are cores)")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=defaults.architecture)
    parser.add_argument("--width", type=float, default=defaults.width, help="channels, as a share of the full net's")
    parser.add_argument("--epochs", type=float, default=defaults.epochs, help="passes over the pictures, at most")
    parser.add_argument("--finish-by", type=_time_today, help="HH:MM, local time, by which it must have ended")
    parser.add_argument("--batch", type=int, default=defaults.batch)
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate")
    parser.add_argument("--decay", type=float, default=defaults.decay, help="weight decay")
    parser.add_argument("--hard-share", type=float, default=defaults.hard_share, help="share of the FER2013 label")
    parser.add_argument("--smoothing", type=float, default=defaults.smoothing, help="label smoothing of that label")
    parser.add_argument("--mixup", type=float, default=defaults.mixup, help="alpha; 0 for none")
    parser.add_argument("--small-size", type=int, default=defaults.small_size, help="px of the first, faster epochs")
    parser.add_argument("--small-until", type=float, default=defaults.small_until, help="share of the run they take")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--limit", type=int, help="use so many pictures only, to try things out")
    given = vars(parser.parse_args())
    data, out, resume, threads = (
        data_folder(given.pop("data")),
        given.pop("out"),
        given.pop("resume"),
        given.pop("threads"),
    )
    if threads:
        torch.set_num_threads(threads)
    train(Settings(**given), data, out, resume=resume)


if __name__ == "__main__":
    main()
