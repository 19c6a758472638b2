"""How long a search takes beside that of another tree of edge-fer: `python -m tests.faces.timing --before DIR`.

DIR is a checkout of another version. Both search the same pictures by turns, each in a process of its own, both on one
core of the processor. A row is a size of picture, with the medians of both and of the ratios of neighbouring runs:
first of a picture with a face, then of noise without one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from time import process_time
from typing import Self

import cv2
import numpy as np

from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.types import Image
from tests.faces.pictures import on_wall
from tests.fetched import blazeface_models

__all__ = ["SIZES", "Pair", "compared"]

HERE = Path(__file__).resolve().parents[2]
#: Width and height.
SIZES = (
    (320, 240),
    (336, 336),
    (360, 360),
    (480, 480),
    (640, 640),
    (760, 760),
    (800, 800),
    (1000, 1000),
    (360, 640),
    (720, 1280),
    (640, 360),
    (640, 480),
    (800, 600),
    (1024, 768),
    (1280, 720),
    (1920, 1080),
)
#: Searches that are timed together, so that those of a millisecond can be.
TOGETHER = 4


@dataclass(frozen=True)
class Pair:
    """Processor milliseconds of one search by this tree and by the other one, and their median ratio."""

    this: float
    other: float
    ratio: float


class _Tree:
    """A process that searches with the code of one tree."""

    def __init__(self, tree: Path, min_size: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(min_size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(HERE)))},
            cwd=tree,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def milliseconds(self, width: int, height: int) -> list[float]:
        """Processor milliseconds of one search of a picture with a face, and of one without, of this size."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{width} {height}\n")
        self._process.stdin.flush()
        return [float(word) for word in self._process.stdout.readline().split()]


def compared(before: Path, sizes: Sequence[tuple[int, int]], *, runs: int, min_size: float) -> Iterator[list[Pair]]:
    """For each size, a pair for a picture with a face and one for a picture without, each of so many runs by turns."""
    with ExitStack() as stack:
        this, other = (stack.enter_context(_Tree(tree, min_size)) for tree in (HERE, before.resolve()))
        for size in sizes:
            for tree in (this, other):
                tree.milliseconds(*size)  # makes its networks
            both = [(this.milliseconds(*size), other.milliseconds(*size)) for _ in range(runs)]
            yield [
                Pair(
                    median(this[kind] for this, _ in both),
                    median(other[kind] for _, other in both),
                    median(this[kind] / other[kind] for this, other in both),
                )
                for kind in range(2)
            ]


def _serve(min_size: float) -> None:
    """Answers each size on standard input with the milliseconds of a search."""
    detector = BlazeFaceDetector(blazeface_models(), min_size=min_size, leeway=0.82)
    for line in sys.stdin:
        width, height = map(int, line.split())
        times = [[_seconds(detector, picture) for picture in _pictures(width, height)] for _ in range(TOGETHER)]
        print(*(1000 * min(row) for row in zip(*times, strict=True)), flush=True)


@cache
def _pictures(width: int, height: int) -> list[Image]:
    """A face before a wall, and noise in which there is none."""
    size = round(0.6 * min(width, height))
    face = on_wall(height, width, ((width - size) // 2, (height - size) // 2, size))
    noise = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return [face, np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)]


def _seconds(detector: BlazeFaceDetector, picture: Image) -> float:
    start = process_time()
    detector.detect(picture)
    return process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="the other tree")
    parser.add_argument("--runs", type=int, default=41, help="of each size and tree")
    parser.add_argument("--min-size", type=float, default=48.0)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        _serve(args.serve)
        return
    if args.before is None:
        parser.error("--before is needed: a checkout of the version to compare with")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"| picture{2 * ' | this, ms | other, ms | ratio'} |\n|{7 * ' --- |'}")
    for size, pairs in zip(SIZES, compared(args.before, SIZES, runs=args.runs, min_size=args.min_size), strict=True):
        told = " | ".join(f"{pair.this:.2f} | {pair.other:.2f} | {pair.ratio:.2f}" for pair in pairs)
        print(f"| {size[0]} x {size[1]} | {told} |", flush=True)


if __name__ == "__main__":
    main()
