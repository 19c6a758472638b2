"""Recordings and network streams, decoded by FFmpeg through PyAV.

OpenCV reads them by FFmpeg as well, but hides what has to be known: that a stream's pictures have another size from now
on, that a picture is damaged, which pictures are whole ones (key frames), and that pixels are not square.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Lock

import av
import av.error
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from edge_fer.capture.ffmpeg.damage import Damage, PictureChain, broken_rule
from edge_fer.capture.opencv.common import square
from edge_fer.types import Image, Planes

__all__ = ["MOST_PIXELS", "Film", "FilmError", "opened_film", "opened_recording", "period"]

#: Whatever goes wrong in FFmpeg.
FilmError = av.error.FFmpegError

#: Larger pictures are not decoded: 7680 x 4320, and a few rows that encoders add.
MOST_PIXELS = 7680 * 4352
#: Frames a second where a container gives none, or one that no camera has.
USUAL_FPS = 25.0
FASTEST_FPS = 1000.0
#: Formats of which the first plane is the luma, a byte a pixel.
LUMA_FIRST = {"yuv420p", "yuv422p", "yuv444p", "nv12"}
#: FFmpeg's number of levels from 0 to 255 (JPEG's) instead of video's 16 to 235.
FULL_RANGE = 2
FULL_TURN = 360
#: Codecs of single pictures, such as the cover of a song.
STILL_CODECS = {"mjpeg", "png", "bmp", "gif", "webp", "tiff"}


class Film:
    """The pictures of an open recording or stream.

    Attributes:
        packets: how many packets were read.
        damaged: how many pictures were damaged, or could not be decoded at all.
    """

    def __init__(self, container: av.container.InputContainer, *, turn: int | None, aspect: float | None) -> None:
        self.packets = 0
        self.damaged = 0
        self._container = container
        self._turn = turn
        self._aspect = aspect
        self._stream = _video_of(container)
        codec = self._stream.codec_context
        self._told_pixels = _told_pixels(self._stream)
        # with a thread for each slice, FFmpeg does not notice that slices of a picture are missing; with any thread of
        # its own, nobody can tell to which picture its words belong
        codec.thread_type = "NONE"
        if codec.name == "hevc":
            # few cameras send checksums, but a recording may have them
            codec.options = {"err_detect": "crccheck"}
        self._damage = Damage(codec.name)
        self._is_broken = broken_rule(codec.name, codec.extradata)
        # one for all pictures: each would prepare the same conversion anew, at half of its cost
        self._reformatter = VideoReformatter()
        self._converting = Lock()

    @property
    def period(self) -> float:
        """Seconds a frame, as far as the container says."""
        return period(float(self._stream.average_rate or self._stream.guessed_rate or 0))

    @property
    def promised(self) -> int:
        """How many pictures the container says there are; 0 where it does not say. Some only guess."""
        return int(self._stream.frames or 0)

    @property
    def seconds(self) -> float | None:
        """How long the pictures last by what the container says; None where it does not say. Some only guess."""
        stream, said = self._stream, []
        if stream.frames and self._container.format.name == "avi":
            # of this one, FFmpeg makes a duration out of the file's size
            return stream.frames * self.period
        if stream.duration and stream.time_base and self._container.format.name != "asf":
            # with an edit list, more than is shown
            said.append(float(stream.duration * stream.time_base))
        if tag := re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", "")):
            hours, minutes, seconds = tag.groups()
            said.append(3600 * int(hours) + 60 * int(minutes) + float(seconds))
        if self._container.duration and (said or len(self._container.streams) == 1):
            # of whatever lasts longest, which may be the sound; WMV (asf) says the same of each stream
            said.append(self._container.duration / av.time_base)
        return min(said, default=None)

    def frames(self) -> Iterator[av.VideoFrame | None]:
        """The pictures as they are decoded; None in the place of a damaged one.

        What FFmpeg says of a picture and of lost packets counts, and so does data that no encoder writes
        (`edge_fer.capture.ffmpeg.damage`). Damage stays in the pictures that are built on a damaged one. So they count
        as damaged as well, up to the next key frame.

        Raises:
            FilmError: it cannot be read on.
        """
        packets, chain = self._container.demux(self._stream), PictureChain()
        while True:
            packet = self._next(packets)
            if packet is None:
                return
            self.packets += packet.size > 0
            try:
                with self._damage.listening():
                    decoded = packet.decode()
            except FilmError:
                self._damage.take(packet.dts)
                chain.cut()
                self.damaged += 1
                yield None
                continue
            chain.add(packet, is_damaged=self._damage.take(packet.dts) or self._is_broken(bytes(packet)))
            for frame in decoded:
                is_whole = chain.is_whole(frame)
                self.damaged += not is_whole
                yield frame if is_whole else None

    def _next(self, packets: Iterator[av.Packet[av.VideoStream]]) -> av.Packet[av.VideoStream] | None:
        with self._damage.listening():
            try:
                return next(packets, None)
            except IndexError:
                # at its end, PyAV (18) stumbles over streams that began midway, such as sound
                return None

    @staticmethod
    def own_time(frame: av.VideoFrame) -> float:
        """Its presentation time in seconds; not a number where it has none."""
        time = frame.time
        return math.nan if time is None else time

    def picture(self, frame: av.VideoFrame) -> Image | Planes:
        """RGB uint8 (height, width, 3), or planes that become it on demand; upright, with square pixels.

        Raises:
            FilmError: it cannot be converted.
            ValueError: it is larger than any camera's.
        """
        if frame.width * frame.height > MOST_PIXELS:
            msg = f"pictures of {frame.width} x {frame.height} pixels"
            raise ValueError(msg)
        turn = _rotation(frame) if self._turn is None else self._turn
        aspect = self._aspect
        if aspect and turn in {90, 270}:
            aspect = 1 / aspect
        width, height = square(frame.width, frame.height, self._pixels(), aspect)
        if turn or (width, height) != (frame.width, frame.height) or not _has_luma(frame):
            return upright(self._rgb(frame, width, height), turn)
        return Planes(_first_plane(frame, width), lambda: self._rgb(frame, width, height))

    def _rgb(self, frame: av.VideoFrame, width: int, height: int) -> Image:
        with self._converting:
            rgb = self._reformatter.reformat(frame, width=width, height=height, format="rgb24")
        return _first_plane(rgb, 3 * width).reshape(height, width, 3)

    def _pixels(self) -> Fraction | None:
        """Width of a pixel by its height, as the container says, or else the stream, which may change it."""
        return self._told_pixels or self._stream.codec_context.sample_aspect_ratio


def _has_luma(frame: av.VideoFrame) -> bool:
    return frame.format.name in LUMA_FIRST and int(getattr(frame, "color_range", 0)) != FULL_RANGE


def _first_plane(frame: av.VideoFrame, length: int) -> Image:
    """The first so many bytes of each row, in the frame's own memory: uint8 (height, length)."""
    plane = frame.planes[0]
    every = np.frombuffer(memoryview(plane), np.uint8, count=frame.height * plane.line_size)
    rows: Image = every.reshape(frame.height, plane.line_size)
    return rows[:, :length]


