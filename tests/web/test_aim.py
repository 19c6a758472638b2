"""The page `Aim`: a live view for a minute, and zones, beside a real daemon and a real broker."""

from __future__ import annotations

import base64
import http.client
import json
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest

from edge_fer.errors import CommandError
from edge_fer.web.zones import corners_in, corners_text, needs_staff_zone, zone_key, zones_in
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.running import config
from tests.web.visiting import Visitor, WebPage, logged_in, page_and_all

CAMERA = {"source": "sample:counter", "loop": True}
FORMS = ("/aim/live", "/aim/zone", "/aim/undo")
FILE_ZONE = {"staff": {"polygon": [[0, 0], [0.2, 0], [0.2, 1], [0, 1]]}}


@pytest.fixture(scope="module")
def aim(tmp_path_factory):
    with page_and_all(tmp_path_factory.mktemp("aim"), {"front": CAMERA}) as page:
        yield page


class Looking:
    """A live view, read line by line, until the block ends: then the browser is gone."""

    def __init__(self, aim, visitor, camera="front"):
        self.connection = http.client.HTTPConnection("127.0.0.1", aim.port, timeout=60)
        own = f"127.0.0.1:{aim.port}"
        headers = {
            "host": own, "origin": f"http://{own}", "content-type": "application/x-www-form-urlencoded",
            "cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items()),
        }  # fmt: skip
        body = urlencode({"csrf": visitor.csrf, "camera": camera})
        self.connection.request("POST", "/aim/live", body, headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.close()
        self.connection.close()

    def next(self, kind="live"):
        while True:
            line = json.loads(self.answer.readline())
            if line.get("event") == kind:
                return line[kind]

    def picture(self):
        data = np.frombuffer(base64.b64decode(self.next()["picture"]), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)


def ended(aim, count=1):
    """What `audit` says of the last live view that ended."""
    found = aim.seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["command"] == "end_live", count=count)
    return found[-1].json["fields"]


def test_nothing_is_shown_without_login_and_nobody_does_what_their_role_may_not(aim):
    stranger = Visitor(aim)
    assert stranger.get("/aim")[1]["location"] == "/login"
    for path in FORMS:
        assert stranger.post(path, {})[1]["location"] == "/login"
    allowed = {"viewer": (), "operator": ("/aim/live",), "admin": FORMS}
    for role, paths in allowed.items():
        visitor = logged_in(aim, role)
        assert visitor.get("/aim")[0] == 200
        for path in FORMS:
            assert visitor.post(path, {"camera": "front"})[0] == 403, "without the token of the form"
            if path not in paths:
                assert visitor.send(path, camera="front", name="x", corners="0 0, 1 0, 1 1")[0] == 403


def test_a_live_view_goes_to_the_browser_that_asked_and_ends_with_it(aim):
    operator, viewer = logged_in(aim, "operator"), logged_in(aim, "viewer")
    aim.seen.clear()
    with Looking(aim, operator) as looking:
        assert max(looking.picture().shape) == 640
        assert "operator is looking through front" in viewer.get("/")[2]
        status, _, text = logged_in(aim, "admin").send("/aim/live", camera="front")
        assert status == 409
        assert "operator looks at camera front already" in text
    assert ended(aim)["why"] == "gone"
    assert "is looking" not in viewer.get("/")[2]


def test_a_live_view_ends_when_whoever_looks_logs_out(aim):
    operator = logged_in(aim, "operator")
    aim.seen.clear()
    with Looking(aim, operator) as looking:
        looking.next()
        assert operator.send("/logout")[0] == 303
        ended(aim)


