"""Network cameras that send by RTSP, read as the daemon reads them."""

from __future__ import annotations

import itertools
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from edge_fer.capture.loop import CaptureLoop, CaptureState, LoopSettings
from edge_fer.capture.network.camera import NetworkCamera
from edge_fer.capture.slot import LiveSlot
from edge_fer.clock.system import SystemClock
from edge_fer.errors import SourceLostError, SourceStalledError
from edge_fer.support.backoff import Backoff
from tests.capture.films import busy, moving
from tests.capture.rtsp_server import RtspCamera, encoded
from tests.capture.tried import tried
from tests.faults.trace import dice

SMALL, LARGE, TALL = (160, 96), (320, 192), (96, 160)
#: How far pictures are from what was sent, at most, in grey levels on average; what is made up is further away.
FAR = 8
RTSP = "RTSP"


@cache
def film(codec="H264", size=LARGE):
    return encoded(moving(40, size=size), codec=codec, packet=300)


@pytest.fixture
def camera():
    made = []

    def make(*args, **options):
        made.append(RtspCamera(*(args or (film(),)), **options))
        return made[-1]

    yield make
    for one in made:
        one.die()


def frames(url, **options):
    return NetworkCamera(
        "front", url, clock=SystemClock(), **{"open_timeout": 30, "read_timeout": 30} | options
    ).frames()


def some(url, count=15, **options):
    source = frames(url, **options)
    try:
        return list(itertools.islice(source, count))
    finally:
        source.close()


def is_near(image, pictures):
    """Whether any picture of a film looks like it."""
    return any(
        one.shape == image.shape and np.abs(image[::2, ::2].astype(np.int16) - one[::2, ::2]).mean() < FAR
        for one in pictures
    )


def assert_like(got, sent):
    assert [is_near(frame.image, sent.pictures) for frame in got] == [True] * len(got)


@tried(RTSP, "H.264 and H.265, each over TCP, and over UDP where TCP is refused", "read")
@pytest.mark.parametrize("codec", ["H264", "H265"])
@pytest.mark.parametrize("transports", [("tcp", "udp"), ("tcp",), ("udp",)], ids="+".join)
def test_streams_are_read(camera, codec, transports):
    one = camera(film(codec), transports=transports)
    got = some(one.url)
    assert_like(got, one.film)
    assert [frame.index for frame in got] == list(range(15))
    assert [frame.index for frame in got if frame.key] == [0, 10]
    asked = [said for said in one.heard if said.startswith("SETUP")]
    assert asked == (["SETUP tcp"] if "tcp" in transports else ["SETUP tcp", "SETUP udp"])


@tried(
    RTSP, "sound, described before the pictures, whether it is sent or not", "it is not asked for; nothing waits for it"
)
@pytest.mark.parametrize("audio", ["sends", "tells"])
def test_sound_that_comes_first(camera, audio):
    one = camera(audio=audio)
    assert_like(some(one.url), one.film)
    assert one.heard.count("SETUP tcp") == 1, "only the pictures are asked for"


@tried(
    RTSP, "login by digest and by basic authentication", "works, escaped signs included; a wrong one is told as such"
)
@pytest.mark.parametrize("basic", [False, True], ids=["digest", "basic"])
def test_logins(camera, tmp_path, basic):
    one = camera(login=("joe@home", "s3:cr#t"), basic=basic)
    secret = tmp_path / "password"
    secret.write_text("s3:cr#t\n")
    assert_like(some(one.url, 3, username="joe@home", password_file=secret), one.film)
    assert_like(some(one.url.replace("//", "//joe%40home:s3%3Acr%23t@"), 3), one.film)
    secret.write_text("wr0ng\n")
    for wrong in ({"username": "joe@home", "password_file": secret}, {"username": "jim"}, {}):
        with pytest.raises(SourceLostError, match=r"refuses the login. Check user and password") as caught:
            some(one.url, **wrong)
        assert "wr0ng" not in str(caught.value)


