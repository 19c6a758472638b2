"""Traces: what is written is read again, and what is none is told with its line."""

from __future__ import annotations

import gzip
import stat
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.errors import TraceError
from edge_fer.trace.reader import TraceReader
from edge_fer.trace.writer import TraceWriter
from edge_fer.types import (
    LABEL_SETS,
    UNCERTAIN,
    AttributeValue,
    Box,
    Doubt,
    Instant,
    Quality,
    QualityFault,
    Reading,
    View,
)
from tests.invented import at, reading, unreadable

SEVEN = LABEL_SETS["seven"]


def writer(path, cameras=("cam",), **limits):
    return TraceWriter(path, dict.fromkeys(cameras, SEVEN), made_by="test", **({"most_bytes": 10**7} | limits))


def steps_of(path):
    with TraceReader(path) as trace:
        return list(trace)


def write(path, *lines, header='{"edge_fer_trace": 2, "cameras": {"cam": %s}}', clock=True):
    begin = [header.replace("%s", str(list(SEVEN)).replace("'", '"'))]
    begin += ['{"clock": {"t": 0, "utc": "2026-01-01T00:00:00+00:00", "synced": true}}'] if clock else []
    path.write_text("\n".join([*begin, *lines]) + "\n")
    return path


def made_up(who, label, raw, quality, faults, doubt, box, others):
    scores = {label: value / (sum(raw) + 1) for label, value in zip(SEVEN, raw, strict=True)}
    emotion = AttributeValue(label, 0.5, scores, None if faults else doubt)
    quality, size = Quality(quality, faults), (640, 360) if box else None
    return Reading("cam", who, at(0), quality, {"emotion": emotion} | others, box, size=size)


READING = st.builds(
    made_up,
    st.sampled_from("abc"),
    st.sampled_from([*SEVEN, UNCERTAIN]),
    st.lists(st.floats(0, 1), min_size=7, max_size=7),
    st.floats(0, 1),
    st.lists(st.sampled_from(QualityFault), max_size=3, unique=True).map(tuple),
    st.none() | st.sampled_from(Doubt),
    st.none() | st.builds(Box, st.floats(-9, 999), st.floats(-9, 999), st.floats(1, 999), st.floats(1, 999)),
    st.fixed_dictionaries(
        {},
        optional={
            "mask": st.floats(0, 1).map(lambda share: AttributeValue("on", share, {"on": share, "off": 1 - share})),
            "age": st.floats(0, 100).map(AttributeValue),
        },
    ),
)


