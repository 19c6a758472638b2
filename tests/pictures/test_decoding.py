"""Reading picture files: every kind comes out as people see it, and what cannot be read says why."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin, TiffImagePlugin

from edge_fer.errors import PictureError
from edge_fer.pictures.decoding import MOST_PIXELS, decode
from tests.odd_files import odd_pictures, saved, scene, whole

#: Kinds that lose something, or have fewer colours.
LOSSY = {"baseline.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg", "lossy.webp", "palette.png"}


def seen(data):
    """The picture as another library shows it: turned, on white, in eight bits."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image, np.uint32) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"), np.float64)


def off(image, other):
    """The mean difference between two pictures of one size, in levels."""
    assert image.shape == other.shape
    return float(np.abs(image - other).mean())


@pytest.mark.parametrize("name", whole())
def test_every_kind_is_read_as_another_library_shows_it(name):
    data = whole()[name]
    image = decode(data).image
    assert (image.dtype, image.flags.c_contiguous) == (np.uint8, True)
    assert off(image, seen(data)) < (4 if name in LOSSY else 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_as_it_was_held(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(scene(), kind, exif=exif, **({} if kind in {"PNG", "TIFF"} else {"quality": 95}))
    image = decode(data).image
    assert image.shape == ((96, 64, 3) if orientation >= 5 else (64, 96, 3))
    assert off(image, seen(data)) < 4


def with_xmp(kind, form, orientation, exif=None):
    """A picture whose XMP tells its orientation."""
    said = 'tiff:Orientation="{}"/>' if form == "attribute" else "><tiff:Orientation>{}</tiff:Orientation>"
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {said.format(orientation)}</x:xmpmeta>'.encode()
    options = {"exif": exif} if exif else {}
    if kind == "JPEG":
        content = b"http://ns.adobe.com/xap/1.0/\0" + xmp
        data = saved(scene(), kind, quality=95, **options)
        return data[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content + data[2:]
    if kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return saved(scene(), kind, pnginfo=notes, **options)
    if kind == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags.tagtype[700] = 1
        tags[700] = xmp
        if exif:
            tags[0x0112] = exif[0x0112]
        return saved(scene(), kind, tiffinfo=tags)
    return saved(scene(), kind, lossless=True, xmp=xmp, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["attribute", "element"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_tells_how_it_was_held_where_exif_does_not(kind, form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(with_xmp(kind, form, orientation)).image
    assert off(image, seen(saved(scene(), "PNG", exif=exif))) < 4
    exif[0x0112] = 1
    assert off(decode(with_xmp(kind, form, orientation, exif)).image, np.asarray(scene(), np.float64)) < 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_is_heeded_where_pillow_does_not_look_into_it(kind, monkeypatch):
    # as bookworm's Pillow does, which looks for it in PNG alone
    monkeypatch.setattr(Image.Image, "getexif", lambda picture: Image.Exif())
    for form in ("attribute", "element"):
        assert decode(with_xmp(kind, form, 6)).image.shape == (96, 64, 3)


@pytest.mark.parametrize("word", ["0", "9", "-1", "left"])
def test_an_orientation_that_makes_no_sense_is_none(word):
    assert decode(with_xmp("JPEG", "attribute", word)).image.shape == (64, 96, 3)


def test_of_a_jpeg_with_a_second_picture_behind_it_the_first_is_read():
    data = saved(scene(), "MPO", save_all=True, append_images=[scene().transpose(Image.Transpose.ROTATE_180)])
    picture = decode(data)
    assert off(picture.image, np.asarray(scene(), np.float64)) < 6
    assert not picture.notes


@pytest.mark.parametrize("name", [name for name in whole() if name.endswith(".png")])
def test_a_png_with_another_byte_among_its_pixels_is_refused(name):
    data = bytearray(whole()[name])
    data[data.index(b"IDAT") + 40] ^= 1
    with pytest.raises(PictureError, match="is a PNG file that is damaged or cut off"):
        decode(bytes(data))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_lies_on_white_and_that_is_said(kind):
    image = scene().convert("RGBA")
    image.putalpha(Image.fromarray(np.tile(np.arange(96, dtype=np.uint8) * 2, (64, 1))))
    data = saved(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    picture = decode(data)
    assert off(picture.image, seen(data)) < 1
    assert picture.notes == ("is transparent in places: it was laid on white",)
    assert not decode(saved(scene().convert("RGBA"), kind)).notes


@pytest.mark.parametrize("name", ["deep.png", "deep-grey.png", "deep.tiff"])
def test_sixteen_bits_become_eight_of_the_same_light(name):
    same = scene() if name == "deep.png" else scene().convert("L").convert("RGB")
    assert np.array_equal(decode(whole()[name]).image, np.asarray(same))


@pytest.mark.parametrize(("head", "samples", "level"), [
    (b"P5 2 2 15\n", b"\x0f\x00\x05\x0a", [255, 0, 85, 170]),
    (b"P5 2 2 1000\n", b"\x03\xe8\0\0\x01\xf4\0\xfa", [255, 0, 127, 64]),
    (b"P5 2 2 255\n", b"\xff\x00\x55\xaa", [255, 0, 85, 170]),
])  # fmt: skip
def test_white_is_what_the_file_says_it_is(head, samples, level):
    assert decode(head + samples).image[..., 1].ravel().tolist() == pytest.approx(level, abs=1)


@pytest.mark.parametrize(("name", "word"), [
    ("animated.gif", "animated"), ("animated.png", "animated"), ("animated.webp", "animated"),
    ("pages.tiff", "of several pages"),
])  # fmt: skip
def test_of_several_pictures_the_first_is_read_and_that_is_said(name, word):
    picture = decode(whole()[name])
    assert picture.notes == (f"is {word}: its first picture was read",)
    assert off(picture.image, np.asarray(scene(), np.float64)) < 6


@pytest.mark.parametrize(("data", "word"), [
    (b"", "is empty"),
    (bytes(100), "nothing but zeros"),
    (b"hello", "no picture that can be read"),
    (whole()["baseline.jpg"][:500], "is a JPEG file that is damaged or cut off"),
    (whole()["colour.png"][:-30], "is a PNG file that is damaged or cut off"),
    (whole()["still.gif"][:40], "is a GIF file that is damaged or cut off"),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
    (b"%PDF-1.7", "PDF"),
    (b"\0\0\0\x18ftypisom\0\0\0\0", "is a video"),
])  # fmt: skip
def test_what_cannot_be_read_says_why_and_what_to_do(data, word):
    with pytest.raises(PictureError, match=word) as caught:
        decode(data)
    assert caught.value.remedy


UNCOMPRESSED = ["colour.bmp", "bits.bmp", "raw.tiff", "colour.ppm", "grey.pgm", "deep.tiff"]


@pytest.mark.parametrize("count", [1, 60, 700])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", UNCOMPRESSED)
def test_an_uncompressed_picture_with_bytes_too_many_is_refused(name, place, count):
    """Else it would be torn in two, and a face with it."""
    data = whole()[name]
    at = int(len(data) * place)
    with pytest.raises(PictureError, match=f"damaged or cut off: {count} bytes stand behind its pixels"):
        decode(data[:at] + bytes([7]) * count + data[at:])


@pytest.mark.parametrize("name", UNCOMPRESSED)
def test_what_may_stand_behind_the_pixels(name):
    data = whole()[name]
    for filling in (b"\0" * 2, b"\0" * 5000, b"\r\n"):
        assert np.array_equal(decode(data + filling).image, decode(data).image)


def test_further_pictures_behind_a_pnm_are_no_damage():
    data = whole()["colour.ppm"]
    assert np.array_equal(decode(data + data).image, decode(data).image)


def with_profile(data, *, profile):
    """A BMP whose colour profile stands behind its pixels (BITMAPV5HEADER)."""
    pixels = data[54:]
    header = struct.pack("<I", 124) + data[18:54] + bytes(124 - 40)
    header = header[:112] + struct.pack("<II", 124 + len(pixels), len(profile)) + header[120:]
    return data[:10] + struct.pack("<I", 14 + 124) + header + pixels + profile


def test_a_profile_behind_the_pixels_of_a_bmp_is_no_damage():
    data = with_profile(whole()["colour.bmp"], profile=b"a profile")
    assert np.array_equal(decode(data).image, np.asarray(scene()))
    with pytest.raises(PictureError, match="1 bytes stand behind"):
        decode(data + b"x")


def test_a_tiff_with_words_behind_its_pixels_is_no_damage():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "somebody wrote this " * 9
    data = saved(scene(), "TIFF", tiffinfo=tags)
    at = struct.unpack_from("<I", data, 4)[0]
    (count,) = struct.unpack_from("<H", data, at)
    entries = [at + 2 + 12 * number for number in range(count)]
    (words,) = (entry for entry in entries if struct.unpack_from("<H", data, entry)[0] == 270)
    length, old = struct.unpack_from("<II", data, words + 4)
    moved = data[: words + 8] + struct.pack("<I", len(data)) + data[words + 12 :] + data[old : old + length]
    assert np.array_equal(decode(moved).image, np.asarray(scene()))


@pytest.mark.slow
def test_hundreds_of_odd_pictures_are_each_read_or_refused():
    pictures = odd_pictures()
    assert len({odd.name for odd in pictures}) == len(pictures) >= 500
    wrong = []
    for odd in pictures:
        try:
            decode(odd.data)
        except PictureError as error:
            read, said = not error.remedy, str(error)
        else:
            read, said = True, "read"
        if odd.reads is not None and read != odd.reads:
            wrong.append((odd.name, said))
    assert not wrong


def test_no_small_file_makes_the_process_large():
    script = (
        "from edge_fer.bench.process import memory\n"
        "from edge_fer.errors import PictureError\n"
        "from edge_fer.pictures.decoding import decode\n"
        "from tests.odd_files import odd_pictures\n"
        "pictures = odd_pictures()\n"
        "_, before = memory()\n"
        "for odd in pictures:\n"
        "    try: decode(odd.data)\n"
        "    except PictureError: pass\n"
        "print(memory()[1] - before)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    # in bytes; what the largest of them may rightly take is far less than what they claim
    assert int(ended.stdout) < 200_000_000


def test_two_thousand_mutations_end_in_pixels_or_in_a_clear_word():
    script = (
        "import random\n"
        "from pathlib import Path\n"
        "from edge_fer.bench.process import memory\n"
        "from edge_fer.errors import PictureError\n"
        "from edge_fer.pictures.decoding import MOST_PIXELS, decode\n"
        "from tests.odd_files import mutated, whole\n"
        "known = [path for path in sorted(Path('tests/pictures/known').iterdir()) if path.suffix != '.sh']\n"
        "sources = [*whole().values(), *(path.read_bytes() for path in known)]\n"
        "turn = random.Random(2000)\n"
        "_, before = memory()\n"
        "read = refused = 0\n"
        "for number in range(2000):\n"
        "    data = mutated(sources[number % len(sources)], turn)\n"
        "    try:\n"
        "        image = decode(data).image\n"
        "        assert image.shape[2] == 3 and image.shape[0] * image.shape[1] <= MOST_PIXELS\n"
        "        read += 1\n"
        "    except PictureError as error:\n"
        "        assert error.remedy\n"
        "        refused += 1\n"
        "print(read, refused, memory()[1] - before)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    read, refused, memory = (int(word) for word in ended.stdout.split())
    assert min(read, refused) >= 200
    # one mutation may make a picture of the largest size of a small one: 64 megapixels, at 7 bytes each
    assert memory < 800_000_000


@pytest.mark.slow
def test_the_largest_picture_is_read_and_a_larger_one_refused_unseen():
    side = int(MOST_PIXELS**0.5)
    data = saved(Image.new("L", (side, side), 77), "PNG", compress_level=1)
    assert decode(data).image.shape == (side, side, 3)
    with pytest.raises(PictureError, match=r"is too large: more than 67 megapixels"):
        decode(saved(Image.new("1", (side, side + 1)), "PNG"))