@tried(
    RTSP,
    "`rtsps`: a certificate that the camera signed itself, a login, a camera that reboots",
    "read; found again; a wrong login is told as such",
)
@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_streams_that_are_encrypted(camera, certificates, codec):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    one = camera(film(codec), tls=context, login=("joe", "s3cret"))
    right = one.url.replace("//", "//joe:s3cret@")
    assert right.startswith("rtsps://")
    assert_like(some(right), one.film)
    assert set(one.heard) >= {"DESCRIBE", "SETUP tcp", "PLAY"}
    with pytest.raises(SourceLostError, match=r"refuses the login"):
        some(right.replace("s3cret", "wr0ng"))
    with Watched(right) as watched:
        after = watched.wait(CaptureState.ONLINE)
        one.die()
        after = watched.wait(CaptureState.LOST, after)
        one.start()
        watched.wait(CaptureState.ONLINE, after)


@tried(RTSP, "a path that the camera does not have; neither TCP nor UDP", "the log says so, with a remedy")
def test_refusals_are_told(camera):
    with pytest.raises(SourceLostError, match=r"has nothing at this path. Look up the path"):
        some(camera().url.replace("stream", "steam"))
    with pytest.raises(SourceLostError, match="answers, but sends no video"):
        some(camera(transports=()).url)


@tried(RTSP, "connections that are taken and never answered; a camera that falls silent", "lost after the time limit")
def test_silence(camera):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with pytest.raises(SourceLostError, match="answers, but sends no video"):
            some(f"rtsp://127.0.0.1:{mute.getsockname()[1]}/stream", open_timeout=2)
        assert time.monotonic() - began >= 2
    for transports in (("tcp",), ("udp",)):
        one = camera(transports=transports)
        source = frames(one.url, read_timeout=2)
        next(source)
        one.silent.set()
        with pytest.raises(SourceStalledError, match="sent nothing for 2 s"):
            list(source)


def lost(chance):
    """Packets that do not arrive."""
    chosen = dice(chance)
    return lambda packets: [one for one in packets if chosen.random() > chance]


def flipped(chance):
    """Packets with a few bits that are not what they were; their RTP header is whole."""
    chosen = dice(chance)

    def harm(packets):
        found = []
        for packet in packets:
            data = bytearray(packet)
            if chosen.random() < chance:
                for _ in range(3):
                    data[chosen.randrange(14, len(data))] ^= 1 << chosen.randrange(8)
            found.append(bytes(data))
        return found

    return harm


@tried(
    RTSP,
    "H.264: 1 % and 10 % of packets lost, or with wrong bits",
    "pictures are left out up to the next key frame; what is shown is near to what was sent",
)
@pytest.mark.parametrize("harm", [lost, flipped])
@pytest.mark.parametrize(("pictures", "chance"), [(moving, 0.1), (busy, 0.01)])
def test_damaged_pictures_are_left_out(camera, pictures, harm, chance):
    sent = replace(encoded(pictures(40, size=LARGE), packet=300), fps=100)
    one = camera(sent, harm=harm(chance))
    got = some(one.url, 80)
    assert_like(got, sent)
    assert got[-1].index == 79, "damaged ones have no number"


@tried(
    RTSP,
    "H.265 over UDP: 1 % and 10 % of packets lost",
    "pictures are left out up to the next key frame; what is shown is near to what was sent",
)
@pytest.mark.parametrize(("pictures", "chance"), [(moving, 0.1), (busy, 0.01)])
def test_lost_packets_of_a_codec_whose_decoder_reports_nothing(camera, pictures, chance):
    sent = replace(encoded(pictures(40, size=LARGE), codec="H265", packet=300), fps=100)
    one = camera(sent, harm=lost(chance), transports=("udp",))
    got = some(one.url, 80)
    assert_like(got, sent)


@tried(RTSP, "nothing but damaged pictures", "the camera is lost and opened anew")
def test_nothing_but_damaged_pictures(camera):
    chosen, begun = dice(7), threading.Event()

    def harm(packets):
        if not begun.is_set():
            return packets
        return [packet[:20] + chosen.randbytes(len(packet) - 20) for packet in packets]

    one = camera(harm=harm)
    source = frames(one.url, read_timeout=2)
    next(source)
    begun.set()
    with pytest.raises((SourceLostError, SourceStalledError), match="nothing"):
        list(source)


