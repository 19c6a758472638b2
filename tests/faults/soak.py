"""A long run of the whole daemon: `python -m tests.faults.soak [--minutes 120] [--page docs/reliability.md]`.

Four cameras see faces that come and go, and the broker goes away each minute. Every ten seconds the daemon's own
memory is written down. At the end stands its slope over the second half of the run, and how uncertain that is. It ends
with 1 where the memory grows by more than that.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import cv2
import numpy as np

from edge_fer.sample import sample_path
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.faults.trace import dice
from tests.marked import replace

#: Pictures a second, so that four cameras leave a small machine some time; their size, and places for a face in them.
FPS, WIDTH, HEIGHT, PLACES = 2, 480, 270, 3
#: Seconds of a recording, which begins again and again; seconds that a face comes or goes for, at most.
LENGTH, VISIT = 97, 4.0
CAMERAS = ("front", "back", "left", "right")
LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
#: Seconds between two looks at the memory, and from one end of the broker to the next.
LOOK, FLAP = 10.0, 60.0
#: Twice the standard error is what the slope may be by chance, nineteen times of twenty.
CONFIDENCE = 2.0
#: Bytes an hour that no series can tell from none: memory is counted in whole pages, and this is two.
RESOLUTION = 8192.0


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through a series of bytes.

    Attributes:
        per_hour: how much it rises in an hour.
        uncertain: by how much that may be off, by chance.
    """

    per_hour: float
    uncertain: float

    @property
    def is_noise(self) -> bool:
        """Whether it may be none, or falls."""
        return self.per_hour <= max(self.uncertain, RESOLUTION)


def slope(times: Sequence[float], values: Sequence[float]) -> Slope:
    """The slope of a series by least squares; the times in seconds.

    Values that are near in time are alike, so there are fewer of them than it seems: the error is larger by as much as
    the residuals of neighbours go together.
    """
    middle, level = fmean(times), fmean(values)
    spread = sum((time - middle) ** 2 for time in times)
    rise = sum((time - middle) * (value - level) for time, value in zip(times, values, strict=True)) / spread
    left = [value - level - rise * (time - middle) for time, value in zip(times, values, strict=True)]
    squares = sum(one**2 for one in left)
    alike = sum(a * b for a, b in pairwise(left)) / squares if squares else 0.0
    alike = min(0.99, max(0.0, alike))
    error = (squares / (len(left) - 2) / spread * (1 + alike) / (1 - alike)) ** 0.5
    return Slope(3600 * rise, 3600 * CONFIDENCE * error)


def clip(path: Path, chance: random.Random) -> None:
    """A recording in which faces come and go."""
    size = WIDTH // PLACES - 4
    faces = [cv2.resize(frame[:, _middle(frame)], (size, size)) for frame in _frames(sample_path())]
    written = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    until, shown = [0.0] * PLACES, [False] * PLACES
    for number in range(LENGTH * FPS):
        picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        for place in range(PLACES):
            if number >= until[place]:
                until[place], shown[place] = number + chance.uniform(1.0, VISIT) * FPS, not shown[place]
            if shown[place]:
                left, top = place * (size + 4) + 2, (HEIGHT - size) // 2
                picture[top : top + size, left : left + size] = faces[(number * 5 + 31 * place) % len(faces)]
        written.write(picture)
    written.release()


def _middle(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> slice:
    tall, wide = frame.shape[:2]
    return slice((wide - tall) // 2, (wide + tall) // 2)


def _frames(path: Path) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    capture = cv2.VideoCapture(str(path))
    while True:
        found, frame = capture.read()
        if not found:
            return
        yield frame


def config(folder: Path, port: int) -> dict[str, object]:
    """Four cameras, and rules that fire often."""
    for name in CAMERAS:
        clip(folder / f"{name}.mp4", dice(name))
    return {
        "cameras": {name: {"source": str(folder / f"{name}.mp4"), "loop": True} for name in CAMERAS},
        "faces": {"confirm": 1, "keep_lost_for": "1s", "min_size": "32px", "lifeless_after": "0s"},
        "alerts": {
            "anybody": {"when": {"emotion": LABELS, "score": 0.2}, "for": "0s", "cooldown": "0s"},
            "nobody": {"when": {"no_face": True}, "for": "0s", "cooldown": "0s"},
        },
        "mqtt": {"broker": f"mqtt://127.0.0.1:{port}", "keepalive": "5s"},
        "commands": "on",
    }


def private_memory(pid: int) -> int:
    """Bytes that belong to the process alone, without what is in files."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous"))


def run(folder: Path, minutes: float, seed: int) -> str:
    """Runs it; what it has shown, in Markdown, or AssertionError where a bar is not held."""
    chance = dice(seed)
    times: list[float] = []
    values: list[float] = []
    flaps = 0
    with (
        Mosquitto(folder / "broker", remembers=False) as broker,
        Subscriber(broker, qos=0) as seen,
        Daemon(folder / "daemon", config(folder, broker.port)) as daemon,
    ):
        begun = time.monotonic()
        flap_at = begun + FLAP
        while time.monotonic() < begun + 60 * minutes:
            time.sleep(LOOK)
            values.append(private_memory(daemon.pid))
            times.append(time.monotonic() - begun)
            print(f"{times[-1]:6.0f} s {values[-1] / 1e6:7.2f} MB, {len(seen.messages):,} messages", flush=True)
            if time.monotonic() >= flap_at:
                flap_at += FLAP
                flaps += 1
                chance.choice([broker.kill, broker.stop])()
                time.sleep(chance.uniform(0.1, 8.0))
                broker.start()
        health = [m.json for m in seen.messages if m.topic.endswith("/health") and m.payload][-1]
        code = daemon.stop()
        events = sum(m.topic.endswith("event") for m in seen.messages)
    assert code == 0, daemon.output
    assert "Traceback" not in daemon.output, daemon.output
    half = len(times) // 2
    found, level, spread = slope(times[half:], values[half:]), fmean(values[half:]), stdev(values[half:])
    dropped = sum(health["outbox"]["dropped"].values())
    text = (
        f"A soak of {minutes:g} minutes with four cameras, and a broker that went away {flaps} times: {events:,} events"
        f" and alert events arrived, and {dropped:,} were given up. Over the second half, the daemon's own memory was"
        f" {level / 1e6:.1f} MB on average (standard deviation {spread / 1e3:.0f} kB), with a slope of"
        f" {found.per_hour / 1e3:+.0f} kB an hour, uncertain by ±{found.uncertain / 1e3:.0f} kB."
    )
    print(text, flush=True)
    assert found.is_noise, "the memory grows by more than its noise"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0, help="how long")
    parser.add_argument("--seed", type=int, default=os.getpid(), help="for the times of the broker's ends")
    parser.add_argument("--page", type=Path, help="a page to write the result to")
    args = parser.parse_args()
    print(json.dumps({"seed": args.seed, "minutes": args.minutes}), flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            text = run(Path(folder), args.minutes, args.seed)
    except AssertionError as error:
        print(f"NOT HELD: {error}")
        return 1
    if args.page:
        replace(args.page, "soak", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
