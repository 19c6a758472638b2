"""edge-fer beside other programs: `python -m tests.benchmarks.peers CLIP [--rounds 3] [--json FILE]`.

The same clip, the same pinned core, in one run, in turns; medians over the rounds. Every program has an environment of
its own, made by this script in a cache folder the first time (several GB: `fer` brings TensorFlow and PyTorch). What
cannot be installed or run here is told, and left out. It exits 1 where edge-fer misses a bar. `--smoke` runs edge-fer
alone, as it is installed, on the sample recording: that this script works, and not how fast anything is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from edge_fer.config.engine.places import default_models_dir
from edge_fer.sample import sample_path

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("peer_runner.py")
#: What the others are compared with.
BASE = "fer-haar"
#: What `auto` chooses, and what the bars are about.
DEFAULT = "edge-fer blazeface"
#: The bars: at least so many times the frames; at most so much of the start.
FASTER, START = 10.0, 0.5
OWN_SHARE, PEAK_RSS = 0.25, 130e6

MODELS = Path(os.environ.get("EDGE_FER_MODELS") or default_models_dir())


@dataclass(frozen=True)
class Environment:
    """What is installed, and what of it is taken out again."""

    requirements: tuple[str, ...]
    without: tuple[str, ...] = ()


ENVIRONMENTS = {
    "edge-fer": Environment((".",)),
    "edge-fer-mtcnn": Environment((".[mtcnn]",)),
    # OpenCV 5 has no Haar cascades; the newest setuptools no pkg_resources; TensorFlow and Triton in one process
    # abort over options of LLVM that both register, and nothing here needs Triton
    "fer": Environment(
        ("fer==25.10.3", "setuptools<81", "opencv-python<5", "opencv-contrib-python<5"), without=("triton",)
    ),
    "mediapipe": Environment(("mediapipe==0.10.21",)),
}

#: Name to environment and, for edge-fer, settings.
PEERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    DEFAULT: ("edge-fer", ("faces.detector=blazeface",)),
    "edge-fer blazeface short": ("edge-fer", ("faces.detector=blazeface", "faces.range=short")),
    "edge-fer yunet": ("edge-fer", ("faces.detector=yunet",)),
    "edge-fer haar": ("edge-fer", ("faces.detector=haar",)),
    "edge-fer mtcnn": ("edge-fer-mtcnn", ("faces.detector=mtcnn",)),
    "fer-haar": ("fer", ()),
    "fer-mtcnn": ("fer", ()),
    "mediapipe-short": ("mediapipe", ()),
    "mediapipe-full": ("mediapipe", ()),
}
#: Slow ones see fewer frames, or nobody would wait for them.
SLOW = {"edge-fer mtcnn": 10, "fer-mtcnn": 10}


@dataclass(frozen=True)
class Figures:
    """One run, or the medians of several.

    Attributes:
        fps: frames a second of processor time, so that other work on the machine does not count.
        ready: seconds from the start of the process until it takes frames; None where that cannot be told.
        first: seconds from the start of the process to the first face or event.
        peak_rss: bytes.
        with_face: share of frames with a face.
        own: share of a frame's time in our own code; None for others.
    """

    fps: float
    ready: float | None
    first: float
    peak_rss: float
    with_face: float
    own: float | None = None


class CannotRunError(Exception):
    """A program cannot be installed or run here."""


def called(command: Sequence[str | Path], **options: object) -> str:
    """What a command prints."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=3600, **options)
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise CannotRunError(said[-1] if said else str(error)) from error
    return done.stdout


def python_of(name: str, cache: Path) -> Path:
    """The interpreter of an environment, which is made where it is not there yet; edge-fer is installed anew."""
    wanted, folder = ENVIRONMENTS[name], cache / name
    python, stamp = folder / "bin" / "python", folder / "installed.json"
    content = json.dumps(asdict(wanted))
    own = any(requirement.startswith(".") for requirement in wanted.requirements)
    fresh = not stamp.is_file() or stamp.read_text(encoding="utf-8") != content
    if not (fresh or own):
        return python
    print(f"installing {name} …", file=sys.stderr)
    if fresh:
        venv.create(folder, clear=True, with_pip=True)
    with tempfile.TemporaryDirectory() as copy:
        # pip leaves its build in the tree that it builds from
        tree = Path(copy, "tree")
        if own:
            shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "tests"))
        options = [] if fresh else ["--no-deps", "--force-reinstall"]
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
        called([*install, *wanted.requirements], cwd=tree if own else copy)
    for package in wanted.without:
        called([python, "-m", "pip", "uninstall", "--quiet", "--yes", package])
    stamp.write_text(content, encoding="utf-8")
    return python


def run_edge_fer(python: Path, settings: Sequence[str], clip: Path, frames: int) -> Figures:
    options = [part for setting in (*settings, f"models_dir={MODELS}") for part in ("-o", setting)]
    # -P: the checkout must not be found in place of what is installed
    command = [python, "-P", "-m", "edge_fer", "bench", "--source", clip, "--every-frame", "--json"]
    report = json.loads(called([*command, "--frames", str(frames), *options]))
    process, counts = report["process"], report["frames"]
    return Figures(
        fps=report["fps"] / process["cpu_share"],
        ready=None,
        first=process["first_event_s"] or float("nan"),
        peak_rss=process["peak_rss_bytes"],
        with_face=counts["with_face"] / counts["decoded"],
        own=report["shares"]["own"],
    )