@tried(RTSP, "another size midway", "goes on with it; the log says so")
@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_another_size_midway(camera, codec, caplog):
    one = camera(film(codec, SMALL))
    source = frames(one.url)
    assert_like(list(itertools.islice(source, 5)), one.film)
    for size in (LARGE, TALL, SMALL):
        one.film = film(codec, size)
        shape = (*reversed(size), 3)
        others = itertools.dropwhile(lambda frame, shape=shape: frame.image.shape != shape, source)
        after = list(itertools.islice(others, 12))
        assert_like(after, one.film)
        assert f"now sends {size[0]} x {size[1]}" in caplog.text
    source.close()


class Watched:
    """A capture loop that runs, and the states it tells."""

    def __init__(self, url, **options):
        self.states, self._changed, self._stop = [], threading.Condition(), threading.Event()
        self.slot = LiveSlot()
        source = NetworkCamera("front", url, clock=SystemClock(), **{"open_timeout": 5, "read_timeout": 3} | options)
        self.loop = CaptureLoop(
            "front",
            source,
            self.slot,
            clock=SystemClock(),
            on_state=self._tell,
            backoff=Backoff(first=0.05, most=0.05),
            settings=LoopSettings(poll=0.02),
        )
        self._thread = threading.Thread(target=self.loop.run, args=[self._stop])

    def _tell(self, state, reason):
        with self._changed:
            self.states.append((state, reason))
            self._changed.notify_all()

    def wait(self, state, after=0):
        """Until it is in a state, from the one of that number on; the number of the next."""
        found = lambda: [n for n, told in enumerate(self.states) if n >= after and told[0] is state]  # noqa: E731
        with self._changed:
            assert self._changed.wait_for(found, 60), self.states
            return found()[0] + 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@tried(RTSP, "the camera reboots, and when it is back refuses TCP", "found again")
def test_a_camera_that_reboots(camera):
    one = camera()
    with Watched(one.url) as watched:
        after = watched.wait(CaptureState.ONLINE)
        one.die()
        after = watched.wait(CaptureState.LOST, after)
        one.transports = ("udp",)
        one.start()
        after = watched.wait(CaptureState.ONLINE, after)
        frame = watched.slot.take(10)
        assert is_near(frame.image, one.film.pictures)
    assert watched.loop.losses == 1
    assert all(state is CaptureState.LOST for state, reason in watched.states if reason)


@tried(
    RTSP, "another codec midway, whether the connection ends or goes on", "lost, then opened anew with the new codec"
)
@pytest.mark.parametrize("ends", [True, False], ids=["ends", "goes on"])
@pytest.mark.parametrize("codecs", [("H264", "H265"), ("H265", "H264")], ids="-".join)
def test_another_codec_midway(camera, codecs, ends):
    first, second = film(codecs[0], LARGE), film(codecs[1], SMALL)
    one = camera(first)
    with Watched(one.url) as watched:
        after = watched.wait(CaptureState.ONLINE)
        one.film = second
        if ends:
            one.hang_up()
        after = watched.wait(CaptureState.LOST, after)
        watched.wait(CaptureState.ONLINE, after)
        got = [watched.slot.take(10) for _ in range(5)]
    # the first may be of before
    assert [is_near(frame.image, second.pictures) for frame in got[1:]] == [True] * 4


def test_no_password_is_ever_shown(camera):
    """In a process of its own, because FFmpeg writes to standard error by itself."""
    one = camera(login=("joe", "s3cret"))
    script = f"""
import itertools, logging, sys
logging.basicConfig(level=logging.DEBUG)
from edge_fer.clock.system import SystemClock
from edge_fer.capture.network.camera import NetworkCamera
for user, path in (("joe:s3cret", "stream"), ("joe:s3cret", "none"), ("jim:s3cret", "stream")):
    try:
        address = f"rtsp://{{user}}@127.0.0.1:{one.port}/{{path}}"
        source = NetworkCamera("front", address, clock=SystemClock(), read_timeout=2).frames()
        for frame in itertools.islice(source, 3):
            print(frame.image.shape)
        print("go", flush=True)
        input()
        list(source)
    except OSError as error:
        print(repr(error), str(error))
"""
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as ran:
        shown = ""
        while "go" not in shown and (line := ran.stdout.readline()):
            shown += line
        one.silent.set()
        out, errors = ran.communicate("\n", timeout=60)
        shown += out
    assert shown.count("(192, 320, 3)") == 3
    assert "sent nothing for 2 s" in shown
    assert "has nothing at this path" in shown
    assert "refuses the login" in shown
    assert "s3cret" not in shown + errors
