"""Draws the timelines in `docs/profiles/` by playing an invented scene to the profiles' own alert rules.

`python -m tests.timelines` after changing the rules or the profiles; a test holds the pictures equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_fer.config.values.units import DURATION
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.sight import Sight
from edge_fer.types import AlertChange
from tests.invented import reading, unreadable
from tests.rules.kit import frame, rules_in

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "profiles"

_WIDTH, _LEFT, _RIGHT = 900, 150, 20
_CURVE_TOP, _CURVE_HEIGHT = 40, 110
_BAR_TOP, _BAR_HEIGHT = 170, 26
_COLOURS = {"pending": "#f2c14e", "firing": "#d1495b", "cooldown": "#c8ccd4", "unreadable": "#e8eaee"}


@dataclass(frozen=True)
class Story:
    """What happens in one picture.

    Attributes:
        rule: the alert's name in the profile.
        curve: what the curve shows, in words.
        seconds: how long it takes.
        scene: what one frame says at a time.
        unit: seconds of one tick of the axis, and its name.
    """

    rule: str
    curve: str
    seconds: int
    scene: Callable[[float], Sight]
    unit: tuple[int, str]


def at_times(*stretches: tuple[float, float]) -> Callable[[float], float]:
    """What holds at a time, of stretches that begin at given times."""
    return lambda t: [value for begin, value in stretches if begin <= t][-1]


def guest(t: float) -> Sight:
    """A short scowl, a long one with a smile in the midst of it, and one more soon after."""
    score = at_times((0, 0.2), (8, 0.75), (10, 0.2), (20, 0.75), (31, 0.3), (34, 0.8), (44, 0.2), (70, 0.75), (80, 0.2))
    value = score(t)
    label, confidence = ("angry", value) if value > 0.5 else ("happy", 1 - value)
    return frame(t, [reading(t, label, confidence)])


def patient(t: float) -> Sight:
    """Distress with a face turned away for a while, which pauses the clock, and one calm moment."""
    score = at_times((0, 0.15), (30, 0.8), (45, -1), (75, 0.8), (130, 0.2), (140, 0.7), (175, 0.15))
    value = score(t)
    if value < 0:
        return frame(t, [unreadable(t)])
    return frame(t, [reading(t, "fear", value) if value > 0.5 else reading(t, "neutral", 1 - value)])


def stand(t: float) -> Sight:
    """Ten people of whom more and more get angry, and calm down again."""
    angry = round(at_times((0, 1), (60, 3), (90, 6), (120, 8), (210, 5), (230, 2), (260, 1))(t))
    return frame(t, [reading(t, "angry" if n < angry else "happy", who=f"person-{n}") for n in range(10)])


STORIES: Mapping[str, Story] = {
    "counter": Story("unhappy-guest", "angry + disgust + sad", 120, guest, (10, "s")),
    "ward": Story("distress", "sad + fear + angry", 240, patient, (30, "s")),
    "crowd": Story("crowd-turns", "share over the last 1m", 420, stand, (60, "s")),
}


@dataclass(frozen=True)
class Played:
    """One frame of a story: when, what was measured, how the alert stood, and what it told."""

    t: float
    value: float | None
    threshold: float
    state: str
    told: Sequence[AlertChange]


def picture(profile: str) -> str:
    """The timeline of a profile's story as SVG."""
    story = STORIES[profile]
    rules = rules_in(f"profile: {profile}\nnode: {{timezone: UTC}}")
    rule = next(rule for rule in rules if rule.name == story.rule)
    played = list(_play(rule, story))
    x = _scale(story.seconds)
    parts = [
        *_shades(played, x),
        *_curve(played, x),
        *_bars(played, x, rule),
        *_marks(played, x),
        *_axis(story, x),
        _text(8, 24, f"{profile}: {story.rule}", size=15, weight="bold"),
        _text(8, _CURVE_TOP + 14, story.curve, size=11),
        _text(8, _BAR_TOP + 18, "alert", size=12),
        _legend(),
    ]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} 270" font-family="sans-serif" '
        f'role="img" aria-label="Timeline of the alert {story.rule}">\n'
        f'<rect width="{_WIDTH}" height="270" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _play(rule: AlertRule, story: Story) -> Iterator[Played]:
    quiet_until = 0.0
    for step in range(story.seconds * 2):
        t = step / 2
        sight = story.scene(t)
        found = next(iter(rule._condition.find(sight).values()), None)
        told = rule.update(sight)
        if told:
            quiet_until = t + rule._timing.cooldown
        state = next((str(alert.state) for alert in rule.standing.alerts), "cooldown" if t < quiet_until else "")
        known = found is not None and found.verdict.name != "UNKNOWN"
        yield Played(t, found.value if found and known else None, found.threshold if found else 0.0, state, told)


