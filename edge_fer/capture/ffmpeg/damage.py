"""What a picture's data and FFmpeg's own words tell of damage that FFmpeg does not report with the picture.

With most codecs FFmpeg only writes into its log that a picture is damaged, and hands it over as if it were whole. It
writes there as well that packets of a stream were lost.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import av
import av.logging

__all__ = ["Damage", "PictureChain", "broken_rule", "is_damage"]

#: What a decoder says at level ERROR is damage, but of these only what the pattern finds. They tell damage by a flag of
#: the picture, too late where pictures are reordered, and cameras send much that FFmpeg finds odd and shows rightly.
ONLY: Final = {"h264": re.compile("error while decoding MB")} | dict.fromkeys(
    ("mjpeg", "png", "bmp", "gif", "webp", "tiff"), re.compile(r"(?!)")
)
#: What is not part of a picture: extra information, and parameters that come again with the next key frame.
BESIDE_THE_PICTURE: Final = re.compile(r"\b(SEI|VUI|VPS|SPS|PPS|AUD|extradata|user data|metadata)\b", re.IGNORECASE)
#: What FFmpeg says when packets are missing before the one that it returns (RTP over UDP, Matroska).
GAP: Final = re.compile(r"RTP: missed \d+ packets|RTP: dropping old packet|Element at 0x|EBML number")
#: What it says of a packet of MPEG-TS of which parts are missing. It may be returned a little later.
INCOMPLETE: Final = re.compile(r"Packet corrupt \(stream = \d+, dts = (-?\d+)\)")
#: For so many packets an incomplete one is remembered; in a file that was joined, the same times come again.
LATER: Final = 4
#: Pictures without a key frame after which a damage is taken to be gone, because some encoders send none: ten seconds
#: of most cameras.
MOST_BUILT_ON: Final = 250
#: Packets that are remembered until their pictures come out of the decoder; none holds back more than 16.
MOST_DELAYED: Final = 32
#: Three bytes that never stand within a NAL unit (H.264 and H.265, 7.4.1): an encoder puts a 3 between them.
WITHIN_NO_UNIT: Final = re.compile(rb"\0\0[\0-\x02]")
#: The same where units are parted by start codes, before which there may be any number of zeros.
BETWEEN_NO_UNITS: Final = re.compile(rb"\0\0(?:\x02|\0+[\x02-\xff])")
#: Zeros in a row that no encoder of other codecs writes amid a picture.
ZEROS: Final = re.compile(rb"\0{48,}[^\0]")
#: Zeros that may follow a NAL unit.
TRAILING: Final = 8

av.logging.set_level(av.logging.WARNING)
# the second of two equal complaints is about another picture
av.logging.set_skip_repeated(False)
# what is not caught has addresses in it
logging.getLogger("libav").setLevel(logging.CRITICAL + 1)


class Damage:
    """Listens to what FFmpeg says in this thread while it reads and decodes packets.

    Args:
        codec: FFmpeg's name of it.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._found = False
        self._incomplete: dict[int, int] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes note of what is said while the context lasts; it must not be left open between two packets."""
        with av.logging.Capture() as said:
            try:
                yield
            finally:
                for level, _, message in said:
                    if incomplete := INCOMPLETE.search(message):
                        self._incomplete[int(incomplete[1])] = LATER
                    self._found |= is_damage(self._codec, level, message)

    def take(self, time: int | None) -> bool:
        """Whether the packet of that decoding time is damaged, by what was said since the last call."""
        found, self._found = self._found, False
        known = self._incomplete
        found |= time is not None and known.pop(time, 0) > 0
        self._incomplete = {one: left - 1 for one, left in known.items() if left > 1}
        return found


def is_damage(codec: str, level: int, message: str) -> bool:
    """Whether a message says that the present picture is damaged."""
    if codec in ONLY:
        return bool(ONLY[codec].search(message))
    if GAP.search(message):
        return True
    return level <= av.logging.ERROR and not BESIDE_THE_PICTURE.search(message)


class PictureChain:
    """Which pictures are damaged because they, or those that they are built on, are.

    Packets come in the order of decoding. Their pictures come in the order of presentation, some packets later where
    the two differ.
    """

    def __init__(self) -> None:
        # how many pictures were built on a damaged one; None where it is none
        self._built_on: int | None = None
        # presentation times of damaged packets, and of those since then that are not
        self._wrong: deque[int | None] = deque(maxlen=MOST_DELAYED)
        self._right: deque[int | None] = deque(maxlen=MOST_DELAYED)
        self._is_corrupt = False
        self._time = 0

    def cut(self) -> None:
        """Takes note of a packet that cannot be decoded."""
        self._built_on = 0
        self._right.clear()

    def add(self, packet: av.Packet[av.VideoStream], *, is_damaged: bool) -> None:
        """Takes note of a packet.

        Args:
            packet: it may say itself that it is damaged.
            is_damaged: whether anything else says so.
        """
        if packet.dts is not None:
            if packet.dts < self._time:
                # a recording that was joined begins anew, and what did not come out until now never will
                self._wrong.clear()
            self._time = packet.dts
        # one without a time belongs to the one before it, as where the head of a packet of MPEG-TS is missing
        self._is_corrupt = packet.is_corrupt or (self._is_corrupt and packet.dts is None)
        if is_damaged or self._is_corrupt:
            self.cut()
            self._wrong.append(packet.pts)
        else:
            self._right.append(packet.pts)

    def is_whole(self, frame: av.VideoFrame) -> bool:
        """Whether a picture that came out of the decoder is not damaged."""
        if frame.pts in self._wrong:
            self._wrong.remove(frame.pts)
            self._built_on = 0
        elif frame.is_corrupt:
            self._built_on = 0
        elif self._built_on is not None:
            is_new = frame.key_frame and frame.pts in self._right
            self._built_on = None if is_new or self._built_on >= MOST_BUILT_ON else self._built_on + 1
        return self._built_on is None


def broken_rule(codec: str, extradata: bytes | None) -> Callable[[bytes], bool]:
    """A function that tells whether the data of a picture holds what no encoder writes.

    Args:
        codec: FFmpeg's name of it.
        extradata: the stream's parameters, which say how NAL units are parted.
    """
    if codec in {"h264", "hevc"}:
        # a description of the parameters begins with 1, parameters themselves with a start code (ISO/IEC 14496-15)
        if extradata and extradata[0] == 1 and len(extradata) > 21:
            size = (extradata[4] if codec == "h264" else extradata[21]) % 4 + 1
            return lambda data: _is_broken(data, size)
        return lambda data: bool(BETWEEN_NO_UNITS.search(data))
    if codec in {"mpeg4", "vp8", "vp9", "av1"}:
        return lambda data: bool(ZEROS.search(data))
    # others may be filled up with zeros
    return lambda _data: False


def _is_broken(data: bytes, size: int) -> bool:
    """Whether NAL units with their lengths before them hold what they cannot."""
    at = 0
    while at + size <= len(data):
        length = int.from_bytes(data[at : at + size], "big")
        begin, at = at + size, at + size + length
        found = WITHIN_NO_UNIT.search(data, begin, min(at, len(data)))
        if found and (found.start() < begin + length - TRAILING or data[found.start() : at].strip(b"\0")):
            return True
    return False
