"""Train one net: ``python -m models.recipe.train --out FOLDER``.

Leaves ``last.pt`` (to go on from, with ``--resume``), ``best.pt`` (the best averaged weights by the public test) and
``log.jsonl`` (one line an epoch) in the folder. The private test is never read here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from .abroad import ENOUGH_TO_CHOOSE, REFERENCE, measure_abroad, mixed
from .architectures import ARCHITECTURES, build, count_macs
from .augment import change, mixup, scale
from .checkpoint import save_checkpoint
from .data import LABELS, NO_MAJORITY, SIZE, Split, data_folder, ferplus_majority, load
from .data.portraits import SETS, chosen_by
from .distil import HEADS, heads_of, load_teacher
from .errors import RecipeError, plainly
from .metrics import confusion, macro_f1
from .optimise import Average, Progress, cross_entropy, learning_rate, make_optimiser
from .pretrained import start_from
from .sampling import draw
from .settings import Settings, check_unchanged, sources
from .source import Source, elsewhere, home

__all__ = ["Run", "main", "train"]


@torch.inference_mode()
def answers(net: nn.Module, images: NDArray[np.uint8], size: int, device: torch.device) -> NDArray[np.float32]:
    """Return a net's logits (N, heads, 7) of grey pictures (N, 48, 48), at the ``size`` in px that it is trained at."""
    pictures = torch.from_numpy(images).to(device).unsqueeze(1).float() / 255
    if size != SIZE:
        pictures = functional.interpolate(pictures, size, mode="bilinear", antialias=True)
    logits = torch.cat([net(scale(part)) for part in pictures.split(256)])
    return logits.float().unflatten(1, (-1, len(LABELS))).cpu().numpy()


def at_home(logits: NDArray[np.float32], split: Split, own: NDArray[np.float32]) -> dict[str, float]:
    """Return accuracy and macro-F1 by the FER+ majority, and accuracy by the FER2013 labels (of the last head).

    Args:
        logits: (N, heads, 7), by the prior that the net was trained towards.
        split: the pictures.
        own: what brings logits (7,) back to FER+'s own prior.
    """
    majority = ferplus_majority(split.votes)
    known = majority != NO_MAJORITY
    guess = (logits[known, 0] + own).argmax(axis=1).astype(np.uint8)
    return {
        "fer2013": float((logits[:, -1].argmax(axis=1) == split.labels).mean()),
        "ferplus": float((guess == majority[known]).mean()),
        "macro_f1": macro_f1(confusion(majority[known], guess)),
    }


@dataclass(frozen=True, slots=True)
class Portraitures:
    """Faces from elsewhere.

    Attributes:
        folder: where `cut_portraits` left them.
        names: of the sets to learn from.
    """

    folder: Path
    names: tuple[str, ...]


