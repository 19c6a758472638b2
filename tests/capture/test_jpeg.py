"""JPEGs: what is damaged is refused, and what is whole is not, whoever wrote it."""

from __future__ import annotations

import io
import random
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from PIL import Image

from edge_fer.capture import jpeg
from edge_fer.capture.jpeg import DamagedJpegError, damage, rgb_pixels
from edge_fer.errors import PictureError
from edge_fer.pictures.decoding import decode
from edge_fer.sample import sample_picture
from tests.capture.tried import tried
from tests.missing import missing
from tests.odd_files import whole
from tests.shared import shared_data

#: A picture that changed by more levels than this, on average, may be read as another emotion.
VISIBLE = 8


def picture():
    return Image.fromarray(sample_picture())


def written(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def variants():
    """The sample picture as several kinds of JPEG."""
    image = picture()
    restarts = [cv2.IMWRITE_JPEG_RST_INTERVAL, 20]
    done, with_restarts = cv2.imencode(".jpg", np.asarray(image)[..., ::-1], restarts)
    done_too, both = cv2.imencode(".jpg", np.asarray(image)[..., ::-1], [*restarts, cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert done
    assert done_too
    return {
        "baseline": written(image, quality=90),
        "full colour": written(image, quality=95, subsampling=0, optimize=True),
        "grey": written(image.convert("L")),
        "progressive": written(image, progressive=True),
        "restarts": with_restarts.tobytes(),
        "progressive with restarts": both.tobytes(),
    }


def seeded(seed):
    return random.Random(seed)  # noqa: S311 - nothing secret


def with_hole(data, turn):
    size = turn.choice([64, 128, 256, 512, 1024, 2048, 4096])
    at = turn.randrange(data.index(b"\xff\xda") + 14, len(data) - 2 - size)
    return data[:at] + bytes(size) + data[at + size :]


def cut(data, turn):
    return data[: turn.randrange(data.index(b"\xff\xda") + 14, len(data) - 2)] + b"\xff\xd9"


def flipped(data, turn):
    spoilt, begin = bytearray(data), data.index(b"\xff\xda") + 14
    for _ in range(turn.randrange(2, 20)):
        spoilt[turn.randrange(begin, len(data) - 2)] = turn.randrange(256)
    return bytes(spoilt)


@tried(
    "JPEG pictures",
    "a hole, a cut that still has an end, wrong bytes; 300 of each",
    "of those that look different: all that are cut are refused, 97 % with a hole, 90 % with wrong bytes",
)
@pytest.mark.parametrize(("spoil", "least"), [(with_hole, 0.97), (cut, 1.0), (flipped, 0.9)])
def test_what_changes_the_picture_is_refused(spoil, least):
    turn = seeded(20)
    sources = list(variants().values())
    before = [decode(data).image.astype(int) for data in sources]
    visible = refused = 0
    for number in range(300):
        source = number % len(sources)
        spoilt = spoil(sources[source], turn)
        try:
            image = decode(spoilt).image
        except PictureError:
            visible += 1
            refused += 1
            continue
        visible += image.shape != before[source].shape or np.abs(image - before[source]).mean() > VISIBLE
    assert refused >= least * visible > 200


def test_what_pillow_and_opencv_write_is_whole():
    image = picture()
    for data in variants().values():
        assert damage(data) is None
    for quality in (1, 30, 75, 100):
        for subsampling in (0, 1, 2):
            for progressive in (False, True):
                for optimize in (False, True):
                    data = written(
                        image, quality=quality, subsampling=subsampling, progressive=progressive, optimize=optimize
                    )
                    assert damage(data) is None
        for factor in (0x111111, 0x211111, 0x221111, 0x411111, 0x121111):
            options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
            assert damage(cv2.imencode(".jpg", np.asarray(image), options)[1].tobytes()) is None
    for side in (1, 7, 8, 9, 15, 16, 17):
        assert damage(written(image.resize((side, 2 * side)))) is None
    for mode in ("L", "CMYK"):
        assert damage(written(image.convert(mode))) is None


@pytest.mark.parametrize("options", [
    "-optimize", "-progressive", "-progressive -restart 1", "-restart 1", "-restart 1B", "-grayscale",
    "-grayscale -sample 2x2", "-rgb", "-arithmetic", "-arithmetic -progressive", "-baseline -quality 5",
    "-sample 1x1", "-sample 2x1", "-sample 4x1", "-sample 4x2", "-sample 1x2", "-sample 1x4", "-sample 3x1",
    "-sample 1x1,2x2,2x2", "-sample 2x1,1x2,1x1", "-dct fast", "-dct float", "-smooth 50", "-quality 90,50",
])  # fmt: skip
def test_what_libjpeg_turbo_writes_is_whole(options):
    if shutil.which("cjpeg") is None:
        missing("needs cjpeg of libjpeg-turbo-progs; tests/install-tools.sh gets it")
    out = io.BytesIO()
    picture().save(out, "PPM")
    made = subprocess.run(["cjpeg", *options.split()], input=out.getvalue(), capture_output=True, check=True)
    assert damage(made.stdout) is None
    grey = "-grayscale" in options
    off = decode(made.stdout).image.astype(int) - np.asarray(
        picture().convert("L").convert("RGB") if grey else picture()
    )
    assert np.abs(off).mean() < (12 if "5" in options else 4)


def test_every_jpeg_of_the_shared_data_is_whole():
    files = [file for file in sorted(shared_data().rglob("*")) if file.suffix.lower() in {".jpg", ".jpeg"}]
    assert len(files) > 1000
    assert not [file.name for file in files if damage(file.read_bytes())]


@tried("JPEG pictures", "what cameras add beside the picture", "read")
def test_what_cameras_add_is_no_damage():
    data = written(picture(), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + written(picture().resize((160, 90))))
    assert damage(data) is None
    for after in (b"\0", b"\0" * 5000, b"\r\n", b"\xff\xd8\xff", data, b"\0\0\0\x18ftypmp42" + bytes(100)):
        assert damage(data + after) is None
    for fill in (b"\0" * 3, b"\0" * 8, b"\0" * 4096, b"\xff" * 20):
        assert damage(data[:-2] + fill + data[-2:]) is None
        assert np.array_equal(rgb_pixels(data[:-2] + fill + data[-2:]), rgb_pixels(data))
    # without the usual tables, as in MJPEG of webcams
    plain = written(picture())
    bare = plain
    while (at := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4], "big") :]
    assert len(bare) < len(plain) - 300
    assert np.array_equal(rgb_pixels(bare), rgb_pixels(plain))


def test_some_bytes_too_many_can_be_let_pass():
    data = variants()["restarts"]
    at = data.index(b"\xff\xd3")
    webcam = data[:at] + b"\x12\x34\x56\x78\x9a\x12\x34\x56\x78\x9a" + data[at:]
    assert damage(webcam) == "picture data is wrong"
    assert damage(webcam, spare=16) is None
    assert damage(with_hole(data, seeded(1)), spare=16)


def of_size(size):
    data = whole()["baseline.jpg"]
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + size + data[at + 4 :]


@tried("JPEG pictures", "broken headers", "refused before they are decoded")
@pytest.mark.parametrize(("data", "word"), [
    (b"", "missing"),
    (b"\xff\xd8\xff", "missing"),
    (whole()["baseline.jpg"][:-2], "missing"),
    (whole()["baseline.jpg"][:700], "missing"),
    (b"\xff\xd8" + b"\xff" * 5000, "missing"),
    (b"\xff\xd8\xff\xda\0\x02\xff\xd9", "wrong"),
    (of_size(b"\xff\xff\xff\xff"), "wrong"),
    (of_size(bytes(4)), "wrong"),
])  # fmt: skip
def test_broken_headers_are_a_damage_and_nothing_is_decoded_for_them(data, word):
    assert damage(data) == f"picture data is {word}"
    with pytest.raises(DamagedJpegError, match=word):
        rgb_pixels(data)


@tried("JPEG pictures", "a file of very many scans", "refused before they are decoded")
def test_a_file_of_many_scans_is_refused_before_they_are_decoded(monkeypatch):
    data = written(picture(), progressive=True)
    begin, end = (place.start() for place in list(re.finditer(rb"\xff\xda", data))[-2:])
    scan = data[begin:end]
    decoded = []
    monkeypatch.setattr(jpeg.simplejpeg, "decode_jpeg", lambda data, **_: decoded.append(data))
    assert damage(data[:end] + scan * (jpeg.MOST_SCANS // 2) + data[end:]) is None
    assert len(decoded) == 1
    assert damage(data[:end] + scan * jpeg.MOST_SCANS + data[end:]) == "picture data is wrong"
    assert len(decoded) == 1


def test_a_damaged_cmyk_is_refused():
    data = written(picture().convert("CMYK"))
    assert rgb_pixels(data) is None
    spoilt = with_hole(data, seeded(2))
    assert damage(spoilt)
    with pytest.raises(PictureError, match="damaged or cut off: picture data is"):
        decode(spoilt)
