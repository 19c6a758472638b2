from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.support.redact import hidden_parts, redacted, redacted_text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://192.0.2.7/live", "rtsp://192.0.2.7/live"),
        ("rtsp://joe:s3cret@192.0.2.7:554/live", "rtsp://***@192.0.2.7:554/live"),
        ("rtsp://joe:s3@cr:et@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://joe:s3/cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://joe:2024/s3cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://joe:#1s3cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://joe:?s3cret@[2001:db8::1]:554/live", "rtsp://***@[2001:db8::1]:554/live"),
        ("rtsp://joe:p@ss#s3cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://joe:12/s3cret@cam.local/live", "rtsp://***@***"),
        ("http://192.0.2.7/x?mail=joe@s3cret", "http://192.0.2.7/x?***"),
        ("http://cam.local/x?pwd=a@s3cret", "http://***@***"),
        ("rtsp://joe:s3cret/live", "rtsp://***"),
        ("rtsp://s3cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("http://192.0.2.7/flv?user=joe&password=s3cret&n=1", "http://192.0.2.7/flv?user=***&password=***&n=1"),
        ("http://192.0.2.7/flv?token=s3cret", "http://192.0.2.7/flv?token=***"),
        ("http://192.0.2.7/flv?s3cret", "http://192.0.2.7/flv?***"),
        ("http://192.0.2.7/flv?password=12#s3cret", "http://192.0.2.7/flv?password=***#***"),
        ("http://192.0.2.7:8080/@home", "http://192.0.2.7:8080/***"),
        ("http://[2001:db8::1]:8080/@home", "http://[2001:db8::1]:8080/***"),
        ("rtsps://192.0.2.7:7441/7Kx9Q2abcdEFGH1?enableSrtp", "rtsps://192.0.2.7:7441/***?***"),
        (
            "rtsp://192.0.2.7:554/user=joe_password=s3cret_channel=1_stream=0.sdp?real_stream",
            "rtsp://192.0.2.7:554/***?real_stream",
        ),
        ("rtsp://192.0.2.7/h264Preview_01_main", "rtsp://192.0.2.7/h264Preview_01_main"),
        (
            "rtsp://cam.local/Streaming/Channels/101?transport=tcp",
            "rtsp://cam.local/Streaming/Channels/101?transport=tcp",
        ),
        ("rtsp://cam/cam/realmonitor?channel=1&subtype=0", "rtsp://cam/cam/realmonitor?channel=1&subtype=0"),
        (
            "http://cam/axis-cgi/mjpg/video.cgi?resolution=640x480",
            "http://cam/axis-cgi/mjpg/video.cgi?resolution=640x480",
        ),
        ("/dev/video0", "/dev/video0"),
        ("clip@home.mp4", "clip@home.mp4"),
        ("joe:s3cret@192.0.2.7/live", "***"),
        ("s3cret@192.0.2.7", "***"),
        ("rtsp:/joe:s3cret@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("Reception @ Berlin, 2nd floor", "Reception @ Berlin, 2nd floor"),
        ("mqtts://edge@192.0.2.10:8883", "mqtts://edge@192.0.2.10:8883"),
        ("mqtts://edge:s3cret@192.0.2.10:8883", "mqtts://***@192.0.2.10:8883"),
        ("mqtts://ZkHXJ5Qd8xNBCyQJLyVt@192.0.2.10:8883", "mqtts://***@192.0.2.10:8883"),
        ("RTSP://joe:s3 cret@192.0.2.7/live", "RTSP://***@192.0.2.7/live"),
        ("cameras.front.source=rtsp://joe:s3cret@192.0.2.7/", "cameras.front.source=rtsp://***@192.0.2.7/"),
        ("http://192.0.2.7/?to=rtsp://joe:s3cret@192.0.2.8/", "http://192.0.2.7/?***=rtsp://***@192.0.2.8/"),
        ("://", "://"),
        ("tgram://s3cret/12345", "tgram://***"),
        ("slack://T1s3cret/B2/xyz", "slack://***"),
        ("ntfy://s3cret", "ntfy://***"),
        ("ntfys://joe:s3cret@ntfy.example.org/s3cret1", "ntfys://***@ntfy.example.org/***"),
        ("mailtos://joe:s3cret@mail.example.org?to=joe@example.org", "mailtos://***@***"),
    ],
)
def test_redacted(url, expected):
    assert redacted(url) == expected
    assert redacted(expected) == expected, "what was shown once stays as it is"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://joe:s3 cret@192.0.2.7/live is lost: a@b", "rtsp://***@192.0.2.7/***"),
        ("(rtsp://u:s3cret@192.0.2.7/live), gone.", "(rtsp://***@192.0.2.7/live), gone."),
        ("x rtsp://u:s3 cret@192.0.2.7/live: no", "x rtsp://***@192.0.2.7/live: no"),
        ("'rtsp://u:s3cret@h/x', 'http://h/y?pwd=s3cret'", "'rtsp://***@h/x', 'http://h/y?pwd=***'"),
        ("See https://docs.example.org/guide.html#logins.", "See https://docs.example.org/guide.html#***."),
        ("See https://docs.example.org/guide.html.", "See https://docs.example.org/guide.html."),
        ("no address: a@b, c:d@e", "no address: a@b, c:d@e"),
    ],
)
def test_redacted_text(text, expected):
    assert redacted_text(text) == expected


@given(st.text(st.characters(exclude_characters="@", codec="utf-8"), min_size=1))
def test_redacted_shows_no_password(password):
    assert redacted(f"rtsp://joe:{password}@192.0.2.7/live") == "rtsp://***@192.0.2.7/live"


def test_a_long_text_takes_no_long_time():
    text = "a" * 200_000
    assert redacted(text) == text


@given(st.text())
def test_what_was_shown_once_stays_as_it_is(text):
    shown = redacted(f"rtsp://{text}")
    assert redacted(shown) == shown


def test_the_hidden_parts_are_all_that_is_not_shown():
    parts = hidden_parts("http://joe:p%40ss/w0rd@192.0.2.7/live/7Kx9Q2abcdEFGH1?pwd=a%20b&channel=1#frag")
    assert parts >= {"joe", "p%40ss", "p@ss", "w0rd", "7Kx9Q2abcdEFGH1", "a b", "a%20b", "frag"}
    assert not parts & {"192.0.2.7", "live", "1", "pwd"}