def run_peer(python: Path, name: str, clip: Path, frames: int) -> Figures:
    begin = time.monotonic()
    found = json.loads(called([python, "-P", RUNNER, name, clip, str(frames)]).splitlines()[-1])
    first = found["first"] - begin if found["first"] else float("nan")
    return Figures(found["fps"], found["ready"] - begin, first, found["peak_rss"], found["with_face"])


def median_of(runs: Sequence[Figures]) -> Figures:
    columns = {name: [asdict(run)[name] for run in runs] for name in asdict(runs[0])}
    return Figures(**{name: None if None in column else median(column) for name, column in columns.items()})


def in_turns(names: Sequence[str], clip: Path, args: argparse.Namespace) -> tuple[dict[str, Figures], dict[str, str]]:
    """The medians of each, and why others could not be run."""
    runs: dict[str, list[Figures]] = {}
    failed: dict[str, str] = {}
    pythons: dict[str, Path] = {}
    for turn in range(args.rounds):
        for name in names:
            environment, settings = PEERS[name]
            if args.yunet and name == "edge-fer yunet":
                settings = (*settings, f"faces.model={args.yunet.resolve()}")
            if name in failed:
                continue
            frames = max(10, args.frames // SLOW.get(name, 1))
            try:
                if environment not in pythons:
                    pythons[environment] = Path(sys.executable) if args.smoke else python_of(environment, args.cache)
                python = pythons[environment]
                ours = environment.startswith("edge-fer")
                found = run_edge_fer(python, settings, clip, frames) if ours else run_peer(python, name, clip, frames)
            except CannotRunError as error:
                failed[name] = str(error)
                continue
            print(f"{turn + 1}/{args.rounds} {name}: {found.fps:.1f} frames a processor second", file=sys.stderr)
            runs.setdefault(name, []).append(found)
    return {name: median_of(found) for name, found in runs.items()}, failed


def ratios(found: Mapping[str, Figures], base: str) -> dict[str, dict[str, float | None]]:
    """Each beside the base: of frames a second more is better, of the others less."""
    one = found[base]
    return {
        name: {
            "fps": each.fps / one.fps,
            "memory": each.peak_rss / one.peak_rss,
            "start": each.first / one.first,
            "with_face": each.with_face,
            "own": each.own,
        }
        for name, each in found.items()
    }


def bars(found: Mapping[str, Figures]) -> dict[str, bool]:
    """What edge-fer promises of its default, and whether it held in this run."""
    ours, base = found[DEFAULT], found[BASE]
    faster, start = ours.fps / base.fps, ours.first / (base.ready or base.first)
    return {
        f"{faster:.1f} times the frames of {BASE}, at least {FASTER:g}": faster >= FASTER,
        f"{ours.own:.0%} of a frame's time in our own code, at most {OWN_SHARE:.0%}": (ours.own or 1) <= OWN_SHARE,
        f"{ours.peak_rss / 1e6:.0f} MB of memory, at most {PEAK_RSS / 1e6:.0f}": ours.peak_rss <= PEAK_RSS,
        f"first event after {start:.0%} of {BASE}'s start, at most {START:.0%}": start <= START,
    }


def verdict(asked: Collection[str], found: Mapping[str, Figures]) -> int:
    """What to exit with: 1 where the bars were to be checked, and were missed or could not be."""
    compared = {BASE, DEFAULT}
    if not compared <= set(asked):
        return 0
    return 0 if compared <= set(found) and all(bars(found).values()) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, default=sample_path(), help="by default the sample recording")
    parser.add_argument("--frames", type=int, default=472, help="at most so many of the clip; slow programs see fewer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, help="the core to pin to; by default the first there is")
    parser.add_argument("--only", action="append", choices=PEERS, help="may be repeated")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "edge-fer-peers")
    parser.add_argument("--cache", type=Path, default=cache, help="where the environments are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures here")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help="YuNet's model, where it was not fetched")
    parser.add_argument("--smoke", action="store_true", help="edge-fer alone, a few frames: shows that it runs")
    args = parser.parse_args()
    if args.smoke:
        args.frames, args.rounds, args.only = 60, 1, ["edge-fer haar"]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)) if args.core is None else args.core})
    names = args.only or list(PEERS)
    found, failed = in_turns(names, args.clip.resolve(), args)
    if not found:
        sys.exit("\n".join(f"{name}: {reason}" for name, reason in failed.items()))
    base = BASE if BASE in found else next(iter(found))
    beside = ratios(found, base)
    print(f"{'beside ' + base:26} {'frames/s':>9} {'memory':>8} {'start':>8} {'faces':>7} {'own':>6}")
    for name, each in beside.items():
        own = "" if each["own"] is None else f"{each['own']:6.0%}"
        print(
            f"{name:26} {each['fps']:8.2f}x {each['memory']:7.2f}x {each['start']:7.2f}x {each['with_face']:7.0%} {own}"
        )
    for name, reason in failed.items():
        print(f"{name:26} does not run here: {reason}")
    held = bars(found) if {BASE, DEFAULT} <= set(found) else {}
    for bar, holds in held.items():
        print(f"{'held' if holds else 'MISSED':8} {bar}")
    if args.json:
        figures = {name: asdict(each) for name, each in found.items()}
        whole = {"base": base, "figures": figures, "ratios": beside, "bars": held, "failed": failed}
        args.json.write_text(json.dumps(whole, indent=2), encoding="utf-8")
    return verdict(names, found)


if __name__ == "__main__":
    sys.exit(main())
