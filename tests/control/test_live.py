"""Live views: what is shown to whom, for how long, and what is never shown."""

from __future__ import annotations

import base64
import contextlib
import itertools

import cv2
import numpy as np
import pytest

from edge_fer.control.client import ControlClient, ControlError
from edge_fer.control.live import STAYS_HIDDEN, LiveEnd, LiveFrame, LiveView
from edge_fer.control.pixels import LARGEST_SIDE, jpeg_of, pixelated
from edge_fer.errors import CommandError
from edge_fer.pipeline.step import Search, Told
from edge_fer.types import Box, Face, Frame, Quality, QualityFault, Reading, Track
from tests.broker import Subscriber
from tests.daemon import Daemon
from tests.invented import at, reading
from tests.mqtt.kit import until

ENDLESS = {"source": "sample:counter", "loop": True}
FACE = Box(600.0, 200.0, 120.0, 120.0)


def noise(height=720, width=1280):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def colours_in(image, box, scale):
    part = image[
        int(box.y * scale) : int((box.y + box.height) * scale), int(box.x * scale) : int((box.x + box.width) * scale)
    ]
    return len(np.unique(part.reshape(-1, 3), axis=0))


def test_a_face_is_few_blocks_of_one_colour_in_a_small_picture():
    image = noise()
    small = pixelated(image, [FACE])
    assert small.shape == (360, LARGEST_SIDE, 3)
    assert colours_in(small, FACE, 0.5) <= 25
    assert colours_in(small, Box(0.0, 0.0, 120.0, 120.0), 0.5) > 1000, "what is no face is left as it is"
    assert (image == noise()).all(), "the picture that is read stays as it is"


@pytest.mark.parametrize(
    "box",
    [
        Box(-50.0, -50.0, 120.0, 120.0),
        Box(1250.0, 700.0, 120.0, 120.0),
        Box(-500.0, -500.0, 20.0, 20.0),
        Box(5000.0, 5000.0, 20.0, 20.0),
        Box(10.0, 10.0, 0.4, 0.4),
        Box(-100.0, -100.0, 3000.0, 3000.0),
    ],
)
def test_a_face_may_lie_anywhere(box):
    pixelated(noise(), [box])


@pytest.mark.parametrize(("height", "width"), [(1280, 720), (100, 60), (1, 1), (2000, 3)])
def test_a_picture_is_never_larger_than_is_allowed_and_never_made_larger(height, width):
    small = pixelated(noise(height, width), [])
    assert max(small.shape[:2]) <= min(LARGEST_SIDE, max(height, width))
    assert cv2.imdecode(np.frombuffer(jpeg_of(small), np.uint8), cv2.IMREAD_COLOR).shape == small.shape


class Looking:
    """A live view by a clock of its own, and what it showed."""

    def __init__(self, *, until=60.0, pictures=True):
        self.now = 0.0
        self.allowed = True
        self.shown = []
        self.view = LiveView(
            "cam",
            "ann",
            until=until,
            pictures=pictures,
            clock=lambda: at(self.now),
            allowed=lambda _: self.allowed,
            take=self.shown.append,
        )

    def show(self, seconds, readings=(), *, image=None, search=None, missed=()):
        self.now = seconds
        frame = Frame("cam", 0, noise() if image is None else image, at(seconds))
        told = Told(at(seconds), readings if readings is None else tuple(readings), missed=tuple(missed))
        self.view.offer(frame, told, search)

    def picture(self):
        data = np.frombuffer(base64.b64decode(self.shown[-1]["picture"]), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)


def is_hidden(picture, box=FACE):
    """Whether a place of a noisy picture has become blocks: within each, next to nothing changes."""
    x, y, side = int(box.x / 2), int(box.y / 2), int(box.width / 2)
    part = picture[y : y + side, x : x + side].astype(int)
    steps = np.abs(np.diff(part.sum(axis=2), axis=1))
    return np.median(steps) < 15


def test_five_frames_a_second_are_shown_at_most():
    looking = Looking()
    for number in range(100):
        looking.show(number / 20)
    assert 24 <= len(looking.shown) <= 26
    for frame in looking.shown:
        LiveFrame.model_validate(frame)


def test_it_ends_when_its_time_is_up_and_shows_nothing_more():
    looking = Looking(until=2.0)
    looking.show(1.9)
    assert looking.view.over is None
    looking.show(2.0)
    assert (len(looking.shown), looking.view.over) == (1, LiveEnd.TIME)


def test_what_is_ended_shows_nothing_more_and_ends_once():
    looking = Looking()
    looking.show(0.0)
    assert looking.view.end(LiveEnd.GONE)
    assert not looking.view.end(LiveEnd.TIME)
    looking.show(1.0)
    assert (len(looking.shown), looking.view.over) == (1, LiveEnd.GONE)


def test_what_the_policy_no_longer_allows_is_not_shown():
    looking = Looking()
    looking.allowed = False
    looking.show(0.0)
    assert looking.shown == []


def test_a_view_of_boxes_has_no_picture():
    looking = Looking(pictures=False)
    looking.show(0.0, [reading(0.0, box=FACE)])
    assert looking.shown[0]["picture"] is None
    assert looking.shown[0]["faces"][0]["box"] == [600.0, 200.0, 120.0, 120.0]


