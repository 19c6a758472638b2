"""A network camera on this machine that sends its pictures by RTSP (RFC 2326); FFmpeg makes its RTP packets."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

import av
import numpy as np

from tests.capture.films import Picture

__all__ = ["RtspCamera", "RtspFilm", "encoded"]

#: RTP payload types: the first dynamic one, and PCMU (RFC 3551).
VIDEO, PCMU = 96, 0
#: RTP packets of a second are numbered in 90 kHz (video) and in samples (PCMU).
VIDEO_CLOCK, PCMU_CLOCK = 90_000, 8_000
#: Seconds that a client may say nothing.
PATIENCE = 120
#: NAL unit types of parameter sets.
PARAMETERS = {"H264": {7: "sps", 8: "pps"}, "H265": {32: "vps", 33: "sps", 34: "pps"}}
CODECS = {
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "annexb=1:repeat-headers=1"}),
    "H265": ("libx265", {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "repeat-headers=1:log-level=0"}),
}
REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 461: "Unsupported Transport"}


@dataclass(frozen=True, eq=False)
class RtspFilm:
    """Encoded pictures, which begin with a key frame.

    Attributes:
        codec: as SDP calls it.
        pictures: as they were before, RGB.
        packets: RTP packets of each picture.
        parameters: parameter sets of the codec, by their names.
        fps: pictures a second.
    """

    codec: str
    pictures: Sequence[Picture]
    packets: Sequence[Sequence[bytes]]
    parameters: dict[str, bytes]
    fps: int

    @property
    def sdp(self) -> str:
        """Its part of a session description (RFC 6184 and RFC 7798)."""
        sets = {name: base64.b64encode(data).decode() for name, data in self.parameters.items()}
        if self.codec == "H264":
            told = f"packetization-mode=1;sprop-parameter-sets={sets['sps']},{sets['pps']}"
        else:
            told = ";".join(f"sprop-{name}={data}" for name, data in sets.items())
        return (
            f"m=video 0 RTP/AVP {VIDEO}\r\na=rtpmap:{VIDEO} {self.codec}/{VIDEO_CLOCK}\r\n"
            f"a=fmtp:{VIDEO} {told}\r\na=control:video\r\n"
        )


class _Packets:
    """A file that keeps apart what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> int:
        # RTCP packets are left out
        if not 200 <= data[1] <= 204:
            self.written.append(bytes(data))
        return len(data)

    def taken(self) -> list[bytes]:
        taken, self.written = self.written, []
        return taken


def encoded(
    pictures: Sequence[Picture], *, codec: str = "H264", fps: int = 25, key_every: int = 10, packet: int = 1200
) -> RtspFilm:
    """Encodes pictures.

    Args:
        pictures: RGB, all of one size.
        codec: H264 or H265.
        fps: pictures a second.
        key_every: pictures from one key frame to the next.
        packet: bytes of the largest RTP packet.
    """
    encoder, options = CODECS[codec]
    out, packets, parameters = _Packets(), [], {}
    options = {**options, "g": str(key_every), "sc_threshold": "0"}
    if codec == "H265":
        options["x265-params"] += f":keyint={key_every}:min-keyint={key_every}:scenecut=0:open-gop=0"
    with av.open(out, "w", format="rtp", options={"packetsize": str(packet)}, buffer_size=1 << 16) as container:
        stream = container.add_stream(encoder, rate=fps, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        # some versions of PyAV ask for a megabit a second
        stream.bit_rate = 0
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            for one in stream.encode(frame):
                for name, data in _parameter_sets(bytes(one), codec):
                    parameters.setdefault(name, data)
                container.mux(one)
                packets.append(out.taken())
        assert not stream.encode(None), "each picture is encoded at once"
    return RtspFilm(codec, pictures, packets, parameters, fps)


def _parameter_sets(data: bytes, codec: str) -> list[tuple[str, bytes]]:
    found = []
    for unit in re.split(rb"\0\0\0?\x01", data):
        kind = unit[:1] and (unit[0] & 0x1F if codec == "H264" else unit[0] >> 1 & 0x3F)
        if name := PARAMETERS[codec].get(kind):  # type: ignore[arg-type]
            found.append((name, unit))
    return found


def _sound(seconds: float) -> list[bytes]:
    """RTP packets of silence, one for each picture of 25 a second."""
    out = _Packets()
    with av.open(out, "w", format="rtp", options={"packetsize": "332"}, buffer_size=1 << 16) as container:
        stream = container.add_stream("pcm_mulaw", rate=PCMU_CLOCK)
        for number in range(int(25 * seconds)):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 320), np.int16), format="s16", layout="mono")
            frame.rate, frame.pts = PCMU_CLOCK, number * 320
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.taken()