def test_a_zone_that_is_drawn_blanks_the_picture_while_somebody_looks_and_is_undone(aim):
    admin = logged_in(aim, "admin")
    assert "No zone hides the staff" in admin.get("/aim")[2]
    with Looking(aim, admin) as looking:
        assert looking.picture()[:, :100].max() > 50
        sent = {"camera": "front", "name": "staff", "kind": "exclude", "corners": "0 0, 50 0, 50 100, 0 100"}
        assert admin.send("/aim/zone", **sent)[0] == 303
        until(lambda: looking.picture()[:, :300].max() < 30, timeout=60)
        assert looking.picture()[:, 340:].max() > 50
    shown = admin.get("/aim?camera=front")[2]
    assert "0 0, 50 0, 50 100, 0 100" in shown
    assert "No zone hides the staff" not in shown
    assert 'action="/aim/undo"' in shown
    assert 'action="/aim/undo"' not in logged_in(aim, "admin").get("/aim")[2], "the change of another session"
    assert admin.send("/aim/undo", camera="front")[0] == 303
    assert "0 0, 50 0, 50 100, 0 100" not in admin.get("/aim")[2]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": "../x"}, "is no name of a zone"),
        ({"name": "a.b"}, "is no name of a zone"),
        ({"name": "x", "corners": "0 0, 10 10"}, "no three corners"),
        ({"name": "x", "corners": "0 0, 10 10, a"}, "no three corners"),
        ({"name": "x", "corners": "9" * 5000}, "no three corners"),
        ({"name": "x", "corners": "0 0, 1000 0, 10 10"}, "front"),
        ({"name": "x", "corners": "0 0, 100 100, 100 0, 0 100"}, "cross"),
        ({"name": "x", "corners": "0 0, 10 0, 10 10", "kind": "no"}, "kind"),
        ({"name": "x", "corners": "0 0, 10 0, 10 10", "camera": "back"}, "not there"),
    ],
)
def test_what_is_no_zone_is_refused_with_why(aim, sent, words):
    status, _, text = logged_in(aim, "admin").send("/aim/zone", **({"camera": "front"} | sent))
    assert status == 409
    assert words in text


def test_a_zone_of_the_config_file_is_switched_off_and_comes_back(tmp_path, broker):
    settings = config(broker, CAMERA | {"zones": FILE_ZONE}, privacy={"live": "never"})
    socket = tmp_path / "node" / "state" / "control.sock"
    with Daemon(tmp_path / "node", settings) as daemon:
        daemon.wait_for("camera front is online")
        with WebPage(tmp_path / "web", socket) as page:
            page.account("ann", "admin")
            ann = Visitor(page)
            ann.log_in("ann")
            shown = ann.get("/aim")[2]
            assert "0 0, 20 0, 20 100, 0 100" in shown
            assert "Live views are switched off in the config file" in shown
            assert ann.send("/aim/live", camera="front")[0] == 409
            # changed here, then taken away: it must not come back as it is in the file
            changed = {"camera": "front", "name": "staff", "kind": "exclude", "corners": "0 0, 30 0, 30 100"}
            assert ann.send("/aim/zone", **changed)[0] == 303
            assert "0 0, 30 0, 30 100" in ann.get("/aim")[2]
            assert ann.send("/aim/zone", camera="front", name="staff", remove="yes")[0] == 303
            assert 'value="staff"' not in ann.get("/aim")[2].split('id="new-zone"')[0]
            assert ann.send("/aim/undo", camera="front")[0] == 303
            assert "0 0, 30 0, 30 100" in ann.get("/aim")[2]


def test_corners_are_read_as_they_are_written():
    polygon = [[0, 0], [0.405, 0], [1, 0.333333]]
    assert corners_in(corners_text(polygon)) == polygon
    assert corners_in("0 0; 50,0\n 50 100") == [[0, 0], [0.5, 0], [0.5, 1]]


def test_a_counter_needs_a_zone_that_excludes_and_other_places_none():
    def told(profile, kind):
        zones = {"kind": kind, "polygon": "[[0, 0], [1, 0], [1, 1]]"}
        values = {"profile": profile} | {f"cameras.c.zones.z.{key}": value for key, value in zones.items()}
        return {"values": {key: {"value": value, "origin": "x"} for key, value in values.items()}, "set": {}}

    found = {
        (profile, kind): needs_staff_zone(told(profile, kind), zones_in(told(profile, kind), "c"))
        for profile in ("counter", "ward")
        for kind in ("exclude", "include")
    }
    assert [key for key, needed in found.items() if needed] == [("counter", "include")]


@pytest.mark.parametrize("name", ["", "a b", "-a", "ä", "a" * 64])
def test_a_zone_has_a_name_that_a_key_can_have(name):
    with pytest.raises(CommandError, match="is no name"):
        zone_key("front", name)
