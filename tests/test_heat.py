"""What the kernel says, from files as a Pi has them, and what is made of it in invented time."""

from __future__ import annotations

import pytest

from edge_fer.capture.limit import FrameLimit
from edge_fer.daemon.heat import Heat, HeatGovernor, HeatWatch, read_heat

PI_4, PI_5 = "soc/soc:firmware", "soc@107c000000/soc@107c000000:firmware"


def sysfs(root, *, zones=(), flags=None, node=PI_4):
    for index, text in enumerate(zones):
        zone = root / f"class/thermal/thermal_zone{index}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    if flags is not None:
        firmware = root / "devices/platform" / node
        firmware.mkdir(parents=True)
        (firmware / "get_throttled").write_text(flags)
    return root


@pytest.mark.parametrize("node", [PI_4, PI_5])
def test_a_pi_that_is_well(tmp_path, node):
    assert read_heat(sysfs(tmp_path, zones=["54530\n"], flags="0\n", node=node)) == Heat(54.53, (), ())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("50005", ("under_voltage", "throttled")),
        ("e0000", ()),
        ("8", ("soft_temperature_limit",)),
        ("0x2", ("frequency_capped",)),
        ("", None),
        ("what", None),
    ],
)
def test_flags(tmp_path, flags, said):
    """What has been (from bit 16 on) is not what is."""
    assert read_heat(sysfs(tmp_path, flags=flags)).throttling == said


def test_what_has_been_since_the_start(tmp_path):
    assert read_heat(sysfs(tmp_path, flags="50008")).throttled == ("under_voltage", "throttled")


@pytest.mark.parametrize(
    ("zones", "said"),
    [((), None), (("40000", "71000", "50000"), 71.0), (("-274000", "30000"), 30.0), (("x", ""), None)],
)
def test_the_hottest_sensor_that_works_counts(tmp_path, zones, said):
    assert read_heat(sysfs(tmp_path, zones=zones)).temperature == said


def test_a_machine_that_says_nothing(tmp_path):
    assert read_heat(tmp_path / "none") == Heat(None, None)


def shares(governor, *spells):
    """The share at the end of each spell of (seconds, temperature or reasons), asked every 2 s."""
    now, ends = 0.0, []
    for seconds, heat in spells:
        said = Heat(60.0, heat) if isinstance(heat, tuple) else Heat(heat, ())
        for _ in range(round(seconds / 2)):
            governor.update(said, now)
            now += 2
        ends.append(governor.share)
    return ends


@pytest.mark.parametrize("hot", [80.0, 95.0, ("throttled",), ("frequency_capped", "under_voltage")])
def test_heat_halves_the_rate_again_and_again_and_it_comes_back(hot):
    spells = shares(HeatGovernor(), (2, 60.0), (2, hot), (10, hot), (60, hot), (58, 60.0), (10, 60.0), (70, 60.0))
    assert spells == [1.0, 0.5, 0.25, 0.25, 0.25, 0.5, 1.0]


def test_between_well_and_hot_everything_stays_as_it_is():
    assert shares(HeatGovernor(), (2, 81.0), (600, 77.0), (62, 74.0)) == [0.5, 0.5, 1.0]


def test_a_temperature_that_hovers_about_the_limit_does_not_make_the_rate_jump_up_and_down():
    governor, changes = HeatGovernor(), []
    for second in range(0, 3600, 2):
        before = governor.share
        governor.update(Heat(80.5 if second % 4 else 76.0, ()), second)
        changes += [governor.share] if governor.share != before else []
    assert changes == [0.5, 0.25]


def test_a_weak_power_supply_alone_changes_nothing():
    assert shares(HeatGovernor(), (600, ("under_voltage",))) == [1.0]


def test_a_machine_that_says_nothing_is_well():
    governor = HeatGovernor()
    assert {governor.update(Heat(None, None), second) for second in range(100)} == {1.0}


def test_it_can_be_switched_off():
    assert shares(HeatGovernor(least=1.0), (600, 99.0)) == [1.0]


def test_the_watch_asks_now_and_then_and_hands_on_what_it_heard(tmp_path):
    asked = []

    def read():
        asked.append(1)
        return Heat(90.0, ("throttled",))

    watch = HeatWatch(HeatGovernor(), read=read, every=2)
    assert watch.heat.temperature == 90.0
    for tick in range(20):
        watch.look(tick / 2)
    assert len(asked) == 1 + 5
    assert watch.share == 0.5


def test_the_frame_limit_follows_the_share_while_it_runs():
    share = 1.0
    limit = FrameLimit(10, lambda: share)

    def taken(begin, seconds):
        return sum(limit.take(begin + frame / 30) for frame in range(seconds * 30))

    assert taken(0, 10) == pytest.approx(100, abs=2)
    share = 0.25
    assert taken(10, 10) == pytest.approx(25, abs=2)
    share = 1.0
    assert taken(21, 10) == pytest.approx(100, abs=5)
