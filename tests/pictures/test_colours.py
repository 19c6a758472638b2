"""Pictures of known colours, most of them made by other programs (`known/make.sh`), come out in these colours."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edge_fer.errors import PictureError
from edge_fer.pictures.decoding import decode

KNOWN = sorted(path for path in Path(__file__).with_name("known").iterdir() if path.suffix != ".sh")
#: Of the fields, each 8 x 8 pixels, from left to right.
COLOURS = [
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (0, 0, 0),
    (255, 255, 255),
    (128, 64, 32),
    (40, 90, 200),
]
#: Levels that a colour may be off; ImageMagick writes Lab two steps too green and too blue.
NEAR, NEAR_LAB = 5, 26


def fields(image):
    """The colour in the middle of each field."""
    return image[2:6].reshape(4, 8, 8, 3)[:, :, 2:6].mean(axis=(0, 2))


def drawn():
    return Image.fromarray(np.repeat(np.repeat(np.array([COLOURS], np.uint8), 8, axis=0), 8, axis=1))


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_known_colours_come_out(path):
    picture = decode(path.read_bytes())
    assert picture.image.shape == (8, 64, 3)
    assert not picture.notes
    near = NEAR_LAB if path.stem == "lab" else NEAR
    assert np.abs(fields(picture.image) - COLOURS).max() <= near


def test_there_are_known_pictures():
    assert len(KNOWN) >= 20


def test_lab_of_the_print_trade_is_read_by_its_white():
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(drawn(), *spaces, outputMode="LAB")
    assert np.abs(fields(decode(saved(lab, "TIFF")).image) - COLOURS).max() <= 10


@pytest.mark.parametrize(("bits", "white_is_zero", "order"), [
    (4, False, "<"), (4, True, "<"), (4, True, ">"), (8, False, "<"), (8, True, "<"), (8, True, ">"),
    (16, False, "<"), (16, True, "<"), (16, False, ">"),
])  # fmt: skip
def test_grey_tiff_of_any_depth_has_its_white_where_it_says(bits, white_is_zero, order):
    levels = np.linspace(0, 1, 16)
    stored = np.rint((1 - levels if white_is_zero else levels) * (2**bits - 1)).astype(np.uint16)
    if bits == 4:
        data = bytes(int(high) << 4 | int(low) for high, low in stored.reshape(-1, 2))
    else:
        data = stored.astype(f"{order}u2" if bits == 16 else "u1").tobytes()
    tags = (256, 16), (257, 1), (258, bits), (259, 1), (262, 0 if white_is_zero else 1), (273, 8), (277, 1), (278, 1)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    entries = b"".join(struct.pack(order + "HHIHxx", tag, 3, 1, value) for tag, value in (*tags, (279, len(data))))
    tiff = head + data + struct.pack(order + "H", len(tags) + 1) + entries + bytes(4)
    assert np.abs(decode(tiff).image[0, :, 1] - levels * 255).max() <= 1


def cmyk_profile(inks):
    """A profile of a press whose inks look as they are given: for each mixture of full inks, its L*, a* and b*."""
    linear = bytes(range(256))
    grid = b"".join(bytes(round(value) for value in (lightness * 2.55, a + 128, b + 128)) for lightness, a, b in inks)
    table = (
        b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9I", *(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x10000))
    )
    table += linear * 4 + grid + linear * 3
    words = b"text" + bytes(4) + b"none\0"
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"made\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    parts, at, listed = [], 128 + 4 + 12 * 4, b""
    for tag, part in ((b"A2B0", table), (b"cprt", words), (b"desc", name), (b"wtpt", white)):
        padded = part + bytes(-len(part) % 4)
        listed += tag + struct.pack(">II", at, len(part))
        parts.append(padded)
        at += len(padded)
    head = struct.pack(">I4sI4s4s4s", at, b"\0\0\0\0", 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", 4) + listed + b"".join(parts)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_read_by_its_profile(kind):
    # on this press cyan looks brown, and everything else white
    inks = [(40, 25, 30) if mixture == 8 else (100, 0, 0) for mixture in range(16)]
    cyan = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    options = {"quality": 95} if kind == "JPEG" else {}
    plain = decode(saved(cyan, kind, **options)).image[16, 16]
    printed = decode(saved(cyan, kind, icc_profile=cmyk_profile(inks), **options)).image[16, 16]
    spoilt = decode(saved(cyan, kind, icc_profile=cmyk_profile(inks)[:200], **options)).image[16, 16]
    assert plain.tolist() == pytest.approx([0, 255, 255], abs=3)
    assert printed.tolist() == pytest.approx([138, 79, 47], abs=8)
    assert spoilt.tolist() == plain.tolist()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_that_are_no_levels_of_light_are_refused(mode):
    with pytest.raises(PictureError, match="TIFF file of a kind that is not known here: its samples"):
        decode(saved(drawn().convert(mode), "TIFF"))


@pytest.mark.parametrize(("white", "samples", "level"), [(15, [15, 0, 5, 10], [255, 0, 85, 170]),
                                                         (1000, [1000, 0, 500, 250], [255, 0, 128, 64])])  # fmt: skip
def test_white_of_a_binary_pnm_in_colour_is_what_it_says(white, samples, level):
    head = b"P6 # a comment\n2 2\n%d\n" % white
    data = b"".join(value.to_bytes(2 if white > 255 else 1, "big") * 3 for value in samples)
    assert decode(head + data).image[..., 1].ravel().tolist() == pytest.approx(level, abs=1)
