"""The page `Try the faces`: somebody makes each face in turn, beside a real daemon and a real broker."""

from __future__ import annotations

import http.client
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from edge_fer.emotion.trial import TrialReading
from edge_fer.web.faces import largest_seen
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.running import config
from tests.web.smiling import smiling_camera
from tests.web.visiting import Visitor, WebPage, logged_in, page_and_all


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    camera = smiling_camera(folder)
    with page_and_all(folder, {"front": camera, "back": camera | {"emotion": {"labels": "five"}}}) as page:
        yield page


def begun(visitor, camera="front"):
    """The token of a walk that somebody wants to begin."""
    status, headers, text = visitor.post("/faces/begin", {"csrf": visitor.csrf, "camera": camera})
    assert status == 303, text
    (token,) = parse_qs(urlsplit(headers["location"]).query)["walk"]
    assert f"/faces/events?walk={token}" in visitor.get(headers["location"])[2]
    return token


class Walking:
    """A walk as the browser is pushed it, until the block ends: then the browser is gone."""

    def __init__(self, house, visitor, token, language="en"):
        self.connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
        headers = {"host": f"127.0.0.1:{house.port}", "accept-language": language}
        headers |= {"cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
        self.connection.request("GET", f"/faces/events?walk={token}", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.getheader("content-type").startswith("text/event-stream")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.close()
        self.connection.close()

    def parts(self):
        """Each part of the page as it comes, without its tags."""
        name, lines = "", []
        while line := self.answer.readline().decode().rstrip("\n"):
            while line:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    lines.append(line.removeprefix("data: "))
                line = self.answer.readline().decode().rstrip("\n")
            yield name, words_of("\n".join(lines))
            lines = []
            if name == "end":
                return

    def until(self, wanted):
        """The first part that has these words in it, and the ones before it."""
        before = []
        for name, words in self.parts():
            before.append((name, words))
            if wanted in words:
                return before
        raise AssertionError((wanted, before))


def words_of(text):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def audits(house, command, count=1):
    found = house.seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["command"] == command, count=count)
    return [one.json for one in found]


def test_operators_and_admins_try_the_faces_and_nobody_else(house):
    stranger, viewer = Visitor(house), logged_in(house, "viewer")
    for path in ("/faces", "/faces/events"):
        assert stranger.get(path)[1]["location"] == "/login"
        assert viewer.get(path)[0] == 403
    for path in ("/faces/begin", "/faces/end"):
        assert stranger.post(path, {})[1]["location"] == "/login"
        assert viewer.post(path, {"csrf": viewer.csrf, "camera": "front"})[0] == 403
    for role in ("operator", "admin"):
        visitor = logged_in(house, role)
        assert 'href="/faces?camera=front"' in visitor.get("/aim")[2]
        assert visitor.get("/faces")[0] == 200
        assert visitor.post("/faces/begin", {"camera": "front"})[0] == 403, "without the token of the form"
        assert visitor.post("/faces/begin", {"csrf": visitor.csrf, "camera": "side"})[0] == 409
    assert 'href="/faces' not in viewer.get("/aim")[2]


def test_somebody_who_smiles_all_the_time_is_read_as_happy_whatever_was_asked(house):
    ann = logged_in(house)
    assert "It takes about 24 seconds" in ann.get("/faces?camera=front")[2]
    assert "It takes about 40 seconds" in ann.get("/faces?camera=back")[2]
    files = sorted(house.folder.rglob("*"))
    house.seen.clear()
    with Walking(house, ann, begun(ann)) as walking:
        parts = list(walking.parts())
    asked = [words for name, words in parts if name == "asked" and words and "Waiting" not in words]
    assert asked == [
        f"{number} / 3: Please {ask} {what}"
        for number, ask in enumerate(("look angry", "smile", "look sad"), 1)
        for what in ("Get ready. It counts in 3 seconds.", "Hold it for 5 seconds.")
    ]
    assert any(name == "read" and re.fullmatch(r"\d s left. Read: happy", words) for name, words in parts)
    assert [name for name, _ in parts[-5:]] == ["asked", "read", "controls", "result", "end"]
    result = parts[-2][1]
    told = re.search(r"Taken for angry 0 % happy (\d+) %.* happy (\d+) %.* sad 0 % happy (\d+) %", result)
    assert told is not None, result
    assert min(int(percent) for percent in told.groups()) > 80, result
    assert re.search(r"Read as asked for: (2[7-9]|3[0-3]) % of the time\.", result), result
    # told like a live view, of which no picture was asked for; what was read is told nowhere
    (began,), (ended,) = audits(house, "live"), audits(house, "end_live")
    assert began["fields"] == {"camera": "front", "seconds": 60.0, "picture": False}
    assert (began["actor"], began["via"], ended["fields"]["why"]) == ("operator", "web", "gone")
    assert not any("pictures" in m.json["privacy"]["sinks"]["control"] for m in house.seen.of("/info"))
    assert sorted(house.folder.rglob("*")) == files, "nothing is kept"


def test_it_is_stopped_with_what_was_read_so_far_and_by_nobody_else(house):
    ann, bob = logged_in(house), logged_in(house, "admin")
    token = begun(ann, "back")
    with Walking(house, ann, token, "de") as walking:
        assert ("asked", "1 / 5: Bitte schauen Sie verärgert Halten Sie es 5 Sekunden lang.") in walking.until("Halten")
        # while it is under way, everybody sees that somebody looks
        assert "operator is looking" in bob.get("/")[2]
        assert bob.post("/faces/end", {"csrf": bob.csrf, "walk": token})[0] == 204
        walking.until("Noch 2 s. Gelesen: froh")
        assert ann.post("/faces/end", {"csrf": ann.csrf, "walk": token})[0] == 204
        result = walking.until("Was gelesen wurde")[-1][1]
    assert re.search(r"verärgert 0 % froh 100 % froh nicht probiert traurig nicht probiert", result), result
    until(lambda: "is looking" not in bob.get("/")[2])


def test_a_walk_is_made_once_by_whoever_began_it(house):
    ann, bob = logged_in(house), logged_in(house, "admin")
    token = begun(ann)
    with Walking(house, bob, token) as other:
        assert "Begin anew" in dict(other.parts())["result"]
    with Walking(house, ann, token) as walking:
        walking.until("Please look angry")
        with Walking(house, ann, token) as again:
            assert "Begin anew" in dict(again.parts())["result"]
        walking.until("Hold it")
    assert 'href="/faces?camera=' not in ann.get(f"/faces?camera=front&walk={token}")[2], "it begins no second time"


def test_a_walk_ends_with_the_browser_and_with_the_login(house):
    ann = logged_in(house)
    house.seen.clear()
    with Walking(house, ann, begun(ann)) as walking:
        walking.until("Read: happy")
    assert audits(house, "end_live")[0]["fields"]["why"] == "gone"
    with Walking(house, ann, begun(ann)) as walking:
        walking.until("Read: happy")
        assert ann.post("/logout", {"csrf": ann.csrf})[0] == 303
        assert "result" not in dict(walking.parts())
    audits(house, "end_live", count=2)


def test_it_is_refused_while_somebody_else_looks_or_the_camera_is_paused(house):
    ann, bob = logged_in(house), logged_in(house, "admin")
    with Walking(house, bob, begun(bob)) as walking:
        walking.until("Read: happy")
        with Walking(house, ann, begun(ann)) as second:
            assert "admin looks at camera front already" in dict(second.parts())["result"]
    assert ann.post("/cameras/pause", {"csrf": ann.csrf, "camera": "front"})[0] == 303
    try:
        with Walking(house, ann, begun(ann)) as walking:
            assert "camera front is paused" in dict(walking.parts())["result"]
    finally:
        assert ann.post("/cameras/resume", {"csrf": ann.csrf, "camera": "front"})[0] == 303


@pytest.mark.parametrize("more", [{"privacy": {"live": "never"}}, {"privacy": {"events": "off"}}, {"profile": "ward"}])
def test_it_is_refused_where_a_live_view_is(tmp_path, broker, more):
    with Daemon(tmp_path / "node", config(broker, {"source": "sample", "loop": True}, **more)) as daemon:
        daemon.wait_for("camera front is online")
        with WebPage(tmp_path / "web", tmp_path / "node" / "state" / "control.sock") as page:
            page.account("ann", "admin")
            ann = Visitor(page)
            ann.log_in("ann")
            text = ann.get("/faces")[2]
            assert "Live views are switched off in the config file" in text
            assert 'action="/faces/begin"' not in text
            assert 'href="/faces' not in ann.get("/aim")[2]
            with Walking(page, ann, begun(ann)) as walking:
                assert "live views are switched off in the config file" in dict(walking.parts())["result"]


def face(side, emotion, *, faults=(), doubt=None):
    return {"box": [0, 0, side, side], "emotion": emotion, "faults": list(faults), "doubt": doubt}


def test_of_several_people_the_one_with_the_largest_face_counts():
    assert largest_seen([]) is None
    assert largest_seen([face(90, None)]) is None, "found, but not read yet"
    assert largest_seen([face(60, "sad"), face(80, "happy"), face(90, None)]) == TrialReading("happy")
    assert largest_seen([face(60, "uncertain", faults=["turned_away"])]) == TrialReading("uncertain", ("turned_away",))
    assert largest_seen([face(60, "uncertain", doubt="torn")]) == TrialReading("uncertain", ("torn",))