def test_a_fault_ends_the_view_and_leaves_the_camera_alone():
    looking = Looking()
    looking.show(0.0, image=np.zeros((4, 4, 3), np.uint8))
    looking.view._shown = None
    looking.show(1.0)
    assert looking.view.over is LiveEnd.FAULT


def test_every_face_is_hidden_however_it_was_found():
    found = Face(FACE, 0.9)
    ways = {
        "read": {"readings": [reading(0.0, box=FACE)]},
        "missed": {"missed": [Track("a", found, at(-5), at(-1))]},
        "unconfirmed": {"search": Search(at(0.0), (found,))},
        "lifeless": {"search": Search(at(0.0), (found,), (found,))},
    }
    for state, way in ways.items():
        looking = Looking()
        looking.show(0.0, **way)
        assert is_hidden(looking.picture()), state
        assert [face["state"] for face in looking.shown[0]["faces"]] == [state]
    looking = Looking()
    looking.show(0.0)
    assert not is_hidden(looking.picture()), "the test can tell"


def test_a_place_stays_hidden_for_a_while_after_a_face_was_there():
    looking = Looking()
    looking.show(0.0, [reading(0.0, box=FACE)])
    looking.show(STAYS_HIDDEN, [])
    assert is_hidden(looking.picture())
    looking.show(STAYS_HIDDEN + 0.5, [])
    assert not is_hidden(looking.picture())


def test_whoever_keeps_still_stays_hidden():
    """Nothing moves for a minute, so that nobody is searched for."""
    looking = Looking()
    looking.show(0.0, [reading(0.0, box=FACE)])
    for second in range(1, 50):
        looking.show(second, None)
        assert is_hidden(looking.picture())
        assert [face["state"] for face in looking.shown[-1]["faces"]] == ["read"]
    looking.show(50.0, [])
    assert is_hidden(looking.picture()), "also in the first frame in which they are not found again"


def test_a_frame_that_was_being_made_when_the_view_ended_is_not_shown():
    looking = Looking()
    make = looking.view._shown

    def made(*arguments):
        frame = make(*arguments)
        looking.view.end(LiveEnd.GONE)
        return frame

    looking.view._shown = made
    looking.show(0.0)
    assert looking.shown == []


def test_a_face_says_why_it_cannot_be_read_and_how_large_it_is():
    looking = Looking()
    small = Box(10.0, 10.0, 30.0, 32.0)
    good = reading(0.0, box=small)
    looking.show(0.0, [Reading("cam", "a", at(0.0), Quality(0.1, (QualityFault.TOO_SMALL,)), good.attributes, small)])
    (face,) = looking.shown[0]["faces"]
    assert (face["state"], face["faults"], face["pixels"]) == ("unreadable", ["too_small"], 30)
    assert 150 < face["brightness"] <= 255
    assert face["sharpness"] > 0.1, "noise is all edges"


def socket_of(folder):
    return folder / "state" / "control.sock"


def connected(folder):
    found = []

    def tried():
        with contextlib.suppress(ControlError):
            found.append(ControlClient([socket_of(folder)], timeout=60, patience=60))
        return found

    until(tried, timeout=90)
    return found[0]


def next_frame(client):
    return next(one for one in client.events() if one["event"] == "live")["live"]


def audits(seen):
    return [one.json for one in seen.of("/audit")]


def info(seen):
    return seen.of("/info")[-1].json["privacy"]


def test_somebody_looks_for_a_while_and_everybody_is_told(tmp_path, broker):
    config = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}}
    with Subscriber(broker) as seen, Daemon(tmp_path, config) as daemon:
        daemon.wait_for("camera front is online")
        with connected(tmp_path) as client, connected(tmp_path) as other:
            # what tells the state is loaded when somebody first asks
            other.ask("state")
            told = client.ask("live", camera="front", seconds=10, as_={"name": "ann", "role": "operator"})
            assert told["shows"] == "pixelated"
            assert told["needs"] == {"pixels": 48.0, "brightness": 40, "sharpness": 0.02}
            assert other.ask("state")["cameras"]["front"]["watchers"] == ["ann"]
            with pytest.raises(CommandError, match="ann looks at camera front already"):
                other.ask("live", camera="front", as_={"name": "bob", "role": "admin"})
            frames = list(itertools.takewhile(lambda one: one["event"] != "live_end", client.events()))
            frames = [one for one in frames if one["event"] == "live"]
            assert 5 < len(frames) <= 51, "five a second for ten seconds"
            for frame in frames:
                LiveFrame.model_validate(frame["live"])
                assert base64.b64decode(frame["live"]["picture"]).startswith(b"\xff\xd8")
            assert any(face["state"] == "read" for frame in frames for face in frame["live"]["faces"])
            assert other.ask("state")["cameras"]["front"]["watchers"] == []

            # the connection ends, and the view with it
            client.ask("live", camera="front", as_={"name": "ann", "role": "operator"})
        seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["fields"].get("why") == "gone")
        found = [(one["command"], one["actor"], one["via"], one["outcome"]) for one in audits(seen)]
        assert found == [
            ("live", "ann", "web", "done"),
            ("live", "bob", "web", "refused"),
            ("end_live", "ann", "web", "done"),
            ("live", "ann", "web", "done"),
            ("end_live", "ann", "web", "done"),
        ]
        assert audits(seen)[2]["fields"]["frames"] >= len(frames)
        assert audits(seen)[2]["fields"]["why"] == "time"
        looked = [m.json["privacy"]["sinks"]["control"] for m in seen.of("/info")]
        assert any("pictures" in one for one in looked), "info says so while somebody looks"
        until(lambda: "pictures" not in info(seen)["sinks"]["control"], timeout=30)
        assert info(seen)["live"] == "pixelated"
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output


