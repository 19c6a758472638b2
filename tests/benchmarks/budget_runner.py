"""Runs the pipeline of one tree of edge-fer over recordings: `python budget_runner.py TREE CLIP …`.

Prints one line of JSON. It uses only what older trees have as well, so that two can be compared.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from time import process_time
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", type=Path)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--models", required=True)
    parser.add_argument("--every-frame", action="store_true")
    parser.add_argument("--frames", type=int, default=10**9)
    args = parser.parse_args()
    sys.path.insert(0, str(args.tree))
    print(json.dumps(run(args)))


def begun(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pipeline and the frames of each recording, by a name for its camera."""
    import edge_fer
    from edge_fer.clock.system import SystemClock
    from edge_fer.config import Layer, load
    from edge_fer.inference.store import Store
    from edge_fer.wiring import build_pipeline, build_rules, build_summaries
    from edge_fer.wiring.source import overview_of, play

    assert Path(edge_fer.__file__).is_relative_to(args.tree.resolve()), edge_fer.__file__
    cameras = {f"camera{index}": {"source": clip} for index, clip in enumerate(args.clips)}
    given: dict[str, object] = {"profile": "counter", "cameras": cameras}
    if args.every_frame:
        given["faces"] = {"detect_every": "0s", "rest_every": "0s"}
        if "read_every" in Path(args.tree, "edge_fer/config/sections/emotion.py").read_text(encoding="utf-8"):
            given["emotion"] = {"read_every": "0s"}
    settings = load([Layer.mapping("benchmark", given)], settings=False).config
    lines, sources = {}, {}
    for name, camera in settings.cameras.items():
        summaries = build_summaries(name, camera, settings)
        lines[name] = build_pipeline(
            name,
            camera,
            store=Store(Path(args.models)),
            time=lambda _stage: nullcontext(),
            overview=overview_of(camera),
            rules=build_rules(name, camera, settings, summaries.trend),
            summaries=summaries,
        )
        sources[name] = play(name, camera, clock=SystemClock())
    return lines, sources


class Tally:
    """What was spent and told."""

    def __init__(self) -> None:
        self.frames = self.people = 0
        self.seconds = self.capture = self.networks = 0.0
        self.told: list[list[object]] = []
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self._ids: dict[str, int] = {}

    def take(self, name: str, mono: float, step: Any) -> None:
        """What a step of a camera has told."""
        self.first.setdefault(name, mono)
        self.last[name] = mono
        self.people += step.people or 0
        at = round(mono - self.first[name], 3)
        for event in step.events:
            who = self._ids.setdefault(event.reading.track_id, len(self._ids))
            self.told.append([at, name, str(event.kind), who, event.reading.label])
        self.told += [[at, name, change.alert.rule, change.resolved, ""] for change in step.changes]

    def figures(self) -> dict[str, object]:
        """Per frame, in milliseconds of processor time."""
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        return {
            "frames": self.frames,
            "ms": 1000 * self.seconds / self.frames,
            "capture": 1000 * self.capture / self.frames,
            "networks": 1000 * self.networks / self.frames,
            "own": 1000 * (self.seconds - self.capture - self.networks) / self.frames,
            "recorded": sum(self.last[name] - self.first[name] for name in self.last),
            "seconds": self.seconds,
            "people": self.people / (self.frames + len(self.last)),
            "peak_rss": peak,
            "told": self.told,
        }


def run(args: argparse.Namespace) -> dict[str, object]:
    """Takes the recordings' frames in turns, each through a pipeline of its own."""
    import cv2

    from edge_fer.inference.runtime import seconds_in_runtime, timed_runs

    cv2.setNumThreads(1)
    logging.disable(logging.CRITICAL)
    lines, sources = begun(args)
    tally, most = Tally(), args.frames * len(lines)
    with timed_runs():
        while sources and tally.frames < most:
            for name in list(sources):
                began, bare = process_time(), seconds_in_runtime()
                frame = next(sources[name], None)
                captured = process_time()
                if frame is None:
                    del sources[name]
                    continue
                step = lines[name].step(frame)
                if name in tally.first:  # the first frame pays for what is set up late, and does not count
                    tally.seconds += process_time() - began
                    tally.capture += captured - began
                    tally.networks += seconds_in_runtime() - bare
                    tally.frames += 1
                tally.take(name, frame.at.mono, step)
                del frame
    return tally.figures()


if __name__ == "__main__":
    main()
