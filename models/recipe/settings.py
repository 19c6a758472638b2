"""What a training run depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import RecipeError

__all__ = ["Settings", "check_unchanged", "sources"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training run depends on; the same settings and ``finish_by=None`` give the same weights on one machine."""

    architecture: str = "mobilenet_fused"
    width: float = 1.0
    epochs: float = 50
    finish_by: float | None = None
    batch: int = 128
    rate: float = 3e-3
    decay: float = 0.05
    warm_up: float = 0.04
    learn: str = "votes"
    labels_share: float = 0.0
    balance: float = 0.0
    elsewhere: float = 0.0
    elsewhere_boost: float = 0.5
    smoothing: float = 0.1
    mixup: float = 0.2
    average: float = 0.998
    small_size: int = 36
    small_until: float = 0.0
    rare_boost: float = 0.25
    distil: float = 0.7
    temperature: float = 2.0
    precision: str = "float32"
    seed: int = 1
    limit: int | None = None


def sources(teachers: Sequence[Path], soft_labels: Path | None, sets: Sequence[str] = ()) -> dict[str, Any]:
    """Return the files that a run learns from, by name and folder only: a checkout may move."""
    return {
        "teacher": [_name(path) for path in teachers],
        "soft_labels": None if soft_labels is None else _name(soft_labels),
        "set": list(sets),
    }


def check_unchanged(run: Path, state: dict[str, Any], settings: Settings, learned_from: dict[str, Any]) -> None:
    """RecipeError if a run would go on otherwise than it was begun; only when it ends may change.

    Args:
        run: its checkpoint.
        state: what that holds.
        settings: those to go on with.
        learned_from: `sources`, likewise.
    """
    # older checkpoints may lack a setting that came later, and did as its default does, or their sources
    begun = asdict(Settings()) | learned_from | state["settings"] | state.get("sources", {})
    wanted = asdict(settings) | learned_from
    changed = [name for name in wanted if name != "finish_by" and wanted[name] != begun[name]]
    if changed:
        told = "; ".join(f"--{_option(name)} is {_told(wanted[name])}, not {_told(begun[name])}" for name in changed)
        msg = f"{run}: was begun with other settings: {told}"
        remedy = "Give them as they were, or begin a run in another folder (--start-from takes this one's weights)"
        raise RecipeError(msg, remedy=remedy)


def _name(path: Path) -> str:
    return "/".join(path.resolve().parts[-2:])


def _option(name: str) -> str:
    return name.replace("_", "-")


def _told(value: object) -> str:
    told = ", ".join(value) if isinstance(value, list) else value
    return "none" if told in ("", None) else str(told)
