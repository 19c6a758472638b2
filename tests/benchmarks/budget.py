"""What people run: `python -m tests.benchmarks.budget [CLIP] [--before COMMIT] [--rounds 3] [--json FILE]`.

The default budget, in processor time of one pinned core, this tree and an older one in turns in one run; medians over
the rounds. Then how it grows with people, pictures and cameras. It exits 1 where a bar of `bars.py` is missed.
`--smoke` runs a few frames of the sample recording, without an older tree: that this script works.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

from edge_fer.config.engine.places import default_models_dir
from edge_fer.sample import sample_path
from tests.benchmarks.bars import BUDGET_AT_MOST, missed_budget
from tests.benchmarks.scenes import PEOPLE, record
from tests.shared import SHARED

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("budget_runner.py")
#: The tree before faces were read less often than in every frame.
BEFORE = "65c5513"
MODELS = Path(os.environ.get("EDGE_FER_MODELS") or default_models_dir())
#: Of the scenes: frames a second, as cameras have by default, and seconds.
FPS, SECONDS = 10, 15
SIZES = {"640 x 360": (640, 360), "1280 x 720": (1280, 720), "1920 x 1080": (1920, 1080)}

Found = dict[str, Any]


def run(tree: Path, clips: Sequence[Path], *options: str) -> Found:
    command = [sys.executable, "-P", RUNNER, tree, *clips, "--models", MODELS, *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800, cwd="/")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def in_turns(trees: Mapping[str, Path], rounds: int, clips: Sequence[Path], *options: str) -> dict[str, Found]:
    """The medians of each tree's runs."""
    runs: dict[str, list[Found]] = {name: [] for name in trees}
    for _ in range(rounds):
        for name, tree in trees.items():
            runs[name].append(run(tree, clips, *options))
    return {name: _medians(found) for name, found in runs.items()}


def _medians(runs: Sequence[Found]) -> Found:
    numbers = {key: median(one[key] for one in runs) for key, value in runs[0].items() if not isinstance(value, list)}
    return numbers | {"told": runs[0]["told"]}


def shift(before: Found, now: Found) -> float:
    """Seconds by which what is told comes earlier or later at most; infinite where something else is told."""
    pairs = list(zip_longest(before["told"], now["told"]))
    if any(one is None or other is None or one[1:] != other[1:] for one, other in pairs):
        return float("inf")
    return max((abs(one[0] - other[0]) for one, other in pairs), default=0.0)


def compare(trees: Mapping[str, Path], rounds: int, clip: Path, crowd: Path) -> tuple[dict[str, float], Found]:
    """This tree over the older one."""
    default = in_turns(trees, rounds, [clip])
    every = in_turns(trees, rounds, [clip], "--every-frame", "--frames", "240")
    many = in_turns(trees, rounds, [crowd])
    (old, new), (old_every, new_every), (old_many, new_many) = (
        (found["before"], found["now"]) for found in (default, every, many)
    )
    ratios = {
        "default budget / before": new["ms"] / old["ms"],
        "own code / before": new["own"] / old["own"],
        "every frame / before": new_every["ms"] / old_every["ms"],
        "20 people / before": new_many["ms"] / old_many["ms"],
        "memory / before": new["peak_rss"] / old["peak_rss"],
        "seconds that events and alerts moved": shift(old, new),
    }
    return ratios, {"default": default, "every frame": every, "20 people": many}


def curves(rounds: int, folder: Path, scene: Callable[[int, str], Path]) -> tuple[dict[str, float], Found]:
    """How this tree's cost grows."""
    now = {"now": ROOT}
    found: Found = {}
    for people in PEOPLE:
        found[f"{people} people, 1280 x 720"] = in_turns(now, rounds, [scene(people, "1280 x 720")])["now"]
    for size in SIZES:
        found[f"5 people, {size}"] = in_turns(now, rounds, [scene(5, size)])["now"]
    one = scene(1, "640 x 360")
    for cameras in (1, 2, 4):
        found[f"{cameras} cameras, 1 person, 640 x 360"] = in_turns(now, rounds, [one] * cameras)["now"]
    few, many = (found[f"{cameras} cameras, 1 person, 640 x 360"] for cameras in (1, 4))
    return {"4 cameras / 1": many["seconds"] / few["seconds"]}, found


def show(found: Found) -> None:
    print(f"{'':36} {'ms a frame':>10} {'capture':>8} {'networks':>8} {'own':>8} {'ms a s':>8} {'MB':>5}")
    for name, one in found.items():
        a_second = 1000 * one["seconds"] / one["recorded"] if one["recorded"] else 0.0
        print(
            f"{name:36} {one['ms']:10.2f} {one['capture']:8.2f} {one['networks']:8.2f} {one['own']:8.2f}"
            f" {a_second:8.1f} {one['peak_rss'] / 1e6:5.0f}"
        )


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def older(commit: str, folder: Path) -> Path:
    """The tree of a commit, or that of a folder."""
    if Path(commit).is_dir():
        return Path(commit).resolve()
    tree = folder / "before"
    tree.mkdir()
    archive = subprocess.run(["git", "archive", commit, "edge_fer"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
    return tree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    clip = next(iter(sorted((SHARED / "data" / "clips").glob("*.mp4"))), sample_path())
    parser.add_argument("clip", nargs="?", type=Path, default=clip, help="by default the one beside the checkout")
    parser.add_argument("--before", default=BEFORE, help="a commit, or the folder of an older tree")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, help="the core to pin to; by default the first there is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures here")
    parser.add_argument("--smoke", action="store_true", help="a few frames: shows that it runs")
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)) if args.core is None else args.core})
    if args.smoke:
        show({"sample": run(ROOT, [sample_path()], "--frames", "40")})
        return 0
    portraits = SHARED / "data" / "faces" / "london"
    if not portraits.is_dir():
        sys.exit(f"needs {portraits} (portraits that the repository does not carry)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def scene(people: int, size: str) -> Path:
            path = folder / f"{people}-{size}.mp4".replace(" ", "")
            if not path.exists():
                record(path, portraits, people=people, size=SIZES[size], fps=FPS, seconds=SECONDS)
            return path

        trees = {"before": older(args.before, folder), "now": ROOT}
        ratios, compared = compare(trees, args.rounds, args.clip.resolve(), scene(20, "1280 x 720"))
        of_cameras, grown = curves(args.rounds, folder, scene)
    ratios |= of_cameras
    print(processor())
    show({f"{what}, {tree}": found for what, both in compared.items() for tree, found in both.items()} | grown)
    wrong = missed_budget(ratios)
    for what, ratio in ratios.items():
        bar = BUDGET_AT_MOST[what]
        print(f"{'MISSED' if what in wrong else 'held':8} {what:40} {ratio:6.3f}, at most {bar:g}")
    if args.json:
        whole = {"processor": processor(), "ratios": ratios, "compared": compared, "curves": grown}
        args.json.write_text(json.dumps(whole, indent=2), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