def upright(image: Image, turn: int) -> Image:
    """The picture turned counter-clockwise by as many degrees, a multiple of 90."""
    code = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}.get(turn % 360)
    return image if code is None else np.asarray(cv2.rotate(image, code), dtype=np.uint8)


def period(fps: float) -> float:
    """Seconds a frame, from a container's claim of frames a second, which may be nonsense."""
    return 1 / (fps if 0.01 <= fps <= FASTEST_FPS else USUAL_FPS)


@contextmanager
def opened_film(
    name: str,
    *,
    options: Mapping[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
    turn: int | None = None,
    aspect: float | None = None,
) -> Iterator[Film]:
    """A recording or stream, open as long as the context lasts.

    Args:
        name: an address, as FFmpeg knows them.
        options: of FFmpeg.
        timeout: longest waits, in seconds, for it to open and for its next packet; `av.error.ExitError` beyond.
        turn: degrees to turn its pictures by, counter-clockwise; None: as it says itself.
        aspect: width by height of a picture as it is shown; None: as it says itself.

    Raises:
        FilmError: it cannot be opened, or has no video.
    """
    limits = {"max_pixels": str(MOST_PIXELS)}
    settings = {**limits, **(options or {})}
    # names and comments in a file may be in any encoding, or damaged
    with av.open(name, options=settings, timeout=timeout, metadata_errors="replace") as container:
        yield Film(container, turn=turn, aspect=aspect)


@contextmanager
def opened_recording(path: Path, *, aspect: float | None = None) -> Iterator[Film]:
    """A file, open as long as the context lasts.

    FFmpeg takes what stands before a colon for a protocol unless it is told the protocol. It cannot be told a name
    that is not UTF-8, so that such a file is handed over by the number of its descriptor.

    Raises:
        FilmError: it is nothing that can be played.
        OSError: it cannot be read.
    """
    name = os.path.abspath(path)  # noqa: PTH100  (a path that is resolved is another one where it is a link)
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        if not _is_utf8(name):
            name = f"/proc/self/fd/{file.fileno()}"
        turn = None if hasattr(av.VideoFrame, "rotation") else _turn_by_opencv(name)
        yield stack.enter_context(opened_film(f"file:{name}", turn=turn, aspect=aspect))


def _video_of(container: av.container.InputContainer) -> av.VideoStream:
    """The first video that is not the cover of a song, and that can be decoded."""
    for stream in container.streams.video:
        # a codec that FFmpeg does not know has no context
        if stream.codec_context is not None and not _is_cover(stream):
            return stream
    raise av.error.InvalidDataError(0, "no video in it")


def _is_cover(stream: av.VideoStream) -> bool:
    disposition = getattr(stream, "disposition", None)
    if disposition is not None:
        return bool(disposition & type(disposition).attached_pic)
    # PyAV before 12
    has_sound = bool(stream.container.streams.audio)
    return has_sound and stream.frames <= 1 and stream.codec_context.name in STILL_CODECS


def _told_pixels(stream: av.VideoStream) -> Fraction | None:
    """Width of a pixel by its height, where the container says another one than the codec: players believe it.

    Some codecs, such as VP8 and VP9, cannot say it themselves.
    """
    told: Fraction | None = stream.sample_aspect_ratio
    return told if told and told != stream.codec_context.sample_aspect_ratio else None


def _rotation(frame: av.VideoFrame) -> int:
    rotation: float = getattr(frame, "rotation", 0)
    if abs(rotation) > FULL_TURN:
        # of a damaged file
        return 0
    return round(rotation / 90) * 90 % 360


def _turn_by_opencv(name: str) -> int:
    """How a phone was held, counter-clockwise; for PyAV before 13, which does not tell."""
    capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
    try:
        return -round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
    finally:
        capture.release()


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
