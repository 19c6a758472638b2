"""Who is told of what, how much, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from edge_fer.notify.items import ItemKind
from edge_fer.notify.routing import EscalationStep, NotifyRoute, NotifyRouter, NotifyTarget
from edge_fer.notify.troubles import TroubleChange
from edge_fer.types import Instant
from edge_fer.values.hours import Hours
from tests.invented import MIDNIGHT, at
from tests.notify.making import change

ALL_DAYS = frozenset(range(7))
NIGHT = Hours(ALL_DAYS, 22 * 60, 6 * 60)
START = MIDNIGHT.utc.timestamp()


def router(*routes, zone=UTC, **targets):
    return NotifyRouter(targets or {"nurse": NotifyTarget(), "boss": NotifyTarget()}, routes, zone, per=600.0)


def names(items):
    return [item.target for item in items]


def test_without_routes_all_are_told_everything_but_what_is_over():
    told = router()
    assert names(told.alert(change(1))) == ["nurse", "boss"]
    assert names(told.alert(change(1, severity="info"))) == ["nurse", "boss"]
    assert names(told.trouble(TroubleChange("disk_low", over=False, since=0), at(1))) == ["nurse", "boss"]
    assert told.alert(change(9, resolved=True)) == []


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ({"severity": "warning"}, {"critical", "warning"}),
        ({"severity": "critical"}, {"critical"}),
        ({"rules": ("distress",)}, {"critical", "warning", "info"}),
        ({"rules": ("other",)}, set()),
        ({"cameras": ("bed-1",)}, {"critical", "warning", "info"}),
        ({"cameras": ("bed-2",)}, set()),
        ({"what": "alerts"}, {"critical", "warning", "info"}),
        ({"what": "troubles"}, set()),
        # the made up time is midnight
        ({"schedule": (NIGHT,)}, {"critical", "warning", "info"}),
        ({"schedule": (Hours(ALL_DAYS, 8 * 60, 18 * 60),)}, set()),
    ],
)
def test_a_route_takes_what_it_says(route, told):
    made = router(NotifyRoute(("nurse",), **route))
    found = {severity for severity in ("critical", "warning", "info") if made.alert(change(1, severity=severity))}
    assert found == told


def test_a_target_is_told_once_by_the_first_route_that_leads_to_it():
    made = router(NotifyRoute(("nurse",), severity="critical"), NotifyRoute(("nurse", "boss")))
    assert names(made.alert(change(1))) == ["nurse", "boss"]


def test_what_is_over_is_told_where_that_is_wanted():
    made = router(NotifyRoute(("nurse",), resolved=True), NotifyRoute(("boss",)))
    (found,) = made.alert(change(9, resolved=True))
    assert (found.target, found.kind, found.at) == ("nurse", ItemKind.RESOLVED, START + 9)


def test_only_the_place_is_told_unless_more_is_wanted():
    made = router(nurse=NotifyTarget(), boss=NotifyTarget(detail="full"))
    nurse, boss = made.alert(change(1))
    assert nurse.facts == {}
    assert boss.facts == {"rule": "distress", "value": 0.72, "threshold": 0.5}
    assert "distress" not in repr(nurse)


def test_nobody_acknowledges_and_the_next_is_told_later():
    steps = (EscalationStep(300.0, ("boss",)),)
    nurse, boss = router(NotifyRoute(("nurse",), escalate=steps)).alert(change(10))
    assert (nurse.kind, nurse.not_before) == (ItemKind.FIRING, START + 10)
    assert (boss.kind, boss.not_before, boss.facts) == (ItemKind.ESCALATED, START + 310, {"minutes": 5})
    assert nurse.urgent
    assert boss.urgent


def test_only_the_first_critical_alert_of_a_rule_is_urgent_for_a_while():
    made = router(nurse=NotifyTarget())
    urgent = {second: made.alert(change(second, number=second))[0].urgent for second in (1, 5, 300, 602, 603)}
    assert urgent == {1: True, 5: False, 300: False, 602: True, 603: False}
    assert made.alert(change(603, camera="bed-2"))[0].urgent
    assert made.alert(change(603, rule="other"))[0].urgent
    assert not made.alert(change(603, camera="bed-3", severity="warning"))[0].urgent


def test_memory_of_what_was_urgent_is_bounded():
    made = router(nurse=NotifyTarget())
    for number in range(5000):
        made.alert(change(1, camera=f"camera-{number}"))
    assert len(made._firsts) == 1000


@pytest.mark.parametrize(
    ("hour", "severity", "waits"),
    [
        (21.9, "warning", 0),
        (22, "warning", 8),
        (23.5, "info", 6.5),
        (5.5, "warning", 0.5),
        (6, "warning", 0),
        (23, "critical", 0),
    ],
)
def test_quiet_hours_hold_back_all_but_what_is_critical(hour, severity, waits):
    made = router(nurse=NotifyTarget(quiet=(NIGHT,)))
    (found,) = made.alert(change(hour * 3600, severity=severity))
    assert found.not_before - START == pytest.approx((hour + waits) * 3600, abs=61)


def test_quiet_hours_go_by_the_clock_on_the_wall_when_it_is_changed():
    made = NotifyRouter({"nurse": NotifyTarget(quiet=(NIGHT,))}, [], ZoneInfo("Europe/Berlin"), per=600.0)
    begun = Instant(0.0, datetime(2026, 3, 28, 22, tzinfo=UTC))  # 23:00 before the night that is an hour shorter
    (found,) = made.trouble(TroubleChange("disk_low", over=False, since=0), begun)
    assert datetime.fromtimestamp(found.not_before, UTC) == datetime(2026, 3, 29, 4, tzinfo=UTC)


def test_with_a_clock_that_may_be_wrong_nothing_is_held_back():
    made = router(nurse=NotifyTarget(quiet=(NIGHT,)))
    (found,) = made.trouble(TroubleChange("disk_low", over=False, since=0), Instant(0.0, MIDNIGHT.utc, synced=False))
    assert found.not_before == START


def test_each_message_about_an_alert_has_a_link_of_its_own_from_when_it_may_be_sent():
    route = NotifyRoute(("nurse",), resolved=True, escalate=(EscalationStep(300.0, ("boss",)),))
    targets = {"nurse": NotifyTarget(), "boss": NotifyTarget()}
    made = NotifyRouter(
        targets, [route], UTC, per=600.0, link=lambda item: {"link": (item.target, item.key, item.not_before)}
    )
    fired = change(1)
    nurse, boss = made.alert(fired)
    assert nurse.facts["link"] == ("nurse", fired.alert.id, START + 1)
    assert boss.facts == {"minutes": 5.0, "link": ("boss", fired.alert.id, START + 301)}
    (over,) = made.alert(change(2, resolved=True))
    assert "link" not in over.facts
    (trouble,) = made.trouble(TroubleChange("disk_low", over=False, since=0), at(1))
    assert "link" not in trouble.facts
