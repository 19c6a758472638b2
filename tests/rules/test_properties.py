"""What holds of every rule, whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.rules.alerts.handover import hand_over
from edge_fer.types import AlertState, Resolution, SignalKey, SignalValue, View
from tests.invented import at, reading, torn, unreadable
from tests.rules.kit import frame, rule_of, rules_of

FACES = {
    "angry": lambda t, who: reading(t, "angry", who=who),
    "calm": lambda t, who: reading(t, who=who),
    "torn": lambda t, who: torn(t, who=who, happy=0.4, sad=0.3),
    "blurred": lambda t, who: unreadable(t, who=who),
}
PEOPLE = "abcd"
FRAMES = st.lists(
    st.tuples(
        # gaps, and a clock that stands still
        st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.0, 2.0, 15.0]),
        st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(list(FACES)), max_size=4),
        st.sets(st.sampled_from(PEOPLE), max_size=2),
        st.sampled_from([None, *View]),
        st.sampled_from([None, 60.0, 130.0, "stale", "invalid"]),
    ),
    max_size=60,
)
SIGNAL = "{signal: x, above: 120, max_age: 5s}"
WHENS = [
    "{emotion: [angry], score: 0.6}",
    "{emotion: [angry], score: 0.6, repeated: 3}",
    "{crowd: [angry], share: 0.5, over: 2s, min_people: 2}",
    "{no_face: true}",
    "{more_people_than: 1}",
    "{view: [dark, covered]}",
    "{distress: moderate, over: 2s}",
    "{satisfaction_below: 45, over: 2s}",
    SIGNAL,
    f"{{all: [{{emotion: [angry]}}, {SIGNAL}]}}",
    f"{{any: [{{emotion: [angry]}}, {SIGNAL}]}}",
]
SECONDS = st.sampled_from([0, 1, 3, 5])


def samples(t, given):
    if given is None:
        return {}
    value, mono = {"stale": (130.0, t - 6), "invalid": (None, t)}.get(given, (given, t))
    return {SignalKey("x"): SignalValue(value, mono)}


def check(rule, frames, for_, cooldown):
    """Plays the frames and holds every invariant at each of them."""
    now, firing, last = 0.0, {}, float("-inf")
    for step, faces, left, view, signal in frames:
        now += step
        readings = [FACES[face](now, who) for who, face in faces.items() if who not in left]
        sight = frame(now, readings, left=sorted(left), view=view, samples=samples(now, signal))
        for change in rule.update(sight):
            who, alert = change.alert.track_id, change.alert
            assert change.at == at(now)
            if change.resolved:
                assert change.reason is not None
                assert firing.pop(who) == alert.id, "resolved what did not fire"
            else:
                assert change.reason is None
                assert who not in firing, "fired twice without resolving"
                assert now - alert.since.mono >= for_ - 1e-6, "fired before `for`"
                assert now - last >= cooldown - 1e-6, "fired inside the cooldown"
                firing[who] = alert.id
            if not change.resolved or change.reason is Resolution.OVER:
                last = now
        assert not left & firing.keys(), "outlived its person"
        told = {alert.track_id for alert in rule.standing.alerts if alert.state is AlertState.FIRING}
        assert told == firing.keys()
        assert len(rule.standing.alerts) <= len(PEOPLE) + 1


@pytest.mark.parametrize("when", WHENS)
@given(FRAMES, SECONDS, SECONDS, st.sampled_from([0, 4, 20]), SECONDS)
def test_whatever_happens_the_invariants_hold(when, frames, for_, keep_firing_for, cooldown, max_uncertain):
    timing = (
        f"for: {for_}s, keep_firing_for: {keep_firing_for}s, cooldown: {cooldown}s, max_uncertain: {max_uncertain}s"
    )
    check(rule_of(when, timing), frames, for_, cooldown)


@pytest.mark.parametrize("when", ["{emotion: [angry]}", "{distress: moderate, over: 2s}"])
@given(FRAMES, SECONDS)
def test_everything_ends_once_everybody_has_left(when, frames, keep_firing_for):
    rule = rule_of(when, f"for: 0s, keep_firing_for: {keep_firing_for}s, cooldown: 0s")
    check(rule, frames, 0, 0)
    now = sum(step for step, *_ in frames)
    rule.update(frame(now, left=PEOPLE))
    assert rule.standing.alerts == ()


@pytest.mark.parametrize("when", WHENS)
def test_many_people_at_once_have_an_alert_each_or_share_one(when):
    rule = rule_of(when, "for: 2s, keep_firing_for: 1s, cooldown: 0s")
    fired = set()
    for t in range(10):
        crowd = [reading(t, "angry", who=f"person-{number}") for number in range(50)]
        for change in rule.update(frame(t, crowd, view=View.DARK, samples=samples(t, 130.0))):
            assert change.alert.track_id not in fired
            fired.add(change.alert.track_id)
    expected = {"{no_face: true}": 0}.get(when, 50 if "emotion" in when or "distress" in when else 1)
    assert len(fired) == expected


CONFIGS = [
    "a: {when: {emotion: [angry]}, TIMING}, s: {when: {more_people_than: 0}, TIMING}",
    "a: {when: {emotion: [angry]}, TIMING}",
    "a: {when: {emotion: [angry, sad]}, TIMING}, s: {when: {more_people_than: 0}, TIMING, silenced: true}",
    "s: {when: {more_people_than: 1}, TIMING}, a: {when: {emotion: [angry]}, TIMING}",
]


@given(FRAMES, st.lists(st.sampled_from([None, None, 0, 1, 2, 3]), min_size=60, max_size=60), st.sampled_from([0, 20]))
def test_whatever_is_reloaded_each_alert_ends_once_and_none_begins_inside_a_cooldown(frames, reloads, cooldown):
    timing = f"for: 0s, keep_firing_for: 1s, cooldown: {cooldown}s, max_uncertain: 3s"

    def fresh(number):
        return rules_of(CONFIGS[number].replace("TIMING", timing))

    rules, now, firing, last = fresh(0), 0.0, {}, {}

    def note(changes):
        for change in changes:
            key, name = (change.alert.rule, change.alert.track_id), change.alert.rule
            if change.resolved:
                assert firing.pop(key) == change.alert.id
            else:
                assert key not in firing, "fired twice without resolving"
                assert now - last.get(name, float("-inf")) >= cooldown - 1e-6, "fired inside the cooldown"
                firing[key] = change.alert.id
            if not change.resolved or change.reason is Resolution.OVER:
                # the one that may have been silenced is told late, and its cooldown counts from when it fired
                last[name] = change.alert.since.mono if name == "s" and not change.resolved else now

    for (step, faces, left, view, _), number in zip(frames, reloads, strict=False):
        now += step
        if number is not None:
            before = {rule.name for rule in rules}
            rules, changes = hand_over(rules, fresh(number), at(now), people_stay=True)
            note(changes)
            # a rule that was gone for a while is another one when it comes back
            for name in before - {rule.name for rule in rules}:
                assert not any(rule == name for rule, _ in firing), "outlived its rule"
                last.pop(name, None)
        readings = [FACES[face](now, who) for who, face in faces.items() if who not in left]
        sight = frame(now, readings, left=sorted(left), view=view)
        for rule in rules:
            note(rule.update(sight))
        assert not any(who in left for _, who in firing), "outlived its person"