class RtspCamera:
    """A camera that sends one film again and again.

    Args:
        film: which.
        login: user and password that it wants.
        basic: ask for them by basic authentication instead of digest.
        transports: `tcp`, `udp`; it refuses all others.
        audio: `sends` sound, or only `tells` of it; it comes first in the description.
        harm: what the network makes of the packets of each picture; they are numbered before.
        tls: what it encrypts with.

    Attributes:
        film: what it sends from its next picture on.
        silent: while set, it keeps connections and sends nothing.
        heard: methods it was asked, with the transport that a SETUP asked for.
    """

    def __init__(
        self,
        film: RtspFilm,
        *,
        login: tuple[str, str] | None = None,
        basic: bool = False,
        transports: Sequence[str] = ("tcp", "udp"),
        audio: str = "",
        harm: Callable[[list[bytes]], list[bytes]] = list,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.film = film
        self.login = login
        self.basic = basic
        self.transports = transports
        self.audio = audio
        self.harm = harm
        self.tls = tls
        self.silent = threading.Event()
        self.heard: list[str] = []
        self.sound = _sound(4) if audio else []
        self.port = 0
        self._connections: list[_Connection] = []
        self._server: socketserver.ThreadingTCPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"{'rtsps' if self.tls else 'rtsp'}://127.0.0.1:{self.port}/stream"

    def start(self) -> None:
        """Switches it on, at the same address as before."""
        self._connections = []
        camera = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # with a time limit, no thread waits within TLS while another one sends
                self.request.settimeout(PATIENCE)
                try:
                    encrypted = camera.tls.wrap_socket(self.request, server_side=True) if camera.tls else self.request
                except OSError:
                    # who says nothing in TLS is not heard
                    return
                with encrypted:
                    connection = _Connection(camera, encrypted)
                    camera._connections.append(connection)
                    connection.serve()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = False

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def hang_up(self) -> None:
        """Ends all connections."""
        for connection in list(self._connections):
            connection.close()

    def die(self) -> None:
        """Switches it off, open connections too."""
        if self._server:
            self._server.shutdown()
            self.hang_up()
            self._server.server_close()
            self._thread.join()
            self._server = None


class _Connection:
    """One client, and what is sent to it."""

    def __init__(self, camera: RtspCamera, connection: socket.socket) -> None:
        self._camera = camera
        self._socket = connection
        self._file = connection.makefile("rb")
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._player: threading.Thread | None = None
        self._nonce = hashlib.sha256(str(id(self)).encode()).hexdigest()[:32]
        #: How each medium goes to the client: by an interleaved channel, or to a UDP port.
        self._ways: dict[str, Callable[[bytes], object]] = {}
        self._udp: list[socket.socket] = []

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            # no farewell, as when the power is cut
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        try:
            with contextlib.suppress(OSError, ValueError):
                while not self._over.is_set() and (request := self._request()) is not None:
                    self._answer(*request)
        finally:
            self.close()
            if self._player:
                self._player.join()
            for one in (self._file, *self._udp):
                one.close()

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        """Method, address and headers; None at the end. What the client sends in between, RTCP, is left out."""
        while (first := self._file.read(1)) == b"$":
            _, length = struct.unpack(">BH", self._file.read(3))
            self._file.read(length)
        if not first:
            return None
        method, address, _ = (first + self._file.readline()).decode().split()
        headers = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return method, address, headers

    def _answer(self, method: str, address: str, headers: dict[str, str]) -> None:
        transport = headers.get("transport", "")
        wanted = "tcp" if "RTP/AVP/TCP" in transport else "udp"
        self._camera.heard.append(f"SETUP {wanted}" if method == "SETUP" else method)
        status, told, body = 200, {}, ""
        if method != "OPTIONS" and not self._may_enter(method, address, headers.get("authorization", "")):
            status = 401
            realm = 'realm="camera"'
            told["WWW-Authenticate"] = (
                f"Basic {realm}" if self._camera.basic else f'Digest {realm}, nonce="{self._nonce}"'
            )
        elif method == "OPTIONS":
            told["Public"] = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
        elif not re.search(r"/stream(/|$)", address):
            status = 404
        elif method == "DESCRIBE":
            told |= {"Content-Type": "application/sdp", "Content-Base": f"{self._camera.url}/"}
            body = self._description()
        elif method == "SETUP":
            if wanted in self._camera.transports:
                told["Transport"] = self._set_up(address.rpartition("/")[2], wanted, transport)
            else:
                status = 461
        elif method not in {"PLAY", "TEARDOWN"}:
            status = 405
        told |= {"CSeq": headers.get("cseq", "0"), "Session": "12345678", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        with self._lock:
            self._socket.sendall(f"RTSP/1.0 {status} {REASONS[status]}\r\n{head}\r\n{body}".encode())
        if status == 200 and method == "PLAY" and self._player is None:
            self._player = threading.Thread(target=self._play)
            self._player.start()
        elif status == 200 and method == "TEARDOWN":
            self._over.set()

    def _may_enter(self, method: str, address: str, said: str) -> bool:
        if self._camera.login is None:
            return True
        user, password = self._camera.login
        if self._camera.basic:
            return said == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        wanted = md5(f"{md5(f'{user}:camera:{password}')}:{self._nonce}:{md5(f'{method}:{address}')}")
        return said.startswith(f'Digest username="{user}"') and f'response="{wanted}"' in said

    def _description(self) -> str:
        head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
        sound = f"m=audio 0 RTP/AVP {PCMU}\r\na=control:audio\r\n" if self._camera.audio else ""
        return head + sound + self._camera.film.sdp

    def _set_up(self, medium: str, wanted: str, transport: str) -> str:
        """Makes ready what a medium is sent by, and gives the transport as the client is told it."""
        if wanted == "tcp":
            channel = int(re.findall(r"interleaved=(\d+)", transport)[0])

            def interleaved(packet: bytes) -> None:
                with self._lock:
                    self._socket.sendall(struct.pack(">cBH", b"$", channel, len(packet)) + packet)

            self._ways[medium] = interleaved
            return f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        port = int(re.findall(r"client_port=(\d+)", transport)[0])
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self._udp += pair
        for one in pair:
            one.bind(("127.0.0.1", 0))
        own = "-".join(str(one.getsockname()[1]) for one in pair)
        self._ways[medium] = lambda packet: pair[0].sendto(packet, ("127.0.0.1", port))
        return f"RTP/AVP;unicast;client_port={port}-{port + 1};server_port={own}"

    def _play(self) -> None:
        """Sends the film again and again, numbered through, until the client leaves."""
        camera, numbers, sound = self._camera, count(1000), count(500)
        film, at = camera.film, 0
        with contextlib.suppress(OSError):
            for picture in count():
                if self._over.wait(1 / film.fps):
                    return
                if camera.silent.is_set():
                    continue
                if camera.film is not film:
                    film, at = camera.film, 0
                time = picture * VIDEO_CLOCK // film.fps
                packets = [_numbered(packet, next(numbers), time) for packet in film.packets[at]]
                for packet in camera.harm(packets):
                    self._ways["video"](packet)
                if camera.audio == "sends" and "audio" in self._ways:
                    packet = camera.sound[picture % len(camera.sound)]
                    self._ways["audio"](_numbered(packet, next(sound), picture * 320))
                at = (at + 1) % len(film.packets)
        self.close()


def _numbered(packet: bytes, number: int, time: int) -> bytes:
    return packet[:2] + struct.pack(">HI", number & 0xFFFF, time & 0xFFFFFFFF) + packet[8:]
