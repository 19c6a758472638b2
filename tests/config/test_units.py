from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from edge_fer.config.values.units import DURATION, FROM_FILE, PIXELS, SIZE, Fraction, Pixels, PositiveFraction, Seconds

SECONDS = TypeAdapter(Seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("5s", 5), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("14d", 1_209_600), ("0s", 0), ("5 s", 5)],
)
def test_durations_are_read_to_seconds(text, seconds):
    assert DURATION.read(text) == seconds


@pytest.mark.parametrize(("quantity", "text", "number"), [(PIXELS, "48px", 48), (SIZE, "256MB", 256_000_000)])
def test_pixels_and_sizes_are_read_to_whole_numbers(quantity, text, number):
    assert quantity.read(text) == number
    assert isinstance(quantity.read(text), int)


def test_a_plain_zero_needs_no_unit():
    assert DURATION.read(0) == 0
    assert PIXELS.read(0) == 0


@pytest.mark.parametrize(
    "value", ["5", "s", "five seconds", "-5s", "5S", "1m30s", "", "1e3s", "5s\n", "\u0665s", "5px"]
)
def test_what_is_no_duration_is_refused_with_an_example(value):
    with pytest.raises(ValueError, match="is not a duration") as raised:
        DURATION.read(value)
    assert raised.value.context["remedy"] == "Write a number and its unit (ms, s, m, h, d), for example `5s`"


@pytest.mark.parametrize("value", [5, 5.5, -1, math.inf])
def test_a_bare_number_has_no_unit(value):
    with pytest.raises(ValueError, match="has no unit"):
        DURATION.read(value)


@pytest.mark.parametrize("value", [True, False, [], {}])
def test_switches_and_lists_are_no_durations(value):
    with pytest.raises(ValueError, match="is not a duration"):
        DURATION.read(value)


def test_minutes_and_seconds_with_a_colon_are_put_right():
    with pytest.raises(ValueError, match="is not a duration") as raised:
        DURATION.read("1:30")
    assert "`90s`" in raised.value.context["remedy"]


def test_parts_of_a_pixel_are_refused():
    with pytest.raises(ValueError, match="is not a length in pixels"):
        PIXELS.read("1.5px")


def test_bounds_are_told_in_units_with_an_example_within_them():
    with pytest.raises(ValueError, match="is out of range, which is 10m to 1h") as raised:
        DURATION.within(600, 3600).read("5s")
    assert "`10m`" in raised.value.context["remedy"]
    with pytest.raises(ValueError, match="is out of range, which is at least 10s"):
        DURATION.within(10).read(0)


def test_python_code_gives_plain_numbers_and_files_do_not():
    assert SECONDS.validate_python(2.5) == 2.5
    with pytest.raises(ValidationError, match="has no unit"):
        SECONDS.validate_python(2.5, context=FROM_FILE)
    assert TypeAdapter(Pixels).validate_python(64) == 64


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (1.0, "1s"), (90, "90s"), (60, "1m"), (86_400, "1d"), (5400, "90m"), (0.0005, "0.5ms")],
)
def test_durations_are_written_in_the_largest_unit_without_a_fraction(seconds, text):
    assert DURATION.write(seconds) == text


@given(st.integers(0, 10**12), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_what_was_read_is_written_so_that_it_reads_the_same(number, unit):
    seconds = DURATION.read(f"{number}{unit}")
    assert DURATION.read(DURATION.write(seconds)) == seconds
    assert re.fullmatch(DURATION.pattern, DURATION.write(seconds))


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_any_value_is_read_or_refused(value):
    for quantity in (DURATION, PIXELS, SIZE):
        remedy = "none needed"
        number = 0
        try:
            number = quantity.read(value)
        except ValueError as refused:
            remedy = refused.context["remedy"]
        assert number >= 0
        assert remedy


def test_fractions():
    assert TypeAdapter(Fraction).validate_python(0) == 0
    assert TypeAdapter(Fraction).validate_python(1) == 1
    for wrong in ("0.5", "45%", True, None, 1.01, -0.1, math.nan, math.inf):
        with pytest.raises(ValidationError):
            TypeAdapter(Fraction).validate_python(wrong)
    with pytest.raises(ValidationError, match="above 0, at most 1"):
        TypeAdapter(PositiveFraction).validate_python(0)
