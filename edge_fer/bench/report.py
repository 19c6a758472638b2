"""What a benchmark found, as figures, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

__all__ = [
    "STAGES",
    "Flicker",
    "Frames",
    "Process",
    "Report",
    "Shares",
    "Skipping",
    "StageCost",
    "StepResponse",
    "as_json",
    "as_table",
]

#: All of a frame's way, in the order in which it goes.
STAGES = (
    "capture",
    "view",
    "motion",
    "detect",
    "sift",
    "follow",
    "track",
    "crop",
    "quality",
    "classify",
    "smooth",
    "rules",
    "publish",
)


@dataclass(frozen=True, slots=True)
class Skipping:
    """Which work was left out on frames not worth it, as the config says.

    Attributes:
        on: whether any was; False means that every frame was searched and read.
        detect_every_s: seconds between two searches while something moves.
        rest_every_s: seconds between two searches while nothing does.
        read_every_s: seconds for which a face may go unread while its emotion is settled.
    """

    on: bool
    detect_every_s: float
    rest_every_s: float
    read_every_s: float


@dataclass(frozen=True, slots=True)
class Frames:
    """How many frames got how far.

    Attributes:
        decoded: frames taken from the source.
        rested: left alone because nothing moved.
        followed: in which known people were followed, and nobody searched for.
        detected: searched for faces.
        with_face: of these, with at least one.
        classified: in which at least one face was read.
        faces_found: faces found by searches, over all frames.
        faces_classified: faces read, over all frames.
        size: width and height of the last one, pixels.
    """

    decoded: int
    rested: int
    followed: int
    detected: int
    with_face: int
    classified: int
    faces_found: int
    faces_classified: int
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class StageCost:
    """What a stage takes in those frames that get to it, and in how many that was."""

    median_ms: float
    p95_ms: float
    passes: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the median frame's processor time, 0 to 1: capture, the bare networks, and all that is our own.

    A detector that is no TFLite model counts among the bare networks as a whole.
    """

    capture: float
    networks: float
    own: float


@dataclass(frozen=True, slots=True)
class Process:
    """What the process took.

    Attributes:
        cpu_share: seconds of processor time, of all threads, for each second of the run; 1 is one core.
        cpu_share_at_pace: the same for each second of the recording or camera: what it takes as it comes.
        rss_bytes: memory held at the end of the run.
        peak_rss_bytes: memory held at most since the process began.
        first_event_s: seconds from the start of the process to its first event; None where there was none.
    """

    cpu_share: float
    cpu_share_at_pace: float
    rss_bytes: int
    peak_rss_bytes: int
    first_event_s: float | None


@dataclass(frozen=True, slots=True)
class Flicker:
    """How often labels changed, each second that somebody was in view.

    Attributes:
        person_seconds: how long people were in view, added up.
        raw: changes of the leading emotion in single readings.
        smoothed: of the leading emotion after smoothing.
        told: of what is told of each frame, where `uncertain` is a label as well.
        published: of what is published, `emotion_changed` events.
    """

    person_seconds: float
    raw: float
    smoothed: float
    told: float
    published: float


@dataclass(frozen=True, slots=True)
class StepResponse:
    """How late a change of expression is told; steps are spliced from seconds of one and the same expression.

    Attributes:
        stretches: by label, how many such seconds there were.
        tried: steps from one label to another.
        never_told: those whose new label was not told within five seconds.
        median_s: median delay; None without steps, or where half of them were never told.
        p95_s: 95th percentile, likewise.
    """

    stretches: Mapping[str, int]
    tried: int
    never_told: int
    median_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found.

    Attributes:
        version: of edge-fer.
        source: what was looked at; addresses without their passwords.
        detector: which one.
        runtime: what ran the emotion model, and its version.
        skipping: which work was left out.
        frames: how many got how far.
        seconds: how long the run took by the wall clock, without the first frame, which pays for what is set up late.
        fps: frames for each of these seconds.
        stages: cost by stage, each of `STAGES`.
        shares: whose time it was.
        process: what the process took.
        flicker: how steady labels were.
        steps: how late changes were told.
    """

    version: str
    source: str
    detector: str
    runtime: str
    skipping: Skipping
    frames: Frames
    seconds: float
    fps: float
    stages: Mapping[str, StageCost]
    shares: Shares
    process: Process
    flicker: Flicker
    steps: StepResponse


def as_json(report: Report, stage: str | None = None) -> str:
    """The report, the names of its attributes as keys; of one stage only, where it is named."""
    return json.dumps(asdict(report if stage is None else report.stages[stage]), indent=2)


def as_table(report: Report, stage: str | None = None) -> str:
    """The report for people; of one stage only, where it is named."""
    return "\n".join(_lines(report) if stage is None else _stages({stage: report.stages[stage]}))


def _lines(report: Report) -> Iterator[str]:
    frames, process = report.frames, report.process
    width, height = frames.size
    yield f"edge-fer {report.version}, {report.detector}, {report.runtime}; {report.source}, {width} x {height}"
    yield _skipping(report.skipping)
    yield (
        f"frames   {frames.decoded} decoded, {frames.detected} searched, {frames.followed} followed, "
        f"{frames.rested} left alone, {frames.classified} read ({frames.faces_classified} faces)"
    )
    yield f"speed    {report.fps:.1f} frames a second for {report.seconds:.1f} s"
    yield ""
    yield from _stages(report.stages)
    shares = report.shares
    yield ""
    yield f"of it    {shares.capture:.0%} capture, {shares.networks:.0%} bare networks, {shares.own:.0%} our own"
    yield (
        f"process  {process.cpu_share:.0%} of a core, {process.cpu_share_at_pace:.0%} at the source's own pace; "
        f"{process.rss_bytes / 1e6:.0f} MB of memory, {process.peak_rss_bytes / 1e6:.0f} MB at most"
    )
    first = "no event" if process.first_event_s is None else f"{process.first_event_s:.2f} s from start to first event"
    yield f"start    {first}"
    flicker = report.flicker
    yield (
        f"flicker  label switches a second: {flicker.raw:.2f} raw, {flicker.smoothed:.2f} smoothed, "
        f"{flicker.told:.2f} with uncertain, {flicker.published:.2f} published "
        f"({flicker.person_seconds:.0f} s of people)"
    )
    yield f"steps    {_steps(report.steps)}"


def _stages(stages: Mapping[str, StageCost]) -> Iterator[str]:
    yield f"{'stage':10} {'median':>10} {'95 %':>10} {'passes':>8}"
    for name, stage in stages.items():
        yield f"{name:10} {stage.median_ms:7.3f} ms {stage.p95_ms:7.3f} ms {stage.passes:8}"


def _skipping(skipping: Skipping) -> str:
    if not skipping.on:
        return "skipping none: every frame is searched and every face read"
    return (
        f"skipping searches every {skipping.detect_every_s:g} s while something moves, "
        f"every {skipping.rest_every_s:g} s while nothing does; reads a settled face every {skipping.read_every_s:g} s"
    )


def _steps(steps: StepResponse) -> str:
    if not steps.tried:
        return "none: no two expressions lasted a second each"
    late = "never" if steps.median_s is None else f"{steps.median_s:.2f} s"
    worst = "never" if steps.p95_s is None else f"{steps.p95_s:.2f} s"
    return f"{steps.tried} changes of expression, told after {late} (median; 95 %: {worst})"
