"""What `edge-fer analyze` costs: `python -m tests.benchmarks.analysis CLIP [--rounds 5] [--every S]`.

Its processor time against that of the bare pipeline, in turns over the same clip; and the most memory it holds over an
hour of the clip, looped, against a minute of it, each in a process of its own. `--every` thins both, where nobody can
wait for all of an hour's frames. Everything runs on one pinned core. `--smoke` shows on a few seconds of the sample
recording that this works, and not how much anything costs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time

import cv2

from edge_fer.bench.process import memory
from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.inference.store import Store
from edge_fer.recordings.analysis.analyse import Recording, analyse
from edge_fer.recordings.analysis.cut import Cut
from edge_fer.recordings.analysis.folder import REPORT, SUMMARY, Folder
from edge_fer.recordings.analysis.outcome import as_json
from edge_fer.report.page import page
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.wiring import build_pipeline, build_rules, build_summaries, play
from tests.fetched import FOLDER

#: The bars: at most so much of the bare pipeline's time, and of a minute's memory.
TIMES, MEMORY = 1.3, 1.1


def config_of(clip: Path, *, loop: bool = False):
    written = {"cameras": {"camera": {"source": str(clip), "loop": loop}}, "models_dir": str(FOLDER)}
    settings = load([Layer("bench", json.dumps(written))], settings=False).config
    return settings, settings.cameras["camera"]


def bare(clip: Path) -> float:
    """Seconds of processor time that the pipeline takes, its making and the decoding included."""
    begin = process_time()
    settings, camera = config_of(clip)
    summaries = build_summaries("camera", camera, settings)
    rules = build_rules("camera", camera, settings, summaries.trend)
    store = Store(settings.models_dir)
    line = build_pipeline("camera", camera, store=store, time=Stopwatch(), rules=rules, summaries=summaries)
    for frame in play("camera", camera, clock=SystemClock()):
        line.step(frame)
    return process_time() - begin


def whole(clip: Path, cut: Cut, *, loop: bool = False) -> float:
    """Seconds of processor time that an analysis takes, with all that it writes."""
    begin = process_time()
    settings, camera = config_of(clip, loop=loop)
    recording = Recording(file=clip.name, camera="camera", promised=None, cut=cut, clock=SystemClock())
    with tempfile.TemporaryDirectory() as out:
        folder, found = analyse(recording, camera, settings, make_folder=partial(Folder, Path(out, "out")))
        folder.write(REPORT, page(found))
        folder.write(SUMMARY, json.dumps(as_json(found)))
    return process_time() - begin


def most_memory(clip: Path, seconds: float, every: float) -> int:
    """Bytes that a process holds at most while it analyses so much of the clip, looped."""
    command = [sys.executable, "-m", "tests.benchmarks.analysis", str(clip), "--memory-of", str(seconds)]
    return int(subprocess.run([*command, "--every", str(every)], capture_output=True, text=True, check=True).stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?", default=sample_path())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--every", type=float, default=0.0, help="of the hour, look at one frame in so many seconds")
    parser.add_argument("--smoke", action="store_true", help="shows that it runs")
    parser.add_argument("--memory-of", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    logging.disable(logging.WARNING)
    if args.memory_of:
        whole(args.clip, Cut(end=args.memory_of, every=args.every), loop=True)
        print(memory()[1])
        return 0
    rounds, minute, hour = (1, 3, 15) if args.smoke else (args.rounds, 60, 3600)
    times = [whole(args.clip, Cut()) / bare(args.clip) for _ in range(rounds)]
    told = ", ".join(f"{one:.2f}" for one in sorted(times))
    print(f"analyze / bare pipeline   {median(times):6.2f}   ({told})", flush=True)
    short, long = (most_memory(args.clip, seconds, args.every) for seconds in (minute, hour))
    print(f"memory of {hour} s / {minute} s  {long / short:6.2f}   ({long / 1e6:.0f} MB / {short / 1e6:.0f} MB)")
    return 0 if args.smoke or (median(times) <= TIMES and long / short <= MEMORY) else 1


if __name__ == "__main__":
    sys.exit(main())
