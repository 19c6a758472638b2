"""Cameras that send JPEG pictures over HTTP, each in its own way."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.capture.network.camera import NetworkCamera
from edge_fer.capture.network.jpeg_stream import JpegStream, TooLongError
from edge_fer.clock.system import SystemClock
from edge_fer.errors import SourceLostError
from tests.capture.films import add_sound, busy, moving, write_film
from tests.capture.helpers import HttpCamera, flat, respond
from tests.capture.tried import tried


def jpeg(value=100, size=(64, 48), **options):
    parameters = [item for name, number in options.items() for item in (getattr(cv2, f"IMWRITE_JPEG_{name}"), number)]
    return cv2.imencode(".jpg", flat(value, size), parameters)[1].tobytes()


def with_thumbnail(data, thumbnail):
    """A picture whose EXIF part holds another one, as phones and some cameras write it."""
    body = b"Exif\0\0" + thumbnail
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def multipart(parts, *, first=b"--frame\r\n", between=b"\r\n--frame\r\n"):
    head = "Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"
    return first + between.join(head.format(len(part)).encode() + part for part in parts) + between


PICTURES = [jpeg(20 * number) for number in range(1, 9)]
MULTIPART = "multipart/x-mixed-replace;boundary=frame"
#: How cameras send them: content type and body.
WAYS = {
    "as it should be": (MULTIPART, multipart(PICTURES)),
    "no boundary before the first": (MULTIPART, multipart(PICTURES, first=b"")),
    "another boundary than told": ("multipart/x-mixed-replace; boundary=--myboundary", multipart(PICTURES)),
    "no boundary told": ("multipart/x-mixed-replace", multipart(PICTURES)),
    "no boundaries at all": ("video/x-motion-jpeg", b"".join(PICTURES)),
    "called a text": ("text/plain", b"".join(PICTURES)),
    "called data": ("application/octet-stream", b"\r\n".join(PICTURES)),
    "bare line feeds": (MULTIPART, multipart(PICTURES).replace(b"\r\n", b"\n")),
    "wrong lengths": (MULTIPART, multipart(PICTURES).replace(b"Length: ", b"Length: 9")),
    "thumbnails inside": (MULTIPART, multipart([with_thumbnail(p, jpeg(5, (16, 12))) for p in PICTURES])),
    "progressive": (MULTIPART, multipart([jpeg(20 * n, PROGRESSIVE=1) for n in range(1, 9)])),
    "restart intervals": (MULTIPART, multipart([jpeg(20 * n, RST_INTERVAL=2) for n in range(1, 9)])),
    "filled up with FF": (MULTIPART, multipart([p + b"\xff" * 9 for p in PICTURES])),
}


@pytest.fixture
def camera():
    made = []

    def make(answer):
        made.append(HttpCamera(answer))
        return made[-1]

    yield make
    for one in made:
        one.die()


def frames(url, **options):
    return NetworkCamera("front", url, clock=SystemClock(), **{"read_timeout": 20} | options).frames()


def until_lost(url, **options):
    got = []
    with pytest.raises(SourceLostError) as caught:
        got.extend(frames(url, **options))
    return got, str(caught.value)


def brightness(got):
    return [round(float(frame.image.mean())) for frame in got]


@tried(
    "HTTP, JPEG pictures",
    "13 ways to part pictures, such as wrong or no boundaries, wrong lengths, wrong types",
    "read",
)
@pytest.mark.parametrize("way", WAYS)
def test_pictures_come_however_they_are_sent(camera, way):
    kind, body = WAYS[way]
    got, why = until_lost(camera(lambda request: respond(request, body, kind)).url)
    assert brightness(got) == pytest.approx([20 * n for n in range(1, 9)], abs=2)
    assert {frame.image.shape for frame in got} == {(48, 64, 3)}
    assert "has stopped sending" in why


@tried("HTTP, JPEG pictures", "a picture that is cut off, one with a hole of zeros", "left out, and none beside it")
def test_a_picture_that_is_cut_off_takes_none_along(camera):
    parts = [*PICTURES[:3], PICTURES[3][:-40], *PICTURES[4:]]
    got, _ = until_lost(camera(lambda request: respond(request, multipart(parts), MULTIPART)).url)
    assert brightness(got) == pytest.approx([20, 40, 60, 100, 120, 140, 160], abs=2)


def test_pictures_in_chunks(camera):
    def answer(request):
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Content-Type", MULTIPART)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        body = multipart(PICTURES)
        for at in range(0, len(body), 100):
            part = body[at : at + 100]
            request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        request.wfile.write(b"0\r\n\r\n")

    got, _ = until_lost(camera(answer).url)
    assert brightness(got) == pytest.approx([20 * n for n in range(1, 9)], abs=2)


@tried("HTTP, JPEG pictures", "one picture for each request", "asked again, `fps` times a second")
def test_a_camera_that_gives_one_picture_at_a_time_is_asked_again_and_again(camera):
    numbers = itertools.count(1)
    one = camera(lambda request: respond(request, jpeg(20 * next(numbers)), "image/jpeg"))
    source = frames(one.url, fps=20)
    got = list(itertools.islice(source, 6))
    source.close()
    assert brightness(got) == pytest.approx([20, 40, 60, 80, 100, 120], abs=2)
    assert got[5].at.mono - got[0].at.mono >= 0.2, "no more often than is wanted"


@tried("HTTP, JPEG pictures", "another size midway", "goes on with it; the log says so")
@pytest.mark.parametrize("size", [(96, 64), (32, 24)])
def test_pictures_that_change_their_size(camera, size, caplog):
    parts = [*PICTURES[:4], *(jpeg(100 + 20 * n, size) for n in range(4))]
    got, _ = until_lost(camera(lambda request: respond(request, multipart(parts), MULTIPART)).url)
    assert [frame.image.shape[1::-1] for frame in got] == [(64, 48)] * 4 + [size] * 4
    assert f"now sends {size[0]} x {size[1]}" in caplog.text


def test_pictures_get_the_shape_that_is_told(camera):
    url = camera(lambda request: respond(request, multipart(PICTURES), MULTIPART)).url
    assert next(frames(url, aspect=16 / 9)).image.shape == (48, 86, 3)


@tried("HTTP, JPEG pictures", "a picture without end, or of 144 megapixels", "lost, and told; it takes no memory")
def test_a_picture_without_end_is_given_up(camera):
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Type", "image/jpeg")
        request.end_headers()
        request.wfile.write(PICTURES[0][:-2])
        while True:
            request.wfile.write(b"\x55" * 65536)

    _, why = until_lost(camera(answer).url)
    assert "sends a picture of more than 32 MB" in why


def test_a_picture_of_too_many_pixels_costs_no_memory(camera):
    data = bytearray(jpeg())
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = (12_000).to_bytes(2, "big") * 2
    body = multipart([bytes(data)] * 40)
    url = camera(lambda request: respond(request, body, MULTIPART)).url
    tracemalloc.start()
    try:
        got, why = until_lost(url)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got == []
    assert "sends pictures of 12000 x 12000 pixels instead of a picture" in why
    assert most < 20e6


def test_what_is_no_picture_is_left_out_and_too_much_of_it_ends_the_run(camera):
    broken = b"\xff\xd8\xff\xe0\0\4ab\xff\xd9"
    good = camera(lambda request: respond(request, multipart([broken, PICTURES[0], broken, PICTURES[1]]), MULTIPART))
    assert brightness(until_lost(good.url)[0]) == pytest.approx([20, 40], abs=2)
    bad = camera(lambda request: respond(request, multipart([broken] * 40), MULTIPART))
    got, why = until_lost(bad.url)
    assert (got, "instead of a picture" in why) == ([], True)


def test_damaged_pictures_are_left_out(camera):
    """A hole of zeros, and a cut that still ends as it should."""
    noise = np.random.default_rng(3).integers(0, 255, (96, 128, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    middle = len(whole) // 2
    hole = whole[:middle] + bytes(512) + whole[middle + 512 :]
    cut = whole[:middle] + b"\xff\xd9"
    spare = whole[:-2] + b"\x12\x34\x56" + whole[-2:]
    parts = [whole, hole, cut, spare, whole]
    got, _ = until_lost(camera(lambda request: respond(request, multipart(parts), MULTIPART)).url)
    assert [frame.index for frame in got] == [0, 3, 4], "some cameras leave a few bytes too many in every picture"
    assert all((frame.image == got[0].image).all() for frame in got)


def basic(header):
    return header == "Basic " + base64.b64encode(b"joe@home:s3:cr#t").decode()


def digest(header):
    """Whether it answers our challenge (RFC 7616, MD5 and quality `auth`)."""
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
    if not header.startswith("Digest ") or said["nonce"] != "abc":
        return False

    def md5(text):
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    who, what = md5("joe@home:camera:s3:cr#t"), md5(f"GET:{said['uri']}")
    return said["response"] == md5(f"{who}:abc:{said['nc']}:{said['cnonce']}:auth:{what}")


@tried("HTTP, JPEG pictures", "login by basic and by digest authentication", "works; a wrong one is told as such")
@pytest.mark.parametrize(
    ("challenge", "is_right"),
    [('Basic realm="camera"', basic), ('Digest realm="camera", nonce="abc", qop="auth", algorithm=MD5', digest)],
    ids=["basic", "digest"],
)
def test_logins(camera, tmp_path, challenge, is_right):
    def answer(request):
        if not is_right(request.headers.get("Authorization", "")):
            request.send_response(401)
            request.send_header("WWW-Authenticate", challenge)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        respond(request, multipart(PICTURES), MULTIPART)

    secret = tmp_path / "password"
    secret.write_text("s3:cr#t\n")
    url = camera(answer).url + "video?channel=1"
    got, _ = until_lost(url, username="joe@home", password_file=secret)
    assert len(got) == len(PICTURES)
    got, _ = until_lost(url.replace("//", "//joe%40home:s3%3Acr%23t@"))
    assert len(got) == len(PICTURES)
    secret.write_text("wrong\n")
    got, why = until_lost(url, username="joe@home", password_file=secret)
    assert got == []
    assert "refuses the login" in why
    assert "Check user and password" in why
    assert "wrong" not in why


def test_a_password_goes_to_nobody_else(camera):
    """Neither where the camera sends us, nor to a camera that does not ask."""
    heard = []

    def other(request):
        heard.append(request.headers.get("Authorization"))
        respond(request, multipart(PICTURES), MULTIPART)

    elsewhere = camera(other).url.replace("127.0.0.1", "localhost")

    def answer(request):
        request.send_response(302)
        request.send_header("Location", elsewhere)
        request.end_headers()

    got, _ = until_lost(camera(answer).url, username="joe")
    assert len(got) == len(PICTURES)
    assert heard == [None]


@tried("HTTP, videos", "MPEG-TS whose size changes", "read")
def test_a_video_over_http_is_read_as_one(camera, tmp_path):
    parts = [
        write_film(tmp_path / f"{n}.ts", moving(20, size=size), fps=25).read_bytes()
        for n, size in enumerate([(160, 96), (96, 160)])
    ]
    got, why = until_lost(camera(lambda request: respond(request, b"".join(parts), "video/mp2t")).url)
    shapes = [frame.image.shape[1::-1] for frame in got]
    assert list(dict.fromkeys(shapes)) == [(160, 96), (96, 160)]
    assert len(got) >= 36
    assert "has stopped sending" in why


@tried("HTTP, videos", "MPEG-TS whose sound begins midway", "read")
def test_a_video_over_http_whose_sound_begins_midway(camera, tmp_path):
    film = write_film(tmp_path / "silent.ts", busy(100, (320, 192)), fps=25)
    loud = add_sound(tmp_path / "loud.ts", film, seconds=3, codec="mp2")
    body = film.read_bytes() * 2 + loud.read_bytes() + film.read_bytes()
    got, why = until_lost(camera(lambda request: respond(request, body, "video/mp2t")).url)
    assert len(got) >= 390
    assert "has stopped sending" in why


@pytest.mark.parametrize(("status", "why"), [(404, "has nothing at this path"), (503, "answers with HTTP status 503")])
def test_refusals_are_told(camera, status, why):
    assert why in until_lost(camera(lambda request: request.send_error(status)).url)[1]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.sampled_from(sorted(WAYS)))
def test_pictures_are_the_same_however_the_bytes_are_split(lengths, way):
    body = WAYS[way][1]
    whole = [picture.data for picture in JpegStream().feed(body)]
    assert len(whole) == len(PICTURES)
    stream, at, got = JpegStream(), 0, []
    for length in itertools.cycle(lengths):
        if at >= len(body):
            break
        got += [picture.data for picture in stream.feed(body[at : at + length])]
        at += length
    assert got == whole


@given(st.binary(max_size=3000))
def test_any_bytes_are_survived(data):
    stream = JpegStream(most_bytes=2000)
    try:
        for picture in stream.feed(b"\xff\xd8\xff" + data):
            assert picture.data.endswith(b"\xff\xd9")
    except TooLongError:
        pass


def test_the_size_is_known_before_a_picture_is_decoded():
    (picture,) = JpegStream().feed(with_thumbnail(jpeg(size=(640, 360)), jpeg(size=(16, 12))))
    assert (picture.width, picture.height) == (640, 360)
    assert cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR).shape == (360, 640, 3)
