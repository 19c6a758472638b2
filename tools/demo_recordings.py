"""Makes the two recordings of the demo from synthetic portraits, and writes down what happens in them.

    python -m tools.demo_recordings --portraits DIR --segmenter FILE

DIR is a folder of portraits of SFHQ (github SelfishGene/SFHQ-T2I-dataset, MIT): synthetic, nobody real. FILE is
`mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite` from PyPI's wheel of mediapipe 0.10.21 (Apache-2.0);
it cuts people out of their portraits.

People walk in, stand, sway, move their heads and walk out, before a drawn room, in light that changes, with the noise
of a sensor. A portrait has one expression, so each person keeps theirs. What happens when is written beside the tests,
which hold the pipeline to it. The portraits are among those that the model may have learned from, and were chosen
because it reads them rightly: how well it reads them says nothing about how often it is right.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.inference.runtime import Interpreter
from edge_fer.sample import RECORDINGS
from edge_fer.types import Image

__all__ = ["main"]

FPS: Final = 12
SECONDS: Final = 80
WIDTH, HEIGHT = 640, 360
#: Where the truth is written.
TRUTH: Final = Path(__file__).parent.parent / "tests" / "sample"
#: Seconds that somebody takes to walk in, and out.
WALK: Final = 1.6
#: Rows of clothes that are added below a portrait.
BELOW: Final = 160
#: Standard deviation of the sensor's noise, in levels.
NOISE: Final = 2.5

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody in a recording.

    Attributes:
        portrait: number of the portrait.
        emotion: what the face shows; `uncertain`: it cannot be read.
        eyes: where the point between the eyes is in the portrait, pixels.
        apart: how far apart the eyes are there, pixels.
        at: where that point is in the recording, pixels.
        size: how far apart the eyes are there, pixels.
        comes: the second at which they begin to walk in; None: they are there all the time.
        goes: the second at which they have walked out.
        side: the side from which they come, and to which they leave: -1 left, 1 right.
        turn: degrees clockwise; people who lie.
    """

    portrait: str
    emotion: str
    eyes: tuple[float, float]
    apart: float
    at: tuple[float, float]
    size: float = 42.0
    comes: float | None = None
    goes: float = SECONDS
    side: int = -1
    turn: float = 0.0

    @property
    def stands(self) -> tuple[float, float]:
        """From when until when they stand at their place, seconds."""
        if self.comes is None:
            return 0.0, float(SECONDS)
        return self.comes + WALK, self.goes - WALK


@dataclass(frozen=True, kw_only=True)
class Story:
    """A recording: who is in it, and what an alert makes of it.

    Attributes:
        name: of the recording.
        profile: the alerts that watch it.
        people: those farther away first.
        rule: the alert that fires.
        fires: seconds between which it does.
        resolved: seconds between which it is resolved.
    """

    name: str
    profile: str
    people: tuple[Person, ...]
    rule: str
    fires: tuple[float, float]
    resolved: tuple[float, float]


STORIES: Final = (
    Story(
        name="counter",
        profile="counter",
        people=(
            Person(portrait="0581", emotion="neutral", eyes=(225, 141), apart=67, at=(240, 138), comes=1, goes=20),
            Person(
                portrait="1243", emotion="happy", eyes=(203, 136), apart=56, at=(430, 146), comes=8, goes=21, side=1
            ),
            Person(portrait="1486", emotion="angry", eyes=(210, 179), apart=90, at=(320, 152), comes=22, goes=38),
            Person(portrait="0925", emotion="surprise", eyes=(209, 168), apart=60, at=(210, 138), comes=41, goes=54),
            Person(
                portrait="1021",
                emotion="uncertain",
                eyes=(270, 160),
                apart=75,
                at=(440, 140),
                comes=49,
                goes=60,
                side=1,
            ),
            Person(portrait="0830", emotion="neutral", eyes=(212, 171), apart=93, at=(210, 154), comes=61, goes=76),
            Person(
                portrait="0884", emotion="happy", eyes=(206, 174), apart=98, at=(420, 158), comes=63, goes=76.5, side=1
            ),
        ),
        rule="unhappy-guest",
        fires=(25, 35),
        resolved=(37, 52),
    ),
    Story(
        name="ward",
        profile="ward",
        people=(
            Person(portrait="1295", emotion="neutral", eyes=(204, 132), apart=70, at=(142, 198), size=34, turn=-78),
            Person(
                portrait="0562", emotion="neutral", eyes=(192, 172), apart=89, at=(375, 88), size=38, comes=4, goes=17
            ),
            Person(portrait="0467", emotion="sad", eyes=(247, 160), apart=95, at=(528, 148), comes=8, goes=62, side=1),
            Person(
                portrait="0928", emotion="happy", eyes=(201, 142), apart=71, at=(378, 88), size=38, comes=64, goes=77
            ),
        ),
        rule="distress",
        fires=(36, 60),
        resolved=(60, 80),
    ),
)


