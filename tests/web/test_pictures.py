"""Somebody has pictures of their own read: beside a real daemon and a real broker, in a process of its own each."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
from contextlib import suppress
from functools import cache
from pathlib import Path

import cv2
import pytest

from edge_fer.config import Layer, load
from edge_fer.errors import CommandError
from edge_fer.sample import sample_picture
from edge_fer.web.pictures import LARGEST
from edge_fer.wiring.records import picture_settings_of
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.odd_files import mutated, odd_pictures
from tests.running import config
from tests.web.visiting import Visitor, WebPage, logged_in, page_and_all

CAMERAS = {
    "front": {"source": "sample:counter", "loop": True},
    "back": {"source": "sample:counter", "loop": True, "emotion": {"labels": "five"}, "faces": {"min_size": "64px"}},
}
READ = "/pictures/read"


@cache
def picture(kind=".jpg", width=1280, height=720):
    sized = cv2.resize(sample_picture(), (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(kind, cv2.cvtColor(sized, cv2.COLOR_RGB2BGR))[1].tobytes()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with page_and_all(tmp_path_factory.mktemp("pictures"), CAMERAS) as page:
        yield page


def sent(visitor, data, *, camera="", **headers):
    """Status and answer for a picture."""
    where = f"{READ}?camera={camera}" if camera else READ
    headers = {"x_csrf": visitor.csrf, "content_type": "application/octet-stream"} | headers
    status, found, text = visitor.ask("POST", where, data, **headers)
    return status, json.loads(text) if found.get("content-type") == "application/json" else text


class Upload:
    """A picture that is sent in two parts."""

    def __init__(self, house, visitor, data):
        self.house, self.data = house, data
        self.connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
        own = f"127.0.0.1:{house.port}"
        self.connection.putrequest("POST", READ, skip_host=True)
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        for name, value in (
            ("host", own), ("origin", f"http://{own}"), ("cookie", cookies), ("x-csrf", visitor.csrf),
            ("content-length", str(len(data))),
        ):  # fmt: skip
            self.connection.putheader(name, value)
        self.connection.endheaders(data[:1000])
        until(lambda: readers(house))

    def end(self):
        self.connection.send(self.data[1000:])
        try:
            return json.loads(self.connection.getresponse().read())
        finally:
            self.connection.close()


def readers(house):
    """The processes that read pictures for the page."""
    threads = Path(f"/proc/{house.process.pid}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    # what is only being started has the command line of the page
    return [int(child) for child in children if b"edge_fer.pictures" in _command_of(child)]


def _command_of(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def test_operators_and_admins_have_pictures_read_and_nobody_else(house):
    stranger, viewer = Visitor(house), logged_in(house, "viewer")
    assert stranger.get("/pictures")[1]["location"] == "/login"
    assert stranger.ask("POST", READ, picture())[1]["location"] == "/login"
    assert viewer.get("/pictures")[0] == 403
    assert sent(viewer, picture())[0] == 403
    assert 'href="/pictures"' not in viewer.get("/")[2]
    for role in ("operator", "admin"):
        visitor = logged_in(house, role)
        assert 'href="/pictures"' in visitor.get("/")[2]
        assert visitor.get("/pictures")[0] == 200
        assert sent(visitor, picture(), x_csrf="other")[0] == 403
        assert sent(visitor, picture(), origin="http://evil.example")[0] == 403


def test_faces_are_found_and_it_is_told_that_a_picture_was_read_but_not_what_is_in_it(house):
    ann = logged_in(house)
    before = sorted(house.folder.rglob("*"))
    house.seen.clear()
    status, told = sent(ann, picture())
    assert status == 200
    (face,) = told["faces"]
    assert (told["size"], face["label"], face["faults"]) == ([1280, 720], "happy", [])
    assert face["confidence"] > 0.9
    assert set(face["scores"]) == {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"}
    (audit,) = house.seen.wait_for(lambda m: m.topic.endswith("/audit") and "own_picture" in m.json["fields"].values())
    assert (audit.json["actor"], audit.json["role"], audit.json["via"]) == ("operator", "operator", "web")
    assert audit.json["fields"] == {"event": "own_picture", "about": "", "times": 1}
    assert sorted(house.folder.rglob("*")) == before, "nothing is stored"
    assert readers(house) == []


def test_a_picture_is_read_as_the_camera_that_is_named_would(house):
    ann = logged_in(house)
    (face,) = sent(ann, picture(), camera="back")[1]["faces"]
    assert len(face["scores"]) == 5
    assert sent(ann, picture(), camera="back")[1]["min_size"] == 64
    status, text = sent(ann, picture(), camera="side")
    assert status == 409
    assert "Choose from front, back" in text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"hello", "no picture that can be read"),
        (b"%PDF-1.7 etc", "a PDF document"),
        (picture()[:5000], "damaged or cut off"),
        (picture(".png")[:-5000], "damaged or cut off"),
    ],
    ids=["empty", "text", "pdf", "cut-jpeg", "cut-png"],
)
def test_what_is_no_picture_is_refused_with_why_and_what_to_do(house, data, words):
    status, told = sent(logged_in(house), data)
    assert status == 200
    assert words in told["error"]
    assert told["remedy"]


def test_too_many_pixels_and_bytes_are_refused(house):
    ann = logged_in(house)
    assert "5000 x 4000 pixels, where 16 megapixels" in sent(ann, picture(".png", 5000, 4000))[1]["error"]
    status, text = sent(ann, b"\xff\xd8\xff", content_length=str(LARGEST + 1))
    assert (status, str(LARGEST) in text) == (413, True)
    # whatever the head has said; the page may hang up before all is sent
    parts = iter([b"\xff\xd8\xff"] + [bytes(65536)] * (LARGEST // 65536))
    with suppress(ConnectionError):
        assert sent(ann, parts) == (200, {"problem": "cut_off"})
    until(lambda: readers(house) == [])
    assert sent(ann, picture())[0] == 200
    # all else has to be as small as before
    assert ann.ask("POST", "/tune/set", bytes(70_000), content_type="application/x-www-form-urlencoded")[0] == 413


def test_odd_pictures_do_the_page_no_harm(house):
    ann = logged_in(house)
    chance = random.Random(23)  # noqa: S311 - nothing secret
    odd = [one for one in odd_pictures() if len(one.data) <= LARGEST]
    for one in chance.sample(odd, 10):
        status, told = sent(ann, one.data)
        assert status == 200, one.name
        assert ("faces" in told) or told.get("error"), (one.name, told)
    for number in range(3):
        status, told = sent(ann, mutated(picture(), chance))
        assert status == 200, number
        assert ("faces" in told) or told.get("error"), (number, told)


def test_one_is_read_at_a_time_and_the_next_is_told_so(house):
    ann, bob = logged_in(house), logged_in(house, "admin")
    upload = Upload(house, ann, picture())
    assert sent(bob, picture()) == (409, {"problem": "busy"})
    assert len(readers(house)) == 1
    assert upload.end()["faces"][0]["label"] == "happy"
    assert sent(bob, picture())[0] == 200


def test_a_browser_that_vanishes_leaves_nothing_behind(house):
    ann = logged_in(house)
    Upload(house, ann, picture()).connection.close()
    until(lambda: readers(house) == [])
    until(lambda: sent(ann, picture())[0] == 200)


def test_a_picture_that_kills_its_reader_costs_the_page_nothing(house):
    ann = logged_in(house)
    upload = Upload(house, ann, picture())
    for reader in readers(house):
        os.kill(reader, signal.SIGSEGV)
    assert upload.end() == {"problem": "died"}
    until(lambda: "has ended with -11" in house.output)
    assert sent(ann, picture())[1]["faces"]


def test_its_reader_has_limits(house):
    upload = Upload(house, logged_in(house), picture())
    (reader,) = readers(house)
    wanted = {"Max cpu time": "60", "Max file size": "0", "Max data size": str(768 << 20), "Max core file size": "0"}

    def limits():
        lines = Path(f"/proc/{reader}/limits").read_text().splitlines()
        return {line[:25].strip(): line[25:].split()[1] for line in lines[1:]}

    until(lambda: limits().items() >= wanted.items())
    assert upload.end()["faces"]


@pytest.mark.parametrize(
    ("privacy", "profile", "allowed"),
    [({}, None, True), ({"events": "off"}, None, True), ({"own_pictures": "off"}, None, False), ({}, "ward", False),
     ({"own_pictures": "on"}, "ward", True)],
)  # fmt: skip
def test_the_config_decides_whether_pictures_are_read(privacy, profile, allowed):
    values = {"cameras": CAMERAS, "privacy": privacy} | ({"profile": profile} if profile else {})
    settings = load([Layer.mapping("x", values)], settings=False).config
    if allowed:
        assert picture_settings_of(settings, {})["camera"] == "front"
    else:
        with pytest.raises(CommandError, match="switched off in the config file"):
            picture_settings_of(settings, {})


def test_a_config_file_can_switch_it_off(tmp_path, broker):
    settings = config(broker, CAMERAS["front"], privacy={"own_pictures": "off"})
    with Daemon(tmp_path / "node", settings) as daemon:
        daemon.wait_for("camera front is online")
        with WebPage(tmp_path / "web", tmp_path / "node" / "state" / "control.sock") as page:
            page.account("ann", "admin")
            ann = Visitor(page)
            ann.log_in("ann")
            status, _, text = ann.get("/pictures")
            assert (status, "switched off in the config file" in text) == (200, True)
            assert '<input type="file"' not in text
            status, text = sent(ann, picture())
            assert (status, "switched off in the config file" in text) == (409, True)
            assert readers(page) == []
