"""Makes files that are broken, odd, or no pictures and videos at all, to see that a clear word is said of each.

Everything follows from a seed, so that a file that once made trouble can be made again.
"""

from __future__ import annotations

import io
import random
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from edge_fer.sample import sample_path

__all__ = ["Odd", "mutated", "odd_pictures", "odd_videos", "write_all"]

SEED = 8


@dataclass(frozen=True)
class Odd:
    """One file.

    Attributes:
        name: of the file; unique, and says what is odd.
        data: what is in it.
        reads: whether it must be read (True), must be refused (False), or may be either, as with a flipped bit.
    """

    name: str
    data: bytes
    reads: bool | None = None


def write_all(folder: Path, files: list[Odd]) -> dict[Path, Odd]:
    """Writes files into a folder, and tells which is which."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {folder / odd.name: odd for odd in files}
    for path, odd in written.items():
        path.write_bytes(odd.data)
    return written


@cache
def scene() -> Image.Image:
    """A picture of 96 x 64 pixels with something in it, and nobody."""
    y, x = np.mgrid[0:64, 0:96]
    noise = np.random.default_rng(SEED).integers(0, 24, (64, 96))
    return Image.fromarray(np.stack([x * 2 + noise, y * 3 + noise, (x + y) + noise], axis=2).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache
def whole() -> dict[str, bytes]:
    """Good pictures of every kind that is read, by the name that files have."""
    image, turned = scene(), scene().transpose(Image.Transpose.ROTATE_180)
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    ok, deep = cv2.imencode(".png", np.asarray(image, np.uint16)[..., ::-1] * 257)
    assert ok
    return {
        "baseline.jpg": saved(image, "JPEG"),
        "progressive.jpg": saved(image, "JPEG", progressive=True, exif=exif),
        "cmyk.jpg": saved(image.convert("CMYK"), "JPEG"),
        "grey.jpg": saved(image.convert("L"), "JPEG"),
        "colour.png": saved(image, "PNG"),
        "palette.png": saved(image.convert("P"), "PNG"),
        "deep.png": deep.tobytes(),
        "deep-grey.png": saved(grey, "PNG"),
        "alpha.png": saved(image.convert("RGBA"), "PNG"),
        "animated.png": saved(image, "PNG", save_all=True, append_images=[turned]),
        "lossy.webp": saved(image, "WEBP"),
        "lossless.webp": saved(image, "WEBP", lossless=True, exif=exif),
        "animated.webp": saved(image, "WEBP", save_all=True, append_images=[turned]),
        "still.gif": saved(image, "GIF"),
        "animated.gif": saved(image, "GIF", save_all=True, append_images=[turned]),
        "colour.bmp": saved(image, "BMP"),
        "bits.bmp": saved(image.convert("1"), "BMP"),
        "raw.tiff": saved(image, "TIFF", exif=exif),
        "lzw.tiff": saved(image, "TIFF", compression="tiff_lzw"),
        "pages.tiff": saved(image, "TIFF", save_all=True, append_images=[turned]),
        "deep.tiff": saved(grey, "TIFF"),
        "cmyk.tiff": saved(image.convert("CMYK"), "TIFF"),
        "colour.ppm": saved(image, "PPM"),
        "grey.pgm": saved(image.convert("L"), "PPM"),
        "bits.pbm": saved(image.convert("1"), "PPM"),
        "text.ppm": b"P3\n# a comment\n2 2 15\n15 0 0  0 15 0\n0 0 15  15 15 15\n",
    }


@cache
def odd_pictures() -> list[Odd]:
    """Several hundred pictures, each odd in its own way."""
    random_ = random.Random(SEED)  # noqa: S311 - nothing secret
    makers = (_good(), _cut(), _flipped(random_), _garbled(random_), _random(random_), _huge(), _others(), _crafted())
    return [odd for maker in makers for odd in maker]


def _good() -> Iterator[Odd]:
    for name, data in whole().items():
        yield Odd(f"good-{name}", data, reads=True)
        yield Odd(f"tail-{name}", data + b"\0" * 100, reads=True)
    # what a file is called says nothing of what is in it
    kinds = list(whole().items())
    for (name, data), (other, _) in zip(kinds, kinds[5:] + kinds[:5], strict=True):
        yield Odd(f"named-{Path(name).name}-as{Path(other).suffix}", data, reads=True)


def _cut() -> Iterator[Odd]:
    for name, data in whole().items():
        # of several pictures, the first may be whole; text may end in the middle of a number
        may_be_whole = name in {"animated.gif", "animated.png", "pages.tiff", "text.ppm", "still.gif"}
        for part in (0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 0.99):
            length = int(len(data) * part)
            yield Odd(f"cut-{part}-{name}", data[:length], reads=None if may_be_whole or length < 2 else False)


def _flipped(random_: random.Random) -> Iterator[Odd]:
    for name, data in whole().items():
        for turn in range(8):
            spoilt = bytearray(data)
            for _ in range(1 + turn):
                # half of them where headers are
                at = random_.randrange(min(len(data), 80) if turn % 2 else len(data))
                spoilt[at] ^= 1 << random_.randrange(8)
            yield Odd(f"flipped-{turn}-{name}", bytes(spoilt))


def _garbled(random_: random.Random) -> Iterator[Odd]:
    """A good beginning and then anything."""
    for name, data in whole().items():
        for keep in (8, 24, 60):
            yield Odd(f"garbled-{keep}-{name}", data[:keep] + random_.randbytes(600))


def mutated(data: bytes, random_: random.Random) -> bytes:
    """The file with a few of its bytes changed, left out, doubled, zeroed or moved, or cut off."""
    spoilt = bytearray(data)
    for _ in range(random_.randrange(1, 5)):
        # half of them where headers are
        reach = len(spoilt) if random_.randrange(2) else min(len(spoilt), 120)
        at = random_.randrange(max(reach, 1))
        size = random_.choice((1, 2, 4, 16, 200))
        part = bytes(spoilt[at : at + size])
        changed = random_.choice((
            part[::-1], b"", part * 2, bytes(len(part)), b"\xff" * len(part), random_.randbytes(len(part)),
            bytes(byte ^ 1 << random_.randrange(8) for byte in part),
        ))  # fmt: skip
        spoilt[at : at + size] = changed
    return bytes(spoilt[: random_.randrange(len(spoilt) + 1)] if not random_.randrange(8) else spoilt)


def _random(random_: random.Random) -> Iterator[Odd]:
    for number, length in enumerate((0, 1, 2, 3, 7, 16, 100, 1000, 5000, 40_000)):
        yield Odd(f"random-{number}.jpg", random_.randbytes(length), reads=False)
        yield Odd(f"zeros-{number}.png", bytes(length), reads=False)
        yield Odd(f"ones-{number}.bmp", b"\xff" * length, reads=False)


def _huge() -> Iterator[Odd]:
    """Small files that claim to be enormous, or to be nothing."""
    for width, height in ((60_000, 60_000), (65_000, 64_000), (1_000_000, 3), (0, 64), (64, 0), (0, 0)):
        yield Odd(f"size-{width}x{height}.png", _png(width, height, b"\0" * 10), reads=False)
        yield Odd(f"size-{width}x{height}.ppm", b"P6\n%d %d\n255\n" % (width, height) + b"\0" * 100, reads=False)
        yield Odd(f"size-{width}x{height}.bmp", _patched("colour.bmp", 18, struct.pack("<ii", width, height)), False)
        yield Odd(f"size-{width}x{height}.tiff", _tiff(width, height), reads=False)
        side = min(width, 65_535), min(height, 65_535)
        yield Odd(
            f"size-{width}x{height}.gif",
            _patched("still.gif", 6, struct.pack("<HH", *side)),
            reads=False if 0 not in side else None,
        )
        jpeg = whole()["baseline.jpg"]
        at = jpeg.index(b"\xff\xc0") + 5
        yield Odd(f"size-{width}x{height}.jpg", _patched("baseline.jpg", at, struct.pack(">HH", *side[::-1])), False)
    yield Odd("negative.bmp", _patched("colour.bmp", 18, struct.pack("<ii", -96, -64)))
    yield Odd("lowest.bmp", _patched("colour.bmp", 18, struct.pack("<ii", 96, -(2**31))), reads=False)
    # a real one: 900 million pixels in less than a megabyte
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(30_001)) for _ in range(3000)) + rows.flush()
    yield Odd("bomb.png", _png(30_000, 30_000, body), reads=False)
    # and one that is within the limit, but has only a few of its rows
    yield Odd("few-rows.png", _png(8000, 8000, body[:2000]), reads=False)
    canvas = b"VP8X" + struct.pack("<IB3x", 10, 2) + b"\xff\xff\xff" * 2
    yield Odd("canvas.webp", b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas, reads=False)


def _others() -> Iterator[Odd]:
    """Files that are no pictures, or none that are read, under the names of pictures."""
    image = scene()
    for name, data in {
        "text.jpg": b"This is no picture.\n",
        "page.png": b"<!doctype html><title>404 Not Found</title>",
        "drawing.jpg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "paper.jpg": b"%PDF-1.7\n",
        "phone.heic": struct.pack(">I", 24) + b"ftypheic" + bytes(12),
        "new.avif": struct.pack(">I", 24) + b"ftypavif" + bytes(12),
        "video.jpg": sample_path().read_bytes()[:4000],
        "packed.png": b"PK\x03\x04" + bytes(60),
        "squeezed.png": b"\x1f\x8b\x08" + bytes(60),
        "old.jp2": saved(image, "JPEG2000"),
        "icon.ico": saved(image, "ICO"),
        "targa.tga": saved(image, "TGA"),
        "float.pfm": saved(image.convert("F"), "PPM"),
        "float.tiff": saved(image.convert("F"), "TIFF"),
        "wide.tiff": saved(image.convert("I"), "TIFF"),
        "any.pam": b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n\0",
        "programme.png": b"\x7fELF" + bytes(100),
        "python.gif": b"import os\n",
        "json.webp": b'{"picture": null}',
        "utf-16.jpg": "no picture".encode("utf-16"),
    }.items():
        yield Odd(f"other-{name}", data, reads=False)


def _crafted() -> Iterator[Odd]:
    """Headers that are legal in their parts, and meant to trip whoever reads them."""
    jpeg, png = whole()["baseline.jpg"], whole()["colour.png"]
    for value in (0, 9, 255, 65_535):
        exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + struct.pack("<I", value) + bytes(4)
        yield Odd(f"orientation-{value}.jpg", _with_segment(jpeg, 0xE1, exif), reads=True)
    for name, block in {
        "nothing": b"Exif\0\0",
        "no-order": b"Exif\0\0XX*\0\x08\0\0\0",
        "far-away": b"Exif\0\0II*\0\xff\xff\xff\xff",
        "round-and-round": b"Exif\0\0MM\0*\0\0\0\x00" + b"\xff" * 200,
        "many-entries": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(3000),
        "long": b"Exif\0\0" + bytes(65_000),
    }.items():
        yield Odd(f"exif-{name}.jpg", _with_segment(jpeg, 0xE1, block), reads=True)
    yield Odd("segment-of-no-length.jpg", jpeg[:2] + b"\xff\xe0\0\0" + jpeg[2:])
    yield Odd("only-markers.jpg", b"\xff\xd8" + b"\xff" * 5000, reads=False)
    yield Odd("many-markers.jpg", b"\xff\xd8" + b"\xff\xd0" * 5000 + b"\xff\xd9", reads=False)
    yield Odd("two-sizes.jpg", jpeg.replace(b"\xff\xc0", b"\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xc0", 1))
    notes = PngImagePlugin.PngInfo()
    notes.add_text("note", "x" * 60_000_000, zip=True)
    yield Odd("text-bomb.png", saved(scene(), "PNG", pnginfo=notes))
    yield Odd("profile-bomb.png", saved(scene(), "PNG", icc_profile=bytes(50_000_000)))
    yield Odd("wrong-sum.png", png[:29] + b"\0\0\0\0" + png[33:])
    yield Odd("endless-chunk.png", png[:33] + b"\xff\xff\xff\xfftEXt" + png[33:], reads=False)
    yield Odd("no-pixels.png", png[:33] + _chunk(b"IEND", b""), reads=False)
    yield Odd("interlaced-nonsense.png", png[:28] + b"\x07" + png[29:])
    for at in (0, 1, 7, 0xFFFFFFFF):
        yield Odd(f"directory-at-{at}.tiff", b"II*\0" + struct.pack("<I", at) + bytes(100), reads=False)
    tiff = whole()["raw.tiff"]
    at = struct.unpack_from("<I", tiff, 4)[0]
    yield Odd("own-tail.tiff", tiff[:-4] + struct.pack("<I", at))
    yield Odd("many-tags.tiff", tiff[:at] + b"\xff\xff" + tiff[at + 2 :])
    yield Odd("comment-without-end.ppm", b"P6\n#" + b"x" * 100_000, reads=False)
    yield Odd("comments.ppm", b"P6\n#x\n1 #y\n1\n255\n\0\0\0", reads=True)
    for most in (0, 1, 99_999):
        yield Odd(f"white-is-{most}.pgm", b"P5 4 4 %d\n" % most + bytes(32), reads=True if most == 1 else None)
    yield Odd("no-blocks.gif", whole()["still.gif"][:13] + b"\x3b", reads=False)
    yield Odd("only-extensions.gif", b"GIF89a\x01\0\x01\0\0\0\0" + b"!\xf9\0" * 1000, reads=False)
    yield Odd(
        "frame-outside.gif", b"GIF89a\x01\0\x01\0\x80\0\0" + bytes(6) + b",\xff\xff\xff\xff\xff\xff\xff\xff\0\2\2D\1\0;"
    )
    yield Odd(
        "chunks-of-nothing.webp", b"RIFF" + struct.pack("<I", 4004) + b"WEBP" + b"JUNK\0\0\0\0" * 500, reads=False
    )
    yield Odd("one-pixel.png", saved(Image.new("RGB", (1, 1)), "PNG"), reads=True)
    yield Odd("one-row.png", saved(Image.new("RGB", (5000, 1)), "PNG"), reads=True)
    yield Odd("one-column.jpg", saved(Image.new("RGB", (1, 5000)), "JPEG"), reads=True)
    yield Odd("all-transparent.png", saved(Image.new("RGBA", (50, 50)), "PNG"), reads=True)


def _patched(name: str, at: int, what: bytes) -> bytes:
    data = whole()[name]
    return data[:at] + what + data[at + len(what) :]


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(width: int, height: int, body: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _tiff(width: int, height: int) -> bytes:
    tags = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (278, height), (279, 100))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)).ljust(300, b"\0")


def _with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content + jpeg[2:]


@cache
def clip() -> bytes:
    """A video of 20 frames, 160 x 90 pixels, of the sample recording's person."""
    capture = cv2.VideoCapture(str(sample_path()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 15, (160, 90))
        for _ in range(60):
            capture.grab()
        for _ in range(20):
            writer.write(cv2.resize(capture.read()[1], (160, 90)))
        writer.release()
        return path.read_bytes()


def odd_videos() -> list[Odd]:
    """Some dozens of videos, each odd in its own way; a good one takes 20 frames."""
    random_, data = random.Random(SEED), clip()  # noqa: S311 - nothing secret
    videos = [
        Odd("good.mp4", data, reads=True),
        Odd("named.jpg.mkv", data, reads=True),
        Odd("tail.mp4", data + bytes(5000), reads=True),
        Odd("empty.mp4", b"", reads=False),
        Odd("text.mp4", b"no video\n" * 50, reads=False),
        Odd("zeros.avi", bytes(5000), reads=False),
        Odd("picture.mp4", whole()["baseline.jpg"]),
        Odd("animated.gif.mp4", whole()["animated.gif"]),
        Odd("head-alone.mp4", data[:32], reads=False),
        Odd("riff.avi", b"RIFF\xff\xff\xff\xffAVI LIST" + random_.randbytes(2000), reads=False),
        Odd("matroska.mkv", b"\x1aE\xdf\xa3" + random_.randbytes(2000), reads=False),
        Odd("flv.flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + random_.randbytes(2000), reads=False),
    ]
    # this container has its table of contents at its end, without which there is nothing
    videos += [Odd(f"cut-{part}.mp4", data[: int(len(data) * part)], False) for part in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9)]
    videos += [Odd(f"random-{length}.mp4", random_.randbytes(length), reads=False) for length in (1, 10, 500, 20_000)]
    for turn in range(24):
        spoilt, table = bytearray(data), data.rindex(b"moov")
        for _ in range(1 + turn // 2):
            at = random_.randrange(table, len(data)) if turn % 2 else random_.randrange(len(data))
            spoilt[at] ^= 1 << random_.randrange(8)
        videos.append(Odd(f"flipped-{turn}.mp4", bytes(spoilt)))
    for width, height in ((0, 0), (65_535, 65_535), (1, 1)):
        at = data.index(b"mp4v", data.rindex(b"stsd")) + 28
        videos.append(Odd(f"size-{width}.mp4", data[:at] + struct.pack(">HH", width, height) + data[at + 4 :]))
    return videos
