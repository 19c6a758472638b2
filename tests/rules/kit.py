"""What tests of alert rules share: a rule out of its YAML, and a script of frames to play to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from edge_fer.config.tree import Config
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.conditions.over_time import BaselinePort
from edge_fer.rules.scene.mood import MoodScale
from edge_fer.rules.sight import Sight
from edge_fer.types import Reading, SignalKey, SignalValue, View
from edge_fer.wiring.alert_rules import make_rules
from tests.config.loading import load_layers
from tests.invented import at, reading

SCALE = MoodScale(
    weights={"happy": 1, "angry": -1, "disgust": -1, "fear": -1, "sad": -1},
    distressed=frozenset({"angry", "fear", "sad"}),
    moderate=0.3,
    high=0.6,
)
QUICK = "for: 4s, keep_firing_for: 5s, cooldown: 60s, max_uncertain: 10s"


class Unknown:
    """A baseline that knows nothing."""

    def usual(self, _measure, _utc):
        return None


def rule_of(when: str, timing: str = QUICK, *, baseline: BaselinePort | None = None, more: str = "") -> AlertRule:
    """The rule named `rule` with this `when`, as the config and the wiring make it."""
    (rule,) = rules_of(f"rule: {{when: {when}, {timing}}}", baseline, more=more)
    return rule


def rules_of(alerts: str, baseline: BaselinePort | None = None, *, more: str = "") -> list[AlertRule]:
    """These rules, without any of a profile; as they stand between the braces of `alerts: {}`."""
    off = ", ".join(f"{name}: false" for name in _config("{}").alerts)
    return rules_in(f"alerts: {{{alerts}}}\n{more}", f"alerts: {{{off}}}", baseline=baseline)


def rules_in(*texts: str, baseline: BaselinePort | None = None) -> list[AlertRule]:
    """The rules that a config, in layers, gives the default camera."""
    loaded = _config(*reversed(texts))
    ids = (f"alert-{number}" for number in itertools.count())
    rules = make_rules(
        "cam",
        loaded.cameras["camera"],
        timezone=loaded.node.timezone,
        scale=SCALE,
        baseline=baseline or UNKNOWN,
    )
    for rule in rules:
        rule._new_id = lambda: next(ids)
    return rules


@cache
def _config(*layers: str) -> Config:
    return load_layers(*layers).config


UNKNOWN = Unknown()


def frame(
    seconds: float,
    readings: Sequence[Reading] = (),
    *,
    people: int | None = None,
    left: Sequence[str] = (),
    view: View | None = None,
    samples: Mapping[SignalKey, SignalValue] | None = None,
) -> Sight:
    """What one frame says."""
    people = len(readings) if people is None else people
    return Sight(at(seconds), readings, people, left, view, samples or {})


def play(rule: AlertRule, sights: Iterable[Sight]) -> list[tuple[float, str, str | None]]:
    """What the rule tells: seconds, `firing` or why it was resolved, and whom it is about."""
    return [
        (sight.at.mono, str(change.reason or "firing"), change.alert.track_id)
        for sight in sights
        for change in rule.update(sight)
    ]


def showing(label: str, first: float, last: float, *, who: str = "a", step: float = 1) -> Iterator[Sight]:
    """Frames in which one person shows one emotion."""
    return (frame(t, [reading(t, label, who=who)]) for t in steps(first, last, step))


def steps(first: float, last: float, step: float = 1) -> list[float]:
    """Instants from the first, without the last."""
    return [first + step * number for number in range(round((last - first) / step))]


def state(rule: AlertRule) -> list[str]:
    """The states of its alerts."""
    return [str(alert.state) for alert in rule.standing.alerts]
