"""What is taken for damage, beside what whole recordings and streams show (test_films, test_rtsp)."""

from __future__ import annotations

from types import SimpleNamespace

import av.logging
import pytest

from edge_fer.capture.ffmpeg.damage import MOST_BUILT_ON, PictureChain, broken_rule, is_damage

ERROR, WARNING = av.logging.ERROR, av.logging.WARNING
HVCC = b"\x01" + bytes(20) + b"\xff" + bytes(20)
AVCC = b"\x01\x64\0\x1f\xff" + bytes(30)


@pytest.mark.parametrize(
    ("codec", "level", "message", "told"),
    [
        ("hevc", ERROR, "Could not find ref with POC 12", True),
        ("hevc", WARNING, "RTP: missed 3 packets", True),
        ("hevc", WARNING, "Skipping invalid undecodable NALU: 1", False),
        ("hevc", ERROR, "SEI type 5 size 1024 truncated at 12", False),
        ("hevc", ERROR, "PPS id out of range: 0", False),
        ("vp9", ERROR, "Failed to read frame header.", True),
        ("mpeg4", ERROR, "ac-tex damaged at 3 4", True),
        ("mpeg4", WARNING, "ac-tex damaged at 3 4", False),
        ("h264", ERROR, "error while decoding MB 3 4, bytestream -5", True),
        ("h264", ERROR, "mmco: unref short failure", False),
        ("h264", WARNING, "RTP: missed 3 packets", False),
        ("mjpeg", ERROR, "error dc", False),
    ],
)
def test_what_is_said(codec, level, message, told):
    assert is_damage(codec, level, message) is told


def unit(data, size=4):
    return len(data).to_bytes(size, "big") + data


@pytest.mark.parametrize("middle", [b"\0\0\0", b"\0\0\1", b"\0\0\2", bytes(4000)])
@pytest.mark.parametrize(("codec", "extradata"), [("hevc", HVCC), ("h264", AVCC)])
def test_zeros_that_no_encoder_writes_within_a_unit(codec, extradata, middle):
    is_broken = broken_rule(codec, extradata)
    whole = unit(b"\x26\1" + b"abc" * 9) + unit(b"\2\1\0\0\3\0\0\3\1" + b"abc" * 9)
    assert not is_broken(whole)
    assert not is_broken(whole + unit(b"abc\0\0\0")), "zeros may follow a unit"
    assert is_broken(whole + unit(b"abc" + middle + b"abc" * 9))
    assert is_broken(whole + unit(b"abc" * 9 + bytes(300)))


@pytest.mark.parametrize(("middle", "told"), [(bytes(4000), True), (b"\0\0\2", True), (b"\0\0\3", False)])
@pytest.mark.parametrize("codec", ["hevc", "h264"])
def test_zeros_between_start_codes(codec, middle, told):
    is_broken = broken_rule(codec, b"\0\0\0\1\x67abc")
    start = b"\0\0\0\1\x65"
    assert not is_broken(start + b"abc" + bytes(100) + start + b"abc" + bytes(100)), "zeros may follow a unit"
    assert is_broken(start + b"abc" + middle + b"abc") is told


def test_zeros_amid_pictures_of_other_codecs():
    assert broken_rule("vp9", None)(b"abc" + bytes(700) + b"abc")
    assert not broken_rule("vp9", None)(b"abc" + bytes(20) + b"abc")
    assert not broken_rule("mpeg2video", None)(b"abc" + bytes(700) + b"abc"), "stuffing"


def packet(time, *, corrupt=False):
    return SimpleNamespace(dts=time, pts=time, is_corrupt=corrupt)


def frame(time, *, key=False, corrupt=False):
    return SimpleNamespace(pts=time, key_frame=key, is_corrupt=corrupt)


def test_what_is_built_on_a_damaged_picture_is_damaged_up_to_a_key_frame():
    chain, told = PictureChain(), []
    for time in range(9):
        chain.add(packet(time), is_damaged=time == 2)
        told.append(chain.is_whole(frame(time, key=time in {0, 6})))
    assert told == [True] * 2 + [False] * 4 + [True] * 3


def test_a_key_frame_of_before_ends_no_damage():
    """It comes out of the decoder after the damaged packet has gone in."""
    chain = PictureChain()
    for time in (0, 3):
        chain.add(packet(time), is_damaged=time == 3)
    assert not chain.is_whole(frame(0, key=True))
    chain.add(packet(1), is_damaged=False)
    assert [chain.is_whole(frame(time)) for time in (1, 2, 3)] == [False] * 3
    chain.add(packet(4), is_damaged=False)
    assert chain.is_whole(frame(4, key=True))


def test_a_damaged_key_frame_ends_no_damage():
    chain = PictureChain()
    chain.add(packet(0), is_damaged=True)
    assert not chain.is_whole(frame(0, key=True))
    chain.add(packet(1), is_damaged=False)
    assert not chain.is_whole(frame(1, key=True, corrupt=True))


def test_what_has_no_time_belongs_to_the_packet_before():
    chain = PictureChain()
    chain.add(packet(0, corrupt=True), is_damaged=False)
    chain.add(packet(None), is_damaged=False)
    assert not chain.is_whole(frame(0))
    assert not chain.is_whole(frame(None, key=True))


def test_damage_ends_some_time_without_key_frames():
    chain, count = PictureChain(), 0
    chain.add(packet(0), is_damaged=True)
    while not chain.is_whole(frame(count)):
        count += 1
        chain.add(packet(count), is_damaged=False)
    assert count == MOST_BUILT_ON + 1


def test_a_recording_that_begins_anew_has_nothing_left_of_before():
    chain = PictureChain()
    chain.add(packet(8), is_damaged=True)
    for time in range(9):
        chain.add(packet(time), is_damaged=False)
    assert [chain.is_whole(frame(time, key=time == 0)) for time in range(9)] == [True] * 9
