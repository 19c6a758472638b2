"""Recordings whose container or codec holds a trap."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from edge_fer.capture.ffmpeg.decoder import MOST_PIXELS, opened_recording, upright
from edge_fer.capture.ffmpeg.recording import VideoFile, promised_seconds
from edge_fer.capture.opencv.common import square
from edge_fer.errors import SourceError
from tests.capture.films import add_sound, busy, moving, write_film
from tests.capture.helpers import InventedClock
from tests.capture.tried import tried
from tests.faults.trace import dice


def play(path, **options):
    return list(VideoFile("front", path, clock=InventedClock(), **options).frames())


def far_off(one, other):
    return float(np.abs(one.astype(int) - other).mean())


def times(frames):
    return [round(frame.at.mono - frames[0].at.mono, 3) for frame in frames]


SMALL, LARGE, TALL = (160, 96), (320, 192), (96, 160)


@tried("recordings", "another size midway: H.264, MPEG-2, MJPEG", "each picture in its own size")
@pytest.mark.parametrize("sizes", [(SMALL, LARGE), (LARGE, SMALL), (SMALL, TALL), (SMALL, LARGE, SMALL)], ids=str)
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video", "mjpeg"])
def test_pictures_that_change_their_size_midway(tmp_path, codec, sizes):
    """As a camera sends them that is set to another size."""
    suffix = "mjpeg" if codec == "mjpeg" else "ts"
    parts = [moving(12, size=size, seed=n) for n, size in enumerate(sizes)]
    whole = tmp_path / f"whole.{suffix}"
    whole.write_bytes(
        b"".join(
            write_film(tmp_path / f"{n}.{suffix}", part, codec=codec, fps=25).read_bytes()
            for n, part in enumerate(parts)
        )
    )
    frames = play(whole)
    shapes = [frame.image.shape[1::-1] for frame in frames]
    assert [size for n, size in enumerate(shapes) if n == 0 or shapes[n - 1] != size] == list(sizes)
    assert len(frames) >= 10 * len(sizes)
    assert far_off(frames[-1].image, parts[-1][-1]) < 6, "the last picture is the one that was sent last"
    assert far_off(frames[5].image, parts[0][5]) < 6


@tried("recordings", "pixels that are not square", "made square; `aspect` where the file does not say so")
def test_pixels_that_are_not_square_are_made_square(tmp_path):
    pictures = moving(3, size=(144, 96))
    told = play(write_film(tmp_path / "told.mp4", pictures, pixels=Fraction(4, 3)))
    assert told[0].image.shape == (96, 192, 3)
    silent = write_film(tmp_path / "silent.mp4", pictures)
    assert play(silent)[0].image.shape == (96, 144, 3)
    assert play(silent, aspect=2.0)[0].image.shape == (96, 192, 3)
    assert far_off(told[0].image, play(silent, aspect=2.0)[0].image) < 2


@tried("recordings", "pixels that are not square by what the container says (VP9, MJPEG, MPEG-4, H.264)", "made square")
@pytest.mark.parametrize(("suffix", "codec"), [
    ("mp4", "libvpx-vp9"), ("mp4", "libx264"), ("avi", "mjpeg"), ("mov", "mpeg4"), ("ts", "libx265"),
])  # fmt: skip
def test_pixels_that_are_not_square_by_what_the_container_says(tmp_path, suffix, codec):
    """VP9 cannot say it itself."""
    path = write_film(
        tmp_path / f"wide.{suffix}", moving(5, size=(144, 96)), codec=codec, pixels=Fraction(4, 3), fps=25
    )
    assert {frame.image.shape for frame in play(path)} == {(96, 192, 3)}
    assert play(path, aspect=1.5)[0].image.shape == (96, 144, 3)


def test_a_container_that_says_another_shape_than_the_codec_is_right(tmp_path):
    """As players have it, where a recording was repaired by setting its shape."""
    path = write_film(tmp_path / "wide.mp4", moving(5, size=(144, 96)), pixels=Fraction(4, 3))
    data = path.read_bytes()
    told = b"pasp" + (4).to_bytes(4, "big") + (3).to_bytes(4, "big")
    assert told in data
    path.write_bytes(data.replace(told, b"pasp" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big")))
    assert play(path)[0].image.shape == (96, 288, 3)


@tried("recordings", "pixels of another shape midway (MPEG-TS)", "each picture in its own shape")
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_pixels_that_change_their_shape_midway(tmp_path, codec):
    parts = [
        write_film(tmp_path / f"{n}.ts", moving(12, size=(144, 96)), codec=codec, pixels=pixels, fps=25).read_bytes()
        for n, pixels in enumerate([Fraction(1), Fraction(4, 3)])
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(parts))
    shapes = [frame.image.shape[1::-1] for frame in play(path)]
    assert list(dict.fromkeys(shapes)) == [(144, 96), (192, 96)]
    assert shapes.count((192, 96)) >= 10


@tried("recordings", "another pixel format midway: 4:2:2, ten bits, grey", "read")
@pytest.mark.parametrize(("codec", "suffix", "formats"), [
    ("libx264", "ts", ("yuv420p", "yuv422p")), ("libx264", "ts", ("yuv420p", "yuv420p10le")),
    ("libx264", "ts", ("gray", "yuv420p")), ("mpeg2video", "ts", ("yuv420p", "yuv422p")),
    ("libx265", "ts", ("yuv420p", "yuv420p10le")), ("mjpeg", "mjpeg", ("yuvj420p", "yuvj444p")),
])  # fmt: skip
def test_another_pixel_format_midway(tmp_path, codec, suffix, formats):
    pictures = moving(12, size=LARGE)
    path = tmp_path / f"both.{suffix}"
    options = {"preset": "ultrafast", "x265-params": "log-level=0"} if codec == "libx265" else None
    path.write_bytes(
        b"".join(
            write_film(
                tmp_path / f"{n}.{suffix}", pictures, codec=codec, fps=25, pixel_format=pixels, options=options
            ).read_bytes()
            for n, pixels in enumerate(formats)
        )
    )
    frames = play(path)
    assert len(frames) >= 20
    assert max(min(far_off(frame.image, picture) for picture in pictures) for frame in frames) < 6


@pytest.mark.parametrize(
    ("stored", "pixels", "aspect", "shown"),
    [
        ((720, 576), Fraction(16, 15), None, (768, 576)),
        ((720, 480), Fraction(8, 9), None, (640, 480)),
        ((1440, 1080), Fraction(4, 3), None, (1920, 1080)),
        ((1440, 1080), None, 16 / 9, (1920, 1080)),
        ((640, 480), Fraction(4, 3), 4 / 3, (640, 480)),
        ((640, 480), Fraction(0, 1), None, (640, 480)),
        ((640, 480), Fraction(100, 1), None, (640, 480)),
    ],
)
def test_size_with_square_pixels(stored, pixels, aspect, shown):
    assert square(*stored, pixels, aspect) == shown


@pytest.mark.parametrize("turn", [0, 90, 180, 270, -90, 360])
def test_pictures_are_turned_counter_clockwise(turn):
    picture = moving(1)[0]
    assert (upright(picture, turn) == np.rot90(picture, turn // 90)).all()


def lose_packets(data, chance):
    """As a network does: of an MPEG transport stream, each packet has 188 bytes."""
    for _ in range(5):
        at = 188 * chance.randrange(len(data) // 188 // 6, len(data) // 188)
        del data[at : at + 188 * 3]


def blank(data, chance):
    """As a worn memory card does: whole blocks are zeros."""
    for _ in range(2):
        at = chance.randrange(len(data) // 6, 5 * len(data) // 6)
        data[at : at + 4096] = bytes(4096)


@tried(
    "recordings",
    "lost packets (MPEG-TS), zeroed blocks (MP4, Matroska); H.264",
    "pictures are left out up to the next key frame, and counted in the log",
)
@pytest.mark.parametrize(("suffix", "harm"), [("ts", lose_packets), ("mp4", blank), ("mkv", blank)])
@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_picture_and_those_built_on_it_are_left_out(tmp_path, suffix, harm, seed):
    pictures = moving(60, size=(320, 192))
    path = write_film(tmp_path / f"whole.{suffix}", pictures, key_every=20)
    data = bytearray(path.read_bytes())
    harm(data, dice(seed))
    path.write_bytes(data)
    frames = play(path)
    assert 10 <= len(frames) < 60
    wrong = [frame.index for frame in frames if min(far_off(frame.image, picture) for picture in pictures) > 8]
    assert wrong == []


#: What an encoder makes of a film, with key frames and in the order of presentation or another one.
ENCODERS = {
    "H.265": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=0:keyint=20:min-keyint=20:bframes=0"}),
    "H.265, reordered": ("libx265", {"preset": "fast", "x265-params": "log-level=0:keyint=20:min-keyint=20"}),
    "H.264, reordered": ("libx264", {"preset": "fast", "bf": "3"}),
    "MPEG-4": ("mpeg4", {"q": "3", "qmin": "3", "qmax": "3"}),
}


@tried(
    "recordings",
    "the same with H.265, with MPEG-4 part 2, and where pictures are stored in another order",
    "likewise",
)
@pytest.mark.parametrize(("suffix", "harm"), [("ts", lose_packets), ("mp4", blank), ("mkv", blank)])
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("seed", range(2))
def test_damage_that_the_decoder_does_not_report(tmp_path, encoder, suffix, harm, seed):
    pictures, (codec, options) = busy(40, (320, 192)), ENCODERS[encoder]
    path = write_film(tmp_path / f"whole.{suffix}", pictures, codec=codec, options=options, key_every=20)
    assert len(play(path)) == 40, "nothing is left out of the whole one"
    data = bytearray(path.read_bytes())
    harm(data, dice(seed))
    path.write_bytes(data)
    frames = play(path)
    assert 1 <= len(frames) < 40
    wrong = [frame.index for frame in frames if min(far_off(frame.image, picture) for picture in pictures) > 9]
    assert wrong == []


@pytest.mark.parametrize("seed", range(4))
def test_a_key_frame_with_lost_packets_ends_no_damage(tmp_path, seed):
    """With many key frames, some of them are hit."""
    options = {"preset": "ultrafast", "x265-params": "log-level=0:keyint=5:min-keyint=5:bframes=0:open-gop=0"}
    pictures = busy(40, (320, 192))
    path = write_film(tmp_path / "whole.ts", pictures, codec="libx265", options=options)
    data = bytearray(path.read_bytes())
    lose_packets(data, dice(seed))
    path.write_bytes(data)
    assert max(min(far_off(frame.image, picture) for picture in pictures) for frame in play(path)) < 9


@tried("recordings", "H.265 with MD5 sums of its pictures, and wrong bits", "wrong pictures are left out")
@pytest.mark.parametrize("seed", range(3))
def test_checksums_are_looked_at(tmp_path, seed):
    options = {"preset": "ultrafast", "x265-params": "log-level=0:keyint=20:min-keyint=20:bframes=0:hash=1"}
    pictures = busy(40, (320, 192))
    path = write_film(tmp_path / "whole.mkv", pictures, codec="libx265", options=options)
    data, chance = bytearray(path.read_bytes()), dice(seed)
    for _ in range(3):
        data[chance.randrange(len(data) // 6, len(data) - 100)] ^= 16
    path.write_bytes(data)
    frames = play(path)
    assert 1 <= len(frames) < 40
    assert max(min(far_off(frame.image, picture) for picture in pictures) for frame in frames) < 9


@tried("recordings", "names and comments in it that are not UTF-8", "read")
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_words_in_a_recording_that_are_not_utf8(tmp_path, suffix):
    path = write_film(tmp_path / f"film.{suffix}", moving(5))
    data = path.read_bytes()
    words = [word for word in (b"Lavf", b"FFmpeg", b"VideoHandler") if word in data]
    assert words
    for word in words:
        data = data.replace(word, b"\xf6" * len(word))
    path.write_bytes(data)
    assert len(play(path)) == 5


@tried("recordings", "edit lists; gaps of two hours", "hidden pictures are left out; gaps keep their length")
def test_what_an_edit_list_hides_is_not_missing(tmp_path):
    path = write_film(tmp_path / "cut.mp4", moving(40), times=range(-10, 30))
    frames = play(path)
    assert 29 <= len(frames) <= 31
    assert promised_seconds(path) == pytest.approx(3.0, abs=0.15)
    assert times(frames)[-1] == pytest.approx(2.9, abs=0.11)


@tried("recordings", "sound that lasts longer than the pictures; a recording in fragments", "not called cut off")
@pytest.mark.parametrize(("suffix", "codec", "sound"), [
    ("mp4", "libx264", "aac"), ("mov", "libx264", "aac"), ("mkv", "libx264", "aac"), ("ts", "libx264", "mp2"),
    ("avi", "mpeg4", "mp2"), ("webm", "libvpx", "libopus"), ("flv", "flv", "libmp3lame"), ("wmv", "wmv2", "wmav2"),
])  # fmt: skip
def test_sound_that_lasts_longer_promises_no_pictures(tmp_path, suffix, codec, sound):
    film = write_film(tmp_path / f"silent.{suffix}", moving(30), codec=codec)
    path = add_sound(tmp_path / f"film.{suffix}", film, seconds=20, codec=sound)
    frames = play(path)
    assert times(frames)[-1] == pytest.approx(2.9, abs=0.15)
    promised = promised_seconds(path)
    assert promised is None or promised < 3.5


def test_a_recording_in_fragments_promises_what_it_has(tmp_path):
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = write_film(tmp_path / "parts.mp4", moving(30), container_options=options)
    assert len(play(path)) == 30
    assert promised_seconds(path) == pytest.approx(3.0, abs=0.2)


@tried("recordings", "sound that begins midway (MPEG-TS)", "read to the end")
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_sound_that_begins_midway(tmp_path, codec):
    film = write_film(tmp_path / "silent.ts", busy(100, LARGE), codec=codec, options={"b": "1000000"})
    loud = add_sound(tmp_path / "loud.ts", film, seconds=3, codec="mp2")
    path = tmp_path / "film.ts"
    path.write_bytes(film.read_bytes() + loud.read_bytes() + film.read_bytes())
    # what is looked at before it is played is the beginning and the end
    assert film.stat().st_size > 300_000
    assert 290 <= len(play(path)) <= 300


@pytest.mark.parametrize("matrix", [bytes(36), b"\xff" * 36, b"\x80" + bytes(35)])
def test_a_turn_that_makes_no_sense_is_none(tmp_path, matrix):
    path = write_film(tmp_path / "film.mp4", moving(5))
    data = path.read_bytes()
    at = data.index(b"tkhd") + 4 + 40
    path.write_bytes(data[:at] + matrix + data[at + 36 :])
    frames = play(path)
    assert [frame.image.shape for frame in frames] == [(96, 160, 3)] * 5


@tried("recordings", "a codec that nobody knows", "refused, and told")
@pytest.mark.parametrize(("suffix", "known"), [("mp4", b"avc1"), ("mkv", b"V_MPEG4/ISO/AVC"), ("avi", b"H264")])
def test_a_codec_that_nobody_knows(tmp_path, suffix, known):
    path = write_film(tmp_path / f"odd.{suffix}", moving(5))
    data = path.read_bytes()
    assert known in data
    path.write_bytes(data.replace(known, b"Q" * len(known)))
    with pytest.raises(SourceError, match="is not a video that can be played"):
        play(path)
    assert promised_seconds(path) is None


@pytest.mark.parametrize(("suffix", "codec"), [
    ("mkv", "libx264"), ("mp4", "libx264"), ("ts", "libx264"), ("webm", "libvpx"), ("mov", "mjpeg"),
])  # fmt: skip
def test_a_gap_of_hours_stays_one(tmp_path, suffix, codec):
    at = [*range(10), *range(72_000, 72_010)]
    path = write_film(tmp_path / f"gap.{suffix}", moving(20), codec=codec, times=at)
    assert times(play(path)) == [number / 10 for number in at]
    assert promised_seconds(path) == pytest.approx(7201, abs=0.2)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_picture_a_minute_keeps_its_times(tmp_path, suffix):
    path = write_film(tmp_path / f"lapse.{suffix}", moving(20), times=range(0, 12_000, 600))
    assert times(play(path)) == [60.0 * number for number in range(20)]
    assert promised_seconds(path) == pytest.approx(1140, abs=61)


def song(path, *, cover, kind=b"image/jpeg"):
    """An MP3 with a picture of the record in front, as players write it (ID3 v2.3)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44100)
        for number in range(40):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1152), np.float32), format="fltp", layout="stereo")
            frame.rate, frame.pts = 44100, number * 1152
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    sound = path.read_bytes()
    body = b"\0" + kind + b"\0\3\0" + cover
    tag = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes((len(tag) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\0" + size + tag + sound)
    return path


def flac(path, *, cover, kind):
    """A FLAC file with a picture of the record among its first blocks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=44100, layout="stereo")
        for number in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 4608), np.int16), format="s16", layout="stereo")
            frame.rate, frame.pts = 44100, number * 4608
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    sound = path.read_bytes()
    numbers = struct.pack(">5I", 160, 96, 24, 0, len(cover))
    body = struct.pack(">2I", 3, len(kind)) + kind + struct.pack(">I", 0) + numbers + cover
    # behind the first block, which tells of the sound and is 34 bytes long
    path.write_bytes(sound[:42] + b"\6" + len(body).to_bytes(3, "big") + body + sound[42:])
    return path


COVERS = {"jpg": b"image/jpeg", "png": b"image/png"}


@tried("recordings", "songs with a picture of their record (MP3, FLAC; JPEG, PNG)", "refused, and told")
@pytest.mark.parametrize("suffix", COVERS)
@pytest.mark.parametrize("make", [song, flac])
def test_a_song_with_a_picture_of_its_record_is_no_video(tmp_path, make, suffix):
    cover = cv2.imencode(f".{suffix}", moving(1)[0])[1].tobytes()
    path = make(tmp_path / f"song.{'mp3' if make is song else 'flac'}", cover=cover, kind=COVERS[suffix])
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1, "the cover"
    with pytest.raises(SourceError, match="is not a video that can be played"):
        play(path)
    assert promised_seconds(path) is None


def test_pictures_that_are_too_large_are_left_out(tmp_path):
    """A picture of 144 megapixels that takes a kilobyte, as a flat one does."""
    path = write_film(tmp_path / "film.mjpeg", moving(3), codec="mjpeg")
    data = bytearray(path.read_bytes())
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = (12_000).to_bytes(2, "big") * 2
    assert MOST_PIXELS < 12_000**2
    path.write_bytes(data)
    frames = play(path)
    assert [frame.image.shape for frame in frames] == [(96, 160, 3)] * 2


def test_key_frames_are_known(tmp_path):
    frames = play(write_film(tmp_path / "film.mp4", moving(30), key_every=10))
    assert [frame.index for frame in frames if frame.key] == [0, 10, 20]
    stills = play(write_film(tmp_path / "film.mjpeg", moving(5), codec="mjpeg"))
    assert all(frame.key for frame in stills)


def test_what_a_film_says_of_itself(tmp_path):
    with opened_recording(write_film(tmp_path / "film.mp4", moving(30))) as film:
        assert (film.promised, film.seconds, film.period) == (30, pytest.approx(3.0), pytest.approx(0.1))
        assert sum(frame is not None for frame in film.frames()) == film.packets == 30
        assert film.damaged == 0
