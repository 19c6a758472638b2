from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.redact import redacted


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://192.0.2.7/live", "rtsp://192.0.2.7/live"),
        ("rtsp://joe:s3cret@192.0.2.7:554/live", "rtsp://joe:***@192.0.2.7:554/live"),
        ("rtsp://joe:s3@cr:et@192.0.2.7/live", "rtsp://joe:***@192.0.2.7/live"),
        ("rtsp://joe:s3/cret@192.0.2.7/live", "rtsp://joe:***@192.0.2.7/live"),
        ("rtsp://s3cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("http://192.0.2.7/flv?user=joe&password=s3cret&n=1", "http://192.0.2.7/flv?user=joe&password=***&n=1"),
        ("http://192.0.2.7/flv?token=s3cret", "http://192.0.2.7/flv?token=***"),
        ("http://192.0.2.7:8080/@home", "http://192.0.2.7:8080/@home"),
        ("http://[2001:db8::1]:8080/@home", "http://[2001:db8::1]:8080/@home"),
        ("/dev/video0", "/dev/video0"),
        ("clip@home.mp4", "clip@home.mp4"),
        ("mqtts://edge@192.0.2.10:8883", "mqtts://edge@192.0.2.10:8883"),
        ("mqtts://edge:s3cret@192.0.2.10:8883", "mqtts://edge:***@192.0.2.10:8883"),
        ("RTSP://joe:s3 cret@192.0.2.7/live", "RTSP://joe:***@192.0.2.7/live"),
        ("cameras.front.source=rtsp://joe:s3cret@192.0.2.7/", "cameras.front.source=rtsp://joe:***@192.0.2.7/"),
        ("http://192.0.2.7/?to=rtsp://joe:s3cret@192.0.2.8/", "http://192.0.2.7/?to=rtsp://joe:***@192.0.2.8/"),
        ("[rtsp://joe:s3@192.0.2.7/, http://a/?pwd=s3]", "[rtsp://joe:***@192.0.2.7/, http://a/?pwd=***"),
        ("://", "://"),
    ],
)
def test_redacted(url, expected):
    assert redacted(url) == expected


@given(st.text(st.characters(exclude_characters="@*/?#", codec="utf-8"), min_size=1))
def test_redacted_shows_no_password(password):
    assert redacted(f"rtsp://joe:{password}@192.0.2.7/live") == "rtsp://joe:***@192.0.2.7/live"


def test_a_long_text_takes_no_long_time():
    text = "a" * 200_000
    assert redacted(text) == text