class Cutter:
    """Cuts people out of their portraits.

    Args:
        model: the segmentation model.
    """

    def __init__(self, model: Path) -> None:
        self._model = Interpreter(model.read_bytes(), name=model.name)

    def cut(self, portrait: Image) -> Floats:
        """The portrait, BGR with how much of each pixel is the person, 0 to 255 (height, width, 4)."""
        height, width = portrait.shape[:2]
        shrunk = cv2.resize(cv2.cvtColor(portrait, cv2.COLOR_BGR2RGB), (256, 256))
        (mask,) = self._model.run(shrunk[None].astype(np.float32) / 255)
        whole = cv2.resize(np.asarray(mask)[0, :, :, 0], (width, height), interpolation=cv2.INTER_CUBIC)
        share = np.clip((whole - 0.35) / 0.5, 0, 1).astype(np.float32)
        # the largest part alone, without a halo
        count, parts, sizes, _ = cv2.connectedComponentsWithStats((share > 0.5).astype(np.uint8))
        if count > 1:
            largest = (parts == 1 + int(np.argmax(sizes[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
            share = share * cv2.dilate(largest, np.ones((9, 9), np.uint8))
        soft = cv2.GaussianBlur(cv2.erode(share, np.ones((3, 3), np.uint8)), (0, 0), 1.2)
        cut = np.dstack([portrait.astype(np.float32), soft * 255]).astype(np.float32)
        # sleeves that the portrait cuts off end softly, and clothes go on below it
        cut[:, :14, 3] *= np.linspace(0, 1, 14)
        cut[:, -14:, 3] *= np.linspace(1, 0, 14)
        cut[:14, :, 3] *= np.linspace(0, 1, 14)[:, None]
        below = np.asarray(
            cv2.blur(np.repeat(cut[-8:].mean(axis=0, keepdims=True), BELOW, axis=0), (25, 1)), dtype=np.float32
        )
        below[..., 3] = below[..., 3] * np.linspace(1.5, 0, BELOW).clip(0, 1)[:, None]
        return np.vstack([cut, below])


class Actor:
    """Draws one person into frames.

    Args:
        person: who, and where when.
        cut: the portrait that was cut out.
        seed: of how they sway.
    """

    def __init__(self, person: Person, cut: Floats, seed: int) -> None:
        self._person = person
        x, y = person.eyes
        reach = person.apart
        face = cut[int(y - reach / 2) : int(y + reach), int(x - reach / 2) : int(x + reach / 2), :3]
        # portraits are lit in all ways, and the room in one
        self._cut = cut.copy()
        if person.turn:
            self._cut[-BELOW:, :, 3] = 0  # which a blanket covers
        self._cut[..., :3] *= float(np.clip(118 / face.mean(), 0.8, 1.5))
        self._cut = np.clip(self._cut, 0, 255)
        self._phases = np.random.default_rng(seed).uniform(0, 2 * math.pi, 8)

    def draw(self, canvas: Floats, now: float) -> None:
        """Draws the person as they are at a second; changes the canvas."""
        where = self._place(now)
        if where is None:
            return
        person = self._person
        sway = [_wave(now, cycles, phase) for cycles, phase in zip((7, 11, 5, 3, 17, 13), self._phases, strict=False)]
        scale = person.size / person.apart * (1 + 0.025 * sway[2])
        angle = math.radians(person.turn + 2.0 * sway[1])
        x, y = where[0] + 5 * sway[0] + 2 * sway[4], where[1] + 2.5 * sway[3]
        cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
        across, down = np.meshgrid(np.arange(WIDTH, dtype=np.float32) - x, np.arange(HEIGHT, dtype=np.float32) - y)
        source_x = person.eyes[0] + cos * across + sin * down
        source_y = person.eyes[1] - sin * across + cos * down
        # the head moves, the shoulders do not
        head = np.clip((person.eyes[1] + 2.6 * person.apart - source_y) / (1.6 * person.apart), 0, 1)
        nod = 0.09 * person.apart
        source_x = source_x + head * nod * sway[5]
        source_y = source_y + head * nod * 0.6 * sway[1]
        drawn = cv2.remap(
            self._cut,
            source_x.astype(np.float32),
            source_y.astype(np.float32),
            cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        share = drawn[..., 3:] / 255
        canvas += (drawn[..., :3] - canvas) * share

    def _place(self, now: float) -> tuple[float, float] | None:
        person = self._person
        if person.comes is None:
            return person.at
        if not person.comes <= now <= person.goes:
            return None
        begin, leave = person.stands
        away = max(begin - now, now - leave, 0) / WALK
        outside = -170.0 if person.side < 0 else WIDTH + 170.0
        step = 3 * math.sin(now * 11) if away else 0
        return person.at[0] + (outside - person.at[0]) * _eased(away), person.at[1] + step


def _wave(now: float, cycles: int, phase: float) -> float:
    """A wave that fits the recording, so that it can begin anew at its end."""
    return math.sin(2 * math.pi * cycles * now / SECONDS + phase)


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)


def _counter_room() -> tuple[Floats, Floats]:
    """The wall behind the people, and what stands before them: BGR and how much it hides, 0 to 255."""
    rng = np.random.default_rng(21)
    wall = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    wall[:] = np.linspace((138, 160, 172), (96, 118, 132), HEIGHT)[:, None]
    cv2.rectangle(wall, (30, 20), (190, 170), (190, 205, 210), -1)  # a window
    cv2.rectangle(wall, (36, 26), (184, 164), (228, 224, 205), -1)
    cv2.line(wall, (110, 20), (110, 170), (170, 185, 190), 5)
    for shelf in (70, 130, 190):
        cv2.rectangle(wall, (360, shelf), (625, shelf + 7), (62, 84, 110), -1)
        for x in range(368, 615, 19):
            tall = int(rng.integers(22, 42))
            colour = tuple(int(value) for value in rng.integers(60, 190, 3))
            cv2.rectangle(wall, (x, shelf - tall), (x + 11, shelf), colour, -1)
    for x in (250, 320):
        cv2.circle(wall, (x, 34), 15, (170, 225, 250), -1)
    wall = np.asarray(cv2.GaussianBlur(wall, (0, 0), 4), dtype=np.uint8)
    front = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    front[:] = np.linspace((70, 100, 134), (40, 62, 88), HEIGHT)[:, None]
    cv2.rectangle(front, (0, 268), (WIDTH, 277), (120, 156, 190), -1)
    cv2.rectangle(front, (540, 276), (630, 346), (48, 50, 54), -1)
    cv2.rectangle(front, (548, 283), (622, 318), (150, 140, 112), -1)
    hides = np.zeros((HEIGHT, WIDTH), np.uint8)
    hides[268:] = 255
    return wall.astype(np.float32), _in_front(front, hides)


def _ward_room() -> tuple[Floats, Floats]:
    """Likewise: a room with a bed, and a chair beside it."""
    wall = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    wall[:] = np.linspace((176, 184, 178), (140, 150, 146), HEIGHT)[:, None]
    cv2.rectangle(wall, (400, 14), (600, 130), (228, 230, 222), -1)  # a window
    for y in range(20, 130, 13):
        cv2.line(wall, (402, y), (598, y), (196, 202, 198), 3)
    cv2.rectangle(wall, (20, 40), (240, 52), (120, 140, 150), -1)  # the rail above the bed
    for x in (70, 130, 190):
        cv2.circle(wall, (x, 46), 6, (90, 160, 90), -1)
    cv2.rectangle(wall, (0, 96), (26, 340), (110, 120, 128), -1)  # the head of the bed
    cv2.rectangle(wall, (0, 250), (420, 330), (214, 216, 218), -1)
    cv2.ellipse(wall, (120, 205), (120, 92), 0, 0, 360, (236, 236, 238), -1)  # a pillow
    cv2.rectangle(wall, (460, 170), (610, 340), (84, 104, 122), -1)  # a chair
    wall = np.asarray(cv2.GaussianBlur(wall, (0, 0), 3), dtype=np.uint8)
    front = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    front[:] = np.linspace((196, 178, 150), (150, 132, 106), HEIGHT)[:, None]
    cv2.line(front, (0, 292), (WIDTH, 292), (205, 205, 205), 7)  # the rail of the bed in front
    for x in range(30, WIDTH, 60):
        cv2.line(front, (x, 292), (x, HEIGHT), (205, 205, 205), 4)
    hides = np.zeros((HEIGHT, WIDTH), np.uint8)
    blanket = [(210, 300), (208, 190), (226, 146), (262, 116), (305, 116), (345, 172), (460, 190), (466, 300)]
    cv2.fillPoly(hides, [np.array(blanket, np.int32)], (255,))
    hides[258:] = 255
    return wall.astype(np.float32), _in_front(front, hides)


def _in_front(front: Image, hides: Image) -> Floats:
    return cv2.GaussianBlur(np.dstack([front, hides]), (0, 0), 1.5).astype(np.float32)


ROOMS: Final = {"counter": _counter_room, "ward": _ward_room}


def render(story: Story, portraits: Path, cutter: Cutter) -> Iterator[Image]:
    """The frames of a recording, BGR uint8 (360, 640, 3)."""
    wall, front = ROOMS[story.name]()
    actors = []
    for number, person in enumerate(story.people):
        path = portraits / f"{person.portrait}.jpg"
        if not path.is_file():
            msg = f"{path} is missing: --portraits names the folder of SFHQ's portraits"
            raise SystemExit(msg)
        portrait = cv2.imread(str(path))
        actors.append(Actor(person, cutter.cut(np.asarray(portrait, dtype=np.uint8)), number))
    rng = np.random.default_rng(1)
    for index in range(SECONDS * FPS):
        now = index / FPS
        frame = wall.copy()
        for actor in actors:
            actor.draw(frame, now)
        frame += (front[..., :3] - frame) * (front[..., 3:] / 255)
        # clouds pass, and somebody switches a lamp off and on
        light = 1 + 0.05 * _wave(now, 4, 0.4) + 0.02 * _wave(now, 23, 1.1)
        light *= 0.86 if SECONDS * 0.56 < now < SECONDS * 0.7 else 1
        frame = cv2.GaussianBlur(frame, (0, 0), 0.6) * light
        frame += rng.normal(0, NOISE, frame.shape[:2])[..., None]
        yield np.clip(frame, 0, 255).astype(np.uint8)


def write(frames: Iterator[Image], path: Path) -> None:
    """Writes a recording in H.264, which PyAV, OpenCV and FFmpeg all play."""
    fresh = path.with_suffix(".part")
    with av.open(str(fresh), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        stream = film.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        # one thread, so that the same frames give the same file
        stream.options = {"crf": "27", "preset": "veryslow", "threads": "1", "profile": "main", "g": str(8 * FPS)}
        for image in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        film.mux(stream.encode(None))
    fresh.replace(path)


def truth(story: Story) -> dict[str, Any]:
    """What happens in a recording, for the tests."""
    return {
        "seconds": SECONDS,
        "profile": story.profile,
        "people": [
            {
                "portrait": person.portrait,
                "emotion": person.emotion,
                "x": person.at[0],
                "y": person.at[1],
                "turn": person.turn,
                "from": person.stands[0],
                "to": person.stands[1],
            }
            for person in story.people
        ],
        "alert": {"rule": story.rule, "fires": list(story.fires), "resolved": list(story.resolved)},
    }


def main() -> None:
    """Writes recordings and truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="portraits of SFHQ")
    parser.add_argument("--segmenter", type=Path, required=True, metavar="FILE", help="selfie_segmentation.tflite")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the recordings; by default all")
    asked = parser.parse_args()
    cutter = Cutter(asked.segmenter)
    TRUTH.mkdir(exist_ok=True)
    for story in STORIES:
        if asked.names and story.name not in asked.names:
            continue
        write(render(story, asked.portraits, cutter), RECORDINGS[story.name])
        (TRUTH / f"{story.name}.json").write_text(json.dumps(truth(story), indent=1) + "\n", encoding="utf-8")
        print(f"{RECORDINGS[story.name]}: {RECORDINGS[story.name].stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