@pytest.mark.parametrize(
    ("more", "who", "fields", "words"),
    [
        ({}, "viewer", {}, "needs the role operator"),
        ({"privacy": {"live": "never"}}, "admin", {}, "switched off in the config file"),
        ({"profile": "ward"}, "admin", {}, "switched off in the config file"),
        ({"privacy": {"events": "off"}}, "admin", {}, "switched off in the config file"),
        ({}, "admin", {"seconds": 61}, "seconds is not from 1 to 60"),
        ({}, "admin", {"camera": "back"}, "there is no camera 'back'"),
    ],
    ids=["viewer", "never", "ward", "events off", "too long", "no such camera"],
)
def test_it_is_refused(tmp_path, broker, more, who, fields, words):
    config = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}} | more
    with Subscriber(broker) as seen, Daemon(tmp_path, config) as daemon, connected(tmp_path) as client:
        daemon.wait_for("camera front is online")
        with pytest.raises(CommandError, match=words):
            client.ask("live", **({"camera": "front"} | fields), as_={"name": "ann", "role": who})
        told = seen.wait_for(lambda m: m.topic.endswith("/audit"))[0].json
        assert (told["command"], told["actor"]) == ("live", "ann")
        assert told["outcome"] in {"denied", "refused"}


def test_whoever_asks_for_no_picture_gets_numbers_alone(tmp_path, broker):
    config = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}}
    with Subscriber(broker) as seen, Daemon(tmp_path, config) as daemon, connected(tmp_path) as client:
        daemon.wait_for("camera front is online")
        told = client.ask("live", camera="front", picture=False, as_={"name": "ann", "role": "operator"})
        assert told["shows"] == "boxes"
        read = False
        while not read:
            frame = next_frame(client)
            assert frame["picture"] is None
            read = any(face["emotion"] for face in frame["faces"])
        assert client.ask("state")["cameras"]["front"]["watchers"] == ["ann"]
        client.ask("end_live")
        began, ended = seen.wait_for(lambda m: m.topic.endswith("/audit"), count=2)
        assert began.json["fields"] == {"camera": "front", "seconds": 60.0, "picture": False}
        assert ended.json["fields"]["why"] == "asked"
        looked = [m.json["privacy"]["sinks"]["control"] for m in seen.of("/info")]
        assert not any("pictures" in one for one in looked)


def test_ward_allows_it_where_the_config_file_says_so_and_no_command_does(tmp_path, broker):
    config = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}, "profile": "ward"}
    with Daemon(tmp_path / "a", config) as daemon, connected(tmp_path / "a") as client:
        daemon.wait_for("camera front is online")
        for command in ("set", "configure"):
            with pytest.raises(CommandError, match="can be set by command"):
                client.command(command, {"key": "privacy.live", "value": "pixelated"})
    # nor does whoever writes into the file of what was set by command
    (tmp_path / "a" / "state" / "settings.yaml").write_text("privacy: {live: pixelated}\n")
    with Daemon(tmp_path / "a", config) as daemon, connected(tmp_path / "a") as client:
        daemon.wait_for("set aside")
        with pytest.raises(CommandError, match="switched off"):
            client.ask("live", camera="front")
    with Daemon(tmp_path / "b", config | {"privacy": {"live": "boxes"}}) as daemon, connected(tmp_path / "b") as client:
        daemon.wait_for("camera front is online")
        assert client.ask("live", camera="front")["shows"] == "boxes"
        assert next_frame(client)["picture"] is None


def test_a_pause_and_a_restart_end_what_there_is_to_see(tmp_path, broker):
    config = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}}
    with Daemon(tmp_path, config) as daemon, connected(tmp_path) as client, connected(tmp_path) as other:
        daemon.wait_for("camera front is online")
        client.ask("live", camera="front")
        assert next_frame(client)
        zone = {"polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
        other.command("configure", {"key": "cameras.front.zones.all", "value": zone})
        assert next(one for one in client.events() if one["event"] == "live_end")["live_end"] == "restart"
        client.ask("live", camera="front")
        frame = next_frame(client)
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(frame["picture"]), np.uint8), cv2.IMREAD_COLOR)
        assert picture.max() < 8, "what the zone excludes is black"
        client.ask("end_live")
        other.command("pause", {})
        with pytest.raises(CommandError, match="is paused"):
            client.ask("live", camera="front")