def _scale(seconds: float) -> Callable[[float], float]:
    return lambda t: round(_LEFT + t / seconds * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(value: float) -> float:
    return round(_CURVE_TOP + _CURVE_HEIGHT * (1 - value), 1)


def _runs(played: Sequence[Played], key: Callable[[Played], object]) -> Iterator[tuple[object, float, float]]:
    """Stretches of frames with the same key, and from when to when."""
    begin = played[0]
    for frame_ in played:
        if key(frame_) != key(begin):
            yield key(begin), begin.t, frame_.t
            begin = frame_
    yield key(begin), begin.t, played[-1].t + 0.5


def _shades(played: Sequence[Played], x: Callable[[float], float]) -> Iterator[str]:
    for unknown, begin, end in _runs(played, lambda frame_: frame_.value is None):
        if unknown and end - begin > 1:
            yield _rect(x(begin), _CURVE_TOP, x(end) - x(begin), _CURVE_HEIGHT, _COLOURS["unreadable"])
            yield _text(x(begin) + 4, _CURVE_TOP + 14, "not known", size=11, colour="#667085")


def _curve(played: Sequence[Played], x: Callable[[float], float]) -> Iterator[str]:
    threshold = played[-1].threshold
    for known, begin, end in _runs(played, lambda frame_: frame_.value is not None):
        if known:
            points = " ".join(f"{x(p.t)},{_y(p.value or 0)}" for p in played if begin <= p.t < end)
            yield f'<polyline points="{points}" fill="none" stroke="#2f5d8a" stroke-width="2"/>'
    y = _y(threshold)
    yield f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="#475467" stroke-dasharray="5 4"/>'
    yield _text(8, y + 4, f"threshold {threshold:g}", size=11)


def _bars(played: Sequence[Played], x: Callable[[float], float], rule: AlertRule) -> Iterator[str]:
    timing = rule._timing
    for state, begin, end in _runs(played, lambda frame_: frame_.state):
        if state:
            yield _rect(x(begin), _BAR_TOP, x(end) - x(begin), _BAR_HEIGHT, _COLOURS[str(state)])
    for frame_ in played:
        for change in frame_.told:
            if not change.resolved:
                since = change.alert.since.mono
                paused = frame_.t - since - timing.for_
                beside = f", and {DURATION.write(paused)} not known" if paused > 1 else ""
                yield _bracket(x(since), x(frame_.t), f"for {DURATION.write(timing.for_)}{beside}")
            else:
                begin = frame_.t - timing.keep_firing_for
                yield _bracket(x(begin), x(frame_.t), f"keep_firing_for {DURATION.write(timing.keep_firing_for)}")
                end = min(frame_.t + timing.cooldown, played[-1].t)
                yield _bracket(x(frame_.t), x(end), f"cooldown {DURATION.write(timing.cooldown)}", row=1)


def _marks(played: Sequence[Played], x: Callable[[float], float]) -> Iterator[str]:
    for frame_ in played:
        for change in frame_.told:
            word = "resolved" if change.resolved else "fires"
            at = x(frame_.t)
            yield f'<line x1="{at}" y1="{_CURVE_TOP}" x2="{at}" y2="{_BAR_TOP + _BAR_HEIGHT}" stroke="#1d2939"/>'
            yield _text(at + 4, _BAR_TOP - 6, word, size=12, weight="bold")


def _axis(story: Story, x: Callable[[float], float]) -> Iterator[str]:
    every, name = story.unit
    for t in range(0, story.seconds + 1, every):
        yield _text(x(t), 262, f"{t}{name}" if t else "0", size=11, anchor="middle", colour="#667085")


def _legend() -> str:
    parts = []
    for index, name in enumerate(("pending", "firing", "cooldown")):
        left = 560 + index * 110
        parts += [_rect(left, 12, 14, 14, _COLOURS[name]), _text(left + 20, 24, name, size=12)]
    return "\n".join(parts)


def _bracket(begin: float, end: float, text: str, *, row: int = 0) -> str:
    y = _BAR_TOP + _BAR_HEIGHT + 8 + row * 22
    line = f'<path d="M{begin} {y - 4}v4H{end}v-4" fill="none" stroke="#475467"/>'
    return f"{line}\n{_text(begin, y + 13, text, size=11)}"


def _rect(left: float, top: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{left}" y="{top}" width="{round(width, 1)}" height="{height}" fill="{colour}"/>'


def _text(
    left: float, base: float, text: str, *, size: int, weight: str = "normal", anchor: str = "start", colour: str = ""
) -> str:
    fill = colour or "#1d2939"
    return (
        f'<text x="{left}" y="{base}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{fill}">{text}</text>'
    )


if __name__ == "__main__":
    for name in STORIES:
        (FOLDER / f"{name}.svg").write_text(picture(name), encoding="utf-8")
