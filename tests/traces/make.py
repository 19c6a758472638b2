"""Makes the traces that the tests replay, and what each profile made of its own: `python -m tests.traces.make`.

`counter.jsonl.gz` is what `edge-fer record` made of a recording of an actor who shows one emotion after another (by
Wolfgang Langer, on Pexels); the recording itself is not here. The other two are invented: what people do is drawn from
a generator with a fixed seed, in a ward where one patient grows distressed twice, and in a crowd whose mood turns.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import math
import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_fer.cli.main import main as edge_fer
from edge_fer.trace.writer import TraceWriter
from edge_fer.types import LABEL_SETS, UNCERTAIN, Instant, Quality, QualityFault, Reading
from tests.invented import emotion_reading
from tests.shared import SHARED

FOLDER = Path(__file__).parent
PROFILES = Path(__file__).parents[2] / "edge_fer" / "config" / "profiles"
SEVEN, FIVE = LABEL_SETS["seven"], LABEL_SETS["five"]
NINE = Instant(0.0, datetime(2026, 1, 5, 9, tzinfo=UTC))
#: What replaying a trace needs to say about the place, so that it is the same on every machine.
PLACE = {"node": {"id": "test", "timezone": "Europe/Berlin"}}

#: How strongly emotions show in a face.
Emotions = dict[str, float]
#: Times, and the faces of those in view then; None for one that is turned away.
Invented = Iterator[tuple[float, dict[str, Emotions | None]]]


def outcome(profile: str) -> dict[str, Any]:
    """What a profile makes of its own trace."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(json.dumps(PLACE | {"profile": profile}))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert edge_fer(["replay", str(FOLDER / f"{profile}.jsonl.gz"), "--config", str(config), "--json"]) == 0
    told = json.loads(out.getvalue())
    return {"frames": told["frames"], "readings": told["readings"], **told["configs"][0], "config": profile}


def profiles() -> list[str]:
    """All profiles that there are."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def reading(
    rng: random.Random, labels: tuple[str, ...], who: str, at: Instant, face: Emotions | None, before: Reading | None
) -> Reading:
    """A reading of a face that shows emotions more or less strongly, with some noise."""
    if face is None:
        scores = dict(before.scores) if before else {}
        fault = (QualityFault.TURNED_AWAY,)
        return emotion_reading(
            "camera", who, at, UNCERTAIN, max(scores.values(), default=0.0), scores, Quality(0.2, fault)
        )
    raw = {label: math.exp(4 * face.get(label, 0.0) + rng.gauss(0, 0.25)) for label in labels}
    whole = sum(raw.values())
    fresh = {label: value / whole for label, value in raw.items()}
    # as steady as smoothing leaves them
    kept = before.scores if before and before.scores else fresh
    scores = {label: 0.8 * kept[label] + 0.2 * fresh[label] for label in labels}
    leading = max(scores, key=scores.__getitem__)
    certain = scores[leading] >= 0.45
    return emotion_reading("camera", who, at, leading if certain else UNCERTAIN, scores[leading], scores, Quality(0.9))


def ward() -> Invented:
    """Half an hour of one patient, twice distressed, asleep in between, and a visitor; two readings a second."""
    for tick in range(3600):
        time = tick / 2
        distressed = 300 <= time < 420 or 1200 <= time < 1215
        away = 600 <= time < 900 or math.sin(time / 37) > 0.95
        patient: Emotions | None = {"sad": 0.9, "fear": 0.5} if distressed else {"neutral": 0.8}
        people = {"patient": None if away and not distressed else patient}
        if 1000 <= time < 1500:
            people["visitor"] = {"happy": 1.0} if time % 60 < 20 else {"neutral": 0.7}
        yield time, people


def crowd() -> Invented:
    """A quarter of an hour of eight people, whose mood turns for three minutes; one round a second."""
    rng = random.Random(7)  # noqa: S311 - nothing is kept secret by it
    tempers = {f"p{number}": rng.random() for number in range(8)}
    for tick in range(900):
        time = float(tick)
        turned = 420 <= time < 600
        people: dict[str, Emotions | None] = {}
        for who, temper in tempers.items():
            if (time + 40 * temper) % 45 < 5:
                people[who] = None
            elif turned and temper < 0.75:
                people[who] = {"angry": 1.0} if temper < 0.5 else {"sad": 0.9}
            else:
                people[who] = {"happy": 1.0} if (time / 30 + 10 * temper) % 3 < 1 else {"neutral": 0.8}
        yield time, people


def write_invented(path: Path, scene: Invented, labels: tuple[str, ...], seed: int) -> None:
    """Writes an invented scene as a trace."""
    rng = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    writer = TraceWriter(path, {"camera": labels}, made_by="tests", most_bytes=10_000_000)
    known: dict[str, Reading] = {}
    for time, people in scene:
        at = NINE.later(time)
        left = sorted(known.keys() - people.keys())
        known = {who: reading(rng, labels, who, at, face, known.get(who)) for who, face in people.items()}
        writer.step("camera", at, list(known.values()), people=len(known), left=left)
    writer.close()


def write_recorded(path: Path) -> None:
    """Records the recording, and sets its clock to a Monday morning."""
    with tempfile.TemporaryDirectory() as folder:
        config, trace = Path(folder, "config.yaml"), Path(folder, "trace.jsonl")
        config.write_text(
            json.dumps(
                {
                    "cameras": {
                        "camera": {
                            "source": str(SHARED / "data" / "clips" / "wolfgang-langer-pexels.mp4"),
                            "speed": "fast",
                        }
                    }
                }
                | PLACE
            )
        )
        assert edge_fer(["record", str(trace), "--config", str(config)]) == 0
        lines = [json.loads(line) for line in trace.read_text().splitlines()]
    for line in lines:
        if "clock" in line:
            line["clock"] |= {"utc": NINE.utc.isoformat(timespec="microseconds"), "synced": True}
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> None:
    """Makes the traces where they are missing, and the outcomes anew."""
    makers: dict[str, Callable[[Path], None]] = {
        "counter": write_recorded,
        "ward": lambda path: write_invented(path, ward(), SEVEN, 1),
        "crowd": lambda path: write_invented(path, crowd(), FIVE, 2),
    }
    for profile, make in makers.items():
        path = FOLDER / f"{profile}.jsonl.gz"
        if not path.exists():
            make(path)
    for profile in profiles():
        (FOLDER / f"{profile}.json").write_text(json.dumps(outcome(profile), indent=1) + "\n")


if __name__ == "__main__":
    main()