@given(st.lists(st.tuples(st.floats(0, 5), st.none() | st.lists(READING, max_size=3, unique_by=lambda r: r.track_id))))
def test_what_is_written_is_read_again(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl.gz"
    file, now, given = writer(path), 100.0, []
    for seconds, readings in frames:
        now += seconds
        given.append((now, readings))
        file.step("cam", at(now), readings, people=len(readings or ()) + 1, left=["z"])
    file.close()
    found = steps_of(path)
    assert len(found) == len(given)
    names = {}
    for step, (then, readings) in zip(found, given, strict=True):
        assert step.at.utc.timestamp() == pytest.approx(at(then).utc.timestamp(), abs=0.002)
        assert step.at.mono == pytest.approx(then - given[0][0], abs=0.001)
        assert step.people == len(readings or ()) + 1
        assert len(step.left) == 1
        assert (step.readings is None) == (readings is None)
        for old, new in zip(readings or (), step.readings or (), strict=True):
            assert names.setdefault(old.track_id, new.track_id) == new.track_id
            assert (new.label, new.quality.faults, new.doubt) == (old.label, old.quality.faults, old.doubt)
            assert new.scores == pytest.approx(dict(old.scores), abs=1e-4)
            assert new.quality.value == pytest.approx(old.quality.value, abs=1e-3)
            assert (new.box is None) == (old.box is None)
            if old.box:
                assert astuple(new.box) == pytest.approx(astuple(old.box), abs=0.051)
                assert new.size == (640, 360)
            assert list(new.attributes) == list(old.attributes)
            for name, known in old.attributes.items():
                assert new.attributes[name].value == (
                    known.value if isinstance(known.value, str) else pytest.approx(known.value, abs=1e-4)
                )
                assert new.attributes[name].scores == pytest.approx(dict(known.scores), abs=1e-4)


def test_a_trace_of_version_1_is_read_as_its_own_edge_fer_read_it():
    """The file was written by the code before version 2."""
    steps = steps_of(Path(__file__).with_name("traces") / "version-1.jsonl")
    assert [(step.camera, step.at.mono, step.people, step.left) for step in steps] == [
        ("front", 0.0, 0, ()),
        ("front", 0.1, 1, ()),
        ("back", 0.15, 2, ()),
        ("back", 0.25, 1, ()),
        ("front", 0.2, 1, ()),
        ("front", 1.2, 0, ("1",)),
        ("back", 2.0, 0, ("2",)),
    ]
    (happy,), (dark,), (torn,) = (step.readings for step in steps[1:4])
    assert (happy.label, happy.confidence, happy.quality, happy.doubt) == ("happy", 0.88, Quality(0.93), None)
    assert happy.scores == dict(zip(SEVEN, (0.02, 0.01, 0.01, 0.88, 0.02, 0.03, 0.03), strict=True))
    assert (happy.box, happy.size, list(happy.attributes)) == (None, None, ["emotion"])
    faults = (QualityFault.TOO_DARK, QualityFault.BLURRED)
    assert (dark.label, dark.scores, dark.quality, dark.doubt) == (UNCERTAIN, {}, Quality(0.2, faults), None)
    assert (torn.label, torn.confidence, torn.quality, torn.doubt) == (UNCERTAIN, 0.45, Quality(0.8), Doubt.TORN)
    assert steps[4].readings is None
    assert [step.view for step in steps] == [None, View.CLEAR, None, None, View.CLEAR, View.DARK, None]
    assert [step.unwatched for step in steps] == [False] * 6 + [True]
    assert [step.at.synced for step in steps] == [True] * 6 + [False]


def test_what_is_known_of_the_picture_is_written_where_it_changes_and_read_with_every_step(tmp_path):
    light, dark = AttributeValue("light", 0.9, {"light": 0.9, "dark": 0.1}), AttributeValue("dark", 0.8)
    known = [{}, {"room": light}, {"room": light}, {"room": dark, "crowd": AttributeValue(3.5)}, {}, {}]
    file = writer(tmp_path / "t")
    for second, attributes in enumerate(known):
        file.step("cam", at(second), None, people=0, left=(), attributes=attributes)
    file.close()
    assert [step.attributes for step in steps_of(tmp_path / "t")] == known
    assert (tmp_path / "t").read_text().count('"a":') == 3


def test_the_size_of_the_picture_is_written_where_it_changes(tmp_path):
    file = writer(tmp_path / "t")
    for second, size in enumerate([(640, 360), (640, 360), (1280, 720)]):
        told = replace(reading(second, box=Box(1, 2, 3, 4)), size=size)
        file.step("cam", at(second), [told], people=1, left=())
    file.close()
    assert [step.readings[0].size for step in steps_of(tmp_path / "t")] == [(640, 360), (640, 360), (1280, 720)]
    assert (tmp_path / "t").read_text().count('"s":') == 2


def test_when_a_camera_is_lost_that_is_written_and_traces_from_before_say_nothing_of_it(tmp_path):
    file = writer(tmp_path / "t")
    for second in range(4):
        file.step("cam", at(second), (), people=0, left=(), unwatched=second == 2)
    file.close()
    assert [step.unwatched for step in steps_of(tmp_path / "t")] == [False, False, True, False]
    assert [step.unwatched for step in steps_of(write(tmp_path / "old", '{"t":0}', '{"t":1,"l":[1]}'))] == [False] * 2


def test_the_view_is_written_where_it_changes_and_read_with_every_step(tmp_path):
    views = [None, View.CLEAR, View.CLEAR, View.DARK, None, None]
    file = writer(tmp_path / "t")
    for second, view in enumerate(views):
        file.step("cam", at(second), None, people=0, left=(), view=view)
    file.close()
    assert [step.view for step in steps_of(tmp_path / "t")] == views
    assert (tmp_path / "t").read_text().count('"v":') == 3


def test_a_trace_holds_nobodys_id_and_is_for_its_owner_alone(tmp_path):
    file = writer(tmp_path / "t")
    file.step("cam", at(0), [reading(0, who="3f9a1c07")], people=1, left=["0badcafe"])
    file.close()
    assert "3f9a1c07" not in (tmp_path / "t").read_text()
    assert "0badcafe" not in (tmp_path / "t").read_text()
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o600


def test_a_clock_that_is_set_stays_set(tmp_path):
    file = writer(tmp_path / "t")
    file.step("cam", Instant(5, at(0).utc, synced=False), [], people=0, left=())
    file.step("cam", Instant(6, at(7200).utc), [], people=0, left=())
    file.close()
    first, second = steps_of(tmp_path / "t")
    assert (first.at, second.at) == (Instant(0, at(0).utc, synced=False), Instant(1, at(7200).utc))


def test_several_cameras_share_a_trace(tmp_path):
    file = writer(tmp_path / "t", ("front", "back"))
    file.step("front", at(1), [reading(1)], people=1, left=())
    file.step("back", at(0.9), [unreadable(0.9)], people=1, left=())
    file.close()
    front, back = steps_of(tmp_path / "t")
    assert (front.camera, back.camera) == ("front", "back")
    assert front.readings[0].track_id != back.readings[0].track_id, "nobody is known from another camera"


@pytest.mark.parametrize("limit", [{"most_bytes": 2000}, {"most_seconds": 20}])
def test_it_ends_at_its_limits(tmp_path, limit):
    file = writer(tmp_path / "t", **limit)
    for second in range(1000):
        file.step("cam", at(second), [reading(second)], people=1, left=())
    assert file.full
    assert 10 < file.steps < 40
    assert len(steps_of(tmp_path / "t")) == file.steps


def test_a_file_that_exists_is_left_alone(tmp_path):
    (tmp_path / "t").write_text("dear diary")
    with pytest.raises(TraceError, match="exists already"):
        writer(tmp_path / "t")
    with pytest.raises(TraceError, match="cannot be made"):
        writer(tmp_path / "no" / "t")
    assert (tmp_path / "t").read_text() == "dear diary"


@pytest.mark.parametrize("cut", ["trace.jsonl", "trace.jsonl.gz"])
def test_a_recording_that_was_killed_can_be_read_as_far_as_it_goes(tmp_path, cut):
    file = writer(tmp_path / cut)
    for second in range(500):
        file.step("cam", at(second), [reading(second)], people=1, left=())
    file.close()
    data = (tmp_path / cut).read_bytes()
    (tmp_path / cut).write_bytes(data[: len(data) * 2 // 3])
    with TraceReader(tmp_path / cut) as trace:
        assert 100 < len(list(trace)) < 500
        assert trace.cut_off


GOOD = '{"t": 1, "r": [[1, "happy", 0.9, [0,0,0,0.9,0,0,0.1], 0.9]]}'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        ("[]", "no step"),
        ("{}", "'t'"),
        ('{"t": "soon"}', "soon"),
        ('{"t": NaN}', "nan"),
        ('{"t": -1000}', "before"),
        (GOOD.replace("happy", "bored"), "bored"),
        (GOOD.replace("[0,0,0,0.9", "[0,0,0.9"), "7 scores"),
        (GOOD.replace("0.1]", "1.1]"), "7 scores"),
        (GOOD.replace("0.9, [", "NaN, ["), "confidence"),
        (GOOD.replace("0.9]]", '0.9, ["bad"]]]'), "bad"),
        (GOOD.replace("0.9]]", '0.9, {"f": ["bad"]}]]'), "bad"),
        (GOOD.replace("0.9]]", '0.9, {"d": "bad"}]]'), "bad"),
        (GOOD.replace("0.9]]", '0.9, {"b": [1, 2, 3]}]]'), "unpack"),
        (GOOD.replace("0.9]]", '0.9, {"b": [1, 2, 3, NaN]}]]'), "no box"),
        (GOOD.replace("0.9]]", '0.9, {"b": [1, 2, 3, 0]}]]'), "a box has a positive size"),
        (GOOD.replace("0.9]]", '0.9, {"a": {"mask": ["on", 1.1, {}]}}]]'), "no value of an attribute 'mask'"),
        (GOOD.replace("0.9]]", '0.9, {"a": {"mask": [true, 1, {}]}}]]'), "no value of an attribute 'mask'"),
        (GOOD.replace("0.9]]", '0.9, {"a": {"age": [NaN, null, {}]}}]]'), "no value of an attribute 'age'"),
        (GOOD.replace("0.9]]", '0.9, {"a": {"emotion": ["sad", 1, {}]}}]]'), "no value of an attribute 'emotion'"),
        (GOOD.replace("0.9]]", '0.9, {"a": {"mask": ["on"]}}]]'), "no step"),
        ('{"t": 1, "s": [640, -1]}', "no size"),
        ('{"t": 1, "a": 7}', "no step"),
        ('{"t": 1, "r": [[1]]}', "unpack"),
        ('{"t": 1, "r": 7}', "no step"),
        ('{"t": 1, "v": "foggy"}', "foggy"),
        ('{"clock": {"t": 1, "utc": "yesterday", "synced": true}}', "yesterday"),
        ('{"clock": {"t": 1, "utc": "2026-01-01T00:00:00+02:00", "synced": true}}', "UTC"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(tmp_path, line, told):
    path = write(tmp_path / "t", GOOD, line)
    with pytest.raises(TraceError, match=r"t:4: ") as caught:
        steps_of(path)
    assert told.lower() in str(caught.value).lower(), str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no trace"),
        ("hello\n", "is no trace"),
        ('{"edge_fer_trace": 3, "cameras": {"cam": []}}\n', "version 3, and this reads versions 1 to 2"),
        ('{"edge_fer_trace": true, "cameras": {"cam": []}}\n', "version True"),
        ('{"edge_fer_trace": [2], "cameras": {"cam": []}}\n', "version"),
        ('{"edge_fer_trace": 1, "cameras": {}}\n', "no camera"),
        ('{"edge_fer_trace": 1, "cameras": {"cam": ["bored"]}}\n', "label set"),
        ("\x00\x01\x02", "is no trace"),
    ],
)
def test_what_is_no_trace_is_told(tmp_path, text, told):
    (tmp_path / "t").write_text(text)
    with pytest.raises(TraceError, match=told):
        steps_of(tmp_path / "t")
    with pytest.raises(TraceError, match="cannot be read"):
        steps_of(tmp_path / "missing")


def test_what_is_not_compressed_although_its_name_says_so_is_told(tmp_path):
    (tmp_path / "t.gz").write_text("hello")
    with pytest.raises(TraceError, match="cannot be read"):
        steps_of(tmp_path / "t.gz")
    (tmp_path / "u.gz").write_bytes(gzip.compress(b"hello\n"))
    with pytest.raises(TraceError, match="is no trace"):
        steps_of(tmp_path / "u.gz")