class Run:
    """One training run: everything that changes while it goes, and that a checkpoint has to hold."""

    def __init__(
        self,
        settings: Settings,
        data: Path,
        *,
        teachers: Sequence[Path] = (),
        soft_labels: Path | None = None,
        begin_with: Path | None = None,
        portraits: Portraitures | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        # Numbers next to nothing cost a CPU a hundred times as much as others, and mean nothing.
        torch.set_flush_denormal(True)
        torch.backends.cudnn.deterministic = True
        self.settings = settings
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.random = torch.Generator(self.device).manual_seed(settings.seed)

        self.net = build(settings.architecture, width=settings.width)
        if begin_with:
            print(start_from(self.net, begin_with))
        self.net = self.net.to(self.device, memory_format=torch.channels_last)
        self.heads = heads_of(self.net, settings.learn)
        training = load(data, "train")
        training = training.take(~training.twins)
        self.home = home(training, self.heads, settings, soft_labels, self.device)
        self.elsewhere = self._elsewhere(portraits)
        self.public = load(data, "public-test").take(slice(settings.limit))
        self.abroad = None if portraits is None else chosen_by(portraits.folder)
        asked = HEADS if settings.labels_share else self.heads
        self.teachers = [load_teacher(path, asked, self.device, balance=settings.balance) for path in teachers]
        self.sources = sources(teachers, soft_labels, portraits.names if portraits else ())

        self.average = Average(self.net, settings.average)
        self.optimiser = make_optimiser(self.net, settings.rate, settings.decay)
        self.of_home = settings.batch - (round(settings.elsewhere * settings.batch) if self.elsewhere else 0)
        steps = settings.epochs * max(1, len(self.home) // self.of_home)
        self.progress = Progress(max(1, round(steps)), settings.finish_by)
        self.epoch = 0
        self.best: float | None = None

    def _elsewhere(self, portraits: Portraitures | None) -> Source | None:
        if portraits is None or not portraits.names:
            return None
        return elsewhere(portraits.folder, portraits.names, len(self.heads), self.settings, self.device)

    def one_epoch(self) -> dict[str, Any]:
        """Train on every picture once, or until the run is done, and return the line for the log."""
        started, losses = time.time(), []
        self.epoch += 1
        settings = self.settings
        size = settings.small_size if self.progress.done < settings.small_until else SIZE
        self.net.train()
        rows = draw(self.home.weights, self.random).split(self.of_home)
        # A last, smaller batch would upset the batch norms.
        whole = rows[: max(1, len(self.home) // self.of_home)]
        for batch in tqdm(whole, desc=f"epoch {self.epoch}", leave=False, disable=None):
            losses.append(self._step(batch, size))
            if self.progress.done >= 1:
                break
        return {
            "epoch": self.epoch,
            "progress": self.progress.done,
            "size": size,
            "train_loss": sum(losses) / len(losses),
            **self.validate(size),
            "seconds": time.time() - started,
        }

    def validate(self, size: int) -> dict[str, Any]:
        """Return how the averaged net does on the public test and, where there are portraits, elsewhere."""
        net, balance = self.average.net, self.settings.balance
        priors = self.home.log_prior[[0, -1]].cpu().numpy()
        # a balanced net goes by no prior; the last head answers by the place's, as the daemon would
        place = balance * np.log(np.array(list(REFERENCE.values()), np.float32))
        with self._precision():
            logits = answers(net, self.public.images, size, self.device)
        logits[:, -1] += place
        own = balance * priors[0] - (place if len(self.heads) == 1 else 0)
        line: dict[str, Any] = {"public": at_home(logits, self.public, own)}
        if self.abroad is not None:
            told = answers(net, self.abroad.crops, size, self.device).mean(axis=1) + place
            report = measure_abroad(told, self.abroad.truth, enough=ENOUGH_TO_CHOOSE, intervals=False)
            labels = report.pop("labels")
            recalls = {f"{label}_recall": labels[label]["recall"] for label in ("angry", "sad", "happy", "neutral")}
            line |= {"abroad": report | recalls, "mixed": mixed(line["public"], report)}
        return line

    def _step(self, rows: Tensor, size: int) -> float:
        settings = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(settings.rate, settings.warm_up, self.progress.done)
        parts = [self._part(self.home, rows, size)]
        if self.elsewhere:
            chosen = torch.multinomial(
                self.elsewhere.weights, settings.batch - self.of_home, replacement=True, generator=self.random
            )
            parts.append(self._part(self.elsewhere, chosen, size))
        changed, targets, prior = (torch.cat(column) for column in zip(*parts, strict=True))
        changed = scale(changed)
        with self._precision():
            logits = self.net(changed)
        # Menon et al., "Long-tail learning via logit adjustment", 2021: what is common here is no merit of the logits
        logits = logits.float().unflatten(1, (-1, len(LABELS))) + settings.balance * prior
        loss = cross_entropy(logits, targets)
        if self.teachers:
            told = self._told_by_teachers(changed, logits, settings.balance * prior)
            loss = loss * (1 - settings.distil) + told * settings.distil
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.average.update(self.net)
        self.progress.step()
        return float(loss.detach())

    def _part(self, source: Source, rows: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """What the net sees of one source, (n, 1, size, size), with targets and priors, (n, heads, 7)."""
        seen = change(source.views(rows, size, self.random), self.random)
        seen, targets = mixup(seen, source.targets[rows], self.settings.mixup, self.random)
        return seen, targets, source.log_prior.expand(len(rows), -1, -1)

    def _precision(self) -> torch.autocast:
        wanted = self.settings.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)

    def _told_by_teachers(self, pictures: Tensor, logits: Tensor, prior: Tensor) -> Tensor:
        """How far the net is from its teachers, asked about the very same pictures (Beyer et al., 2022)."""
        heat, share = self.settings.temperature, self.settings.labels_share
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
            told = [((teacher(pictures).float() + prior) / heat).softmax(dim=2) for teacher in self.teachers]
        wanted = torch.stack(told).mean(dim=0)
        if share:
            wanted = wanted[:, :1].lerp(wanted[:, 1:], share)
        return cross_entropy(logits / heat, wanted) * heat**2

    def is_best(self, line: dict[str, Any]) -> bool:
        """Whether this epoch beats all before it: by home and abroad together, or at home by what the net learns.

        What smaller pictures score is no measure for full ones, so that the first epoch of those always counts as best.
        """
        public, measure = line["public"], {"votes": "ferplus", "labels": "fer2013"}
        score = line.get("mixed", sum(public[measure[head]] for head in self.heads) / len(self.heads))
        score = score if line["size"] == SIZE else 0.0
        if self.best is not None and score < self.best:
            return False
        self.best = score
        return True

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {
            "settings": asdict(self.settings),
            "sources": self.sources,
            "epoch": self.epoch,
            "progress": self.progress.done,
            "best": self.best,
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "average_steps": self.average.steps,
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.get_state(),
            "torch_random": torch.get_rng_state(),
            # from which dropout draws there
            "cuda_random": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned, all of it in the CPU's memory."""
        self.epoch, self.progress.done, self.best = state["epoch"], state["progress"], state["best"]
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.steps = state["average_steps"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.random.set_state(state["random"])
        torch.set_rng_state(state["torch_random"])
        if state.get("cuda_random") is not None:
            torch.cuda.set_rng_state(state["cuda_random"])


def train(
    settings: Settings,
    data: Path,
    out: Path,
    *,
    teachers: Sequence[Path] = (),
    soft_labels: Path | None = None,
    begin_with: Path | None = None,
    portraits: Portraitures | None = None,
    resume: bool = False,
) -> None:
    """Train by the settings, leaving checkpoints and the log in ``out``.

    Args:
        settings: what the run depends on, beside the files below.
        data: the pictures.
        out: the run's folder.
        teachers: checkpoints of nets to learn from.
        soft_labels: what teachers said, in a file.
        begin_with: weights to start from, torchvision's or a checkpoint of ours.
        portraits: faces from elsewhere to learn from and to choose by.
        resume: go on with the run that the folder holds.

    Raises:
        RecipeError: the folder holds a run that is not to be gone on with, none that is, or one of other settings.
    """
    last, best = out / "last.pt", out / "best.pt"
    if last.exists() and not resume:
        msg = f"{out}: holds a run already"
        raise RecipeError(msg, remedy="Go on with it (--resume), or give another folder")
    if resume and not last.exists():
        msg = f"{last}: no such file"
        raise RecipeError(msg, remedy="Leave out --resume to begin a run there")
    state = torch.load(last, weights_only=True, map_location="cpu") if resume else None
    if state:
        names = portraits.names if portraits else ()
        check_unchanged(last, state, settings, sources(teachers, soft_labels, names))
    out.mkdir(parents=True, exist_ok=True)
    run = Run(settings, data, teachers=teachers, soft_labels=soft_labels, begin_with=begin_with, portraits=portraits)
    if state:
        run.restore(state)
    parameters, macs = sum(weight.numel() for weight in run.net.parameters()), count_macs(run.net, SIZE)
    print(f"{settings.architecture}: {parameters} parameters, {macs} MACs, {len(run.home)} pictures")
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
    parser.add_argument("--resume", action="store_true", help="go on from last.pt in the folder, by the same settings")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: as many as there are cores)")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=defaults.architecture)
    parser.add_argument("--width", type=float, default=defaults.width, help="channels, as a share of the full net's")
    parser.add_argument("--epochs", type=float, default=defaults.epochs, help="passes over the pictures, at most")
    parser.add_argument("--finish-by", type=_time_today, help="HH:MM, local time, by which it must have ended")
    parser.add_argument("--batch", type=int, default=defaults.batch)
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate")
    parser.add_argument("--decay", type=float, default=defaults.decay, help="weight decay")
    parser.add_argument("--learn", choices=["votes", "labels"], default=defaults.learn, help="a teacher learns both")
    parser.add_argument(
        "--labels-share", type=float, default=defaults.labels_share, help="of FER2013's label in what votes teach"
    )
    parser.add_argument(
        "--balance", type=float, default=defaults.balance, help="0 to 1: how far logits shall go by no prior"
    )
    parser.add_argument("--portraits", type=Path, help="faces from elsewhere, as cut_portraits leaves them")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        choices=[key for key, one in SETS.items() if one.learn],
        dest="names",
        help="a set of them to learn from; may be repeated; without any, they only help to choose",
    )
    parser.add_argument("--elsewhere", type=float, default=defaults.elsewhere, help="their share of each batch")
    parser.add_argument(
        "--elsewhere-boost", type=float, default=defaults.elsewhere_boost, help="0 to 1: show their rare emotions more"
    )
    parser.add_argument("--smoothing", type=float, default=defaults.smoothing, help="label smoothing of that label")
    parser.add_argument("--mixup", type=float, default=defaults.mixup, help="alpha; 0 for none")
    parser.add_argument("--small-size", type=int, default=defaults.small_size, help="px of the first, faster epochs")
    parser.add_argument("--small-until", type=float, default=defaults.small_until, help="share of the run they take")
    parser.add_argument("--rare-boost", type=float, default=defaults.rare_boost, help="0 to 1: show rare ones more")
    parser.add_argument("--start-from", type=Path, dest="begin_with", help="weights: torchvision's, or a checkpoint")
    parser.add_argument("--teacher", type=Path, action="append", default=[], dest="teachers", help="may be repeated")
    parser.add_argument("--soft-labels", type=Path, help="teachers' answers in a file, in place of teachers")
    parser.add_argument("--distil", type=float, default=defaults.distil, help="share of the teachers in the loss")
    parser.add_argument("--temperature", type=float, default=defaults.temperature, help="at which teachers are asked")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default=defaults.precision)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--limit", type=int, help="use so many pictures only, to try things out")
    given = vars(parser.parse_args())
    data, out, threads = data_folder(given.pop("data")), given.pop("out"), given.pop("threads")
    asked = {key: given.pop(key) for key in ("teachers", "soft_labels", "begin_with", "resume")}
    folder, names = given.pop("portraits"), tuple(given.pop("names"))
    asked["portraits"] = Portraitures(folder, names) if folder else None
    if threads:
        torch.set_num_threads(threads)
    with plainly():
        train(Settings(**given), data, out, **asked)


if __name__ == "__main__":
    main()
